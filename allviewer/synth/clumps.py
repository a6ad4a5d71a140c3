"""Clumps: cells that lie pressed against each other."""

from math import atan2, cos, hypot, pi, sin

import numpy as np
from numpy.random import Generator

from allviewer.synth.shapes import Blob

Spots = list[tuple[float, float, Blob]]

_PRESSED = (0.88, 0.95)  # distance of neighbours over that at which they would just touch
_DEEPEST = 0.86


def clump(rng: Generator, shapes: list[Blob]) -> Spots:
    """Centres (y, x) µm of the outlines, each pressed flat against one before it and deep into none."""
    placed: Spots = [(0.0, 0.0, shapes[0])]
    for shape in shapes[1:]:
        while True:
            v, u, other = placed[int(rng.integers(len(placed)))]
            angle = float(rng.uniform(0, 2 * pi))
            far = _reach(other, shape, angle) * float(rng.uniform(*_PRESSED))
            y, x = v + far * sin(angle), u + far * cos(angle)
            if all(hypot(y - v, x - u) > _DEEPEST * _reach(o, shape, atan2(y - v, x - u)) for v, u, o in placed):
                break
        placed.append((y, x, shape))
    return placed


def _reach(one: Blob, other: Blob, angle: float) -> float:
    """Distance (µm) at which two outlines touch along a direction from the one's centre to the other's."""
    dy, dx = np.array([sin(angle)], np.float32), np.array([cos(angle)], np.float32)
    return float(one.radius_at(dy, dx)[0] + other.radius_at(-dy, -dx)[0])


def extent(spots: Spots) -> tuple[tuple[float, float], tuple[float, float]]:
    """Least and greatest y, and x, µm."""
    return (
        (min(y - s.reach for y, _, s in spots), max(y + s.reach for y, _, s in spots)),
        (min(x - s.reach for _, x, s in spots), max(x + s.reach for _, x, s in spots)),
    )
