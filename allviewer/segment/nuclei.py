"""The outline of every nucleus: the seed sharpened to half the height of its own rim."""

import numba as nb
import numpy as np

from allviewer.segment.bits import Bits, disc, opened, packed
from allviewer.segment.grid import Field
from allviewer.segment.histograms import rank
from allviewer.segment.regions import Zones, held
from allviewer.segment.runs import covered, mark, runs
from allviewer.vocab.arrays import Floats, Labels

OF_HEIGHT = 0.41
"""A nucleus ends where the contrast falls to this part of the way from its plateau to what lies around it."""

REACH_UM = 1.0
"""How far from its seed a nucleus may end."""

RING_UM = (0.7, 1.8)
"""From and to which distance from its seed lies what is around a nucleus."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _nuclear_levels(fine, far, spans, ring, tops, levels, of_height):  # type: ignore[no-untyped-def]
    """Plateau of each nucleus and the contrast at which it ends."""
    count = len(tops)
    inner, outer = np.zeros((count, 512), np.int32), np.zeros((count, 512), np.int32)
    for i in range(len(spans)):
        y, k = spans[i, 0], spans[i, 3]
        for x in range(spans[i, 1], spans[i, 2]):
            d = far[y, x]
            if d < ring[1] and (d == 0 or d > ring[0]):
                bin = min(511, max(0, int((fine[y, x] + 0.05) * 400)))
                if d == 0:
                    inner[k, bin] += 1
                else:
                    outer[k, bin] += 1
    for k in range(1, count):
        top = (rank(inner[k], 0.7) + 0.5) / 400 - 0.05
        floor = (rank(outer[k], 0.5) + 0.5) / 400 - 0.05 if outer[k].sum() >= 12 else 0.0
        rest = min(max(floor, 0.0), 0.6 * top)
        tops[k], levels[k] = top, rest + of_height * (top - rest)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _above(fine, far, spans, levels, reach, out):  # type: ignore[no-untyped-def]
    """Where the contrast near a seed is above the level of that seed."""
    for i in range(len(spans)):
        y, first, last, level = spans[i, 0], spans[i, 1], spans[i, 2], levels[spans[i, 3]]
        value, away, mask = fine[y, first:last], far[y, first:last], out[y, first:last]
        for x in range(last - first):
            mask[x] = (away[x] <= reach) & (value[x] > level)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _keep_lost(nuclei, seeds, count):  # type: ignore[no-untyped-def]
    """Add, in place, the seeds, given as runs, of those nuclei of which nothing is left."""
    left = np.zeros(count, np.bool_)
    for i in range(len(seeds)):
        left[seeds[i, 3]] |= covered(nuclei, seeds[i, 0], seeds[i, 1], seeds[i, 2]) > 0
    for i in range(len(seeds)):
        if not left[seeds[i, 3]]:
            mark(nuclei, seeds[i, 0], seeds[i, 1], seeds[i, 2])


def sharpened(field: Field, seed: Bits, zones: Zones, spans: Labels, tops: Floats) -> Bits:
    """Every seed's nucleus, cut between its plateau and what lies around it.

    Parameters
    ----------
    field : the image on the working grid.
    seed : nuclear parts, numbered by their zones.
    zones, spans : what lies nearest to each of them, and the same as runs.
    tops : (count + 1,) float32, the plateaus are written there: optical density.
    """
    levels = np.zeros_like(tops)
    ring = (np.float32(field.px(RING_UM[0])), np.float32(field.px(RING_UM[1])))
    _nuclear_levels(field.fine, zones.far, spans, ring, tops, levels, OF_HEIGHT)
    mask = field.mask("mask")
    mask[:] = 0
    _above(field.fine, zones.far, spans, levels, np.float32(field.px(REACH_UM)), mask)
    core = opened(packed(mask), disc(field.px(0.3)), mask.shape[1])
    out: Bits = held(core, seed, zones.links, zones.number)
    _keep_lost(out, runs(seed, zones.links, zones.number), len(tops))
    return out
