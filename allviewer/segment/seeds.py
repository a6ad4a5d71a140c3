"""Where nuclei are: one number for each nucleus or nuclear lobe, touching ones parted."""

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.reconstruct import h_maxima
from allviewer.segment.grid import Field, disc
from allviewer.segment.survey import GATE
from allviewer.segment.watershed import components, watershed
from allviewer.vocab.arrays import Floats, Grey, Labels, Mask

OF_PLATEAU = 0.5
"""A nucleus ends where the contrast falls to this part of its plateau: the half-height of a blurred edge."""

PLATEAU_UM = 2.2
"""Half the side of the square in which the plateau is looked for."""

DEPTH_UM = 0.5
"""How much deeper than the neck between them two parts must be to be told apart, where their common area is
`PAIR_UM2`; more for a smaller pair, less for a larger one, in inverse proportion."""

PAIR_UM2 = 130.0
"""Area of two ordinary nuclei side by side."""

DIP = 0.16
"""A seam paler than both sides by this part of them counts like a neck of `DEPTH_UM`."""

SMALLEST_UM2 = 1.5
"""Nuclear specks below this are dropped at once."""

_LEVELS_PER_UM = 20.0
_SHALLOWEST_UM = 0.15


def plateau(field: Field) -> Floats:
    """Contrast of the nearest nuclear plateau, (h, w) float32: the blurred maximum within `PLATEAU_UM`."""
    blurred = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.5)))
    side = 2 * max(1, round(field.px(PLATEAU_UM))) + 1
    out: Floats = cv2.dilate(blurred, np.ones((side, side), np.uint8))
    return out


def fine(field: Field) -> Floats:
    """Nuclear contrast with the pixel noise taken out, (h, w) float32: a Gaussian of 0.15 µm."""
    out: Floats = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.15)))
    return out


def nuclear_mask(field: Field) -> Mask:
    """Pixels above the absolute gate and above half the local plateau, opened by a disc of 0.4 µm."""
    mask = (fine(field) > np.maximum(GATE, OF_PLATEAU * plateau(field))).astype(np.uint8)
    opened: Grey = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(field.px(0.4)))
    return opened.view(np.bool_)


def fill_pores(mask: Mask, largest: float) -> Mask:
    """Fill holes of at most ``largest`` pixels: pale chromatin and nucleoli, not the eye of a ring nucleus."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).view(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= largest
    small[0] = False
    return mask | small[labels] if count > 1 else mask


@nb.njit(cache=True, nogil=True)
def _seams(labels, depth, azure, count, pairs, seam):  # type: ignore[no-untyped-def]
    """Seams between touching parts: numbers, greatest depth, summed contrast, length; and each part's own values.

    Returns how many seams there are and (count + 1, 3) of area, greatest depth, summed contrast of the inner half.
    """
    rows, columns = labels.shape
    parts = np.zeros((count + 1, 4))
    for y in range(rows):
        for x in range(columns):
            k = labels[y, x]
            if k:
                parts[k, 0] += 1
                parts[k, 1] = max(parts[k, 1], depth[y, x])
    found = 0
    for y in range(rows):
        for x in range(columns):
            a = labels[y, x]
            if a == 0:
                continue
            if depth[y, x] > 0.4 * parts[a, 1]:
                parts[a, 2] += azure[y, x]
                parts[a, 3] += 1
            for step in range(2):
                m, n = (y, x + 1) if step == 0 else (y + 1, x)
                if m >= rows or n >= columns or labels[m, n] == 0 or labels[m, n] == a:
                    continue
                i, j = min(a, labels[m, n]), max(a, labels[m, n])
                k = 0
                while k < found and not (pairs[k, 0] == i and pairs[k, 1] == j):
                    k += 1
                if k == len(pairs):
                    continue
                if k == found:
                    pairs[k, 0], pairs[k, 1] = i, j
                    found += 1
                seam[k, 0] = max(seam[k, 0], min(depth[y, x], depth[m, n]))
                seam[k, 1] += azure[y, x] + azure[m, n]
                seam[k, 2] += 2
    return found, parts


def _apart(one: NDArray[np.float64], other: NDArray[np.float64], seam: NDArray[np.float64], um: float) -> float:
    """How far apart two touching parts stand: 1 and more for two nuclei, less for one."""
    pair = (one[0] + other[0]) * um**2
    neck = (min(one[1], other[1]) - seam[0]) / DEPTH_UM * pair / PAIR_UM2
    inner = min(one[2] / max(one[3], 1), other[2] / max(other[3], 1))
    dip = (1 - seam[1] / max(seam[2], 1) / max(inner, 1e-6)) / DIP
    return float(neck + max(dip, 0.0) ** 2)


def part_clumps(mask: Mask, azure: Floats, um: float, lines: Mask | None = None) -> Labels:
    """Part touching nuclei where the clump narrows or pales.

    Every maximum of the distance to the rim, however shallow, is flooded first; then touching parts are joined,
    least apart first, as long as `_apart` calls them one nucleus.

    Parameters
    ----------
    mask : (h, w) bool nuclear mask.
    azure : (h, w) float32 nuclear contrast.
    um : micrometres per pixel.
    lines : (h, w) bool, lines already known to part nuclei; the distance is taken to them as to the rim.

    Returns
    -------
    (h, w) int32: the mask, numbered from 1.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    out: Labels = np.zeros(mask.shape, np.int32)
    named = 0
    for piece in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[piece])
        if area * um**2 < SMALLEST_UM2:
            continue
        # One pixel wider, except at the image's edge: where a nucleus is cut there is no rim to measure from.
        window = (slice(max(0, y - 1), y + h + 1), slice(max(0, x - 1), x + w + 1))
        own = labels[window] == piece
        parts = _part_piece(own, azure[window], um, None if lines is None else lines[window] & own)
        out[window][own] = np.where(parts > 0, parts + named, 0)[own]
        named += int(parts.max(initial=0))
    return out


