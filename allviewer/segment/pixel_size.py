"""Pixel size from the red cells, which nature makes of one size."""

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import optical_density
from allviewer.segment.survey import GATE, nuclear_contrast, survey
from allviewer.vocab.arrays import RGB, Mask
from allviewer.vocab.optics import RED_CELL_UM, UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource

ASSUMED_UM = 0.1
"""µm per pixel taken where nothing is known and no red cell can be measured: a 100x oil objective on a camera with
pixels of some 6 to 10 µm and the usual adapters lands between 0.06 and 0.13."""

FEWEST = 6
"""Red-cell arcs that must agree."""

LEAST_TURN = 1.9
"""Radians of a circle, about 110 degrees, that an arc of red-cell rim must span before its radius is believed."""

_LONGEST = 1400
_GRAIN = 0.15
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
    if not found.lit:
        return nothing, nothing
    density = cv2.GaussianBlur(optical_density(rgb, found.white)[..., 1], (0, 0), 1.0)
    stained = density[density > 0.06]
    if len(stained) < 100:
        return nothing, nothing
    typical = float(np.median(stained))
    grain = density - cv2.GaussianBlur(density, (0, 0), 3.0)
    if float(np.median(np.abs(grain))) > _GRAIN * typical:
        return nothing, nothing
    red = density > max(0.5 * typical, 0.03)
    nuclear = cv2.GaussianBlur(nuclear_contrast(rgb, found), (0, 0), 1.5) > GATE
    near = cv2.dilate(nuclear.view(np.uint8), np.ones((9, 9), np.uint8)).view(np.bool_)
    return red, near


def _circle(points: NDArray[np.float64]) -> tuple[float, float]:
    """Radius of the least-squares circle through points and the rms distance from it (Kåsa 1976)."""
    middle = points.mean(axis=0)
    centred = points - middle
    design = np.column_stack([2 * centred, np.ones(len(points))])
    solution, *_ = np.linalg.lstsq(design, (centred**2).sum(axis=1), rcond=None)
    radius = float(np.sqrt(max(solution[2] + solution[0] ** 2 + solution[1] ** 2, 0.0)))
    away = np.hypot(*(centred - solution[:2]).T) - radius
    return radius, float(np.sqrt(np.mean(away**2)))


def _arcs(contour: NDArray[np.float64], barred: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The stretches of a closed contour between its notches and barred points, ends trimmed."""
    count = len(contour)
    signal = contour[:, 0] + 1j * contour[:, 1]
    turns = np.fft.fftfreq(count)
    signal = np.fft.ifft(np.fft.fft(signal) * np.exp(-2 * (np.pi * turns * 2.5) ** 2))
    ahead = np.roll(signal, -_STEP) - signal
    behind = signal - np.roll(signal, _STEP)
    turn = np.angle(ahead * np.conj(behind))
    broken = (turn < _NOTCH) | barred
    smooth = np.column_stack([signal.real, signal.imag])
    if not broken.any():
        return [smooth]
    start = int(np.flatnonzero(broken)[0])
    smooth, broken = np.roll(smooth, -start, axis=0), np.roll(broken, -start)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], broken, [True]]).astype(np.int8)))
    return [smooth[a + _STEP : b - _STEP] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 4 * _STEP]


def _measured(arc: NDArray[np.float64]) -> tuple[float, float]:
    """Diameter and length of an arc, pixels; (0, 0) where it cannot be believed."""
    steps = np.hypot(*np.diff(arc, axis=0).T)
    length = float(steps.sum())
    if np.hypot(*(arc[0] - arc[-1])) <= 2:
        # A whole rim may be oval: the disc of equal area, where it is convex and not too long.
        ring = arc.astype(np.float32).reshape(-1, 1, 2)
        area = cv2.contourArea(ring)
        _, (short, long), _ = cv2.minAreaRect(ring)
        convex = area > 0.95 * cv2.contourArea(cv2.convexHull(ring))
        good = convex and short > 0 and long < _LONGEST_OVAL * short
        return (2 * float(np.sqrt(area / np.pi)) + 1, length) if good else (0.0, 0.0)
    radius, rough = _circle(arc)
    good = radius > 3 and length > LEAST_TURN * radius and rough < _ROUGHNESS * radius
    # Contours run through the centres of the outermost pixels: half a pixel is missing all round.
    return (2 * radius + 1, length) if good else (0.0, 0.0)


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
    rows, columns = red.shape
    contours, _ = cv2.findContours(red.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    diameters, lengths = [], []
    for contour in contours:
        if len(contour) < 24:
            continue
        # Counterclockwise outside, clockwise inside: the stained side is always on the same hand.
        points = contour[::-1, 0].astype(np.float64)
        x, y = contour[::-1, 0, 0], contour[::-1, 0, 1]
        barred = near[y, x] | (x < 2) | (y < 2) | (x >= columns - 2) | (y >= rows - 2)
        for arc in _arcs(points, barred):
            if len(arc) < 12:
                continue
            diameter, length = _measured(arc)
            if diameter > 0:
                diameters.append(diameter)
                lengths.append(length)
    return np.array(diameters), np.array(lengths)


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
    within = [float(weights[(sizes >= s / 1.12) & (sizes <= s * 1.12)].sum()) for s in sizes]
    centre = sizes[int(np.argmax(within))]
    agree = (sizes >= centre / 1.2) & (sizes <= centre * 1.2)
    if agree.sum() < FEWEST or weights[agree].sum() < 0.5 * weights.sum():
        return None
    order = np.argsort(sizes[agree])
    share = np.cumsum(weights[agree][order]) / weights[agree].sum()
    middle = float(sizes[agree][order][int(np.searchsorted(share, 0.5))])
    return middle, float(weights[agree].sum()) / (np.pi * middle)


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
        view = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if reduce > 1 else rgb
        found = typical_diameter(*red_cell_arcs(view))
        if found is not None and found[1] > best:
            wide, best, um = found[0], found[1], RED_CELL_UM / (found[0] * rgb.shape[1] / size[0])
    return PixelSize(um, PixelSizeSource.ESTIMATE) if um is not None and 0.01 <= um <= 2 else UNKNOWN_PIXEL_SIZE
