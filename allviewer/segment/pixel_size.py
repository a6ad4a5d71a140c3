"""Pixel size from the red cells, which nature makes of one size."""

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import optical_density
from allviewer.segment.survey import DARKEST_WHITE, background
from allviewer.vocab.arrays import RGB
from allviewer.vocab.optics import RED_CELL_UM, UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource

ASSUMED_UM = 0.1
"""µm per pixel taken where nothing is known and no red cell can be measured: a 100x oil objective on a camera with
pixels of some 6 to 10 µm and the usual adapters lands between 0.06 and 0.13."""

FEWEST = 8
"""Red cells that must agree."""

_LONGEST = 1400


def red_cell_diameters(rgb: RGB) -> NDArray[np.float64]:
    """Diameters in pixels of the red cells that lie alone and whole.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.

    Returns
    -------
    (n,) float64 diameters of discs of equal area, for components of the stained foreground, holes filled, that are
    round and convex and do not touch the edge. White cells, few beside red ones, may be among them.
    """
    if min(rgb.shape[:2]) < 32:
        return np.empty(0)
    white = background(rgb)
    if max(white) < DARKEST_WHITE:
        return np.empty(0)
    density = cv2.GaussianBlur(optical_density(rgb, white)[..., 1], (0, 0), 1.0)
    stained = density[density > 0.06]
    if len(stained) < 100:
        return np.empty(0)
    level = 0.5 * float(np.median(stained))
    mask = (density > max(level, 0.03)).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rows, columns = mask.shape
    out = []
    for contour in contours:
        if len(contour) < 16:
            continue
        x, y, w, h = cv2.boundingRect(contour)
        if x == 0 or y == 0 or x + w == columns or y + h == rows:
            continue
        area = cv2.contourArea(contour)
        hull = cv2.contourArea(cv2.convexHull(contour))
        perimeter = cv2.arcLength(contour, True)
        if area < 0.93 * hull or max(w, h) > 1.35 * min(w, h) or 4 * np.pi * area < 0.75 * perimeter**2:
            continue
        # The contour runs through pixel centres: half a pixel is missing all round.
        out.append(2 * np.sqrt(area / np.pi) + 1)
    return np.array(out)


def _typical(diameters: NDArray[np.float64]) -> float | None:
    """The diameter that most of the stained area agrees on, or None where fewer than `FEWEST` cells do."""
    sizes = np.sort(diameters[diameters >= 7])
    if len(sizes) < FEWEST:
        return None
    weight = sizes**2
    within = [(np.sum(weight[(sizes >= s / 1.13) & (sizes <= s * 1.13)]), s) for s in sizes]
    centre = max(within)[1]
    agreeing = sizes[(sizes >= centre / 1.2) & (sizes <= centre * 1.2)]
    # A crowd of specks of one size is no crowd of red cells: most of the stained area must agree.
    if len(agreeing) < FEWEST or np.sum(agreeing**2) < 0.5 * np.sum(weight):
        return None
    return float(np.median(agreeing))


def estimate_pixel_size(rgb: RGB) -> PixelSize:
    """Pixel size from the diameter of the red cells.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, a field at full resolution.

    Returns
    -------
    `RED_CELL_UM` over the typical diameter, marked as an estimate; `UNKNOWN_PIXEL_SIZE` where fewer than `FEWEST`
    lone red cells agree on a size.
    """
    if rgb.size == 0:
        return UNKNOWN_PIXEL_SIZE
    reduce = max(1, round(max(rgb.shape[:2]) / _LONGEST))
    view = rgb
    if reduce > 1:
        size = (max(1, rgb.shape[1] // reduce), max(1, rgb.shape[0] // reduce))
        view = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    diameter = _typical(red_cell_diameters(view))
    if reduce > 1 and (diameter is None or diameter < 14):
        diameter, reduce = _typical(red_cell_diameters(rgb)), 1
    if diameter is None:
        return UNKNOWN_PIXEL_SIZE
    um = RED_CELL_UM / (diameter * reduce)
    return PixelSize(um, PixelSizeSource.ESTIMATE) if 0.01 <= um <= 2 else UNKNOWN_PIXEL_SIZE
