"""From a nucleus to its two outlines: the nucleus sharpened, the cytoplasm taken in, neighbours left alone."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numba as nb
import numpy as np

from allviewer.segment.bodies import FARTHEST_UM, lone_bodies
from allviewer.segment.grid import Field, disc
from allviewer.segment.regions import boxes_of, fill_holes, held, nearest, one_piece, opened
from allviewer.vocab.arrays import Floats, Grey, Labels, Mask

OF_HEIGHT = 0.41
"""A nucleus ends where the contrast falls to this part of the way from its plateau to what lies around it."""

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

MARGIN_UM = 1.0
"""Room left around a cell's masks, so that closing the seams between lobes sees no edge."""

OWN_UM = 2.5
"""A cell's own cytoplasm is looked at this far from the nucleus."""

_BINS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One cell in a window of the working grid.

    Attributes
    ----------
    y, x : the window's corner.
    cell, nucleus : (h, w) bool masks; the nucleus lies inside the cell.
    plateau : contrast of the nucleus, optical density.
    """

    y: int
    x: int
    cell: Mask
    nucleus: Mask
    plateau: float


class Planes(NamedTuple):
    """Optical densities blurred by 0.3 µm, (h, w) float32: across the red cells' direction, aside, and in green."""

    across: Floats
    aside: Floats
    green: Floats


def planes_of(field: Field) -> Planes:
    """What outlines of whole cells are drawn from."""
    table = -np.log10(np.maximum(np.arange(256, dtype=np.float32), 1) / np.float32(field.clear))
    green = cv2.LUT(np.ascontiguousarray(field.rgb[..., 1]), table.astype(np.float32))
    width = max(0.5, field.px(0.3))
    return Planes(*(cv2.GaussianBlur(plane, (0, 0), width) for plane in (field.azure, field.aside, green)))


def evidence(field: Field) -> Floats:
    """What speaks for cytoplasm, (h, w) float32 optical density: stain that is not the red cells' own."""
    planes = planes_of(field)
    out: Floats = cv2.magnitude(np.maximum(planes.across, 0), ASIDE * planes.aside)
    return out


