"""Nuclei by class: shape as a distance, chromatin as an amount.

Morphology after Bain, Blood Cells (5th ed. 2015), chapters 2, 3 and 9: blasts with fine chromatin and little cytoplasm,
lymphocytes small and dense, segmented granulocytes with strands, kidney-shaped monocytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from typing import Protocol

import numpy as np
from numpy.random import Generator

from allviewer.synth.shapes import blob, capsule, disc, ellipse, join, soft_cover, within
from allviewer.vocab.arrays import Floats


class Sheet(Protocol):
    """What a nucleus is drawn on: offsets from the cell's centre in µm, noise, and a generator."""

    @property
    def dy(self) -> Floats:
        """(h, w) µm below the centre."""

    @property
    def dx(self) -> Floats:
        """(h, w) µm right of the centre."""

    @property
    def rng(self) -> Generator:
        """The cell's own generator."""

    def texture(self, grain_um: float) -> Floats:
        """(h, w) noise with grains of that size."""


@dataclass(frozen=True, slots=True, eq=False)
class Nucleus:
    """A nucleus on its sheet.

    Attributes
    ----------
    distance : (h, w) float32 µm, positive inside.
    chromatin : (h, w) float32 amount, about 1.
    blue : (h, w) float32 amount of basophilia (nucleoli), or None.
    """

    distance: Floats
    chromatin: Floats
    blue: Floats | None = None


def _blast(sheet: Sheet, radius: float, cell: Floats) -> Nucleus:
    """Large, round to indented, to one side; fine even chromatin, at times one to three nucleoli."""
    rng = sheet.rng
    share = rng.uniform(0.86, 0.97)
    angle = rng.uniform(0, 2 * pi)
    shift = radius * (1 - share) * rng.uniform(0.4, 0.95)
    oy, ox = shift * sin(angle), shift * cos(angle)
    dy, dx = sheet.dy - np.float32(oy), sheet.dx - np.float32(ox)
    shape = blob(rng, radius * share, 0.05, 0.02)
    distance = shape.radius_at(dy, dx) - np.hypot(dy, dx)
    if rng.random() < 0.4:
        # an indentation on the side where the cytoplasm is widest
        bite = rng.uniform(0.25, 0.6) * radius
        reach = share * radius + bite * rng.uniform(0.35, 0.8)
        turn = angle + pi + rng.normal(0, 0.4)
        at = (oy + reach * sin(turn), ox + reach * cos(turn))
        distance = within(distance, -disc(sheet.dy, sheet.dx, at, bite), 0.5)
    net = np.clip(np.abs(sheet.texture(0.34)) - 0.6, -0.6, 0.9)  # fine threads around paler meshes
    distance = distance + np.float32(0.09) * sheet.texture(0.7)
    fine = 0.17 * net + 0.12 * sheet.texture(0.2) + 0.11 * sheet.texture(1.0)
    chromatin = np.float32(rng.uniform(0.74, 1.14)) * (1 + fine)
    chromatin = chromatin * (1 - np.float32(0.35) * np.clip(sheet.texture(0.26) - 2.0, 0, 1))
    blue = np.zeros_like(distance)
    for _ in range(int(rng.choice([0, 0, 1, 1, 2, 3]))):
        turn, far = rng.uniform(0, 2 * pi), radius * share * 0.6 * rng.random() ** 0.5
        spot = disc(dy, dx, (far * sin(turn), far * cos(turn)), rng.uniform(0.5, 0.95))
        inside = soft_cover(spot, 0.16)
        chromatin = chromatin * (1 - np.float32(0.22) * inside)
        blue = np.maximum(blue, np.float32(0.22) * inside)
    return Nucleus(distance, np.clip(chromatin, 0.2, 2), blue)


def _lymphocyte(sheet: Sheet, radius: float, cell: Floats) -> Nucleus:
    """Small, round, dense, in smudged blocks."""
    rng = sheet.rng
    share = rng.uniform(0.80, 0.93)
    angle, shift = rng.uniform(0, 2 * pi), radius * (1 - share) * rng.uniform(0.3, 0.95)
    dy, dx = sheet.dy - np.float32(shift * sin(angle)), sheet.dx - np.float32(shift * cos(angle))
    shape = blob(rng, radius * share, 0.05, 0.02)
    distance = shape.radius_at(dy, dx) - np.hypot(dy, dx)
    distance = distance + np.float32(0.10) * sheet.texture(0.7)
    blocks = np.tanh(1.3 * sheet.texture(0.55))
    chromatin = np.float32(rng.uniform(1.12, 1.38)) * (1 + 0.17 * blocks + 0.08 * sheet.texture(0.2))
    return Nucleus(distance, np.clip(chromatin, 0.3, 2.2))


