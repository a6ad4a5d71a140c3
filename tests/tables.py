"""Random but lawful cell tables and predictions, for tests of what stores and writes them."""

import numpy as np

from allviewer.segment.dictionary import MEASUREMENTS
from allviewer.vocab.cells import CellTable, Outlines
from allviewer.vocab.prediction import Prediction


def circle(y: float, x: float, radius: float, vertices: int = 16) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    return np.stack([y + radius * np.sin(turn), x + radius * np.cos(turn)], -1).astype(np.float32)


def some_cells(n: int, seed: int = 0, *, side: float = 1000.0, lobes: int = 3) -> CellTable:
    rng = np.random.default_rng(seed)
    centre = rng.uniform(60, side - 60, (n, 2)).astype(np.float32)
    radius = rng.uniform(20, 40, n)
    cell, nucleus, box = [], [], []
    for (y, x), r in zip(centre, radius, strict=True):
        cell.append([circle(y, x, r, int(rng.integers(8, 40)))])
        parts = int(rng.integers(1, lobes + 1))
        nucleus.append([circle(y + r / 2 * (k - (parts - 1) / 2), x, r / 5) for k in range(parts)])
        box.append([y - r, x - r, y + r, x + r])
    names = [m.name for m in MEASUREMENTS]
    return CellTable(
        np.arange(1, n + 1), np.zeros(n, np.uint8), centre, np.round(np.reshape(box, (n, 4))).astype(np.int32),
        (np.pi * radius**2).astype(np.float32), (np.pi * radius**2 / 3).astype(np.float32), rng.random(n) < 0.1,
        Outlines.of(cell), Outlines.of(nucleus), {m: rng.random(n).astype(np.float32) for m in names},
    )  # fmt: skip


def some_prediction(cells: CellTable, seed: int = 0, *, heat: bool = True) -> Prediction:
    rng = np.random.default_rng(seed)
    n = len(cells)
    p = rng.random(n).astype(np.float32)
    centre = cells.centroid
    boxes = np.concatenate([centre - 100, centre + 100], axis=1).astype(np.float32)
    return Prediction(
        ("blast", "normal"), np.stack([p, 1 - p], -1), np.abs(p - 0.5) < 0.1, boxes, "m" * 64,
        rng.random((n, 2, 7, 7)).astype(np.float16) if heat else None,
        rng.random((n, 12)).astype(np.float16), rng.random(n) < 0.3,
    )  # fmt: skip
