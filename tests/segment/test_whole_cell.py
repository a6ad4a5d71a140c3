"""A cell's mask ends where the cell does."""

import cv2
import numpy as np

from allviewer.segment.grid import Field
from allviewer.segment.whole_cell import _without_tails

PLANE = np.zeros((200, 300), np.float32)
FIELD = Field(np.zeros((200, 300, 3), np.uint8), PLANE, PLANE, 1, 0.2, PLANE.shape)


def mask(*discs: tuple[int, int, int]) -> np.ndarray:
    out = np.zeros(PLANE.shape, np.uint8)
    for y, x, radius in discs:
        cv2.circle(out, (x, y), radius, 1, -1)
    return out.astype(bool)


def test_a_knob_behind_a_thin_neck_is_no_part_of_the_cell():
    cell, nucleus = mask((100, 100, 40)), mask((100, 100, 25))
    knob = mask((100, 160, 10))  # 4 µm wide: an opening of 2 µm alone would keep it
    neck = np.zeros_like(cell)
    neck[97:103, 100:160] = True  # 1.2 µm
    left = _without_tails(cell | neck | knob, nucleus, FIELD)
    assert not left[100, 160]
    assert left[cell].mean() > 0.99
    assert left.sum() < 1.02 * cell.sum()


def test_cytoplasm_on_one_side_stays():
    nucleus, cell = mask((100, 100, 25)), mask((100, 100, 25), (100, 130, 30))
    assert _without_tails(cell, nucleus, FIELD)[cell].mean() > 0.98