def _clotted(sheet: Sheet, level: float) -> Floats:
    """Coarse, dark, with paler gaps: a mature granulocyte's chromatin."""
    blocks = np.tanh(1.5 * sheet.texture(0.42))
    out: Floats = np.clip(np.float32(level) * (1 + 0.24 * blocks + 0.08 * sheet.texture(0.18)), 0.3, 2.2)
    return out


def _lobes(sheet: Sheet, radius: float, count: int, size: float, strand: tuple[float, float]) -> Floats:
    """``count`` lobes along an arc, each joined to the next by a strand of half width ``strand`` µm."""
    rng = sheet.rng
    step = rng.uniform(0.95, 1.25) * min(1.5, 4.6 / count)
    start, turn = rng.uniform(0, 2 * pi), 1 if rng.random() < 0.5 else -1
    spots = []
    for k in range(count):
        angle = start + turn * (k * step + rng.normal(0, 0.12))
        far = radius * rng.uniform(0.40, 0.54)
        spots.append((far * sin(angle), far * cos(angle), angle))
    distance = np.full_like(sheet.dy, -1e3)
    for y, x, angle in spots:
        long = radius * size * rng.uniform(0.95, 1.3)
        short = radius * size * rng.uniform(0.72, 0.98)
        lobe = ellipse(sheet.dy, sheet.dx, (y, x), long, short, angle + pi / 2 + rng.normal(0, 0.5))
        distance = join(distance, lobe, 0.25)
    for a, b in pairwise(spots):
        band = capsule(sheet.dy, sheet.dx, a[:2], b[:2], rng.uniform(*strand))
        distance = join(distance, band, 0.3)
    return distance + np.float32(0.15) * sheet.texture(0.8)


def _neutrophil(sheet: Sheet, radius: float, cell: Floats) -> Nucleus:
    """Two to five lobes on thin strands, or a band."""
    count = int(sheet.rng.choice([2, 3, 4, 5], p=[0.2, 0.4, 0.3, 0.1]))
    strand = (0.9, 1.6) if sheet.rng.random() < 0.3 else (0.2, 0.5)
    size = {2: 0.36, 3: 0.31, 4: 0.27, 5: 0.245}[count]
    return Nucleus(_lobes(sheet, radius, count, size, strand), _clotted(sheet, 1.36))


def _eosinophil(sheet: Sheet, radius: float, cell: Floats) -> Nucleus:
    """Two, seldom three, rounded lobes."""
    count = 2 if sheet.rng.random() < 0.8 else 3
    return Nucleus(_lobes(sheet, radius, count, 0.36 if count == 2 else 0.3, (0.25, 0.6)), _clotted(sheet, 1.25))


def _monocyte(sheet: Sheet, radius: float, cell: Floats) -> Nucleus:
    """A kidney or horseshoe: a thick bent band of ropy, rather loose chromatin."""
    rng = sheet.rng
    start, arc = rng.uniform(0, 2 * pi), rng.uniform(1.3, 3.3)
    far, thick = radius * rng.uniform(0.34, 0.46), radius * rng.uniform(0.40, 0.50)
    at = [
        (far * sin(start + arc * t) - 0.12 * radius * sin(start + arc / 2),
         far * cos(start + arc * t) - 0.12 * radius * cos(start + arc / 2))
        for t in np.linspace(0, 1, 6)
    ]  # fmt: skip
    distance = np.full_like(sheet.dy, -1e3)
    for k, (a, b) in enumerate(pairwise(at)):
        distance = join(distance, capsule(sheet.dy, sheet.dx, a, b, thick * (1 - 0.06 * abs(k - 2))), 0.3)
    distance = distance + np.float32(0.16) * sheet.texture(1.2)
    ropes = np.abs(sheet.texture(0.5))
    chromatin = np.float32(rng.uniform(0.85, 1.0)) * (1.10 - 0.20 * ropes + 0.10 * sheet.texture(0.22))
    return Nucleus(distance, np.clip(chromatin, 0.3, 2))


NUCLEI: Mapping[str, Callable[[Sheet, float, Floats], Nucleus]] = {
    "blast": _blast,
    "lymphocyte": _lymphocyte,
    "neutrophil": _neutrophil,
    "monocyte": _monocyte,
    "eosinophil": _eosinophil,
}
"""Class → ``draw(sheet, cell radius in µm, distance to the cell's outline)``."""
