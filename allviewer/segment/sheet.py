"""The candidates of a field on one small sheet, so that nothing is done where there is nothing to find."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import resolved_table
from allviewer.segment.grid import Field, averaged, disc, factor_for, working_field
from allviewer.segment.measure import Measured
from allviewer.segment.survey import GATE, Survey
from allviewer.segment.whole_cell import REACH_UM
from allviewer.vocab.arrays import RGB, Grey, Ints, Labels

BLOCK = 4
"""Working pixels along a block of the screening grid: less than a micrometre."""

SUSPECT = 0.7
"""A block is looked at from this part of the gate on: averaging takes something off a small nucleus's contrast."""

MARGIN_UM = REACH_UM + 1.5
"""How far around a suspect block anything is looked at: cytoplasm's reach, and what blurs and slopes see beyond it."""

LEAST_UM2, LEAST_CUT_UM2 = 5.0, 1.0
"""Least suspect area of a group, inside the field and at its edge: less than the gates ask of a nucleus."""

CROWDED = 0.8
"""Where more than this part of the field would be cut out, the whole field is one sheet."""


class Place(NamedTuple):
    """A window of the field on the sheet, working pixels; its height and width are the same on both."""

    sheet_y: int
    sheet_x: int
    y: int
    x: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Windows of a field side by side; a window lies at an edge of the sheet exactly if at that edge of the field.

    Attributes
    ----------
    field : the sheet as a field of its own, on the working grid. What belongs to no window is empty background.
    places : where each window lies, and where it came from.
    """

    field: Field
    places: tuple[Place, ...]

    def back(self, one: Measured) -> Measured:
        """A cell measured on the sheet, moved to where it lies in the field."""
        y, x = (at // self.field.factor for at in one.corner)
        for p in self.places:
            if p.sheet_y <= y < p.sheet_y + p.height and p.sheet_x <= x < p.sheet_x + p.width:
                dy, dx = p.y - p.sheet_y, p.x - p.sheet_x
                return replace(one, corner=((y + dy) * self.field.factor, (x + dx) * self.field.factor))
        raise ValueError(f"no window holds {one.corner}")


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _suspects(view, table, least, out):  # type: ignore[no-untyped-def]
    for y in range(view.shape[0]):
        for x in range(view.shape[1]):
            contrast = table[view[y, x, 0], 0] + table[view[y, x, 1], 1] + table[view[y, x, 2], 2]
            out[y, x] = contrast > least


def suspects(rgb: RGB, side: int, survey: Survey) -> Grey:
    """Blocks of ``side`` image pixels that may be nuclear, uint8 0 or 1; two rows of each are looked at."""
    rows, columns = rgb.shape[0] // side, rgb.shape[1] // side
    thin = rgb[: rows * side : side // 2, : columns * side]
    view = cv2.resize(thin, (columns, rows), interpolation=cv2.INTER_AREA)
    table = resolved_table(survey.white) * survey.contrast.astype(np.float32)
    out = np.empty((rows, columns), np.uint8)
    _suspects(view, table, np.float32(SUSPECT * GATE), out)
    # Blocks that the image's last rows and columns do not fill say what their neighbours say.
    below, beside = -(-rgb.shape[0] // side) - rows, -(-rgb.shape[1] // side) - columns
    padded: Grey = cv2.copyMakeBorder(out, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return padded


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _boxes(labels, suspect, boxes, held):  # type: ignore[no-untyped-def]
    """Box of each number, and how many suspect blocks it holds."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            k = labels[y, x]
            if k > 0:
                boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], y), min(boxes[k, 1], x)
                boxes[k, 2], boxes[k, 3] = max(boxes[k, 2], y + 1), max(boxes[k, 3], x + 1)
                held[k] += suspect[y, x]


def windows(suspect: Grey, margin: float, least: float, least_cut: float) -> tuple[Labels, Ints, Ints]:
    """Groups of suspect blocks with all that lies within ``margin`` blocks of them.

    Parameters
    ----------
    suspect : (h, w) uint8, 0 or 1.
    margin : blocks.
    least, least_cut : suspect blocks that a group holds at least, inside the field and at its edge.

    Returns
    -------
    labels : (h, w) int32, the group that each block belongs to, 0 for none. Groups do not touch.
    numbers : (n,) int64, those of the groups that are large enough.
    boxes : (n, 4) int64 (y0, x0, y1, x1) of each, half-open.
    """
    rows, columns = suspect.shape
    count, labels = cv2.connectedComponents(cv2.dilate(suspect, disc(margin)), connectivity=8, ltype=cv2.CV_32S)
    boxes: NDArray[np.int64] = np.tile(np.array([rows, columns, 0, 0]), (count, 1))
    held = np.zeros(count, np.int64)
    _boxes(labels, suspect, boxes, held)
    y0, x0, y1, x1 = boxes.T
    at_edge = (y0 == 0) | (x0 == 0) | (y1 == rows) | (x1 == columns)
    large = held >= np.where(at_edge, least_cut, least)
    large[0] = False
    numbers = np.flatnonzero(large)
    return labels, numbers, boxes[numbers]


