"""Red cells: where they lie, block by block, and how thick each is."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from allviewer.synth.scene import Scene
from allviewer.synth.shapes import blob, soft_cover, within
from allviewer.vocab.arrays import Floats
from allviewer.vocab.optics import RED_CELL_UM

BLOCK_UM = 24.0
"""Side of the squares in which red cells are proposed; wider than any spacing between them."""
_WIDTH_CV = 0.065  # of diameters; a normal red-cell distribution width is 11 to 14 % of the volume
_CANDIDATES = 5.0  # proposals per disc of the least distance: almost no gap is left that another cell would fit


@dataclass(frozen=True, slots=True)
class RedCell:
    """One red cell: centre in pixels, mean diameter in µm, and what seeds its look."""

    y: float
    x: float
    diameter: float
    key: tuple[int, int, int]


Proposals = NDArray[np.float64]
"""(n, 4): y and x in µm, rank in [0, 1) (lower wins), least distance to a winner in µm."""


def propose(scene: Scene, row: int, col: int) -> Proposals:
    """Proposals of one block. The least distance swells and shrinks slowly over the smear."""
    rng = scene.rng(21, row, col)
    spacing = scene.red_spacing * RED_CELL_UM
    count = rng.poisson(_CANDIDATES * BLOCK_UM**2 / (pi * spacing**2))
    y, x = (np.array([[row], [col]]) + rng.random((2, count))) * BLOCK_UM
    waves = scene.rng(20).uniform(0, 1, (5, 3))
    crowd = np.zeros(count)
    for direction, phase, length in waves:
        turn = 2 * pi * direction
        crowd += np.sin(2 * pi * ((y * sin(turn) + x * cos(turn)) / (50 + 110 * length) + phase))
    near = spacing * np.clip(1 + 0.085 * crowd, 0.85, 1.6)
    return np.stack([y, x, rng.random(count), near], axis=1)


def settle(scene: Scene, row: int, col: int, around: Proposals) -> list[RedCell]:
    """The red cells of one block: proposals that outrank all others close by, and cells lying half over them.

    Parameters
    ----------
    scene : what is rendered.
    row, col : the block.
    around : proposals of the block and its eight neighbours, the block's own first.

    Notes
    -----
    Keeping a point only if it has the lowest rank within its distance is Matérn's second hard-core process: unlike
    sequential packing it needs no more than a neighbourhood, so any part of the smear can be rendered alone.
    """
    own = np.flatnonzero((np.floor(around[:, :2] / BLOCK_UM) == (row, col)).all(axis=1))
    gap2 = ((around[own, None, :2] - around[None, :, :2]) ** 2).sum(axis=2)
    beaten = (gap2 < around[own, None, 3] ** 2) & (around[None, :, 2] < around[own, None, 2])
    cells: list[RedCell] = []
    rng = scene.rng(22, row, col)
    for y, x, _, _ in around[own[~beaten.any(axis=1)]]:
        turn = rng.uniform(0, 2 * pi)
        while True:
            diameter = _diameter(rng)
            cells.append(RedCell(y / scene.um_per_px, x / scene.um_per_px, diameter, (row, col, len(cells))))
            if rng.random() >= scene.rouleaux:
                break
            step = diameter * rng.uniform(0.4, 0.88)
            turn += rng.normal(0, 0.5)
            y, x = y + step * sin(turn), x + step * cos(turn)
    return cells


def _diameter(rng: Generator) -> float:
    return float(np.clip(rng.normal(RED_CELL_UM, _WIDTH_CV * RED_CELL_UM), 5.6, 9.4))


@dataclass(frozen=True, slots=True, eq=False)
class Disc:
    """A drawn red cell: where its grid begins in the image, haemoglobin, and the bright fringe beside its edge."""

    y0: int
    x0: int
    haemoglobin: Floats
    fringe: Floats


def draw_red(scene: Scene, cell: RedCell) -> Disc:
    """Draw one red cell: smooth outline, rim, pallor; a few are crenated, drawn out, or flat."""
    rng = scene.rng(23, *cell.key)
    um, half = scene.um_per_px, 0.85 * cell.diameter / scene.um_per_px + 2
    y0, x0 = int(np.floor(cell.y - half)), int(np.floor(cell.x - half))
    ys = (np.arange(y0, int(np.ceil(cell.y + half)) + 1) + 0.5 - cell.y).astype(np.float32) * np.float32(um)
    xs = (np.arange(x0, int(np.ceil(cell.x + half)) + 1) + 0.5 - cell.x).astype(np.float32) * np.float32(um)
    dy, dx = np.meshgrid(ys, xs, indexing="ij")
    odd = rng.random()
    shape = blob(rng, cell.diameter / 2, 0.12 if odd < 0.06 else 0.05, 0.03 if odd > 0.12 else 0.06)
    radius = shape.radius_at(dy, dx)
    if odd > 0.985:
        # crenated: short regular spikes
        angle, spikes = np.arctan2(dy, dx), int(rng.integers(9, 14))
        radius = radius * (1 + 0.045 * np.cos(spikes * angle + rng.uniform(0, 6)))
    distance = radius - np.hypot(dy, dx)
    if odd > 0.65:
        # dried against a neighbour: one or two sides flatter
        for angle in rng.uniform(0, 2 * pi, int(rng.integers(1, 3))):
            far = np.float32(0.5 * cell.diameter * rng.uniform(0.86, 0.97))
            distance = within(distance, far - dy * np.float32(sin(angle)) - dx * np.float32(cos(angle)), 0.6)
    edge = soft_cover(distance, max(0.07, 0.3 * um))
    # thickness: a biconcave disc in projection, its dimple a little off centre
    tilt = rng.normal(0, 0.35, 2)
    dimple = np.hypot(dy - np.float32(tilt[0]), dx - np.float32(tilt[1])) / (0.5 * cell.diameter)
    width, steep = rng.uniform(0.32, 0.56), rng.uniform(3, 9)
    pallor = np.clip(rng.normal(0.50, 0.22), 0.0, 0.85)
    thick = 1 - np.float32(pallor) * np.exp(-((dimple / np.float32(width)) ** np.float32(steep)))
    thick *= 1 + 0.14 * np.exp(-(((distance - 0.35) / np.float32(0.35)) ** 2))
    amount = np.float32(np.clip(rng.normal(1.0, 0.07), 0.75, 1.3)) * edge * thick
    fringe = np.exp(-(((distance + np.float32(0.27)) / np.float32(0.18)) ** 2))
    return Disc(y0, x0, amount.astype(np.float32), fringe.astype(np.float32))
