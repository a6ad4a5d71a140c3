"""Where nuclei are: one number for each nucleus or nuclear lobe, touching ones parted."""

import cv2
import numba as nb
import numpy as np

from allviewer.segment.bits import Bits, disc, opened, packed, unpacked
from allviewer.segment.grid import Field
from allviewer.segment.parting import parted
from allviewer.segment.regions import fill_holes
from allviewer.segment.survey import GATE
from allviewer.vocab.arrays import Floats, Labels, Mask

OF_PLATEAU = 0.5
"""A nucleus ends where the contrast falls to this part of its plateau: the half-height of a blurred edge."""

PLATEAU_UM = 2.2
"""Half the side of the square in which the plateau is looked for."""

PORE_UM2 = 6.0

_BLOCK = 4


def plateau(field: Field) -> Floats:
    """Contrast of the nearest nuclear plateau, (h, w) float32: the blurred maximum within `PLATEAU_UM`."""
    rows, columns = field.azure.shape
    low = _low_plateau(field)
    out: Floats = np.repeat(np.repeat(low, _BLOCK, axis=0), _BLOCK, axis=1)[:rows, :columns]
    return out


def _low_plateau(field: Field) -> Floats:
    """`plateau`, one value for each block of `_BLOCK` by `_BLOCK` pixels: it changes slowly."""
    rows, columns = field.azure.shape
    below, beside = -rows % _BLOCK, -columns % _BLOCK
    azure = field.azure
    if below or beside:
        azure = cv2.copyMakeBorder(azure, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    size = (azure.shape[1] // _BLOCK, azure.shape[0] // _BLOCK)
    view = cv2.resize(azure, size, interpolation=cv2.INTER_AREA)
    # A block's mean has blurred with a twelfth of its side squared already.
    width = max(0.3, (max(0.25, field.px(0.5) ** 2 - _BLOCK**2 / 12)) ** 0.5 / _BLOCK)
    blurred = cv2.GaussianBlur(view, (0, 0), width)
    side = 2 * max(1, round(field.px(PLATEAU_UM) / _BLOCK)) + 1
    out: Floats = cv2.dilate(blurred, np.ones((side, side), np.uint8))
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _above(smooth, low, gate, share, out):  # type: ignore[no-untyped-def]
    """Where contrast exceeds both the gate and that share of its block's plateau."""
    rows, columns = smooth.shape
    level = np.empty(low.shape[1] * _BLOCK, np.float32)
    for y in range(rows):
        if y % _BLOCK == 0:
            for x in range(low.shape[1]):
                level[_BLOCK * x : _BLOCK * x + _BLOCK] = max(gate, share * low[y // _BLOCK, x])
        for x in range(columns):
            out[y, x] = smooth[y, x] > level[x]


def nuclear_bits(field: Field) -> Bits:
    """Pixels above the absolute gate and above half the local plateau, opened by a disc of 0.4 µm."""
    mask = field.mask("mask")
    _above(field.fine, _low_plateau(field), np.float32(GATE), np.float32(OF_PLATEAU), mask)
    out: Bits = opened(packed(mask), disc(field.px(0.4)), mask.shape[1])
    return out


def nuclear_mask(field: Field) -> Mask:
    """`nuclear_bits`, (h, w) bool."""
    return unpacked(nuclear_bits(field), field.fine.shape[1])


def fill_pores(mask: Bits, field: Field) -> Bits:
    """Fill, in place, holes of at most `PORE_UM2`: pale chromatin and nucleoli, not the eye of a ring nucleus."""
    fill_holes(mask, field.fine.shape[1], int(field.area(PORE_UM2)))
    return mask


def nuclear_parts(field: Field) -> Labels:
    """Nuclei and nuclear lobes of a field, (h, w) int32 numbered from 1; it lies on the field's desk."""
    return parted(fill_pores(nuclear_bits(field), field), field.fine, field.um, field.labels("parts"))
