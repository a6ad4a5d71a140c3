"""Cells on a grid, and predictions for them, made from plain arrays."""

from types import SimpleNamespace

import numpy as np
import pytest

from allviewer.vocab.cells import CellTable, Kind, Outlines
from allviewer.vocab.prediction import Prediction

TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
ROUND = np.stack([np.sin(TURN), np.cos(TURN)], axis=1)


def cells(centres, *, first=1, radius=15.0, ids=None, smudges=()):
    """Round cells at the given (y, x); ids from ``first``."""
    at = np.asarray(centres, np.float64).reshape(-1, 2)
    n = len(at)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (n,))[:, None]
    kind = np.zeros(n, np.uint8)
    kind[list(smudges)] = Kind.SMUDGE
    area = (np.pi * radii[:, 0] ** 2).astype(np.float32)
    return CellTable(
        np.arange(first, first + n) if ids is None else np.asarray(ids, np.int64),
        kind,
        at.astype(np.float32),
        np.concatenate([np.floor(at - radii), np.ceil(at + radii)], axis=1).astype(np.int32),
        area,
        area / 3,
        np.zeros(n, bool),
        Outlines.of([[ROUND * r + p] for p, r in zip(at, radii, strict=True)]),
        Outlines.of([[ROUND * r * 0.4 + p] for p, r in zip(at, radii, strict=True)]),
        {"roundness": np.ones(n, np.float32)},
    )


def grid(n, *, pitch=40.0, seed=0, **more):
    """n cells on a jittered grid that never touch."""
    side = int(np.ceil(np.sqrt(n)))
    at = np.stack(np.divmod(np.arange(n), side), axis=1) * pitch + pitch / 2
    return cells(at + np.random.default_rng(seed).uniform(-4, 4, (n, 2)), **more)


def prediction(blast, *, classes=("blast", "normal"), heat=None):
    """Probabilities of the first class; NaN: not classified."""
    p = np.asarray(blast, np.float32)
    boxes = np.tile(np.array([0, 0, 30, 30], np.float32), (len(p), 1))
    maps = None if heat is None else np.full((len(p), 2, 3, 3), heat, np.float16)
    return Prediction(classes, np.stack([p, 1 - p], axis=1), np.abs(p - 0.5) < 0.1, boxes, "model", maps)


@pytest.fixture
def make():
    return SimpleNamespace(cells=cells, grid=grid, prediction=prediction, round=ROUND)


@pytest.fixture
def heard():
    """Listen to a session's signals: name → list of what each emission brought."""

    def listen(session):
        said = SimpleNamespace(changed=[], grown=[], selection=[])
        session.changed.connect(lambda rows: said.changed.append(rows.tolist()))
        session.grown.connect(lambda rows: said.grown.append(rows.tolist()))
        session.selection.connect(said.selection.append)
        return said

    return listen


@pytest.fixture(scope="session")
def make_factory():
    """The same for property tests, which may not take a fixture made anew for each example."""
    return lambda: SimpleNamespace(cells=cells, grid=grid, prediction=prediction)
