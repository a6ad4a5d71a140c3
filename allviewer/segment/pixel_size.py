"""Pixel size from the red cells, which nature makes of one size."""

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import density_table
from allviewer.segment.blocks import block_means
from allviewer.segment.desk import own_desk
from allviewer.segment.grid import disc
from allviewer.segment.survey import GATE, grounded, nuclear_contrast, survey
from allviewer.vocab.arrays import RGB, Mask
from allviewer.vocab.optics import RED_CELL_UM, UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource

ASSUMED_UM = 0.1
"""µm per pixel taken where nothing is known and no red cell can be measured: a 100x oil objective on a camera with
pixels of some 6 to 10 µm and the usual adapters lands between 0.06 and 0.13."""

NUCLEUS_UM2 = 60.0
"""Nuclear area of an ordinary white cell on a smear, between a small lymphocyte's 40 and a large blast's 100."""

FEWEST = 6
"""Red-cell arcs that must agree."""

LEAST_TURN = 1.9
"""Radians of a circle, about 110 degrees, that an arc of red-cell rim must span before its radius is believed."""

_LONGEST = 1000
_VIEW = 400_000
_GRAIN = 0.11
_FEW = 3
_LOBE_GAP = 0.18
_STEP = 4
_NOTCH = -0.12
_ROUGHNESS = 0.055
_LONGEST_OVAL = 1.5
_NARROWEST, _WIDEST = 12.0, 50.0