@nb.njit(cache=True, nogil=True)
def _rank(counts, share):  # type: ignore[no-untyped-def]
    """Bin that holds the given share of a histogram's mass, -1 for an empty one."""
    total = counts.sum()
    below = 0
    for k in range(len(counts)):
        below += counts[k]
        if total > 0 and below >= share * total:
            return k
    return -1


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _nuclear_levels(fine, seed, zone, far, ring, tops, levels, of_height):  # type: ignore[no-untyped-def]
    """Plateau of each nucleus and the contrast at which it ends; ``ring`` from and to which distance lies around it."""
    count = len(tops)
    inner, outer = np.zeros((count, 512), np.int32), np.zeros((count, 512), np.int32)
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k, d = zone[y, x], far[y, x]
            if k == 0 or d >= ring[1]:
                continue
            bin = min(511, max(0, int((fine[y, x] + 0.05) * 400)))
            if seed[y, x] > 0:
                inner[k, bin] += 1
            elif d > ring[0]:
                outer[k, bin] += 1
    for k in range(1, count):
        top = (_rank(inner[k], 0.7) + 0.5) / 400 - 0.05
        floor = (_rank(outer[k], 0.5) + 0.5) / 400 - 0.05 if outer[k].sum() >= 12 else 0.0
        rest = min(max(floor, 0.0), 0.6 * top)
        tops[k], levels[k] = top, rest + of_height * (top - rest)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _even_out(across, aside, green, zone, far, ring, empty, most):  # type: ignore[no-untyped-def]
    """Take off each plane, in place, what the background around each nucleus has of it."""
    count = zone.max() + 1
    counts = np.zeros((count, 256), np.int32)
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k = zone[y, x]
            if k > 0 and ring[0] < far[y, x] < ring[1]:
                counts[k, min(255, max(0, int((green[y, x] + 0.05) * 500)))] += 1
    cut = np.full(count, -1.0, np.float32)
    for k in range(1, count):
        if counts[k].sum() >= 20:
            cut[k] = (_rank(counts[k], empty) + 1) / 500 - 0.05
    sums = np.zeros((count, 4))
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k = zone[y, x]
            if k > 0 and ring[0] < far[y, x] < ring[1] and green[y, x] < cut[k]:
                sums[k, 0] += 1
                sums[k, 1] += across[y, x]
                sums[k, 2] += aside[y, x]
                sums[k, 3] += green[y, x]
    off = np.zeros((count, 3), np.float32)
    for k in range(1, count):
        if sums[k, 0] > 0 and sums[k, 3] / sums[k, 0] < 1.5 * most:
            for c in range(3):
                off[k, c] = min(max(sums[k, c + 1] / sums[k, 0], -most), most)
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k = zone[y, x]
            if k > 0:
                across[y, x] -= off[k, 0]
                aside[y, x] -= off[k, 1]
                green[y, x] -= off[k, 2]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _stained(planes, nucleus, zone, far, tops, reach, halo_px, rule, out):  # type: ignore[no-untyped-def]
    """Where the colour is cytoplasm's: above what counts as stain at all and above half of the cell's own.

    ``rule``: weight of aside, tinge, palest, pale, halo, part of the cytoplasm's own, how far out that is looked at.
    """
    across, aside, green = planes
    weight, tinge, palest, pale, halo, part, near = rule
    count = len(tops)
    coarse, least = np.zeros(zone.shape, np.float32), np.zeros(zone.shape, np.float32)
    counts = np.zeros((count, 256), np.int32)
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k, d = zone[y, x], far[y, x]
            if k == 0 or d > reach:
                continue
            coarse[y, x] = np.sqrt(max(across[y, x], 0) ** 2 + (weight * aside[y, x]) ** 2)
            least[y, x] = min(max(tinge * green[y, x], palest), pale)
            if d < halo_px:
                least[y, x] = max(least[y, x], halo * tops[k] * (1 - d / halo_px))
            if d < near and coarse[y, x] > least[y, x] and nucleus[y, x] == 0:
                counts[k, min(255, int(coarse[y, x] * 1000))] += 1
    own = np.zeros(count, np.float32)
    for k in range(1, count):
        own[k] = (_rank(counts[k], 0.5) + 0.5) / 1000 if counts[k].sum() > 0 else 0.0
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k = zone[y, x]
            if nucleus[y, x] or (k > 0 and far[y, x] <= reach and coarse[y, x] > max(least[y, x], part * own[k])):
                out[y, x] = 1


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _above(fine, zone, far, levels, reach, out):  # type: ignore[no-untyped-def]
    """Where the contrast near a seed is above the level of that seed."""
    for y in range(zone.shape[0]):
        for x in range(zone.shape[1]):
            k = zone[y, x]
            out[y, x] = k > 0 and far[y, x] <= reach and fine[y, x] > levels[k]


def _nuclei(field: Field, seeds: Labels, zone: Labels, far: Floats) -> tuple[Labels, Floats]:
    """Every seed's nucleus, cut at half the height between its plateau and what lies around it; and the plateaus."""
    fine = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.15)))
    count = int(seeds.max(initial=0)) + 1
    tops, levels = np.zeros(count, np.float32), np.zeros(count, np.float32)
    ring = (np.float32(field.px(0.7)), np.float32(field.px(1.8)))
    _nuclear_levels(fine, seeds, zone, far, ring, tops, levels, OF_HEIGHT)
    mask = np.empty(zone.shape, np.uint8)
    _above(fine, zone, far, levels, np.float32(field.px(1.0)), mask)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(field.px(0.3)))
    seed = (seeds > 0).view(np.uint8)
    out = held(zone, mask, seed)
    lost = np.bincount(out.ravel(), minlength=count) == 0
    lost[0] = False
    return np.where(lost[seeds], seeds, out), tops


def filled(mask: Mask, field: Field) -> Mask:
    """A cell's mask without holes and without tails thinner than 2 µm; its largest piece."""
    whole = mask.astype(np.uint8)
    fill_holes(whole, field.area(LARGEST_HOLE_UM2))
    labels = cv2.morphologyEx(whole, cv2.MORPH_OPEN, disc(field.px(1.0))).astype(np.int32)
    one_piece(labels, 1)
    out: Mask = labels > 0
    return out


