"""Where nuclei are: one number for each nucleus or nuclear lobe, touching ones parted."""

import cv2
import numba as nb
import numpy as np

from allviewer.pixels.reconstruct import h_maxima
from allviewer.segment.grid import Field, disc
from allviewer.segment.watershed import components, watershed
from allviewer.vocab.arrays import Floats, Grey, Labels, Mask

GATE = 0.07
"""Least nuclear contrast, optical density, of anything called a nucleus: twice what red cells and their rims reach
on any stain looked at. The same for every image, so that a field without white cells gives none."""

OF_PLATEAU = 0.5
"""A nucleus ends where the contrast falls to this part of its plateau: the half-height of a blurred edge."""

PLATEAU_UM = 2.5
"""Radius within which the plateau is looked for."""

DEPTH_UM = 0.45
"""How much deeper than the neck between them two parts of a clump must be to be told apart."""

SMALLEST_UM2 = 1.5
"""Nuclear specks below this are dropped at once."""

_LEVELS_PER_UM = 20.0


def plateau(field: Field) -> Floats:
    """Contrast of the nearest nuclear plateau, (h, w) float32: the blurred maximum within `PLATEAU_UM`."""
    blurred = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.5)))
    out: Floats = cv2.dilate(blurred, disc(field.px(PLATEAU_UM)))
    return out


def nuclear_mask(field: Field) -> Mask:
    """Pixels above the absolute gate and above half the local plateau, opened by a disc of 0.4 µm."""
    fine = cv2.GaussianBlur(field.azure, (0, 0), max(0.5, field.px(0.15)))
    mask = (fine > np.maximum(GATE, OF_PLATEAU * plateau(field))).astype(np.uint8)
    opened: Grey = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(field.px(0.4)))
    return opened.view(np.bool_)


def fill_pores(mask: Mask, largest: float) -> Mask:
    """Fill holes of at most ``largest`` pixels: pale chromatin and nucleoli, not the eye of a ring nucleus."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).view(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= largest
    small[0] = False
    return mask | small[labels] if count > 1 else mask


def part_clumps(mask: Mask, um: float) -> Labels:
    """Part touching nuclei where the clump narrows.

    Parameters
    ----------
    mask : (h, w) bool nuclear mask.
    um : micrometres per pixel.

    Returns
    -------
    (h, w) int32: the mask, numbered; watershed of the distance to the rim from maxima `DEPTH_UM` above their pass.
    """
    depth = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * um
    smooth = cv2.GaussianBlur(depth, (0, 0), max(0.5, 0.3 / um))
    level = np.minimum(smooth * _LEVELS_PER_UM, 255).astype(np.uint8)
    peaks = h_maxima(level, round(DEPTH_UM * _LEVELS_PER_UM)) & mask
    _, markers = components(peaks)
    return watershed(255 - level, markers, mask)


@nb.njit(cache=True, nogil=True)
def _sizes(labels, count):  # type: ignore[no-untyped-def]
    out = np.zeros(count + 1, np.int64)
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            out[labels[y, x]] += 1
    return out


def drop_specks(labels: Labels, smallest: float) -> Labels:
    """Remove numbers of fewer than ``smallest`` pixels and close the ranks."""
    count = int(labels.max(initial=0))
    keep = _sizes(labels, count) >= smallest
    keep[0] = False
    return np.where(keep, np.cumsum(keep), 0).astype(np.int32)[labels]


def nuclear_parts(field: Field) -> Labels:
    """Nuclei and nuclear lobes of a field, (h, w) int32 numbered from 1."""
    mask = fill_pores(nuclear_mask(field), field.area(6.0))
    return drop_specks(part_clumps(mask, field.um), field.area(SMALLEST_UM2))
