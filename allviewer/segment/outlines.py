"""Outlines from masks and masks from outlines."""

import numba as nb
import numpy as np

from allviewer.vocab.arrays import Floats, Ints, Labels
from allviewer.vocab.cells import Outlines


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _trace(labels, value, y, x, ring):  # type: ignore[no-untyped-def]
    """Walk the outer boundary of the 4-connected piece whose first pixel in raster order is (y, x).

    Goes clockwise along pixel edges with the piece on the right hand; writes the middle of each edge into ``ring``
    while there is room, and returns how many edges there are.
    """
    rows, columns = labels.shape
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
        left = 0 <= ly < rows and 0 <= lx < columns and labels[ly, lx] == value
        right = 0 <= ry < rows and 0 <= rx < columns and labels[ry, rx] == value
        if not right:
            way = (way + 1) % 4
        elif left:
            way = (way + 3) % 4
        if cy == y and cx == x and way == 0:
            return count


def trace(labels: Labels, value: int, start: tuple[int, int]) -> Floats:
    """Outer outline of one 4-connected piece of a label image.

    Parameters
    ----------
    labels : (H, W) int32.
    value : the label to follow.
    start : (y, x) of the piece's first pixel in raster order.

    Returns
    -------
    (k, 2) float32 (y, x) in edge coordinates: the middles of the pixel edges passed, clockwise on screen. Drawing
    it gives back the piece with its holes filled.
    """
    ring = np.empty((256, 2), np.float32)
    count = _trace(labels, value, start[0], start[1], ring)
    if count > len(ring):
        ring = np.empty((count, 2), np.float32)
        _trace(labels, value, start[0], start[1], ring)
    return ring[:count].copy()


def smooth(ring: Floats, length: float, frame: Floats | None = None) -> Floats:
    """Take the staircase out of a traced outline without shrinking it.

    Parameters
    ----------
    ring : (k, 2) float32, vertices about one pixel apart.
    length : standard deviation of the smoothing along the outline, in vertices.
    frame : (2, 2) float32, the image's first and last corner (y, x) in the ring's coordinates; vertices that lie on
        its edge stay there, so that a cut cell keeps a straight cut.

    Returns
    -------
    (k, 2) float32.

    Notes
    -----
    A Gaussian low-pass on the vertices' Fourier coefficients, followed by the area it took away put back by
    scaling about the centre: the descriptors of Kuhl and Giardina (1982) with a soft cut.
    """
    count = len(ring)
    if count < 8 or length <= 0:
        return ring
    signal = ring[:, 0] + 1j * ring[:, 1].astype(np.complex128)
    turns = np.fft.fftfreq(count)
    soft = np.fft.ifft(np.fft.fft(signal) * np.exp(-2 * (np.pi * turns * length) ** 2))
    was, now = abs(_area(signal)), abs(_area(soft))
    if now > 0:
        centre = soft.mean()
        soft = centre + (soft - centre) * np.sqrt(was / now)
    out: Floats = np.stack([soft.real, soft.imag], axis=1).astype(np.float32)
    if frame is not None:
        out = np.clip(out, frame[0], frame[1]).astype(np.float32)
        pinned = (ring <= frame[0]) | (ring >= frame[1])
        out[pinned] = ring[pinned]
    return out


def _area(signal: np.ndarray[tuple[int], np.dtype[np.complex128]]) -> float:
    return float(0.5 * np.sum((np.conj(signal) * np.roll(signal, -1)).imag))


def thin(ring: Floats, tolerance: float) -> Floats:
    """Drop vertices that lie within ``tolerance`` of the line between those kept (Douglas and Peucker 1973)."""
    if len(ring) < 8 or tolerance <= 0:
        return ring
    keep: np.ndarray[tuple[int], np.dtype[np.bool_]] = _thin(ring, np.float32(tolerance))
    return ring[keep] if keep.sum() >= 4 else ring


@nb.njit(cache=True, nogil=True)
def _thin(ring, tolerance):  # type: ignore[no-untyped-def]
    count = len(ring)
    keep = np.zeros(count, np.bool_)
    far = 0
    reach = -1.0
    for i in range(count):
        d = (ring[i, 0] - ring[0, 0]) ** 2 + (ring[i, 1] - ring[0, 1]) ** 2
        if d > reach:
            far, reach = i, d
    keep[0] = keep[far] = True
    stack = [(0, far), (far, count)]
    while len(stack) > 0:
        first, last = stack.pop()
        ay, ax = ring[first, 0], ring[first, 1]
        by, bx = ring[last % count, 0], ring[last % count, 1]
        dy, dx = by - ay, bx - ax
        norm = np.sqrt(dy * dy + dx * dx) + 1e-9
        worst, at = tolerance, -1
        for i in range(first + 1, last):
            d = abs(dx * (ring[i, 0] - ay) - dy * (ring[i, 1] - ax)) / norm
            if d > worst:
                worst, at = d, i
        if at >= 0:
            keep[at] = True
            stack.append((first, at))
            stack.append((at, last))
    return keep


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
