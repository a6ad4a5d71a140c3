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


@pytest.fixture(scope="session")
def smear(tmp_path_factory):
    """A rendered smear as a file, with a dozen white cells."""
    from allviewer.synth import Scene, render, write_png

    scene = Scene(800, 1100, seed=5, um_per_px=0.16, stain="wright-giemsa", white_cells=12, smudges=0)
    path = tmp_path_factory.mktemp("smears") / "rendered.png"
    write_png(path, render(scene), scene)
    return path


@pytest.fixture(scope="session")
def large(smear):
    """The rendered smear laid out side by side until the engine cuts it into four tiles."""
    import tifffile
    from PIL import Image

    path = smear.parent / "large.tif"
    tifffile.imwrite(
        path, np.tile(np.asarray(Image.open(smear))[:, :, :3], (4, 3, 1)), photometric="rgb", tile=(512, 512)
    )
    return path


@pytest.fixture(scope="session")
def model_warm():
    """The bundled model, loaded once a process: every window of these tests uses it."""
    import allviewer.systems
    from allviewer.resources import DEFAULT_MODEL, resource
    from allviewer.systems import load_model

    model = load_model(DEFAULT_MODEL)
    its = (DEFAULT_MODEL, str(resource("models", f"{DEFAULT_MODEL}.safetensors")))

    def load(chosen: str, device: str = "auto", accepted=()) -> object:
        return model if chosen in its else load_model(chosen, device, accepted)

    patch = pytest.MonkeyPatch()
    patch.setattr(allviewer.systems, "load_model", load)
    yield model
    patch.undo()


@pytest.fixture
def make_window(needs_screen, qtbot, tmp_path, model_warm):
    """Windows of a test, closed at its end; what a window left running fails the test."""
    import threading

    from allviewer.gui.app import settle_napari
    from allviewer.gui.options import Options
    from allviewer.gui.window import MainWindow
    from allviewer.records import Study

    settle_napari()
    made = []
    before = set(threading.enumerate())

    def make(study=None, **options) -> MainWindow:
        path = study or tmp_path / "study.sqlite"
        window = MainWindow(Options(study=path, runs=options.pop("runs", None), **options), Study.open(path))
        made.append(window)
        window.show()
        window.qt.resize(1366, 768)
        with qtbot.waitActive(window.qt):  # keys go where the focus is
            window.qt.activateWindow()
        qtbot.wait(50)
        return window

    yield make
    for window in made:
        window.quit()
        qtbot.wait(20)
    end = time.monotonic() + 10
    while left := [t.name for t in threading.enumerate() if t not in before and t.name.startswith(OURS)]:
        assert time.monotonic() < end, f"these threads outlive their window: {left}"
        time.sleep(0.05)


OURS = ("opening", "analysis", "heat", "crop_", "lens")  # "crops_" are a loaded model's own, and end with it


@pytest.fixture
def window(make_window):
    """An empty window on a new study."""
    return make_window()


@pytest.fixture
def reviewed(window, smear, wait, settle):
    """A window on the rendered smear, analysed."""
    from allviewer.gui.fields import Phase

    window.open_paths([smear])
    wait(lambda: window.desk.current.phase is Phase.DONE, "the analysis")
    settle(0.1)
    return window
