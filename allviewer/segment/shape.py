"""Size and shape of closed outlines, exact for the polygon."""

from dataclasses import dataclass

import cv2
import numpy as np

from allviewer.vocab.arrays import Floats


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


NOTHING = Shape(0.0, (0.0, 0.0), 0.0, 0.0, 0.0, 0.0)


def _moments(ring: Floats) -> tuple[float, float, float, float, float, float]:
    """Area and the raw first and second moments (y, x, yy, xx, yx) by Green's theorem, positive whichever way round."""
    y, x = ring[:, 0].astype(np.float64), ring[:, 1].astype(np.float64)
    v, u = np.roll(y, -1), np.roll(x, -1)
    cross = y * u - v * x
    area = cross.sum() / 2
    sign = -1.0 if area < 0 else 1.0
    my, mx = ((y + v) * cross).sum() / 6, ((x + u) * cross).sum() / 6
    myy = ((y * y + y * v + v * v) * cross).sum() / 12
    mxx = ((x * x + x * u + u * u) * cross).sum() / 12
    myx = ((y * u + 2 * y * x + 2 * v * u + v * x) * cross).sum() / 24
    values = sign * np.array([area, my, mx, myy, mxx, myx])
    return tuple(float(m) for m in values)  # type: ignore[return-value]


def measure_shape(rings: list[Floats]) -> Shape:
    """Shape of one or more closed rings taken as one body.

    Parameters
    ----------
    rings : (k, 2) float32 (y, x) each, first vertex not repeated, not overlapping.

    References
    ----------
    Steger, C. (1996). On the calculation of arbitrary moments of polygons. Technical report FGBV-96-05, TU München.
    """
    rings = [r for r in rings if len(r) >= 3]
    if not rings:
        return NOTHING
    origin = rings[0][0].astype(np.float64)
    area, my, mx, myy, mxx, myx = np.sum([_moments((r - origin).astype(np.float32)) for r in rings], axis=0)
    if area <= 0:
        return NOTHING
    cy, cx = my / area, mx / area
    syy, sxx, syx = myy / area - cy * cy, mxx / area - cx * cx, myx / area - cy * cx
    middle, spread = (syy + sxx) / 2, float(np.hypot((syy - sxx) / 2, syx))
    eccentricity = float(np.sqrt(max(0.0, 1 - max(0.0, middle - spread) / (middle + spread)))) if middle > 0 else 0.0
    perimeter = sum(float(cv2.arcLength(r.reshape(-1, 1, 2), True)) for r in rings)
    hull = cv2.convexHull(np.concatenate(rings).reshape(-1, 1, 2))
    around = float(cv2.arcLength(hull, True))
    return Shape(
        float(area), (float(cy + origin[0]), float(cx + origin[1])), perimeter, eccentricity,
        min(1.0, float(area) / max(float(cv2.contourArea(hull)), 1e-6)), min(1.0, around / max(perimeter, 1e-6)),
    )  # fmt: skip
