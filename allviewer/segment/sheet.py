"""The candidates of a field on one small sheet, so that nothing is done where there is nothing to find."""

from dataclasses import dataclass, replace
from math import ceil

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import resolved_table
from allviewer.segment.blocks import block_means
from allviewer.segment.bodies import FARTHEST_UM
from allviewer.segment.desk import Desk
from allviewer.segment.grid import Field, averaged, disc, factor_for, working_field
from allviewer.segment.measure import Measured
from allviewer.segment.survey import GATE, Survey
from allviewer.vocab.arrays import RGB, Grey, Ints, Labels

BLOCK = 4
"""Working pixels along a block of the screening grid: less than a micrometre."""

SUSPECT = 0.7
"""A block is looked at from this part of the gate on: averaging takes something off a small nucleus's contrast."""

MARGIN_UM = FARTHEST_UM + 1.0
"""How far around a suspect block anything is looked at: cytoplasm's reach, and what blurs and slopes see beyond it."""

LEAST_UM2, LEAST_CUT_UM2 = 5.0, 1.0
"""Least suspect area of a group, inside the field and at its edge: less than the gates ask of a nucleus."""

CROWDED = 0.8
"""Where a sheet would be larger than this part of the field, the whole field is one sheet."""

_TIGHT, _LOOSER = 1.2, 1.12
_STRETCHES = (1.0, 0.7, 1.4, 0.5, 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Groups of blocks of a field side by side; what lies at an edge of the field lies at that edge of the sheet.

    Attributes
    ----------
    field : the sheet as a field of its own, on the working grid. What belongs to no group is empty background.
    owner : (blocks, blocks) int32, which group's block it is, from 1; 0 for none.
    moved : (groups, 2) int64, how many blocks each group lies further up and left than in the field it came from.
    """

    field: Field
    owner: Labels
    moved: Ints

    @classmethod
    def whole(cls, field: Field) -> "Sheet":
        """The field as it is."""
        return cls(field, np.ones((1, 1), np.int32), np.zeros((1, 2), np.int64))

    def back(self, one: Measured) -> Measured:
        """A cell measured on the sheet, moved to where it lies in the field."""
        side = self.field.factor * BLOCK
        y, x = (round(at + middle) // side for at, middle in zip(one.corner, one.cell.centroid, strict=True))
        number = int(self.owner[min(y, len(self.owner) - 1), min(x, self.owner.shape[1] - 1)])
        if number == 0:
            raise ValueError(f"no group holds {one.corner}")
        dy, dx = (int(step) * side for step in self.moved[number - 1])
        return replace(one, corner=(one.corner[0] + dy, one.corner[1] + dx))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _suspects(view, table, least, out):  # type: ignore[no-untyped-def]
    for y in range(view.shape[0]):
        for x in range(view.shape[1]):
            contrast = table[view[y, x, 0], 0] + table[view[y, x, 1], 1] + table[view[y, x, 2], 2]
            out[y, x] = contrast > least


def suspects(rgb: RGB, side: int, survey: Survey) -> Grey:
    """Blocks of ``side`` image pixels that may be nuclear, uint8 0 or 1; two rows of each are looked at."""
    rows, columns = rgb.shape[0] // side, rgb.shape[1] // side
    view = block_means(rgb, side, side // 2)
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


def groups(suspect: Grey, margin: float, least: float, least_cut: float) -> tuple[Labels, Ints, Ints]:
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


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _place(labels, numbers, boxes, order, taken, at):  # type: ignore[no-untyped-def]
    """First fit, row by row; a group takes each of its rows from its first to its last block. False where one fails.

    ``taken`` (h, w + 1) int32 holds along each row how many blocks before this one are taken.
    """
    rows, columns = taken.shape[0], taken.shape[1] - 1
    height, width = labels.shape
    for g in order:
        y0, x0, y1, x1 = boxes[g, 0], boxes[g, 1], boxes[g, 2], boxes[g, 3]
        h, w = y1 - y0, x1 - x0
        runs = np.empty((h, 2), np.int64)
        for i in range(h):
            runs[i, 0], runs[i, 1] = w, 0
            for j in range(w):
                if labels[y0 + i, x0 + j] == numbers[g]:
                    runs[i, 0], runs[i, 1] = min(runs[i, 0], j), j + 1
        top, bottom = (rows - h if y1 == height and y0 > 0 else 0), (0 if y0 == 0 else rows - h)
        left, right = (columns - w if x1 == width and x0 > 0 else 0), (0 if x0 == 0 else columns - w)
        done = h > rows or w > columns
        fits = False
        y = top
        while not done and y <= bottom:
            x = left
            while x <= right:
                fits = True
                for i in range(h):
                    a, b = x + runs[i, 0], x + runs[i, 1]
                    if taken[y + i, b] - taken[y + i, a] > 0:
                        fits = False
                        # On to where this row is past the last block that is in its way.
                        while taken[y + i, b - 1] == taken[y + i, b]:
                            b -= 1
                        x = b - runs[i, 0]
                        break
                if fits:
                    at[g, 0], at[g, 1] = y, x
                    done = True
                    break
            y += 1
        if not fits:
            return False
        for i in range(h):
            a, b = at[g, 1] + runs[i, 0], at[g, 1] + runs[i, 1]
            for j in range(a, columns):
                taken[at[g, 0] + i, j + 1] += min(j + 1, b) - a
    return True


def arrange(labels: Labels, numbers: Ints, boxes: Ints) -> tuple[tuple[int, int], Ints] | None:
    """Find each group a place on one sheet, as small as is found quickly.

    Parameters
    ----------
    labels, numbers, boxes : of `groups`.

    Returns
    -------
    The sheet's (h, w) in blocks and each group's (y, x) on it; None where a group spans the field from edge to edge
    or the sheet would be no smaller than the field.
    """
    rows, columns = labels.shape
    y0, x0, y1, x1 = boxes.T
    top, left, bottom, right = y0 == 0, x0 == 0, y1 == rows, x1 == columns
    if ((top & bottom) | (left & right)).any():
        return None
    # Corners have one place, edges few: they come first; then the largest.
    order = np.lexsort((-(y1 - y0) * (x1 - x0), -((top | bottom).astype(int) + (left | right))))
    at = np.zeros((len(boxes), 2), np.int64)
    share = _TIGHT * np.isin(labels, numbers).mean()
    tallest, widest = int((y1 - y0).max()), int((x1 - x0).max())
    while share <= CROWDED:
        for stretch in _STRETCHES:
            shape = (
                min(rows, ceil(rows * (share * stretch) ** 0.5)),
                min(columns, ceil(columns * (share / stretch) ** 0.5)),
            )
            enough = shape[0] >= tallest and shape[1] >= widest
            taken = np.zeros((shape[0], shape[1] + 1), np.int32)
            if enough and _place(labels, numbers, boxes, order, taken, at):
                return shape, at
        share *= _LOOSER
    return None


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _own(labels, numbers, boxes, at, owner):  # type: ignore[no-untyped-def]
    """Write which group each block of the sheet belongs to."""
    for g in range(len(numbers)):
        for y in range(boxes[g, 0], boxes[g, 2]):
            for x in range(boxes[g, 1], boxes[g, 3]):
                if labels[y, x] == numbers[g]:
                    owner[at[g, 0] + y - boxes[g, 0], at[g, 1] + x - boxes[g, 1]] = g + 1


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _copy(part, sheet, owner, number, top, left, block):  # type: ignore[no-untyped-def]
    """Copy a group's own blocks from its window to the sheet; both are rows of bytes, three a pixel."""
    rows, columns = part.shape
    for i in range(rows):
        names = owner[(top + i) // block, left // block :]
        b, last = 0, -(-columns // (3 * block))
        while b < last:
            if names[b] != number:
                b += 1
                continue
            first = 3 * block * b
            while b < last and names[b] == number:
                b += 1
            end = min(columns, 3 * block * b)
            into, row = sheet[top + i, 3 * left + first : 3 * left + end], part[i, first:end]
            for k in range(len(row)):
                into[k] = row[k]


def cut_out(rgb: RGB, um_per_px: float, survey: Survey, desk: Desk | None = None) -> Sheet | None:
    """All that may hold a white cell, on one sheet.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, C-contiguous.
    um_per_px : of the image.
    survey : the slide's.
    desk : where the sheet's arrays are to lie; None for a new one.

    Returns
    -------
    The sheet; the whole field where that is crowded or small; None where there is nothing to look at.
    """
    desk, factor = Desk() if desk is None else desk, factor_for(um_per_px)
    side = factor * BLOCK
    if min(rgb.shape[:2]) < 2 * side:
        return Sheet.whole(working_field(rgb, um_per_px, survey, desk))
    block = um_per_px * side
    suspect = suspects(rgb, side, survey)
    labels, numbers, boxes = groups(suspect, MARGIN_UM / block, LEAST_UM2 / block**2, LEAST_CUT_UM2 / block**2)
    if len(boxes) == 0:
        return None
    arranged = arrange(labels, numbers, boxes)
    if arranged is None:
        near = np.isin(labels, numbers).view(np.uint8)
        pixels, um = averaged(rgb, factor), um_per_px * factor
        return Sheet.whole(Field.of(pixels, um, factor, rgb.shape[:2], survey, near, BLOCK, desk))
    (rows, columns), at = arranged
    owner = np.zeros((rows, columns), np.int32)
    _own(labels, numbers, boxes, at, owner)
    # What the image's last blocks lack, the sheet's lack too, so that cut cells end where the image does.
    lacking = (labels.shape[0] * side - rgb.shape[0], labels.shape[1] * side - rgb.shape[1])
    height, width = rows * BLOCK - lacking[0] // factor, columns * BLOCK - lacking[1] // factor
    sheet: RGB = desk.array("sheet", (height, width, 3), np.uint8)
    flat = sheet.reshape(height, -1)
    flat[:] = np.tile(np.rint(survey.white).astype(np.uint8), width)
    for g, (y0, x0, y1, x1) in enumerate((boxes * side).tolist()):
        top, left = int(at[g, 0]) * BLOCK, int(at[g, 1]) * BLOCK
        part = np.ascontiguousarray(averaged(rgb[y0:y1, x0:x1], factor)[: height - top, : width - left])
        _copy(part.reshape(len(part), -1), flat, owner, g + 1, top, left, BLOCK)
    shape = (rows * side - lacking[0], columns * side - lacking[1])
    near = (owner > 0).view(np.uint8)
    return Sheet(
        Field.of(sheet, um_per_px * factor, factor, shape, survey, near, BLOCK, desk), owner, boxes[:, :2] - at
    )
