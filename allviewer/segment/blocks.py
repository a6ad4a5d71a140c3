"""Images of lower power: means of square blocks."""

import cv2
import numba as nb
import numpy as np

from allviewer.vocab.arrays import RGB

_LARGEST = 16
"""Sums of more pixels than this by this would not fit their 16 bits; of two by two cv2 is as fast."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _add(line, row):  # type: ignore[no-untyped-def]
    for x in range(len(row)):
        line[x] = np.uint16(line[x] + row[x])


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _means(rgb, side, step, out):  # type: ignore[no-untyped-def]
    """``rgb`` (H, W * 3) and ``out`` (h, w, 3) bytes."""
    rows, columns = out.shape[:2]
    wide = 3 * side * columns
    # As many values more as the last sums reach beyond the row.
    line, sums = np.zeros(wide + 3 * side, np.uint16), np.empty(wide, np.uint16)
    means = np.empty(wide, np.uint8)
    share = np.float32(1 / (side * (-(-side // step))))
    for y in range(rows):
        line[:] = 0
        for k in range(0, side, step):
            _add(line, rgb[y * side + k, :wide])
        # Every place gets the sum of its own and the following pixels; then each block's first are taken.
        sums[:] = line[:wide]
        for k in range(1, side):
            _add(sums, line[3 * k : 3 * k + wide])
        for x in range(wide):
            means[x] = np.uint8(np.int32(np.rint(np.float32(sums[x]) * share)))
        row, at = out[y], np.uint64(0)
        for x in range(columns):
            row[x, 0], row[x, 1], row[x, 2] = means[at], means[at + np.uint64(1)], means[at + np.uint64(2)]
            at += np.uint64(3 * side)


def block_means(rgb: RGB, side: int, step: int = 1) -> RGB:
    """Means of blocks of ``side`` by ``side`` pixels, of which every ``step``-th row is looked at.

    Parameters
    ----------
    rgb : (H, W, 3) uint8; rows and columns that do not fill a block are left out.
    side : pixels.
    """
    shape = (rgb.shape[0] // side, rgb.shape[1] // side)
    if side == 2 or side > _LARGEST:
        thin = rgb[: shape[0] * side : step, : shape[1] * side]
        coarse: RGB = cv2.resize(thin, shape[::-1], interpolation=cv2.INTER_AREA)
        return coarse
    out: RGB = np.empty((*shape, 3), np.uint8)
    _means(np.ascontiguousarray(rgb).reshape(len(rgb), -1), side, step, out)
    return out
