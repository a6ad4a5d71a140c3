"""Masks by region: held by a seed, freed of holes, reduced to the largest piece, how much of its hull each fills."""

from typing import NamedTuple

import numba as nb
import numpy as np

from allviewer.segment.bits import ALL, Bits, inverted, packed
from allviewer.segment.desk import Desk
from allviewer.segment.runs import covered, mark, pieces, runs
from allviewer.vocab.arrays import Floats, Labels


class Zones(NamedTuple):
    """To which numbered part each pixel lies nearest.

    Attributes
    ----------
    number : (h, w) int32, 0 beyond reach.
    far : (h, w) float32 pixels, how far away that part is; 0 inside it.
    within : bits, where ``number`` is not 0.
    links : bits, where a pixel's number is that of the pixel to its left.
    """

    number: Labels
    far: Floats
    within: Bits
    links: Bits


NOWHERE = np.empty((0, 0), np.int32)
"""Numbers of an image without zones, see `runs`."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def unbroken(bits):  # type: ignore[no-untyped-def]
    """Links of an image without zones."""
    return np.full(bits.shape, ALL, np.uint64)


_FAR = np.uint32(1 << 30)
_STRAIGHT, _DIAGONAL, _KNIGHT = np.uint32(65536), np.uint32(91750), np.uint32(143976)
"""Steps of 1, 1.4 and 2.1969 pixels (Borgefors 1986, the 5 by 5 weights) in 65536ths."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _nearer(steps, name, more, other):  # type: ignore[no-untyped-def]
    return (more, other) if more < steps else (steps, name)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _stepped(one, two, one_name, two_name, left, line, name):  # type: ignore[no-untyped-def]
    """The least distance by a step from the rows one and two away, both framed by two pixels, and whose it is.

    Of several as near the first from the left, or where ``left`` is -1 from the right.
    """
    count = len(line)
    # Slices, so that the loop sees rows that begin where it does and becomes vector instructions.
    p, q, r, s = 2 - 2 * left, 2 - left, 2 + left, 2 + 2 * left
    a, b, c = one[p : count + p], one[q : count + q], one[2 : count + 2]
    d, e, f, g = one[r : count + r], one[s : count + s], two[q : count + q], two[r : count + r]
    i, j, k = one_name[p : count + p], one_name[q : count + q], one_name[2 : count + 2]
    m, n = one_name[r : count + r], one_name[s : count + s]
    o, u = two_name[q : count + q], two_name[r : count + r]
    for x in range(count):
        best, whose = np.uint32(f[x] + _KNIGHT), o[x]
        best, whose = _nearer(best, whose, np.uint32(g[x] + _KNIGHT), u[x])
        best, whose = _nearer(best, whose, np.uint32(a[x] + _KNIGHT), i[x])
        best, whose = _nearer(best, whose, np.uint32(b[x] + _DIAGONAL), j[x])
        best, whose = _nearer(best, whose, np.uint32(c[x] + _STRAIGHT), k[x])
        best, whose = _nearer(best, whose, np.uint32(d[x] + _DIAGONAL), m[x])
        best, whose = _nearer(best, whose, np.uint32(e[x] + _KNIGHT), n[x])
        line[x], name[x] = best, whose


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _downwards(labels, steps, names):  # type: ignore[no-untyped-def]
    """First of two sweeps; distances and numbers are framed by two pixels."""
    rows, columns = labels.shape
    line, name = np.empty(columns, np.uint32), np.empty(columns, np.int32)
    for y in range(rows):
        _stepped(steps[y + 1], steps[y], names[y + 1], names[y], 1, line, name)
        own, whose, seed = steps[y + 2, 2 : columns + 2], names[y + 2, 2 : columns + 2], labels[y]
        last, before = _FAR, np.int32(0)
        for x in range(columns):
            here, k = (np.uint32(0), seed[x]) if seed[x] > 0 else (line[x], name[x])
            last, before = _nearer(here, k, np.uint32(last + _STRAIGHT), before)
            own[x], whose[x] = last, before


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _upwards(steps, names):  # type: ignore[no-untyped-def]
    rows, columns = steps.shape[0] - 4, steps.shape[1] - 4
    line, name = np.empty(columns, np.uint32), np.empty(columns, np.int32)
    for y in range(rows - 1, -1, -1):
        _stepped(steps[y + 3], steps[y + 4], names[y + 3], names[y + 4], -1, line, name)
        own, whose = steps[y + 2, 2 : columns + 2], names[y + 2, 2 : columns + 2]
        last, before = _FAR, np.int32(0)
        for x in range(columns - 1, -1, -1):
            here, k = _nearer(own[x], whose[x], line[x], name[x])
            last, before = _nearer(here, k, np.uint32(last + _STRAIGHT), before)
            own[x], whose[x] = last, before


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _told(steps, names, reach, number, far, within, same):  # type: ignore[no-untyped-def]
    """What the sweeps say of each pixel; see `Zones`."""
    rows, columns = far.shape
    for y in range(rows):
        own, whose, away = steps[y + 2, 2 : columns + 2], names[y + 2, 2 : columns + 2], far[y]
        name, inside = number[y], within[y]
        for x in range(columns):
            away[x] = np.float32(own[x]) * np.float32(1 / 65536)
            name[x] = whose[x] if away[x] <= reach else np.int32(0)
            inside[x] = name[x] > 0
        same[y, 0] = 0
        left, right, alike = name[:-1], name[1:], same[y, 1:]
        for x in range(columns - 1):
            alike[x] = left[x] == right[x]


