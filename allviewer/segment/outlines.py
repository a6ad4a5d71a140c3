"""Outlines from masks and masks from outlines."""

import numba as nb
import numpy as np

from allviewer.vocab.arrays import Floats, Ints, Labels, Mask
from allviewer.vocab.cells import Outlines


@nb.njit(cache=True, nogil=True, boundscheck=False)
def pieces(mask, found):  # type: ignore[no-untyped-def]
    """Number the 4-connected pieces of a mask by its runs.

    Writes first row, first column (in raster order) and area of every piece into ``found`` (n, 3) while there is
    room, in raster order of their first pixels; returns how many there are.
    """
    rows, columns = mask.shape
    most = columns // 2 + 1
    # Runs of this row and of the one above: first column, column after the last, which piece.
    runs, counts = np.empty((2, most, 3), np.int32), np.zeros(2, np.int64)
    of, area, first = np.empty(rows * most, np.int32), np.empty(rows * most, np.int32), np.empty(rows * most, np.int32)
    held = 0
    for y in range(rows):
        here, above = y & 1, 1 - (y & 1)
        count, k, x = 0, 0, np.uint64(0)
        while x < columns:
            if not mask[y, x]:
                x += np.uint64(1)
                continue
            start = np.int64(x)
            while x < columns and mask[y, x]:
                x += np.uint64(1)
            end, name = np.int64(x), -1
            while k < counts[above] and runs[above, k, 1] <= start:
                k += 1
            j = k
            while j < counts[above] and runs[above, j, 0] < end:
                other = runs[above, j, 2]
                while of[other] != other:
                    other = of[other]
                if name < 0:
                    name = other
                elif name != other:
                    # The earlier number stays: it has the earlier first pixel.
                    low, high = min(name, other), max(name, other)
                    of[high] = low
                    area[low] += area[high]
                    name = low
                j += 1
            if name < 0:
                name = held
                of[name], area[name], first[name] = name, 0, y * columns + start
                held += 1
            area[name] += end - start
            runs[here, count, 0], runs[here, count, 1], runs[here, count, 2] = start, end, name
            count += 1
        counts[here] = count
    total = 0
    for name in range(held):
        if of[name] == name:
            if total < len(found):
                found[total, 0], found[total, 1] = first[name] // columns, first[name] % columns
                found[total, 2] = area[name]
            total += 1
    return total


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _trace(mask, y, x, ring):  # type: ignore[no-untyped-def]
    """Walk the outer boundary of the 4-connected piece whose first pixel in raster order is (y, x).

    Goes clockwise along pixel edges with the piece on the right hand; writes the middle of each edge into ``ring``
    while there is room, and returns how many edges there are. Turning right first keeps to the one piece.
    """
    rows, columns = mask.shape
    # Corner (cy, cx) and direction 0 right, 1 down, 2 left, 3 up. The first edge is the pixel's top, going right.
    cy, cx, way, count = y, x, 0, 0
    while True:
        my, mx = cy, cx
        if way == 0:
            cx += 1
        elif way == 1:
            cy += 1
        elif way == 2:
            cx -= 1
        else:
            cy -= 1
        if count < len(ring):
            ring[count, 0] = (my + cy) * 0.5
            ring[count, 1] = (mx + cx) * 0.5
        count += 1
        # Pixels ahead of the corner: on the left hand and on the right hand.
        if way == 0:
            ly, lx, ry, rx = cy - 1, cx, cy, cx
        elif way == 1:
            ly, lx, ry, rx = cy, cx, cy, cx - 1
        elif way == 2:
            ly, lx, ry, rx = cy, cx - 1, cy - 1, cx - 1
        else:
            ly, lx, ry, rx = cy - 1, cx - 1, cy - 1, cx
        if not (0 <= ry < rows and 0 <= rx < columns and mask[ry, rx]):
            way = (way + 1) % 4
        elif 0 <= ly < rows and 0 <= lx < columns and mask[ly, lx]:
            way = (way + 3) % 4
        if cy == y and cx == x and way == 0:
            return count


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _smooth(ring, count, length, frame, soft):  # type: ignore[no-untyped-def]
    """Write the first ``count`` vertices, smoothed, into ``soft``; see `rings`."""
    if count < 8 or length <= 0:
        for i in range(count):
            soft[i, 0], soft[i, 1] = ring[i, 0], ring[i, 1]
        return
    reach = int(np.ceil(3 * length))
    weights = np.exp(-0.5 * (np.arange(reach + 1) / length) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    # The ring with its ends repeated, so that the loop below asks nothing.
    long = np.empty((count + 2 * reach, 2))
    for i in range(len(long)):
        j = (i - reach) % count
        long[i, 0], long[i, 1] = ring[j, 0], ring[j, 1]
    was = now = cy = cx = 0.0
    for i in range(count):
        y, x = weights[0] * long[i + reach, 0], weights[0] * long[i + reach, 1]
        for k in range(1, reach + 1):
            y += weights[k] * (long[i + reach - k, 0] + long[i + reach + k, 0])
            x += weights[k] * (long[i + reach - k, 1] + long[i + reach + k, 1])
        soft[i, 0], soft[i, 1] = y, x
        cy += y / count
        cx += x / count
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        was += ring[i, 0] * ring[j, 1] - ring[j, 0] * ring[i, 1]
        now += soft[i, 0] * soft[j, 1] - soft[j, 0] * soft[i, 1]
    scale = np.sqrt(abs(was) / abs(now)) if now != 0 else 1.0
    for i in range(count):
        for c in range(2):
            middle = cy if c == 0 else cx
            if ring[i, c] <= frame[0, c] or ring[i, c] >= frame[1, c]:
                soft[i, c] = ring[i, c]
            else:
                soft[i, c] = min(max(middle + (soft[i, c] - middle) * scale, frame[0, c]), frame[1, c])


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _thin(ring, count, tolerance, keep):  # type: ignore[no-untyped-def]
    """Mark in ``keep`` the vertices that Douglas and Peucker keep of a closed ring; returns how many."""
    few = count < 8 or tolerance <= 0
    for i in range(count):
        keep[i] = few
    if few:
        return count
    far, reach = 0, -1.0
    for i in range(count):
        d = (ring[i, 0] - ring[0, 0]) ** 2 + (ring[i, 1] - ring[0, 1]) ** 2
        if d > reach:
            far, reach = i, d
    keep[0] = keep[far] = True
    stack = np.empty((count + 2, 2), np.int64)
    stack[0, 0], stack[0, 1], stack[1, 0], stack[1, 1] = 0, far, far, count
    held, kept = 2, 2
    while held > 0:
        held -= 1
        first, last = stack[held, 0], stack[held, 1]
        ay, ax = ring[first, 0], ring[first, 1]
        to = last if last < count else 0
        dy, dx = ring[to, 0] - ay, ring[to, 1] - ax
        worst, at = tolerance * (np.sqrt(dy * dy + dx * dx) + 1e-9), -1
        for i in range(first + 1, last):
            d = abs(dx * (ring[i, 0] - ay) - dy * (ring[i, 1] - ax))
            if d > worst:
                worst, at = d, i
        if at >= 0:
            keep[at] = True
            kept += 1
            stack[held, 0], stack[held, 1], stack[held + 1, 0], stack[held + 1, 1] = first, at, at, last
            held += 2
    if kept >= 4:
        return kept
    for i in range(count):
        keep[i] = True
    return count


@nb.njit(cache=True, nogil=True, boundscheck=False)
def ring_kernel(mask, smallest, scale, length, tolerance, frame):  # type: ignore[no-untyped-def]
    """`rings` for compiled callers: ``mask`` dense, all numbers float64, ``frame`` (2, 2) float64."""
    at = np.empty((64, 3), np.int64)
    count = pieces(mask, at)
    if count > len(at):
        at = np.empty((count, 3), np.int64)
        pieces(mask, at)
    points, starts = np.empty((128, 2), np.float32), np.zeros(count + 1, np.int64)
    raw, soft, keep = np.empty((512, 2)), np.empty((512, 2)), np.empty(512, np.bool_)
    held = kept_rings = 0
    for p in range(count):
        if at[p, 2] < smallest:
            continue
        edges = _trace(mask, at[p, 0], at[p, 1], raw)
        if edges > len(raw):
            raw, soft, keep = np.empty((edges, 2)), np.empty((edges, 2)), np.empty(edges, np.bool_)
            _trace(mask, at[p, 0], at[p, 1], raw)
        for i in range(edges):
            raw[i, 0], raw[i, 1] = min(raw[i, 0] * scale, frame[1, 0]), min(raw[i, 1] * scale, frame[1, 1])
        _smooth(raw, edges, length, frame, soft)
        kept = _thin(soft, edges, tolerance, keep)
        if held + kept > len(points):
            more = np.empty((2 * (held + kept), 2), np.float32)
            for i in range(held):
                more[i, 0], more[i, 1] = points[i, 0], points[i, 1]
            points = more
        for i in range(edges):
            if keep[i]:
                points[held, 0], points[held, 1] = soft[i, 0], soft[i, 1]
                held += 1
        kept_rings += 1
        starts[kept_rings] = held
    return points[:held].copy(), starts[: kept_rings + 1]


EVERYWHERE = np.array([[-np.inf, -np.inf], [np.inf, np.inf]])
"""The frame of an outline that no image edge cuts."""


def rings(
    mask: Mask, smallest: float = 0.0, scale: float = 1.0, length: float = 0.0, tolerance: float = 0.0,
    frame: Floats | None = None,
) -> tuple[Floats, Ints]:  # fmt: skip
    """Outer outlines of a mask's 4-connected pieces, in raster order of their first pixels.

    Parameters
    ----------
    mask : (h, w) bool.
    smallest : pieces of fewer pixels are left out.
    scale : the outlines are multiplied by this before anything else: image pixels per mask pixel.
    length : standard deviation of the smoothing along the outline, in vertices; one stands on every pixel edge.
    tolerance : vertices nearer than this to the line between those kept are dropped (scaled pixels).
    frame : (2, 2), the image's first and last corner (y, x) in scaled pixels. What lies on its edge stays there, so
        that a cut cell keeps a straight cut; None where the mask does not reach it.

    Returns
    -------
    points : (n, 2) float32 (y, x) in edge coordinates, clockwise on screen, holes filled.
    starts : (rings + 1,) int64; ring r is ``points[starts[r]:starts[r + 1]]``.

    Notes
    -----
    Smoothing is a Gaussian along the closed outline, and the area it took away is put back by scaling about the
    centre: the low-pass of Kuhl and Giardina (1982), Computer Graphics and Image Processing 18, 236-258, with a soft
    cut. Thinning is Douglas and Peucker's (1973), The Canadian Cartographer 10, 112-122.
    """
    # One type each, or the loops are compiled once for every mixture of types.
    edge = EVERYWHERE if frame is None else frame.astype(np.float64)
    dense = np.ascontiguousarray(mask)
    points, starts = ring_kernel(dense, float(smallest), float(scale), float(length), float(tolerance), edge)
    return points, starts


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _fill(out, points, value):  # type: ignore[no-untyped-def]
    """Write ``value`` into the pixels whose centres lie inside one ring, by the even-odd rule."""
    rows, columns = out.shape
    count = len(points)
    low, high = points[:, 0].min(), points[:, 0].max()
    crossings = np.empty(count, np.float64)
    for y in range(max(0, int(np.ceil(low - 0.5))), min(rows, int(np.floor(high - 0.5)) + 1)):
        line = y + 0.5
        found = 0
        for i in range(count):
            ay, ax = points[i, 0], points[i, 1]
            by, bx = points[(i + 1) % count, 0], points[(i + 1) % count, 1]
            if (ay <= line) != (by <= line):
                crossings[found] = ax + (line - ay) / (by - ay) * (bx - ax)
                found += 1
        crossings[:found].sort()
        for k in range(0, found - 1, 2):
            first = max(0, int(np.ceil(crossings[k] - 0.5)))
            last = min(columns, int(np.ceil(crossings[k + 1] - 0.5)))
            for x in range(first, last):
                out[y, x] = value


def draw(outlines: Outlines, shape: tuple[int, int], rows: Ints | None = None) -> Labels:
    """Masks on demand: the outlines of a table drawn into one label image.

    Parameters
    ----------
    outlines : rings in edge coordinates: pixel (i, j) covers ``[i, i+1) x [j, j+1)`` and belongs to a ring when
        its centre does. Rings of one row add up.
    shape : (H, W) of the image.
    rows : table rows to draw; None for all. Where outlines overlap, the later of these wins.

    Returns
    -------
    (H, W) int32: table row + 1, 0 where there is nothing.
    """
    out: Labels = np.zeros(shape, np.int32)
    chosen = np.unique(outlines.owner) if rows is None else np.asarray(rows, np.int64)
    for row in chosen:
        for ring in outlines.rings(int(row)):
            if len(ring) >= 3:
                _fill(out, ring, np.int32(row + 1))
    return out
