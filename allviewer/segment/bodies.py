"""Stained bodies that stand by themselves: what is as convex as one cell and holds a nucleus is one cell's."""

import numba as nb
import numpy as np

from allviewer.segment.bits import Bits, ball, dilated, eroded, packed
from allviewer.segment.grid import Field
from allviewer.segment.histograms import rank
from allviewer.segment.regions import NOWHERE, Zones, fill_holes, held, largest_pieces, numbered, solidity, unbroken
from allviewer.segment.runs import covered, mark, runs
from allviewer.vocab.arrays import Floats, Grey, Labels, Mask

DENSE = 0.05
"""Least density in green, over the background around it, of a stained body."""

OF_DENSITY = 0.42
"""A body ends where the density falls to this part of what it has outside its nuclei."""

CONVEX = 0.94
"""Least part of its convex hull that one cell fills. With a red cell against it a white one fills less."""

NECK_UM = 2.0
"""What hangs together with a nucleus by less than twice this is another cell."""

FARTHEST_UM = 7.0
"""Cytoplasm lies no further from the nucleus than this; a body that does goes on as something else."""

LARGEST_UM2 = 420.0
"""Area of the largest body: a disc of 23 µm."""

HALO, HALO_UM = 0.25, 1.2
"""What the optics spread of a nucleus's own density just outside it, and how far out that has gone."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _dense(green, spans, dense, out):  # type: ignore[no-untyped-def]
    for i in range(len(spans)):
        y, first, last = spans[i, 0], spans[i, 1], spans[i, 2]
        value, mask = green[y, first:last], out[y, first:last]
        for x in range(last - first):
            mask[x] = value[x] > dense


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _half_way(found, count, green, nuclei, far, rule, out):  # type: ignore[no-untyped-def]
    """Cut each body at half its own density; nothing is left of what is too large or goes on beyond reach or edge.

    ``rule``: least density, part of the body's own, halo, its width, farthest distance, largest area.
    """
    dense, part, halo, halo_px, farthest, largest = rule
    inner, outer = np.zeros((count + 1, 256), np.int32), np.zeros((count + 1, 256), np.int32)
    bad = np.zeros(count + 1, np.bool_)
    rows, columns = green.shape
    for i in range(len(found)):
        y, first, last, k = found[i, 0], found[i, 1], found[i, 2], found[i, 3]
        bad[k] |= y == 0 or first == 0 or y == rows - 1 or last == columns
        beyond = False
        for x in range(first, last):
            bin = min(255, max(0, int(green[y, x] * np.float32(250))))
            if nuclei[y, x]:
                inner[k, bin] += 1
            else:
                outer[k, bin] += 1
            beyond |= far[y, x] > farthest - np.float32(1.5)
        bad[k] |= beyond
    levels, rims = np.zeros(count + 1, np.float32), np.zeros(count + 1, np.float32)
    for k in range(1, count + 1):
        nuclear, other = inner[k].sum(), outer[k].sum()
        bad[k] |= nuclear == 0 or nuclear + other > largest
        own = (rank(outer[k], 0.5) + 0.5) / 250 if other > 0 else 0.0
        rims[k] = halo * (rank(inner[k], 0.5) + 0.5) / 250
        levels[k] = max(dense, part * own)
    for i in range(len(found)):
        y, first, last, k = found[i, 0], found[i, 1], found[i, 2], found[i, 3]
        if bad[k]:
            continue
        level, rim, slope = levels[k], rims[k], rims[k] / halo_px
        value, away, nucleus, mask = green[y, first:last], far[y, first:last], nuclei[y, first:last], out[y, first:last]
        for x in range(last - first):
            mask[x] = (nucleus[x] != 0) | (value[x] > max(level, rim - slope * away[x]))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _named(found, bodies):  # type: ignore[no-untyped-def]
    """Give runs, in place, the number of the body's run in which each of them lies."""
    j = 0
    for i in range(len(found)):
        while bodies[j, 0] < found[i, 0] or bodies[j, 2] <= found[i, 1]:
            j += 1
        found[i, 3] = bodies[j, 3]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _convex(cut, bodies, count, least):  # type: ignore[no-untyped-def]
    """Of what is left of each body the largest piece, if it is convex, as a mask."""
    found = runs(cut, unbroken(cut), np.empty((0, 0), np.int32))
    _named(found, bodies)
    left = largest_pieces(found, count)
    fills = solidity(left, count)
    out = np.zeros_like(cut)
    for i in range(len(left)):
        if fills[left[i, 3]] > least:
            mark(out, left[i, 0], left[i, 1], left[i, 2])
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _owned(convex, nucleus, links, numbers, count):  # type: ignore[no-untyped-def]
    """Of which nuclei the convex bodies hold more than half, (count + 1,) bool."""
    found, held = runs(nucleus, links, numbers), np.zeros((count + 1, 2), np.int64)
    for i in range(len(found)):
        y, first, last, k = found[i, 0], found[i, 1], found[i, 2], found[i, 3]
        held[k, 0] += last - first
        held[k, 1] += covered(convex, y, first, last)
    out = np.zeros(count + 1, np.bool_)
    for k in range(1, count + 1):
        out[k] = 2 * held[k, 1] > held[k, 0]
    return out


def lone_bodies(
    green: Floats, nucleus: Bits, inner: Grey, zones: Zones, spans: Labels, field: Field, count: int
) -> tuple[Bits, Mask]:
    """Bodies that stand by themselves.

    Parameters
    ----------
    green : (h, w) float32, density in green over the background.
    nucleus, inner : the nuclei, as bits and as (h, w) uint8.
    zones, spans : what lies nearest to each of them, and the same as runs.
    field : the image on the working grid.
    count : of nuclei.

    Returns
    -------
    The bodies that are convex and end within reach, as bits; and which nuclei lie mostly in one, (count + 1,) bool.
    """
    hole, columns = int(field.area(20.0)), green.shape[1]
    mask = field.mask("mask")
    mask[:] = 0
    _dense(green, spans, np.float32(DENSE), mask)
    stained = packed(mask) | nucleus
    fill_holes(stained, columns, hole)
    element, everywhere = ball(field.px(NECK_UM)), unbroken(stained)
    core = held(eroded(stained, element, columns) | nucleus, nucleus, everywhere, NOWHERE)
    body = (stained & dilated(core, element, columns)) | nucleus
    bodies, held_bodies = numbered(body, 0)
    halo, farthest = field.px(HALO_UM), field.px(FARTHEST_UM)
    rule = tuple(np.float32(v) for v in (DENSE, OF_DENSITY, HALO, halo, farthest, field.area(LARGEST_UM2)))
    mask[:] = 0
    _half_way(bodies, held_bodies, green, inner, zones.far, rule, mask)
    cut = packed(mask)
    fill_holes(cut, columns, hole)
    convex = _convex(cut & body, bodies, held_bodies, CONVEX) & zones.within
    return convex, _owned(convex, nucleus, zones.links, zones.number, count)