def arrange(boxes: Ints, shape: tuple[int, int]) -> tuple[tuple[int, int], list[Place]] | None:
    """Find each box a place on one sheet: at the sheet's edges what lies at the field's, the rest in shelves between.

    Parameters
    ----------
    boxes : (n, 4) (y0, x0, y1, x1) within a field of ``shape``.
    shape : (h, w).

    Returns
    -------
    The sheet's (h, w) and the places in the boxes' order; None where a box spans the field from edge to edge, two
    boxes lie in the same corner, or the sheet would be no smaller than the field.
    """
    rows, columns = shape
    sides = [(y0 == 0, x0 == 0, y1 == rows, x1 == columns) for y0, x0, y1, x1 in boxes.tolist()]
    corners = [(t, left) for t, left, b, r in sides if (t or b) and (left or r)]
    if any((t and b) or (left and r) for t, left, b, r in sides) or len(set(corners)) < len(corners):
        return None
    sizes = [(y1 - y0, x1 - x0) for y0, x0, y1, x1 in boxes.tolist()]
    order = sorted(range(len(boxes)), key=lambda k: (-sizes[k][0], k))
    top = [k for k in order if sides[k][0]]
    bottom = [k for k in order if sides[k][2]]
    left = [k for k in order if sides[k][1] and k not in top and k not in bottom]
    right = [k for k in order if sides[k][3] and k not in top and k not in bottom]
    inner = [k for k in order if not any(sides[k])]
    at: dict[int, tuple[int, int]] = {}
    flank = [max((sizes[k][1] for k in group), default=0) for group in (left, right)]
    area = sum(h * w for h, w in sizes)
    strips = [sum(sizes[k][1] for k in group) for group in (top, bottom)]
    wide = sum(flank) + max((sizes[k][1] for k in inner), default=0)
    width = max(*strips, wide, int(1.1 * area**0.5))
    # Windows at the right edge lie on the same blocks as in the field.
    width += (columns - width) % BLOCK
    tall = max((sizes[k][0] for k in top), default=0)
    # Shelves between the flanks, tallest windows first.
    y, x, shelf = tall, flank[0], 0
    for k in inner:
        h, w = sizes[k]
        if x + w > width - flank[1]:
            y, x, shelf = y + shelf, flank[0], 0
        at[k] = (y, x)
        x, shelf = x + w, max(shelf, h)
    low = y + shelf
    for group, right_edge in ((left, False), (right, True)):
        y = tall
        for k in group:
            at[k] = (y, width - sizes[k][1] if right_edge else 0)
            y += sizes[k][0]
        low = max(low, y)
    height = low + max((sizes[k][0] for k in bottom), default=0)
    for group, is_top in ((top, True), (bottom, False)):
        # The left corner first and the right corner at the other end, whatever their height.
        x = sum(sizes[k][1] for k in group if sides[k][1])
        for k in group:
            y = 0 if is_top else height - sizes[k][0]
            if sides[k][1]:
                at[k] = (y, 0)
            elif sides[k][3]:
                at[k] = (y, width - sizes[k][1])
            else:
                at[k] = (y, x)
                x += sizes[k][1]
    if height * width > CROWDED * rows * columns:
        return None
    places = [Place(*at[k], int(boxes[k, 0]), int(boxes[k, 1]), *sizes[k]) for k in range(len(boxes))]
    return (height, width), places


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _blank(sheet, labels, place, number, block, white):  # type: ignore[no-untyped-def]
    """Paint white what of a window belongs to other groups."""
    for i in range(place[4]):
        for j in range(place[5]):
            if labels[(place[2] + i) // block, (place[3] + j) // block] != number:
                for c in range(3):
                    sheet[place[0] + i, place[1] + j, c] = white[c]


def cut_out(rgb: RGB, um_per_px: float, survey: Survey) -> Sheet | None:
    """All that may hold a white cell, on one sheet.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, C-contiguous.
    um_per_px : of the image.
    survey : the slide's.

    Returns
    -------
    The sheet; the whole field where that is crowded or small; None where there is nothing to look at.
    """
    factor = factor_for(um_per_px)
    side = factor * BLOCK
    whole = Place(0, 0, 0, 0, -(-rgb.shape[0] // factor), -(-rgb.shape[1] // factor))
    if min(rgb.shape[:2]) < 2 * side:
        return Sheet(working_field(rgb, um_per_px, survey), (whole,))
    block = um_per_px * side
    suspect = suspects(rgb, side, survey)
    labels, numbers, boxes = windows(suspect, MARGIN_UM / block, LEAST_UM2 / block**2, LEAST_CUT_UM2 / block**2)
    if len(boxes) == 0:
        return None
    fitted = np.minimum(boxes * BLOCK, np.tile([whole.height, whole.width], 2))
    arranged = arrange(fitted, (whole.height, whole.width))
    if arranged is None:
        wanted = np.zeros(int(labels.max()) + 1, np.uint8)
        wanted[numbers] = 1
        near = wanted[labels]
        pixels, um = averaged(rgb, factor), um_per_px * factor
        return Sheet(Field.of(pixels, um, factor, rgb.shape[:2], survey, near, BLOCK), (whole,))
    (height, width), places = arranged
    white = np.array(np.rint(survey.white), np.uint8)
    sheet: RGB = np.empty((height, width, 3), np.uint8)
    sheet[:] = white
    for number, p in zip(numbers.tolist(), places, strict=True):
        _fill(sheet, rgb, p, factor)
        _blank(sheet, labels, p, number, BLOCK, white)
    # What the image's last block lacks, the sheet's lacks too, so that cut cells end where the image does.
    lacking = (whole.height * factor - rgb.shape[0], whole.width * factor - rgb.shape[1])
    shape = (height * factor - lacking[0], width * factor - lacking[1])
    return Sheet(Field.of(sheet, um_per_px * factor, factor, shape, survey), tuple(places))


def _fill(sheet: RGB, rgb: RGB, p: Place, factor: int) -> None:
    """Average one window of the image down into its place."""
    part = rgb[p.y * factor : (p.y + p.height) * factor, p.x * factor : (p.x + p.width) * factor]
    sheet[p.sheet_y : p.sheet_y + p.height, p.sheet_x : p.sheet_x + p.width] = averaged(part, factor)
