"""Parting touching nuclei, on masks drawn by hand."""

import numpy as np
import pytest

from allviewer.segment.bits import packed, unpacked
from allviewer.segment.grid import Field
from allviewer.segment.parting import basins, part_clumps, rim_distance
from allviewer.segment.seeds import fill_pores

UM = 0.2


def disc(y, x, radius, shape=(160, 240)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def stain(mask):
    return np.where(mask, 0.5, 0.0).astype(np.float32)


def parts(mask, azure=None):
    return part_clumps(mask, stain(mask) if azure is None else azure, UM)


@pytest.mark.parametrize("apart", [36, 44, 50])
def test_two_discs_that_touch_are_two(apart):
    mask = disc(80, 80, 25) | disc(80, 80 + apart, 25)
    labels = parts(mask)
    assert labels.max() == 2
    assert ((labels > 0) == mask).all()
    assert abs((labels == 1).sum() - (labels == 2).sum()) < 0.06 * mask.sum()


def test_an_ellipse_is_one_however_long():
    rows, columns = np.mgrid[:160, :240]
    assert parts(((rows - 80) / 15) ** 2 + ((columns - 120) / 45) ** 2 <= 1).max() == 1


def test_a_pale_seam_parts_what_no_neck_does():
    _, columns = np.mgrid[:160, :240]
    mask = disc(80, 94, 18) | disc(80, 124, 18)
    mask[67:94, 94:124] = True
    pale = stain(mask)
    pale[np.abs(columns - 109) <= 1] *= 0.75
    assert parts(mask).max() == 1
    assert parts(mask, pale).max() == 2


def test_specks_are_dropped_and_numbers_close_ranks():
    mask = disc(30, 30, 12) | disc(120, 120, 2) | disc(80, 200, 14)
    labels = parts(mask)
    assert sorted(np.unique(labels)) == [0, 1, 2]
    assert labels[120, 120] == 0


def test_eight_in_a_row_are_eight():
    mask = np.zeros((80, 460), bool)
    for k in range(8):
        mask |= disc(40, 40 + 52 * k, 27, mask.shape)
    assert parts(mask).max() == 8


def test_basins_cover_the_mask():
    mask = disc(80, 80, 25) | disc(80, 130, 25)
    hills = basins(rim_distance(mask, UM), mask)
    assert ((hills > 0) == mask).all()
    assert hills.max() == 2


def test_lines_part_too():
    mask = disc(80, 120, 40)
    lines = np.zeros_like(mask)
    lines[:, 120] = mask[:, 120]
    pale = stain(mask)
    pale[lines] *= 0.5
    assert part_clumps(mask, pale, UM, lines).max() == 2


def test_small_pores_are_filled_and_the_eye_of_a_ring_is_not():
    pore = disc(80, 95, 3)
    mask = disc(80, 120, 40) & ~disc(80, 120, 10) & ~pore
    plane = np.zeros(mask.shape, np.float32)
    field = Field(np.zeros((*mask.shape, 3), np.uint8), plane, plane, plane, 1, UM, mask.shape)
    filled = unpacked(fill_pores(packed(mask.view(np.uint8)), field), mask.shape[1])
    assert np.array_equal(filled, mask | pore)