def red_cell_mask(rgb: RGB) -> tuple[Mask, Mask]:
    """Where red cells are, and where nuclear stain forbids to look.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.

    Returns
    -------
    Two (H, W) bool: stained above half the typical density, and the surroundings of nuclear stain.
    """
    found = survey(rgb)
    nothing = np.zeros(rgb.shape[:2], np.bool_)
    if not found.readable:
        return nothing, nothing.copy()
    table = density_table(found.white)[:, 1].copy()
    size, desk = rgb.shape[:2], own_desk()
    level = cv2.extractChannel(rgb, 1, dst=desk.array("within", size, np.uint8))
    plane = cv2.LUT(level, table, dst=desk.array("azure", size, np.float32))
    density = cv2.GaussianBlur(plane, (0, 0), 1.0, dst=desk.array("aside", size, np.float32))
    # A few rows say as much about the typical density as all of them.
    some = density[:: max(1, len(density) // 200)]
    stained = some[some > 0.06]
    if len(stained) < 25:
        return nothing, nothing.copy()
    typical = float(np.median(stained))
    smooth = cv2.GaussianBlur(density, (0, 0), 1.5, dst=desk.array("fine", size, np.float32))
    step = max(1, len(density) // 200)
    grain = np.abs(density[::step] - smooth[::step])
    if float(np.median(grain)) > _GRAIN * typical:
        return nothing, nothing.copy()
    red = density > max(0.5 * typical, 0.03)
    nuclear = cv2.GaussianBlur(nuclear_contrast(rgb, found), (0, 0), 1.5, dst=smooth) > GATE
    near = cv2.dilate(nuclear.view(np.uint8), np.ones((9, 9), np.uint8)).view(np.bool_)
    return red, near


@nb.njit(cache=True, nogil=True)
def _smoothed(points, width, out):  # type: ignore[no-untyped-def]
    """A closed contour's vertices averaged along it by a Gaussian of ``width`` vertices."""
    count, reach = len(points), int(np.ceil(3 * width))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    weights /= weights.sum()
    for i in range(count):
        x = y = 0.0
        for k in range(2 * reach + 1):
            j = i + k - reach
            while j < 0:
                j += count
            while j >= count:
                j -= count
            x += weights[k] * points[j, 0]
            y += weights[k] * points[j, 1]
        out[i, 0], out[i, 1] = x, y


@nb.njit(cache=True, nogil=True)
def _broken(points, barred, broken):  # type: ignore[no-untyped-def]
    """Mark the vertices that end an arc: barred ones, and those of a notch, where the contour turns the wrong way."""
    count = len(points)
    any_broken = False
    for i in range(count):
        a, b = (i - _STEP) % count, (i + _STEP) % count
        ux, uy = points[i, 0] - points[a, 0], points[i, 1] - points[a, 1]
        vx, vy = points[b, 0] - points[i, 0], points[b, 1] - points[i, 1]
        broken[i] = barred[i] or np.arctan2(ux * vy - uy * vx, ux * vx + uy * vy) < _NOTCH
        any_broken = any_broken or broken[i]
    return any_broken


@nb.njit(cache=True, nogil=True)
def _circle(points, first, last):  # type: ignore[no-untyped-def]
    """Least-squares circle through vertices first..last-1, counted round: radius, rms distance, length (Kåsa 1976)."""
    count, n = len(points), last - first
    mx = my = length = 0.0
    for i in range(first, last):
        k = i % count
        mx += points[k, 0] / n
        my += points[k, 1] / n
        if i > first:
            j = (i - 1) % count
            length += np.hypot(points[k, 0] - points[j, 0], points[k, 1] - points[j, 1])
    suu = svv = suv = suz = svz = 0.0
    for i in range(first, last):
        u, v = points[i % count, 0] - mx, points[i % count, 1] - my
        z = u * u + v * v
        suu, svv, suv, suz, svz = suu + u * u, svv + v * v, suv + u * v, suz + u * z, svz + v * z
    det = suu * svv - suv * suv
    if det <= 1e-9 * suu * svv or n < 3:
        return 0.0, 0.0, length
    cu, cv = (suz * svv - svz * suv) / (2 * det), (svz * suu - suz * suv) / (2 * det)
    radius = np.sqrt(cu * cu + cv * cv + (suu + svv) / n)
    away = 0.0
    for i in range(first, last):
        away += (np.hypot(points[i % count, 0] - mx - cu, points[i % count, 1] - my - cv) - radius) ** 2 / n
    return radius, np.sqrt(away), length


@nb.njit(cache=True, nogil=True)
def _arcs(points, barred, smooth, out):  # type: ignore[no-untyped-def]
    """Diameter and length of the arcs between notches and barred vertices, ends trimmed; -1 for a whole, unbroken rim.

    Writes into ``out`` (n, 2) while there is room and returns how many there are.
    """
    count, found = len(points), 0
    _smoothed(points, 2.5, smooth)
    broken = np.empty(count, np.bool_)
    if not _broken(smooth, barred, broken):
        return -1
    start = 0
    while not broken[start]:
        start += 1
    i = start + 1
    while i < start + count:
        first = i
        while i < start + count and not broken[i % count]:
            i += 1
        first, last = first + _STEP, i - _STEP
        i += 1
        if last - first < 12:
            continue
        radius, rough, length = _circle(smooth, first, last)
        if radius > 3 and length > LEAST_TURN * radius and rough < _ROUGHNESS * radius and found < len(out):
            # Contours run through the centres of the outermost pixels: half a pixel is missing all round.
            out[found, 0], out[found, 1] = 2 * radius + 1, length
            found += 1
    return found


def _whole_rim(points: NDArray[np.float64]) -> tuple[float, float]:
    """Diameter of the disc of a closed rim's area, and the rim's length; (0, 0) where it is not convex or too long.

    A whole rim may be oval: cells are, and area is what they keep.
    """
    ring = points.astype(np.float32).reshape(-1, 1, 2)
    area = cv2.contourArea(ring)
    _, (short, long), _ = cv2.minAreaRect(ring)
    convex = area > 0.95 * cv2.contourArea(cv2.convexHull(ring))
    if not (convex and short > 0 and long < _LONGEST_OVAL * short):
        return 0.0, 0.0
    return 2 * float(np.sqrt(area / np.pi)) + 1, float(cv2.arcLength(ring, True))


def red_cell_arcs(rgb: RGB) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Red-cell rims that can be measured, whole or where cells overlap.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.

    Returns
    -------
    diameters : (n,) float64 pixels, of the circles that fit the arcs.
    lengths : (n,) float64 pixels, of the arcs.

    Notes
    -----
    Rims turn one way along a cell and the other way in the notch where two cells overlap; so notches part them. The
    rim of the central pallor turns the wrong way all along and gives no arc.
    """
    if min(rgb.shape[:2]) < 32:
        return np.empty(0), np.empty(0)
    red, near = red_cell_mask(rgb)
    # Rims are not looked for along the image's edge.
    near[:2] = near[-2:] = near[:, :2] = near[:, -2:] = True
    contours, _ = cv2.findContours(red.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    arcs, found = np.empty((256, 2)), list[NDArray[np.float64]]()
    for contour in contours:
        if len(contour) < 24:
            continue
        # Counterclockwise outside, clockwise inside: the stained side is always on the same hand.
        points = contour[::-1, 0].astype(np.float64)
        barred = near[contour[::-1, 0, 1], contour[::-1, 0, 0]]
        smooth = np.empty_like(points)
        count = _arcs(points, barred, smooth, arcs)
        found.append(np.array([_whole_rim(smooth)]) if count < 0 else arcs[:count].copy())
    both = np.concatenate(found) if found else np.empty((0, 2))
    diameters, lengths = both[both[:, 0] > 0].T
    return diameters, lengths


def typical_diameter(diameters: NDArray[np.float64], lengths: NDArray[np.float64]) -> tuple[float, float] | None:
    """The diameter that most of the rim agrees on.

    Returns
    -------
    The diameter in pixels and how many whole rims agree on it; None where fewer than `FEWEST` arcs, or less than
    half of all rim, do.
    """
    use = diameters >= _NARROWEST
    sizes, weights = diameters[use], lengths[use]
    if len(sizes) < FEWEST:
        return None
    order = np.argsort(sizes, kind="stable")
    rising, rim = sizes[order], np.concatenate([[0.0], np.cumsum(weights[order])])
    within = rim[np.searchsorted(rising, sizes * 1.12, "right")] - rim[np.searchsorted(rising, sizes / 1.12)]
    centre = sizes[int(np.argmax(within))]
    agree = (sizes >= centre / 1.2) & (sizes <= centre * 1.2)
    if agree.sum() < FEWEST or weights[agree].sum() < 0.5 * weights.sum():
        return None
    middle = _weighted_median(sizes[agree], weights[agree])
    return middle, float(weights[agree].sum()) / (np.pi * middle)


def _nuclear_side(rgb: RGB) -> float | None:
    """Root of the nuclear area of the field's larger nucleated cells, pixels; None where nothing is nuclear."""
    found = survey(rgb)
    if not found.readable or min(rgb.shape[:2]) < 32:
        return None
    reduce = max(1, round((rgb.shape[0] * rgb.shape[1] / _VIEW) ** 0.5))
    size = (rgb.shape[1] // reduce, rgb.shape[0] // reduce)
    view = grounded(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if reduce > 1 else rgb, found)
    azure = cv2.GaussianBlur(nuclear_contrast(view, found), (0, 0), 1.0)
    mask = (azure > max(GATE, 0.5 * found.nucleus)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(mask)
    areas = np.bincount(labels.ravel())[1:]
    if len(areas) == 0:
        return None
    # Lobes are counted together: what lies within a fifth of the largest piece's side is one nucleus.
    reach = max(1, round(_LOBE_GAP * float(areas.max()) ** 0.5))
    framed = cv2.copyMakeBorder(mask, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, disc(reach))[reach:-reach, reach:-reach]
    _, labels = cv2.connectedComponents(closed)
    areas = np.bincount(labels.ravel(), weights=mask.ravel())[1:]
    middle = float(np.median(areas[areas >= 0.5 * areas.max()]))
    return float(middle**0.5 * reduce)


def assumed_pixel_size(rgb: RGB) -> float:
    """What to decide lengths by where the pixel size is unknown: an assumption, never reported as a measurement.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, a field or the crop of one cell at full resolution.

    Returns
    -------
    µm per pixel: the geometric mean of what the few red-cell rims say that there are, and of what the larger nuclei
    say, taken to have `NUCLEUS_UM2`; `ASSUMED_UM` where there is neither.
    """
    if rgb.size == 0:
        return ASSUMED_UM
    said = []
    diameters, lengths = red_cell_arcs(rgb) if max(rgb.shape[:2]) <= _LONGEST else (np.empty(0), np.empty(0))
    use = diameters >= _NARROWEST
    if use.sum() >= _FEW:
        said.append(RED_CELL_UM / _weighted_median(diameters[use], lengths[use]))
    side = _nuclear_side(rgb)
    if side is not None:
        said.append(NUCLEUS_UM2**0.5 / side)
    return float(np.clip(np.exp(np.mean(np.log(said))), 0.03, 1.0)) if said else ASSUMED_UM


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value below which half of all weight lies."""
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(share, 0.5))])


def _reduced(rgb: RGB, reduce: int, size: tuple[int, int]) -> RGB:
    """An image of ``size`` (w, h), about 1 / ``reduce`` as large."""
    if reduce == 1:
        return rgb
    if size == (rgb.shape[1] / reduce, rgb.shape[0] / reduce):
        return block_means(rgb, reduce)
    out: RGB = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return out


def estimate_pixel_size(rgb: RGB) -> PixelSize:
    """Pixel size from the diameter of the red cells.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, a field at full resolution.

    Returns
    -------
    `RED_CELL_UM` over the typical diameter, marked as an estimate; `UNKNOWN_PIXEL_SIZE` where too few red-cell rims
    agree on one.

    Notes
    -----
    Notches are told from roughness best where a red cell is 16 to 50 pixels wide, so the image is looked at in
    more than one size where the first does not show them so, and the size in which most rim agrees decides.
    """
    if rgb.size == 0:
        return UNKNOWN_PIXEL_SIZE
    first = max(1, round(max(rgb.shape[:2]) / _LONGEST))
    wide, best, um = 0.0, 0.0, None
    for reduce in (first, 2 * first, max(1, first // 2)):
        if best > 0 and (reduce < first or wide <= _WIDEST):
            continue
        size = (max(1, rgb.shape[1] // reduce), max(1, rgb.shape[0] // reduce))
        view = _reduced(rgb, reduce, size)
        found = typical_diameter(*red_cell_arcs(view))
        if found is not None and found[1] > best:
            wide, best, um = found[0], found[1], RED_CELL_UM / (found[0] * rgb.shape[1] / size[0])
    return PixelSize(um, PixelSizeSource.ESTIMATE) if um is not None and 0.01 <= um <= 2 else UNKNOWN_PIXEL_SIZE
