"""Masks of one bit a pixel: shapes are grown and shrunk 64 pixels at a time.

A mask is (h, ceil(w / 64)) uint64; column x is bit x % 64 of word x // 64, and bits beyond the last column are 0.
Shapes are elements of 2 n + 1 rows, symmetric about both axes and without gaps: the half-widths of their rows from the
middle one outwards, (n + 1,) int64, say all about them.
"""

from functools import cache

import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Grey, Ints, Mask

Bits = NDArray[np.uint64]
"""(h, ceil(w / 64)) uint64."""

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _packed(mask, out):  # type: ignore[no-untyped-def]
    rows, columns = mask.shape
    for y in range(rows):
        for w in range(out.shape[1]):
            word, first = np.uint64(0), 64 * w
            for k in range(min(64, columns - first)):
                word |= np.uint64(mask[y, first + k]) << np.uint64(k)
            out[y, w] = word


def packed(mask: Grey) -> Bits:
    """(h, w) uint8, 0 or 1, as bits."""
    out: Bits = np.empty((mask.shape[0], -(-mask.shape[1] // 64)), np.uint64)
    _packed(mask, out)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _unpacked(bits, out):  # type: ignore[no-untyped-def]
    rows, columns = out.shape
    for y in range(rows):
        for w in range(bits.shape[1]):
            word, first = bits[y, w], 64 * w
            for k in range(min(64, columns - first)):
                out[y, first + k] = (word >> np.uint64(k)) & np.uint64(1)


def unpacked(bits: Bits, columns: int) -> Mask:
    """Bits as (h, columns) bool."""
    return unpacked_into(bits, np.empty((len(bits), columns), np.uint8)).view(np.bool_)


def unpacked_into(bits: Bits, out: Grey) -> Grey:
    """Write bits as 0 or 1 into (h, w) uint8, and give that back."""
    _unpacked(bits, out)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def inverted(bits, columns):  # type: ignore[no-untyped-def]
    """What of ``columns`` columns a mask leaves out."""
    out = np.empty_like(bits)
    last = bits.shape[1] - 1
    end = ALL >> np.uint64(64 * (last + 1) - columns)
    for y in range(bits.shape[0]):
        for w in range(last):
            out[y, w] = ~bits[y, w]
        out[y, last] = ~bits[y, last] & end
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def dilated(bits, element, columns):  # type: ignore[no-untyped-def]
    """Every pixel that an element put on some pixel of a mask covers."""
    rows, words = bits.shape
    out = np.zeros_like(bits)
    # The row that is spread, twice, so that each step reads the one and writes the other; a word of room at both ends.
    line = np.zeros((2, words + 2), np.uint64)
    for y in range(rows):
        held = np.uint64(0)
        for w in range(words):
            line[0, w + 1] = bits[y, w]
            held |= bits[y, w]
        if held == 0:
            continue
        at, wide = 0, 0
        for away in range(len(element) - 1, -1, -1):
            while wide < element[away]:
                # A step may be as wide as what it spreads, and leaves no gap.
                step = min(element[away] - wide, 2 * wide + 1, 63)
                left, right = np.uint64(step), np.uint64(64 - step)
                for w in range(1, words + 1):
                    line[1 - at, w] = (
                        line[at, w] | line[at, w] << left | line[at, w] >> left
                        | line[at, w - 1] >> right | line[at, w + 1] << right
                    )  # fmt: skip
                at, wide = 1 - at, wide + step
            if y >= away:
                for w in range(words):
                    out[y - away, w] |= line[at, w + 1]
            if away > 0 and y + away < rows:
                for w in range(words):
                    out[y + away, w] |= line[at, w + 1]
    end = ALL >> np.uint64(64 * words - columns)
    for y in range(rows):
        out[y, words - 1] &= end
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def eroded(bits, element, columns):  # type: ignore[no-untyped-def]
    """Every pixel on which an element fits into a mask; what lies beyond the image counts as mask."""
    return inverted(dilated(inverted(bits, columns), element, columns), columns)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def opened(bits, element, columns):  # type: ignore[no-untyped-def]
    """What an element covers that is moved about within a mask."""
    return dilated(eroded(bits, element, columns), element, columns)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def closed(bits, element, columns):  # type: ignore[no-untyped-def]
    """What an element cannot reach that is moved about outside a mask is left out; the mask grows by the rest."""
    return eroded(dilated(bits, element, columns), element, columns)


def disc(radius: float) -> Ints:
    """The element of `grid.disc`: all within the radius, of at least one pixel, and 0.3 more."""
    return within(max(1, round(radius)) + 0.3)


@cache
def within(radius: float) -> Ints:
    """All that is no further away than ``radius`` pixels."""
    away = np.arange(int(radius) + 1)
    out: Ints = np.floor(np.sqrt(radius**2 - away**2)).astype(np.int64)
    return out


def ball(radius: float) -> Ints:
    """The same by steps of 1, 1.4 and 2.1969 pixels (Borgefors 1986, the 5 by 5 weights)."""
    return _ball(max(1, round(radius)))


@cache
def _ball(radius: int) -> Ints:
    y, x = np.ogrid[: radius + 1, : radius + 1]
    long, short = np.maximum(y, x), np.minimum(y, x)
    steps = np.where(
        2 * short <= long, (long - 2 * short) + 2.1969 * short, 1.4 * (2 * short - long) + 2.1969 * (long - short)
    )
    return np.asarray((steps <= radius + 0.3).sum(axis=1) - 1, np.int64)
