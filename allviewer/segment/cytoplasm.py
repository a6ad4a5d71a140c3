"""Cytoplasm by its colour: stain that is neither the red cells' own nor the background's."""

from typing import NamedTuple

import cv2
import numba as nb
import numpy as np

from allviewer.segment.bits import Bits, ball, closed, dilated, disc, eroded, packed
from allviewer.segment.grid import Field
from allviewer.segment.histograms import rank
from allviewer.segment.regions import Zones, fill_holes, held, largest_pieces
from allviewer.segment.runs import drawn, runs
from allviewer.vocab.arrays import Floats, Grey, Labels

OF_CYTOPLASM = 0.5
"""A cell ends where the contrast falls to this part of its cytoplasm's: half-height again."""

ASIDE = 0.7
"""Weight of colour that is neither the red cells' nor azure: eosin granules, blue cytoplasm."""

REACH_UM = 5.0
"""Cytoplasm is looked for this far from the nucleus by its colour; a body that stands alone may reach further."""

PALEST, PALE = 0.014, 0.024
"""Least contrast of cytoplasm against background and red cells, optical density: of the palest and of any other."""

TINGE = 0.3
"""Between the two it is this part of the density in green: red cells and their rims have less contrast for theirs."""

HALO, HALO_UM = 0.28, 1.2
"""What the optics spread of a nucleus's own plateau just outside it, and how far out that has gone: not cytoplasm."""

EMPTY = 0.3
"""Of what lies around a nucleus the palest part, which is taken for background."""

UNEVEN = 0.02
"""How far the background around a nucleus may stand off the slide's, optical density."""

LARGEST_HOLE_UM2 = 20.0

OWN_UM = 2.5
"""A cell's own cytoplasm is looked at this far from the nucleus."""

_NEAREST_UM = 0.8


class Planes(NamedTuple):
    """Optical densities blurred by 0.3 µm, (h, w) float32: across the red cells' direction, aside, and in green."""

    across: Floats
    aside: Floats
    green: Floats


def planes_of(field: Field) -> Planes:
    """What outlines of whole cells are drawn from."""
    table = -np.log10(np.maximum(np.arange(256, dtype=np.float32), 1) / np.float32(field.clear))
    level = cv2.extractChannel(field.rgb, 1, dst=field.mask("mask"))
    green = cv2.LUT(level, table.astype(np.float32), dst=field.floats("green"))
    width = max(0.5, field.px(0.3))
    # What the sweeps for the zones needed is free by now; green is smoothed in place.
    planes = {"steps": field.azure, "names": field.aside, "green": green}
    return Planes(*(cv2.GaussianBlur(p, (0, 0), width, dst=field.floats(name)) for name, p in planes.items()))


def evidence(field: Field) -> Floats:
    """What speaks for cytoplasm, (h, w) float32 optical density: stain that is not the red cells' own."""
    planes = planes_of(field)
    out: Floats = cv2.magnitude(np.maximum(planes.across, 0), ASIDE * planes.aside)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False, fastmath={"reassoc", "nsz"})
def _sums(across, aside, green, away, cut, near, reach):  # type: ignore[no-untyped-def]
    """How many pixels of a run are paler than ``cut`` and lie in the ring, and what they have of each plane."""
    held = one = other = third = np.float32(0)
    for x in range(len(green)):
        use = (green[x] < cut) & (near < away[x]) & (away[x] < reach)
        held += np.float32(1) if use else np.float32(0)
        one += across[x] if use else np.float32(0)
        other += aside[x] if use else np.float32(0)
        third += green[x] if use else np.float32(0)
    return held, one, other, third


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _palest(planes, far, spans, count, ring, empty, most):  # type: ignore[no-untyped-def]
    """What the background around each nucleus has of each plane, (count, 3) float32."""
    across, aside, green = planes
    counts = np.zeros((count, 256), np.int32)
    for i in range(len(spans)):
        y, k = spans[i, 0], spans[i, 3]
        for x in range(spans[i, 1], spans[i, 2]):
            if ring[0] < far[y, x] < ring[1]:
                counts[k, min(255, max(0, int((green[y, x] + 0.05) * 500)))] += 1
    cut = np.full(count, -1.0, np.float32)
    for k in range(1, count):
        if counts[k].sum() >= 20:
            cut[k] = (rank(counts[k], empty) + 1) / 500 - 0.05
    sums = np.zeros((count, 4))
    for i in range(len(spans)):
        y, first, last, k = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
        one, other, third, away = across[y, first:last], aside[y, first:last], green[y, first:last], far[y, first:last]
        held, a, b, c = _sums(one, other, third, away, cut[k], ring[0], ring[1])
        sums[k, 0] += held
        sums[k, 1] += a
        sums[k, 2] += b
        sums[k, 3] += c
    off = np.zeros((count, 3), np.float32)
    for k in range(1, count):
        if sums[k, 0] > 0 and sums[k, 3] / sums[k, 0] < 1.5 * most:
            for c in range(3):
                off[k, c] = min(max(sums[k, c + 1] / sums[k, 0], -most), most)
    return off


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _even_out(planes, spans, off):  # type: ignore[no-untyped-def]
    """Take that off each plane, in place."""
    across, aside, green = planes
    for i in range(len(spans)):
        y, first, last, k = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
        one, other, third = across[y, first:last], aside[y, first:last], green[y, first:last]
        for x in range(last - first):
            one[x] -= off[k, 0]
            other[x] -= off[k, 1]
            third[x] -= off[k, 2]


