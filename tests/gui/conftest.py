"""A real window on a real (or virtual) screen; without any screen these tests skip and say so."""

import os
import time
from collections.abc import Callable

import numpy as np
import pytest

from allviewer.vocab.cells import CellTable, Outlines

os.environ.setdefault("QT_API", "pyside6")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
SCREEN = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/gui" in str(item.path).replace("\\", "/") and "needs_screen" in item.fixturenames and not SCREEN:
            item.add_marker(pytest.mark.skip(reason="there is no screen: run these under xvfb-run"))


@pytest.fixture(scope="session", autouse=True)
def own_settings(tmp_path_factory):
    """napari's settings and the user's folders of these tests are theirs alone."""
    home = tmp_path_factory.mktemp("home")
    os.environ["NAPARI_CONFIG"] = str(home / "napari.yaml")
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = str(home / name.lower())


@pytest.fixture(scope="session")
def qapp():
    """The application as napari makes it, with its icons."""
    from napari.qt import get_qapp

    return get_qapp()


@pytest.fixture
def needs_screen():
    """Marks what draws."""


@pytest.fixture
def wait(qtbot) -> Callable[..., None]:
    """Run the event loop until something is so; the message names what never came."""

    def until(asked: Callable[[], object], what: str = "", seconds: float = 30.0) -> None:
        qtbot.waitUntil(lambda: bool(asked()), timeout=int(seconds * 1000))

    return until


@pytest.fixture
def settle(qtbot) -> Callable[[float], None]:
    """Let the window live for a moment."""

    def live(seconds: float = 0.15) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            qtbot.wait(10)

    return live


def round_cells(centres, radius=20.0, corners=48, *, nuclei=True, first=1) -> CellTable:
    """Circles with circles in them, by arrays alone, so that 100,000 are made in a moment."""
    at = np.asarray(centres, np.float32).reshape(-1, 2)
    n = len(at)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    unit = np.stack([np.sin(turn), np.cos(turn)], -1).astype(np.float32)

    def rings(r: float) -> Outlines:
        points = (at[:, None] + unit * r).reshape(-1, 2).astype(np.float32)
        return Outlines(points, np.arange(n + 1, dtype=np.int64) * corners, np.arange(n, dtype=np.int64))

    none = Outlines(np.empty((0, 2), np.float32), np.zeros(1, np.int64), np.empty(0, np.int64))
    area = np.full(n, np.pi * radius**2, np.float32)
    box = np.concatenate([np.floor(at - radius), np.ceil(at + radius)], axis=1).astype(np.int32)
    return CellTable(
        np.arange(first, first + n), np.zeros(n, np.uint8), at, box, area, area / 4, np.zeros(n, bool),
        rings(radius), rings(radius / 2) if nuclei else none,
    )  # fmt: skip