def nearest(labels: Labels, reach: float, desk: Desk | None = None) -> Zones:
    """For every pixel the nearest numbered part, none beyond ``reach`` pixels, and the distance to it.

    ``desk`` is where the arrays are to lie; None for a new one.
    """
    shape, framed = labels.shape, (labels.shape[0] + 4, labels.shape[1] + 4)
    desk = Desk() if desk is None else desk
    steps, names = desk.array("steps", framed, np.uint32), desk.array("names", framed, np.int32)
    steps[:] = _FAR
    _downwards(labels, steps, names)
    _upwards(steps, names)
    number, far = desk.array("zones", shape, np.int32), desk.array("far", shape, np.float32)
    within, same = desk.array("within", shape, np.uint8), desk.array("mask", shape, np.uint8)
    _told(steps, names, np.float32(reach), number, far, within, same)
    return Zones(number, far, packed(within), packed(same))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def held(bits, seed, links, numbers):  # type: ignore[no-untyped-def]
    """What of a mask hangs together, by sides, with a seed within its own zone; for the rest see `runs`."""
    out = np.zeros_like(bits)
    found = runs(bits, links, numbers)
    piece = pieces(found, 0)
    chosen = np.zeros(len(found), np.bool_)
    for i in range(len(found)):
        if not chosen[piece[i]] and found[i, 3] > 0:
            chosen[piece[i]] = covered(seed, found[i, 0], found[i, 1], found[i, 2]) > 0
    for i in range(len(found)):
        if chosen[piece[i]]:
            mark(out, found[i, 0], found[i, 1], found[i, 2])
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def fill_holes(bits, columns, largest):  # type: ignore[no-untyped-def]
    """Fill, in place, holes of at most ``largest`` pixels that do not reach the image's edge."""
    rows = bits.shape[0]
    found = runs(inverted(bits, columns), unbroken(bits), np.empty((0, 0), np.int32))
    piece = pieces(found, 0)
    size = np.zeros(len(found), np.int64)
    for i in range(len(found)):
        y, first, last = found[i, 0], found[i, 1], found[i, 2]
        at_edge = y == 0 or first == 0 or y == rows - 1 or last == columns
        size[piece[i]] += largest + 1 if at_edge else last - first
    for i in range(len(found)):
        if size[piece[i]] <= largest:
            mark(bits, found[i, 0], found[i, 1], found[i, 2])