def rim_distance(mask: Mask, um: float) -> Floats:
    """How deep inside a mask each pixel lies: smoothed distance to the rim, (h, w) float32 µm."""
    depth = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * um
    out: Floats = cv2.GaussianBlur(depth, (0, 0), max(0.5, 0.3 / um))
    return out


def _levels(depth: Floats) -> Grey:
    out: Grey = np.minimum(depth * _LEVELS_PER_UM, 255).astype(np.uint8)
    return out


def peaks(depth: Floats) -> Mask:
    """Maxima of `rim_distance`, however shallow: where flooding begins."""
    return h_maxima(_levels(depth), round(_SHALLOWEST_UM * _LEVELS_PER_UM))


def _part_piece(mask: Mask, azure: Floats, um: float, lines: Mask | None) -> Labels:
    """`part_clumps` for one 8-connected piece in its window."""
    inner = mask if lines is None else mask & ~lines
    if inner.all():
        return mask.astype(np.int32)
    smooth = rim_distance(inner, um)
    count, markers = components(peaks(smooth) & mask)
    if count < 2:
        return mask.astype(np.int32)
    labels = watershed(255 - _levels(smooth), markers, mask)
    room = 6 * count + 8
    pairs, seams = np.zeros((room, 2), np.int32), np.zeros((room, 3))
    found, parts = _seams(labels, smooth, azure, count, pairs, seams)
    seam_of = {(int(p[0]), int(p[1])): s for p, s in zip(pairs[:found], seams[:found], strict=True)}
    return _joined(labels, seam_of, parts, um)


def _joined(
    labels: Labels, seams: dict[tuple[int, int], NDArray[np.float64]], parts: NDArray[np.float64], um: float
) -> Labels:
    """Join touching parts, least apart first, until all that touch stand apart."""
    name = np.arange(len(parts), dtype=np.int32)
    apart = {pair: _apart(parts[pair[0]], parts[pair[1]], seam, um) for pair, seam in seams.items()}
    while apart:
        (i, j), least = min(apart.items(), key=lambda item: (item[1], item[0]))
        if least >= 1:
            break
        name[name == j] = i
        parts[i, 1] = max(parts[i, 1], parts[j, 1])
        parts[i, [0, 2, 3]] += parts[j, [0, 2, 3]]
        del seams[i, j], apart[i, j]
        for pair in [p for p in seams if i in p or j in p]:
            seam = seams.pop(pair)
            apart.pop(pair, None)
            other = pair[0] if pair[1] in (i, j) else pair[1]
            key = (min(i, other), max(i, other))
            if key in seams:
                both = seams[key]
                seam = np.array([max(seam[0], both[0]), seam[1] + both[1], seam[2] + both[2]])
            seams[key] = seam
        for pair in [p for p in seams if i in p]:
            apart[pair] = _apart(parts[pair[0]], parts[pair[1]], seams[pair], um)
    ranks = np.cumsum(np.bincount(name, minlength=len(name)) > 0) - 1
    out: Labels = ranks[name].astype(np.int32)[labels]
    return out


@nb.njit(cache=True, nogil=True)
def _sizes(labels, count):  # type: ignore[no-untyped-def]
    out = np.zeros(count + 1, np.int64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            out[labels[y, x]] += 1
    return out


def drop_specks(labels: Labels, smallest: float) -> Labels:
    """Remove numbers of fewer than ``smallest`` pixels and close the ranks."""
    count = int(labels.max(initial=0))
    keep = _sizes(labels, count) >= smallest
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0).astype(np.int32)[labels]


def nuclear_parts(field: Field) -> Labels:
    """Nuclei and nuclear lobes of a field, (h, w) int32 numbered from 1."""
    mask = fill_pores(nuclear_mask(field), field.area(6.0))
    return drop_specks(part_clumps(mask, fine(field), field.um), field.area(SMALLEST_UM2))