def _without_tails(mask: Grey, nuclei: Labels, zone: Labels, field: Field) -> Labels:
    """What of a mask hangs together with each nucleus by more than 2 µm, and the nuclei; one piece each.

    An opening alone would leave the knob behind a thin neck, and with it the neck: so between its two steps only the
    pieces that meet the nucleus are kept.
    """
    nucleus = (nuclei > 0).view(np.uint8)
    kept = opened(mask, field.px(1.0), lambda core: held(zone, core, nucleus) > 0)
    out = held(zone, kept | nucleus, nucleus)
    one_piece(out, int(nuclei.max(initial=0)))
    return out


def _coloured(field: Field, planes: Planes, nuclei: Labels, zone: Labels, far: Floats, tops: Floats) -> Labels:
    """Nucleus and cytoplasm by its colour, numbered."""
    mask = np.zeros(zone.shape, np.uint8)
    rule = tuple(np.float32(v) for v in (ASIDE, TINGE, PALEST, PALE, HALO, OF_CYTOPLASM, field.px(OWN_UM)))
    reach, halo = np.float32(field.px(REACH_UM)), np.float32(field.px(HALO_UM))
    _stained(planes, nuclei, zone, far, tops, reach, halo, rule, mask)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc(field.px(0.5)))
    closed &= (far <= reach).view(np.uint8)
    fill_holes(closed, field.area(LARGEST_HOLE_UM2))
    return _without_tails(closed, nuclei, zone, field)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _prefer(lone, cells, alone):  # type: ignore[no-untyped-def]
    """Put, in place, lone bodies in the stead of the same numbers' cells."""
    for y in range(lone.shape[0]):
        for x in range(lone.shape[1]):
            alone[lone[y, x]] = True
    for y in range(lone.shape[0]):
        for x in range(lone.shape[1]):
            if lone[y, x] > 0:
                cells[y, x] = lone[y, x]
            elif cells[y, x] > 0 and alone[cells[y, x]]:
                cells[y, x] = 0


def whole_cells(field: Field, seeds: Labels) -> tuple[list[Found | None], Labels, Floats]:
    """Both masks of every numbered nucleus.

    Parameters
    ----------
    field : the image on the working grid.
    seeds : (h, w) int32, numbered from 1: nuclei and lobes.

    Returns
    -------
    One `Found` a number, in order; None for a number that does not occur. A pixel belongs to the nearest nucleus at
    most, so neighbours never overlap. Beside them, each pixel's nearest number within reach, and its distance.

    Notes
    -----
    What tells cytoplasm is its colour against red cells and background. Where a stained body stands by itself and is
    as convex as a cell, there is nothing to tell it from: then all of it is the cell, however pale or pink.
    """
    count = int(seeds.max(initial=0))
    zone, far = nearest(seeds, field.px(FARTHEST_UM))
    nuclei, tops = _nuclei(field, seeds, zone, far)
    planes = planes_of(field)
    ring = (np.float32(field.px(0.8)), np.float32(field.px(REACH_UM)))
    _even_out(*planes, zone, far, ring, EMPTY, np.float32(UNEVEN))
    cells = _coloured(field, planes, nuclei, zone, far, tops)
    lone = lone_bodies(planes.green, nuclei, zone, far, field)
    _prefer(lone, cells, np.zeros(count + 1, np.bool_))
    one_piece(cells, count)
    return _cut(cells, nuclei, tops, count, math.ceil(field.px(MARGIN_UM))), zone, far


def _cut(cells: Labels, nuclei: Labels, tops: Floats, count: int, margin: int) -> list[Found | None]:
    """Each number's masks in a window by ``margin`` pixels wider than the cell."""
    out: list[Found | None] = []
    for k, (y0, x0, y1, x1) in enumerate(boxes_of(cells, count).tolist()):
        if k == 0:
            continue
        y0, x0 = max(0, y0 - margin), max(0, x0 - margin)
        window = (slice(y0, y1 + margin), slice(x0, x1 + margin))
        mask = cells[window] == k
        found = Found(y0, x0, mask, mask & (nuclei[window] == k), float(tops[k]))
        out.append(found if y1 > 0 else None)
    return out
