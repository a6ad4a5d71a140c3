"""Size and shape of closed outlines, exact for the polygon."""

from dataclasses import dataclass
from typing import Self

import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Shape:
    """One polygon, or several taken as one body.

    Attributes
    ----------
    area : squared units of the points.
    centroid : (y, x).
    perimeter : length of all rings.
    eccentricity : of the ellipse with the same second moments, 0 (circle) to 1 (line).
    solidity : area over the area of the convex hull of all rings, at most 1.
    convexity : perimeter of the convex hull over the perimeter, at most 1 for a single ring.
    """

    area: float
    centroid: tuple[float, float]
    perimeter: float
    eccentricity: float
    solidity: float
    convexity: float

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> Self:
        """The shape that `shape_kernel` wrote."""
        area, y, x, perimeter, eccentricity, solidity, convexity = numbers.tolist()
        return cls(area, (y, x), perimeter, eccentricity, solidity, convexity)


@nb.njit(cache=True, nogil=True)
def _moments(points, starts, sums):  # type: ignore[no-untyped-def]
    """Add up area and raw first and second moments (y, x, yy, xx, yx) about the first point, and the perimeter."""
    oy, ox = np.float64(points[0, 0]), np.float64(points[0, 1])
    for r in range(len(starts) - 1):
        ring = np.zeros(6)
        for i in range(starts[r], starts[r + 1]):
            j = i + 1 if i + 1 < starts[r + 1] else starts[r]
            y, x, v, u = points[i, 0] - oy, points[i, 1] - ox, points[j, 0] - oy, points[j, 1] - ox
            cross = y * u - v * x
            ring[0] += cross / 2
            ring[1] += (y + v) * cross / 6
            ring[2] += (x + u) * cross / 6
            ring[3] += (y * y + y * v + v * v) * cross / 12
            ring[4] += (x * x + x * u + u * u) * cross / 12
            ring[5] += (y * u + 2 * y * x + 2 * v * u + v * x) * cross / 24
            sums[6] += np.sqrt((v - y) ** 2 + (u - x) ** 2)
        # Positive whichever way round the ring runs.
        sign = -1.0 if ring[0] < 0 else 1.0
        for k in range(6):
            sums[k] += sign * ring[k]


@nb.njit(cache=True, nogil=True)
def _hull(points):  # type: ignore[no-untyped-def]
    """Area and perimeter of the convex hull, walked from hull point to hull point (Jarvis 1973)."""
    count, first = len(points), 0
    for i in range(count):
        lower = points[i, 0] < points[first, 0]
        if lower or (points[i, 0] == points[first, 0] and points[i, 1] < points[first, 1]):
            first = i
    area = around = 0.0
    at = first
    for _ in range(count):
        ay, ax = np.float64(points[at, 0]), np.float64(points[at, 1])
        to, ty, tx = -1, 0.0, 0.0
        for i in range(count):
            dy, dx = points[i, 0] - ay, points[i, 1] - ax
            if dy == 0 and dx == 0:
                continue
            turn = ty * dx - dy * tx
            if to < 0 or turn > 0 or (turn == 0 and dy * dy + dx * dx > ty * ty + tx * tx):
                to, ty, tx = i, dy, dx
        if to < 0:
            break
        by, bx = ay + ty, ax + tx
        area += (ay - points[first, 0]) * (bx - points[first, 1]) - (by - points[first, 0]) * (ax - points[first, 1])
        around += np.sqrt(ty * ty + tx * tx)
        at = to
        if points[at, 0] == points[first, 0] and points[at, 1] == points[first, 1]:
            break
    return abs(area) / 2, around


@nb.njit(cache=True, nogil=True)
def shape_kernel(points, starts, out):  # type: ignore[no-untyped-def]
    """Write the numbers of `Shape` in their order into ``out`` (7,), the centroid as two; leave it where no area is."""
    if len(points) == 0:
        return
    sums = np.zeros(7)
    _moments(points, starts, sums)
    area = sums[0]
    if area <= 0:
        return
    cy, cx = sums[1] / area, sums[2] / area
    syy, sxx, syx = sums[3] / area - cy * cy, sums[4] / area - cx * cx, sums[5] / area - cy * cx
    middle, spread = (syy + sxx) / 2, np.sqrt(((syy - sxx) / 2) ** 2 + syx * syx)
    hull, around = _hull(points)
    out[0], out[1], out[2], out[3] = area, cy + points[0, 0], cx + points[0, 1], sums[6]
    if middle > 0:
        out[4] = np.sqrt(max(0.0, 1 - max(0.0, middle - spread) / (middle + spread)))
    out[5] = min(1.0, area / max(hull, 1e-6))
    out[6] = min(1.0, around / max(sums[6], 1e-6))


def measure_shape(points: Floats, starts: Ints) -> Shape:
    """Shape of one or more closed rings taken as one body.

    Parameters
    ----------
    points : (n, 2) float32 (y, x), every ring's vertices one after another, not overlapping.
    starts : (rings + 1,) int64; ring r is ``points[starts[r]:starts[r + 1]]``, its first vertex not repeated.

    References
    ----------
    Steger, C. (1996). On the calculation of arbitrary moments of polygons. Technical report FGBV-96-05, TU München.
    Jarvis, R. A. (1973). On the identification of the convex hull of a finite set of points in the plane.
    Information Processing Letters 2, 18-21.
    """
    out = np.zeros(7)
    shape_kernel(points, starts, out)
    return Shape.of(out)
