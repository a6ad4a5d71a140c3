"""Numbered regions of one image, all treated in one pass: held by a seed, freed of holes, reduced to one piece."""

from collections.abc import Callable

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Grey, Ints, Labels, Mask


def _stack(size: int) -> NDArray[np.int64]:
    """Room for as many pixels, each one number: row in the upper bits, column in the lower 16. No division reads it."""
    return np.empty(size, np.int64)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _named(labels, index, far, reach, part):  # type: ignore[no-untyped-def]
    """Turn, in place, the number of the nearest labelled pixel into its label; 0 beyond reach."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if labels[y, x] > 0:
                part[index[y, x]] = labels[y, x]
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            index[y, x] = part[index[y, x]] if far[y, x] <= reach else 0


def nearest(labels: Labels, reach: float) -> tuple[Labels, Floats]:
    """For every pixel the nearest numbered part, 0 beyond ``reach`` pixels, and the distance to it (0 inside)."""
    outside = (labels == 0).view(np.uint8)
    far, index = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    _named(labels, index, far, np.float32(reach), np.zeros(labels.size + 1, np.int32))
    zone: Labels = index
    return zone, far


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _held(zone, mask, seed, out, stack):  # type: ignore[no-untyped-def]
    rows, columns = zone.shape
    for y in range(rows):
        for x in range(columns):
            if not (seed[y, x] and mask[y, x] and zone[y, x] > 0) or out[y, x]:
                continue
            number = zone[y, x]
            out[y, x] = number
            stack[0], top = y << 16 | x, 1
            while top > 0:
                top -= 1
                i, j = stack[top] >> 16, stack[top] & 0xFFFF
                for k in range(4):
                    m = i - 1 if k == 0 else i + 1 if k == 1 else i
                    n = j - 1 if k == 2 else j + 1 if k == 3 else j
                    inside = 0 <= m < rows and 0 <= n < columns
                    if inside and out[m, n] == 0 and mask[m, n] and zone[m, n] == number:
                        out[m, n] = number
                        stack[top] = m << 16 | n
                        top += 1


def held(zone: Labels, mask: Grey, seed: Grey) -> Labels:
    """What of a mask is 4-connected with a seed within its own zone.

    Parameters
    ----------
    zone : (h, w) int32, numbered from 1; 0 belongs to nothing.
    mask, seed : (h, w) uint8, 0 or 1.

    Returns
    -------
    (h, w) int32: the zone's number, 0 elsewhere.
    """
    out: Labels = np.zeros(zone.shape, np.int32)
    _held(zone, mask, seed, out, _stack(zone.size))
    return out


def opened(mask: Grey, radius: float, choose: Callable[[Grey], Mask]) -> Grey:
    """Opening by a disc, only that what its first step leaves is chosen from before the second.

    Parameters
    ----------
    mask : (h, w) uint8, 0 or 1.
    radius : of the disc, pixels.
    choose : given the eroded mask, (h, w) uint8, what of it to keep, (h, w) bool.
    """
    reach = max(1, round(radius)) + 0.3
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    kept = choose((depth > reach).view(np.uint8))
    away = cv2.distanceTransform((~kept).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    out: Grey = mask & (away <= reach).view(np.uint8)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _fill_holes(mask, largest, seen, stack):  # type: ignore[no-untyped-def]
    """A search gives up as soon as the hole is too large, reaches the edge, or runs into one that was given up."""
    rows, columns = mask.shape
    for y in range(rows):
        for x in range(columns):
            if mask[y, x] or seen[y, x]:
                continue
            seen[y, x] = 1
            stack[0], last, at, large = y << 16 | x, 1, 0, False
            while at < last and not large:
                i, j = stack[at] >> 16, stack[at] & 0xFFFF
                at += 1
                for k in range(4):
                    m = i - 1 if k == 0 else i + 1 if k == 1 else i
                    n = j - 1 if k == 2 else j + 1 if k == 3 else j
                    if not (0 <= m < rows and 0 <= n < columns):
                        large = True
                        break
                    if mask[m, n] or seen[m, n] == 1:
                        continue
                    if seen[m, n] == 2 or last >= largest:
                        large = True
                        break
                    seen[m, n] = 1
                    stack[last] = m << 16 | n
                    last += 1
            for k in range(last):
                i, j = stack[k] >> 16, stack[k] & 0xFFFF
                if large:
                    seen[i, j] = 2
                else:
                    mask[i, j] = 1


def fill_holes(mask: Grey, largest: float) -> None:
    """Fill, in place, 4-connected holes of at most ``largest`` pixels that do not reach the image's edge.

    (h, w) uint8, 0 or 1.
    """
    _fill_holes(mask, int(largest), np.zeros_like(mask), _stack(mask.size))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _piece(labels, seen, turn, y, x, stack):  # type: ignore[no-untyped-def]
    """Flood the 4-connected piece that holds (y, x) where ``seen`` is ``turn``; returns its size, pixels in stack."""
    rows, columns = labels.shape
    seen[y, x] = turn + 1
    stack[0], last, at = y << 16 | x, 1, 0
    while at < last:
        i, j = stack[at] >> 16, stack[at] & 0xFFFF
        at += 1
        for k in range(4):
            m = i - 1 if k == 0 else i + 1 if k == 1 else i
            n = j - 1 if k == 2 else j + 1 if k == 3 else j
            inside = 0 <= m < rows and 0 <= n < columns
            if inside and labels[m, n] == labels[y, x] and seen[m, n] == turn:
                seen[m, n] = turn + 1
                stack[last] = m << 16 | n
                last += 1
    return last


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _one_piece(labels, best, start, seen, stack):  # type: ignore[no-untyped-def]
    """Measure every piece; then take away all but the largest."""
    rows, columns = labels.shape
    for turn in range(2):
        for y in range(rows):
            for x in range(columns):
                number = labels[y, x]
                if number == 0 or seen[y, x] != turn:
                    continue
                size = _piece(labels, seen, turn, y, x, stack)
                if turn == 0 and size > best[number]:
                    best[number], start[number] = size, y << 16 | x
                elif turn == 1 and start[number] != y << 16 | x:
                    for k in range(size):
                        labels[stack[k] >> 16, stack[k] & 0xFFFF] = 0


def one_piece(labels: Labels, count: int) -> None:
    """Reduce, in place, every number of 1 to ``count`` to its largest 4-connected piece, of equals the first."""
    best, start = np.zeros(count + 1, np.int32), np.full(count + 1, -1, np.int64)
    _one_piece(labels, best, start, np.zeros(labels.shape, np.uint8), _stack(labels.size))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _boxes(labels, boxes):  # type: ignore[no-untyped-def]
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = labels[y, x]
            if k > 0:
                boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], y), min(boxes[k, 1], x)
                boxes[k, 2], boxes[k, 3] = max(boxes[k, 2], y + 1), max(boxes[k, 3], x + 1)


def boxes_of(labels: Labels, count: int) -> Ints:
    """Box of every number, (count + 1, 4) int64 half-open (y0, x0, y1, x1); y1 is 0 for one that does not occur."""
    boxes: NDArray[np.int64] = np.tile(np.array([*labels.shape, 0, 0]), (count + 1, 1))
    _boxes(labels, boxes)
    return boxes


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
def _solidity(labels, boxes, out):  # type: ignore[no-untyped-def]
    for number in range(1, len(boxes)):
        y0, x0, y1, x1 = boxes[number]
        if y1 <= y0:
            continue
        at, left = np.empty(2 * (y1 - y0), np.float64), np.empty(2 * (y1 - y0), np.float64)
        other, right = np.empty(2 * (y1 - y0), np.float64), np.empty(2 * (y1 - y0), np.float64)
        count, area = 0, 0
        for y in range(y0, y1):
            first, last = -1, -1
            for x in range(x0, x1):
                if labels[y, x] == number:
                    area += 1
                    first = x if first < 0 else first
                    last = x
            if first >= 0:
                for k in range(2):
                    at[count], left[count] = y + k, x1 - first
                    other[count], right[count] = y + k, last + 1 - x0
                    count += 1
        # Both sides measured towards the other: their sum is the hull's width plus that of the box.
        hull = _envelope(at, left, count) + _envelope(other, right, count) - (y1 - y0) * (x1 - x0)
        out[number] = area / hull if hull > 0 else 0.0


def solidity(labels: Labels, count: int) -> Floats:
    """Part of its convex hull that every number of 1 to ``count`` fills, (count + 1,) float32; 0 where missing."""
    out: Floats = np.zeros(count + 1, np.float32)
    _solidity(labels, boxes_of(labels, count), out)
    return out