def even_out(field: Field, planes: Planes, zones: Zones, spans: Labels, count: int) -> None:
    """Take off each plane, in place, what the background around each nucleus has of it."""
    ring = (np.float32(field.px(_NEAREST_UM)), np.float32(field.px(REACH_UM)))
    _even_out(planes, spans, _palest(planes, zones.far, spans, count, ring, EMPTY, np.float32(UNEVEN)))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _stain(across, aside, weight):  # type: ignore[no-untyped-def]
    """See `evidence`."""
    one, other = max(across, np.float32(0)), weight * aside
    return np.sqrt(one * one + other * other)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _least(green, away, tinge, palest, pale, halo, slope):  # type: ignore[no-untyped-def]
    """What the evidence must exceed; a nucleus's halo has ``halo`` at its rim and falls off by ``slope``."""
    return max(min(max(tinge * green, palest), pale), halo - slope * away)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _own(planes, nucleus, far, spans, tops, rule, near):  # type: ignore[no-untyped-def]
    """Median evidence of each cell's cytoplasm within ``near`` pixels of the nucleus; ``rule`` as of `_stained`."""
    across, aside, green = planes
    weight, tinge, palest, pale, halo, halo_px = rule
    counts, bins = np.zeros((len(tops), 256), np.int32), np.empty(far.shape[1], np.int32)
    for i in range(len(spans)):
        y, first, last, k = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
        one, other, third, away = across[y, first:last], aside[y, first:last], green[y, first:last], far[y, first:last]
        inner, rim, held = nucleus[y, first:last], halo * tops[k], counts[k]
        slope = rim / halo_px
        for x in range(last - first):
            stain = _stain(one[x], other[x], weight)
            own = (stain > _least(third[x], away[x], tinge, palest, pale, rim, slope)) & (away[x] < near)
            bins[x] = np.int32(stain * np.float32(1000)) if own & (inner[x] == 0) else np.int32(-1)
        for x in range(last - first):
            if bins[x] >= 0:
                held[min(255, bins[x])] += 1
    out = np.zeros(len(tops), np.float32)
    for k in range(1, len(tops)):
        out[k] = (rank(counts[k], 0.5) + 0.5) / 1000 if counts[k].sum() > 0 else 0.0
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _stained(planes, far, spans, tops, own, rule, reach, out):  # type: ignore[no-untyped-def]
    """Where the evidence is above what counts as stain at all and above the cell's own level.

    ``rule``: weight of aside, tinge, palest, pale, halo, its width.
    """
    across, aside, green = planes
    weight, tinge, palest, pale, halo, halo_px = rule
    for i in range(len(spans)):
        y, first, last, k = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
        one, other, third, away = across[y, first:last], aside[y, first:last], green[y, first:last], far[y, first:last]
        level, rim, mask = own[k], halo * tops[k], out[y, first:last]
        slope = rim / halo_px
        for x in range(last - first):
            least = max(level, _least(third[x], away[x], tinge, palest, pale, rim, slope))
            mask[x] = (away[x] <= reach) & (_stain(one[x], other[x], weight) > least)


def coloured(
    field: Field, planes: Planes, nucleus: Bits, inner: Grey, zones: Zones, spans: Labels, tops: Floats
) -> Bits:
    """Nucleus and cytoplasm by its colour, every number in one piece.

    Parameters
    ----------
    field : the image on the working grid.
    planes : evened out.
    nucleus, inner : the nuclei, as bits and as (h, w) uint8.
    zones, spans : what lies nearest to each of them, and the same as runs.
    tops : (count + 1,) float32, the nuclei's plateaus.
    """
    mask, columns = field.mask("mask"), inner.shape[1]
    mask[:] = 0
    rule = tuple(np.float32(v) for v in (ASIDE, TINGE, PALEST, PALE, HALO, field.px(HALO_UM)))
    own = _own(planes, inner, zones.far, spans, tops, rule, np.float32(field.px(OWN_UM)))
    reach = np.float32(field.px(REACH_UM))
    _stained(planes, zones.far, spans, tops, np.float32(OF_CYTOPLASM) * own, rule, reach, mask)
    whole = closed(packed(mask) | nucleus, disc(field.px(0.5)), columns)
    whole &= packed(np.less_equal(zones.far, reach, out=mask.view(np.bool_)).view(np.uint8))
    fill_holes(whole, columns, int(field.area(LARGEST_HOLE_UM2)))
    found = runs(without_tails(whole, nucleus, zones, field), zones.links, zones.number)
    out: Bits = drawn(largest_pieces(found, len(tops) - 1), whole)
    return out


def without_tails(mask: Bits, nucleus: Bits, zones: Zones, field: Field) -> Bits:
    """What of a mask hangs together with each nucleus by more than 2 µm, and the nuclei.

    An opening alone would leave the knob behind a thin neck, and with it the neck: so between its two steps only the
    pieces that meet the nucleus are kept.
    """
    element, columns = ball(field.px(1.0)), zones.number.shape[1]
    core = held(eroded(mask, element, columns), nucleus, zones.links, zones.number)
    kept = mask & dilated(core, element, columns)
    out: Bits = held(kept | nucleus, nucleus, zones.links, zones.number)
    return out
