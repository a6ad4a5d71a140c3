"""Masks as runs of pixels side by side: what hangs together, what is a hole, what is the largest piece.

A run is a row of (n, 4) int32: its row, its first column, the column after its last, its number. Runs come in raster
order. Where an image is divided into zones, runs end where a zone does.
"""

import numba as nb
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from allviewer.segment.bits import ALL


@intrinsic
def _zeros_below(context, word):  # type: ignore[no-untyped-def]
    """How many zeros stand below the lowest bit of a word that is not 0."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), build


@intrinsic
def _ones(context, word):  # type: ignore[no-untyped-def]
    """How many bits of a word are set."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), build


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _begins(bits, links, y, w):  # type: ignore[no-untyped-def]
    before = bits[y, w - 1] >> np.uint64(63) if w > 0 else np.uint64(0)
    return bits[y, w] & ~((bits[y, w] << np.uint64(1) | before) & links[y, w])


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _ends(bits, links, y, w):  # type: ignore[no-untyped-def]
    after, linked = np.uint64(0), np.uint64(0)
    if w + 1 < bits.shape[1]:
        after, linked = bits[y, w + 1] << np.uint64(63), links[y, w + 1] << np.uint64(63)
    follow = (bits[y, w] >> np.uint64(1) | after) & (links[y, w] >> np.uint64(1) | linked)
    return bits[y, w] & ~follow


@nb.njit(cache=True, nogil=True, boundscheck=False)
def runs(bits, links, numbers):  # type: ignore[no-untyped-def]
    """Runs of a mask.

    Parameters
    ----------
    bits : the mask.
    links : bits, 1 where a pixel and the one to its left may be in one run.
    numbers : (h, w) int32, constant along every run; of no rows: every run is 1.
    """
    count = np.int64(0)
    for y in range(bits.shape[0]):
        for w in range(bits.shape[1]):
            if bits[y, w] != 0:
                count += np.int64(_ones(_begins(bits, links, y, w)))
    out = np.empty((count, 4), np.int32)
    i = j = 0
    single = numbers.shape[0] == 0
    for y in range(bits.shape[0]):
        for w in range(bits.shape[1]):
            if bits[y, w] == 0:
                continue
            word = _begins(bits, links, y, w)
            while word != 0:
                x = 64 * w + np.int64(_zeros_below(word))
                out[i, 0], out[i, 1] = y, x
                out[i, 3] = 1 if single else numbers[y, x]
                i += 1
                word &= word - np.uint64(1)
            word = _ends(bits, links, y, w)
            while word != 0:
                out[j, 2] = 64 * w + np.int64(_zeros_below(word)) + 1
                j += 1
                word &= word - np.uint64(1)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _root(parent, k):  # type: ignore[no-untyped-def]
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@nb.njit(cache=True, nogil=True, boundscheck=False)
def pieces(found, corners):  # type: ignore[no-untyped-def]
    """Which runs of one number hang together: (n,) int32, for every run the first of its piece.

    ``corners``: 0 where only pixels side by side hang together, 1 where those that share a corner do too.
    """
    count = len(found)
    parent = np.arange(count).astype(np.int32)
    above = 0
    for i in range(count):
        y, first, last, number = found[i, 0], found[i, 1], found[i, 2], found[i, 3]
        while found[above, 0] < y - 1 or (found[above, 0] == y - 1 and found[above, 2] + corners <= first):
            above += 1
        j = above
        while found[j, 0] == y - 1 and found[j, 1] < last + corners:
            if found[j, 3] == number:
                a, b = _root(parent, i), _root(parent, j)
                parent[max(a, b)] = min(a, b)
            j += 1
    for i in range(count):
        parent[i] = parent[parent[i]]
    return parent


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _part(first, last, w):  # type: ignore[no-untyped-def]
    """The bits of one word that columns ``first`` to ``last``, exclusive, cover; it covers some."""
    out = ALL
    if w == first >> 6:
        out &= ALL << np.uint64(first & 63)
    if w == (last - 1) >> 6:
        out &= ALL >> np.uint64(63 - ((last - 1) & 63))
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def covered(bits, y, first, last):  # type: ignore[no-untyped-def]
    """How many pixels of a run a mask holds."""
    held = np.int64(0)
    for w in range(first >> 6, ((last - 1) >> 6) + 1):
        held += np.int64(_ones(bits[y, w] & _part(first, last, w)))
    return held


@nb.njit(cache=True, nogil=True, boundscheck=False)
def mark(bits, y, first, last):  # type: ignore[no-untyped-def]
    """Put a run into a mask."""
    for w in range(first >> 6, ((last - 1) >> 6) + 1):
        bits[y, w] |= _part(first, last, w)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def copy(source, bits, y, first, last):  # type: ignore[no-untyped-def]
    """Put into a mask what another one holds of a run."""
    for w in range(first >> 6, ((last - 1) >> 6) + 1):
        bits[y, w] |= source[y, w] & _part(first, last, w)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def drawn(found, bits):  # type: ignore[no-untyped-def]
    """Runs as a mask of the shape of ``bits``."""
    out = np.zeros_like(bits)
    for i in range(len(found)):
        mark(out, found[i, 0], found[i, 1], found[i, 2])
    return out
