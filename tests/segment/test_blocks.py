import cv2
import numpy as np
import pytest

from allviewer.segment.blocks import block_means

RNG = np.random.default_rng(2)


@pytest.mark.parametrize(("side", "step"), [(8, 4), (4, 2), (2, 1), (3, 1), (5, 1), (16, 8), (32, 16)])
def test_means_are_cv2s(side, step):
    rgb = RNG.integers(0, 256, (131, 170, 3), dtype=np.uint8)
    rows, columns = 131 // side, 170 // side
    thin = rgb[: rows * side : step, : columns * side]
    expected = cv2.resize(thin, (columns, rows), interpolation=cv2.INTER_AREA)
    assert np.array_equal(block_means(rgb, side, step), expected)


def test_an_even_colour_stays():
    assert (block_means(np.full((64, 48, 3), (255, 0, 17), np.uint8), 16) == (255, 0, 17)).all()
