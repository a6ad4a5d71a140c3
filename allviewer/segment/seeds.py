"""Where nuclei are: one number for each nucleus or nuclear lobe, touching ones parted."""

import cv2
import numba as nb
import numpy as np

from allviewer.segment.grid import Field, disc
from allviewer.segment.parting import part_clumps
from allviewer.segment.survey import GATE
from allviewer.vocab.arrays import Floats, Grey, Labels, Mask

OF_PLATEAU = 0.5
"""A nucleus ends where the contrast falls to this part of its plateau: the half-height of a blurred edge."""

PLATEAU_UM = 2.2
"""Half the side of the square in which the plateau is looked for."""

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


def fine(field: Field) -> Floats:
    """Nuclear contrast with the pixel noise taken out, (h, w) float32: a Gaussian of 0.15 µm."""
    out: Floats = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.15)))
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


def _mask_of(field: Field, smooth: Floats) -> Mask:
    mask = np.empty(smooth.shape, np.uint8)
    _above(smooth, _low_plateau(field), np.float32(GATE), np.float32(OF_PLATEAU), mask)
    opened: Grey = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(field.px(0.4)))
    return opened.view(np.bool_)


def nuclear_mask(field: Field) -> Mask:
    """Pixels above the absolute gate and above half the local plateau, opened by a disc of 0.4 µm."""
    return _mask_of(field, fine(field))


def fill_pores(mask: Mask, largest: float) -> Mask:
    """Fill holes of at most ``largest`` pixels: pale chromatin and nucleoli, not the eye of a ring nucleus."""
    out = mask.copy()
    contours, tree = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if len(contours) == 0:
        return out
    # A hole's contour runs along the pixels around it; those within it are counted by Pick's theorem.
    holes = [c for c, parent in zip(contours, np.asarray(tree)[0, :, 3], strict=True) if parent >= 0]
    small = [c for c in holes if cv2.contourArea(c) - len(c) / 2 + 1 <= largest]
    cv2.drawContours(out.view(np.uint8), small, -1, 1, cv2.FILLED)
    return out


def nuclear_parts(field: Field) -> Labels:
    """Nuclei and nuclear lobes of a field, (h, w) int32 numbered from 1."""
    smooth = fine(field)
    mask = fill_pores(_mask_of(field, smooth), field.area(6.0))
    return part_clumps(mask, smooth, field.um)