@nb.njit(cache=True, nogil=True, boundscheck=False)
def largest_pieces(found, count):  # type: ignore[no-untyped-def]
    """Of runs those of the largest piece of each number, of equals the first; of number 0 none."""
    piece = pieces(found, 0)
    size, best = np.zeros(len(found), np.int64), np.full(count + 1, -1, np.int64)
    for i in range(len(found)):
        size[piece[i]] += found[i, 2] - found[i, 1]
    for i in range(len(found)):
        k = found[i, 3]
        if k > 0 and piece[i] == i and (best[k] < 0 or size[i] > size[best[k]]):
            best[k] = i
    out, kept = np.empty_like(found), 0
    for i in range(len(found)):
        if found[i, 3] > 0 and best[found[i, 3]] == piece[i]:
            for c in range(4):
                out[kept, c] = found[i, c]
            kept += 1
    return out[:kept]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def boxes(found, count):  # type: ignore[no-untyped-def]
    """Box of every number, (count + 1, 4) int64 half-open (y0, x0, y1, x1); y1 is 0 for one that does not occur."""
    out = np.zeros((count + 1, 4), np.int64)
    for i in range(len(found)):
        y, first, last, k = found[i, 0], found[i, 1], found[i, 2], found[i, 3]
        if out[k, 2] == 0:
            out[k, 0], out[k, 1] = y, first
        out[k, 1], out[k, 2], out[k, 3] = min(out[k, 1], first), y + 1, max(out[k, 3], last)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _envelope(at, side, count):  # type: ignore[no-untyped-def]
    """Area under the least concave function above the points (at, side), which come in order of ``at``."""
    kept = 0
    for k in range(count):
        a, s = at[k], side[k]
        if kept > 0 and at[kept - 1] == a:
            if side[kept - 1] >= s:
                continue
            kept -= 1
        while kept > 1 and (side[kept - 1] - side[kept - 2]) * (a - at[kept - 2]) <= (s - side[kept - 2]) * (
            at[kept - 1] - at[kept - 2]
        ):
            kept -= 1
        at[kept], side[kept] = a, s
        kept += 1
    area = 0.0
    for k in range(1, kept):
        area += (at[k] - at[k - 1]) * (side[k] + side[k - 1]) / 2
    return area


@nb.njit(cache=True, nogil=True, boundscheck=False)
def rows_of(found, box):  # type: ignore[no-untyped-def]
    """Of every number where its rows begin, (count + 2,), the first and the last column + 1 of each, and its area.

    Every number is one piece: it leaves no row of its box empty.
    """
    count = len(box) - 1
    start, area = np.zeros(count + 2, np.int64), np.zeros(count + 1, np.int64)
    for k in range(1, count + 1):
        start[k + 1] = start[k] + box[k, 2] - box[k, 0]
    first, last = np.full(start[count + 1], -1, np.int64), np.zeros(start[count + 1], np.int64)
    for i in range(len(found)):
        k = found[i, 3]
        row = start[k] + found[i, 0] - box[k, 0]
        first[row] = found[i, 1] if first[row] < 0 else first[row]
        last[row] = found[i, 2]
        area[k] += found[i, 2] - found[i, 1]
    return start, first, last, area


@nb.njit(cache=True, nogil=True, boundscheck=False)
def solidity(found, count):  # type: ignore[no-untyped-def]
    """Part of its convex hull that every number of 1 to ``count`` fills, (count + 1,) float64; 0 where missing."""
    box, out = boxes(found, count), np.zeros(count + 1)
    start, first, last, area = rows_of(found, box)
    for k in range(1, count + 1):
        y0, x0, y1, x1 = box[k]
        if y1 <= y0:
            continue
        points = 2 * (y1 - y0)
        at, left, other, right = np.empty(points), np.empty(points), np.empty(points), np.empty(points)
        for i in range(points):
            row = start[k] + (i >> 1)
            at[i] = other[i] = (i + 1) >> 1
            left[i], right[i] = x1 - first[row], last[row] - x0
        # Both sides measured towards the other: their sum is the hull's width plus that of the box.
        hull = _envelope(at, left, points) + _envelope(other, right, points) - (y1 - y0) * (x1 - x0)
        out[k] = area[k] / hull if hull > 0 else 0.0
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def numbered(bits, corners):  # type: ignore[no-untyped-def]
    """Runs of a mask, numbered by its pieces from 1, and how many these are; ``corners`` as in `pieces`."""
    found = runs(bits, unbroken(bits), np.empty((0, 0), np.int32))
    piece = pieces(found, corners)
    count = 0
    for i in range(len(found)):
        if piece[i] == i:
            count += 1
            found[i, 3] = count
        else:
            found[i, 3] = found[piece[i], 3]
    return found, count


@nb.njit(cache=True, nogil=True, boundscheck=False)
def by_number(found, count):  # type: ignore[no-untyped-def]
    """Runs in the order of their numbers, and where those of each number begin, (count + 2,)."""
    start = np.zeros(count + 2, np.int64)
    for i in range(len(found)):
        start[found[i, 3] + 1] += 1
    for k in range(count + 1):
        start[k + 1] += start[k]
    at, out = start.copy(), np.empty_like(found)
    for i in range(len(found)):
        j = at[found[i, 3]]
        for c in range(4):
            out[j, c] = found[i, c]
        at[found[i, 3]] += 1
    return out, start
