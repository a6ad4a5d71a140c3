"""From a nucleus to its two outlines: the nucleus sharpened, the cytoplasm taken in, neighbours left alone."""

import math
from dataclasses import dataclass

import numba as nb
import numpy as np

from allviewer.segment.bits import Bits, disc, opened, packed, unpacked, unpacked_into
from allviewer.segment.bodies import FARTHEST_UM, lone_bodies
from allviewer.segment.cytoplasm import LARGEST_HOLE_UM2, coloured, even_out, planes_of
from allviewer.segment.grid import Field
from allviewer.segment.nuclei import sharpened
from allviewer.segment.regions import NOWHERE, Zones, boxes, by_number, fill_holes, largest_pieces, nearest, unbroken
from allviewer.segment.runs import copy, drawn, runs
from allviewer.vocab.arrays import Floats, Labels, Mask

MARGIN_UM = 1.0
"""Room left around a cell's masks, so that closing the seams between lobes sees no edge."""


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


def filled(mask: Mask, field: Field) -> Mask:
    """A cell's mask without holes and without tails thinner than 2 µm; its largest piece."""
    whole, columns = packed(mask.view(np.uint8)), mask.shape[1]
    fill_holes(whole, columns, int(field.area(LARGEST_HOLE_UM2)))
    left = opened(whole, disc(field.px(1.0)), columns)
    return unpacked(drawn(largest_pieces(runs(left, unbroken(left), NOWHERE), 1), left), columns)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _preferred(lone, alone, cells, links, numbers):  # type: ignore[no-untyped-def]
    """The lone body in every zone where there is one, the cell in the others; as runs."""
    both = lone | cells
    found = runs(both, links, numbers)
    out = np.zeros_like(both)
    for i in range(len(found)):
        copy(lone if alone[found[i, 3]] else cells, out, found[i, 0], found[i, 1], found[i, 2])
    return runs(out, links, numbers)


def whole_cells(field: Field, seeds: Labels) -> tuple[list[Found | None], Zones]:
    """Both masks of every numbered nucleus.

    Parameters
    ----------
    field : the image on the working grid.
    seeds : (h, w) int32, numbered from 1: nuclei and lobes.

    Returns
    -------
    One `Found` a number, in order; None for a number that does not occur. A pixel belongs to the nearest nucleus at
    most, so neighbours never overlap; to which, the zones beside them say. A cell is never empty.

    Notes
    -----
    What tells cytoplasm is its colour against red cells and background. Where a stained body stands by itself and is
    as convex as a cell, there is nothing to tell it from: then all of it is the cell, however pale or pink.
    """
    count = int(seeds.max(initial=0))
    zones = nearest(seeds, field.px(FARTHEST_UM), field.desk)
    spans = runs(zones.within, zones.links, zones.number)
    tops = np.zeros(count + 1, np.float32)
    nucleus = sharpened(field, packed((seeds > 0).view(np.uint8)), zones, spans, tops)
    inner = unpacked_into(nucleus, field.mask("nuclei"))
    planes = planes_of(field)
    even_out(field, planes, zones, spans, count + 1)
    cells = coloured(field, planes, nucleus, inner, zones, spans, tops)
    lone, alone = lone_bodies(planes.green, nucleus, inner, zones, spans, field, count)
    found = largest_pieces(_preferred(lone, alone, cells, zones.links, zones.number), count)
    return _cut(found, nucleus, tops, seeds.shape, math.ceil(field.px(MARGIN_UM))), zones


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _paint(found, nucleus, y0, x0, cell, inner):  # type: ignore[no-untyped-def]
    """Write runs into a window, and what of them is nucleus."""
    for i in range(len(found)):
        y = found[i, 0]
        for x in range(found[i, 1], found[i, 2]):
            cell[y - y0, x - x0] = True
            inner[y - y0, x - x0] = (nucleus[y, x >> 6] >> np.uint64(x & 63)) & np.uint64(1) != 0


def _cut(found: Labels, nucleus: Bits, tops: Floats, shape: tuple[int, ...], margin: int) -> list[Found | None]:
    """Each number's masks in a window by ``margin`` pixels wider than the cell."""
    count = len(tops) - 1
    ordered, start = by_number(found, count)
    out: list[Found | None] = []
    for k, (y0, x0, y1, x1) in enumerate(boxes(found, count).tolist()):
        if k == 0:
            continue
        if y1 == 0:
            out.append(None)
            continue
        y0, x0 = max(0, y0 - margin), max(0, x0 - margin)
        size = (min(shape[0], y1 + margin) - y0, min(shape[1], x1 + margin) - x0)
        cell, inner = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        _paint(ordered[start[k] : start[k + 1]], nucleus, y0, x0, cell, inner)
        out.append(Found(y0, x0, cell, inner, float(tops[k])))
    return out
