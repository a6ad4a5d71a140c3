"""Part touching nuclei: flood the distance to the rim, then join what is one nucleus, all in compiled loops."""

import cv2
import numba as nb
import numpy as np

from allviewer.segment.bits import Bits, packed
from allviewer.segment.regions import boxes, by_number, numbered, rows_of
from allviewer.vocab.arrays import Floats, Labels, Mask

DEPTH_UM = 0.5
"""How much deeper than the neck between them two parts must be to be told apart, where their common area is
`PAIR_UM2`; more for a smaller pair, less for a larger one, in inverse proportion."""

PAIR_UM2 = 130.0
"""Area of two ordinary nuclei side by side."""

DIP = 0.16
"""A seam paler than both sides by this part of them counts like a neck of `DEPTH_UM`."""

SMALLEST_UM2 = 1.5
"""Nuclear specks below this are dropped at once."""

SHALLOWEST_UM = 0.19
"""A top that rises less than this above the pass to a higher one is none."""

CONVEX = 0.97
"""A piece that fills this part of its convex hull is not flooded: two discs fill so much only where their centres
are less than 1.2 radii apart, and nuclei press each other flat rather than overlap so far."""

_LEVELS_PER_UM = 50.0
_DEEPEST = 4095
_INNER = 0.4


def rim_distance(mask: Mask, um: float) -> Floats:
    """How deep inside a mask each pixel lies: smoothed distance to the rim, (h, w) float32 µm."""
    depth = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    out: Floats = cv2.GaussianBlur(depth, (0, 0), max(0.5, 0.3 / um))
    out *= np.float32(um)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _fills(first, last, size):  # type: ignore[no-untyped-def]
    """How much of its convex hull a piece fills, given the ends of its rows: about 1 for a disc of any size."""
    rows = len(first)
    # Andrew's monotone chain, from the leftmost pixels down and the rightmost up: rows are sorted already.
    hull = np.empty((2 * rows + 2, 2), np.float64)
    held = 0
    for side in range(2):
        start = held
        for step in range(rows):
            y = step if side == 0 else rows - 1 - step
            found = first[y] if side == 0 else last[y] - 1
            while held - start >= 2:
                ay, ax = hull[held - 1, 0] - hull[held - 2, 0], hull[held - 1, 1] - hull[held - 2, 1]
                by, bx = y - hull[held - 1, 0], found - hull[held - 1, 1]
                if ax * by - ay * bx < 0:
                    break
                held -= 1
            hull[held, 0], hull[held, 1] = y, found
            held += 1
    area, around = 0.0, 0.0
    for k in range(held):
        n = k + 1 if k + 1 < held else 0
        area += hull[k, 1] * hull[n, 0] - hull[n, 1] * hull[k, 0]
        around += np.hypot(hull[n, 0] - hull[k, 0], hull[n, 1] - hull[k, 1])
    return size / (abs(area) / 2 + around / 2 + 1)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _pieces(bits):  # type: ignore[no-untyped-def]
    """8-connected pieces: their runs one piece after the other, where each one's begin, boxes, areas, `_fills`."""
    found, count = numbered(bits, 1)
    box, fills = boxes(found, count), np.zeros(count + 1)
    start, first, last, area = rows_of(found, box)
    for k in range(1, count + 1):
        a, b = start[k], start[k + 1]
        fills[k] = _fills(first[a:b], last[a:b], area[k])
    ordered, at = by_number(found, count)
    return ordered, at, box, area, fills


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _root(parent, k):  # type: ignore[no-untyped-def]
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _downhill(level, mask):  # type: ignore[no-untyped-def]
    """Flat positions of the mask's pixels, highest level first, those of one level in raster order."""
    start = np.zeros(_DEEPEST + 2, np.int32)
    for y in range(level.shape[0]):
        for x in range(level.shape[1]):
            if mask[y, x]:
                start[_DEEPEST - level[y, x] + 1] += 1
    for v in range(1, _DEEPEST + 2):
        start[v] += start[v - 1]
    order = np.empty(start[_DEEPEST + 1], np.int32)
    for y in range(level.shape[0]):
        for x in range(level.shape[1]):
            if mask[y, x]:
                at = _DEEPEST - level[y, x]
                # A frame of one pixel lies around what is flooded.
                order[start[at]] = (y + 1) * (level.shape[1] + 2) + x + 1
                start[at] += 1
    return order


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _basins(depth, mask, shallowest, per_um):  # type: ignore[no-untyped-def]
    """Hills of a depth map, flooded from their tops down; a hill that rises too little above its pass joins the higher.

    Returns (h, w) int32 numbered from 1, and how many.
    """
    rows, columns = depth.shape
    level = np.minimum(depth * np.float32(per_um), np.float32(_DEEPEST)).astype(np.int32)
    order = _downhill(level, mask)
    wide = columns + 2
    flooded = np.zeros((rows + 2) * wide, np.int32)
    parent, top = np.zeros(len(order) + 1, np.int32), np.zeros(len(order) + 1, np.int32)
    around = (-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1)
    count = 0
    for i in order:
        first, several = 0, False
        for step in around:
            k = flooded[i + step]
            if k != 0:
                several = several or (first != 0 and k != first)
                first = k
        here = level[i // wide - 1, i % wide - 1]
        if first == 0:
            count += 1
            parent[count], top[count], flooded[i] = count, here, count
        elif not several:
            flooded[i] = first
        else:
            tallest, chosen, highest = 0, 0, -1
            for step in around:
                k = flooded[i + step]
                if k != 0:
                    r = _root(parent, k)
                    if tallest == 0 or top[r] > top[tallest] or (top[r] == top[tallest] and r < tallest):
                        tallest = r
                    if level[(i + step) // wide - 1, (i + step) % wide - 1] > highest:
                        chosen, highest = r, level[(i + step) // wide - 1, (i + step) % wide - 1]
            flooded[i] = chosen
            for step in around:
                if flooded[i + step] != 0:
                    r = _root(parent, flooded[i + step])
                    if r != tallest and top[r] - here <= shallowest:
                        parent[r] = tallest
    number = np.zeros(count + 1, np.int32)
    out = np.empty((rows, columns), np.int32)
    named = 0
    for y in range(rows):
        for x in range(columns):
            k = flooded[(y + 1) * wide + x + 1]
            if k != 0:
                k = _root(parent, k)
                if number[k] == 0:
                    named += 1
                    number[k] = named
                k = number[k]
            out[y, x] = k
    return out, named


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _seams(labels, depth, azure, count):  # type: ignore[no-untyped-def]
    """What parting looks at: of parts and of the seams between touching ones.

    Returns
    -------
    parts : (count + 1, 4): area, greatest depth, summed contrast of the inner half and its area.
    pairs : (n, 2) numbers of touching parts, the lower first.
    seams : (n, 3) greatest depth, summed contrast, length.
    """
    rows, columns = labels.shape
    parts = np.zeros((count + 1, 4))
    for y in range(rows):
        for x in range(columns):
            k = labels[y, x]
            if k:
                parts[k, 0] += 1
                parts[k, 1] = max(parts[k, 1], depth[y, x])
    room = 6 * count + 8
    pairs, seams = np.zeros((room, 2), np.int32), np.zeros((room, 3))
    found, last = 0, 0
    for y in range(rows):
        for x in range(columns):
            a = labels[y, x]
            if a == 0:
                continue
            if depth[y, x] > _INNER * parts[a, 1]:
                parts[a, 2] += azure[y, x]
                parts[a, 3] += 1
            for step in range(2):
                m, n = (y, x + 1) if step == 0 else (y + 1, x)
                if m >= rows or n >= columns or labels[m, n] == 0 or labels[m, n] == a:
                    continue
                i, j = min(a, labels[m, n]), max(a, labels[m, n])
                k = last if found and pairs[last, 0] == i and pairs[last, 1] == j else 0
                while k < found and not (pairs[k, 0] == i and pairs[k, 1] == j):
                    k += 1
                if k == room:
                    continue
                if k == found:
                    pairs[k, 0], pairs[k, 1] = i, j
                    found += 1
                last = k
                seams[k, 0] = max(seams[k, 0], min(depth[y, x], depth[m, n]))
                seams[k, 1] += azure[y, x] + azure[m, n]
                seams[k, 2] += 2
    return parts, pairs[:found], seams[:found]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _apart(one, other, seam, um):  # type: ignore[no-untyped-def]
    """How far apart two touching parts stand: 1 and more for two nuclei, less for one."""
    pair = (one[0] + other[0]) * um**2
    neck = (min(one[1], other[1]) - seam[0]) / DEPTH_UM * pair / PAIR_UM2
    inner = min(one[2] / max(one[3], 1.0), other[2] / max(other[3], 1.0))
    dip = (1 - seam[1] / max(seam[2], 1.0) / max(inner, 1e-6)) / DIP
    return neck + max(dip, 0.0) ** 2


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _joined(labels, parts, pairs, seams, um):  # type: ignore[no-untyped-def]
    """Join touching parts in place, least apart first, until all that touch stand apart; returns how many are left."""
    found = len(pairs)
    name = np.arange(len(parts)).astype(np.int32)
    apart = np.empty(found)
    for k in range(found):
        apart[k] = _apart(parts[pairs[k, 0]], parts[pairs[k, 1]], seams[k], um)
    while True:
        best = -1
        for k in range(found):
            if apart[k] < 1 and (best < 0 or apart[k] < apart[best]):
                best = k
        if best < 0:
            break
        i, j = pairs[best, 0], pairs[best, 1]
        apart[best] = np.inf
        pairs[best, 0] = pairs[best, 1] = 0
        for k in range(len(name)):
            if name[k] == j:
                name[k] = i
        parts[i, 1] = max(parts[i, 1], parts[j, 1])
        for c in (0, 2, 3):
            parts[i, c] += parts[j, c]
        seam_of = np.full(len(parts), -1, np.int32)
        for k in range(found):
            if pairs[k, 0] not in (i, j) and pairs[k, 1] not in (i, j):
                continue
            other = pairs[k, 0] if pairs[k, 1] == i or pairs[k, 1] == j else pairs[k, 1]
            if seam_of[other] >= 0:
                into = seam_of[other]
                seams[into, 0] = max(seams[into, 0], seams[k, 0])
                seams[into, 1] += seams[k, 1]
                seams[into, 2] += seams[k, 2]
                pairs[k, 0] = pairs[k, 1] = 0
                apart[k] = np.inf
                k = into
            seam_of[other] = k
            pairs[k, 0], pairs[k, 1] = min(i, other), max(i, other)
            apart[k] = _apart(parts[i], parts[other], seams[k], um)
    rank = np.zeros(len(name), np.int32)
    named = 0
    for k in range(1, len(name)):
        if rank[name[k]] == 0:
            named += 1
            rank[name[k]] = named
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if labels[y, x]:
                labels[y, x] = rank[name[labels[y, x]]]
    return named


def basins(depth: Floats, mask: Mask) -> Labels:
    """Hills of `rim_distance`, each with its slopes down to the passes, however low: (h, w) int32 numbered from 1.

    References
    ----------
    Vincent, L., Soille, P. (1991). Watersheds in digital spaces: an efficient algorithm based on immersion
    simulations. IEEE PAMI 13(6), 583-598. Tops are merged by their dynamics: Grimaud, M. (1992). A new measure of
    contrast: the dynamics. SPIE 1769, 292-305.
    """
    labels: Labels = _basins(depth, mask, round(SHALLOWEST_UM * _LEVELS_PER_UM), _LEVELS_PER_UM)[0]
    return labels


def _part_piece(mask: Mask, azure: Floats, um: float, lines: Mask | None) -> tuple[Labels, int]:
    """`part_clumps` for one 8-connected piece in its window: numbers from 1, and how many."""
    inner = mask if lines is None else mask & ~lines
    if inner.all():
        return mask.astype(np.int32), 1
    depth = rim_distance(inner, um)
    labels, count = _basins(depth, mask, round(SHALLOWEST_UM * _LEVELS_PER_UM), _LEVELS_PER_UM)
    if count > 1:
        count = _joined(labels, *_seams(labels, depth, azure, count), um)
    return labels, count


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _window(found, y0, x0, out):  # type: ignore[no-untyped-def]
    """Write runs into a window."""
    for i in range(len(found)):
        for x in range(found[i, 1] - x0, found[i, 2] - x0):
            out[found[i, 0] - y0, x] = True


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _write(found, number, labels):  # type: ignore[no-untyped-def]
    """Write a number on runs."""
    for i in range(len(found)):
        for x in range(found[i, 1], found[i, 2]):
            labels[found[i, 0], x] = number


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _put(labels, piece, window, names):  # type: ignore[no-untyped-def]
    """Write one piece's parts over it, part n as ``names[n]``."""
    for y in range(piece.shape[0]):
        for x in range(piece.shape[1]):
            if piece[y, x]:
                labels[window[0] + y, window[1] + x] = names[piece[y, x]]


def part_clumps(mask: Mask, azure: Floats, um: float, lines: Mask | None = None) -> Labels:
    """Part touching nuclei where the clump narrows or pales.

    Every maximum of the distance to the rim, however shallow, is flooded first; then touching parts are joined,
    least apart first, as long as `_apart` calls them one nucleus. Pieces and parts under `SMALLEST_UM2` are dropped.

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
    return parted(packed(mask.view(np.uint8)), azure, um, np.empty(mask.shape, np.int32), lines)


def parted(mask: Bits, azure: Floats, um: float, labels: Labels, lines: Mask | None = None) -> Labels:
    """`part_clumps` of a mask given as bits, written into ``labels`` (h, w) int32 and given back."""
    rows, columns = labels.shape
    smallest = SMALLEST_UM2 / um**2
    found, at, box, area, fills = _pieces(mask)
    labels[:] = 0
    named, several = 0, list[tuple[Labels, int, tuple[int, int]]]()
    for k in np.flatnonzero(area >= smallest).tolist():
        own = found[at[k] : at[k + 1]]
        if lines is not None or fills[k] < CONVEX:
            # One pixel wider, except at the image's edge: where a nucleus is cut there is no rim to measure from.
            y0, x0 = max(0, int(box[k, 0]) - 1), max(0, int(box[k, 1]) - 1)
            window = (slice(y0, min(rows, int(box[k, 2]) + 1)), slice(x0, min(columns, int(box[k, 3]) + 1)))
            inside = np.zeros((window[0].stop - y0, window[1].stop - x0), np.bool_)
            _window(own, y0, x0, inside)
            parts, held = _part_piece(inside, azure[window], um, None if lines is None else lines[window] & inside)
            if held > 1:
                several.append((parts, held, (y0, x0)))
                continue
        named += 1
        _write(own, named, labels)
    for parts, held, corner in several:
        keep = np.bincount(parts.ravel(), minlength=held + 1) >= smallest
        keep[0] = False
        _put(labels, parts, corner, np.where(keep, named + np.cumsum(keep), 0).astype(np.int32))
        named += int(np.count_nonzero(keep))
    return labels
