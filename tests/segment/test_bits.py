"""Masks of one bit a pixel do what cv2 does with one byte a pixel."""

import cv2
import numpy as np
import pytest

from allviewer.segment import bits, grid

SHAPES = [(90, 130), (64, 64), (5, 200), (200, 3), (1, 1), (70, 128)]


def spotted(shape, share=0.5, seed=1):
    noise = np.random.default_rng(seed).random(shape).astype(np.float32)
    return (cv2.GaussianBlur(noise, (0, 0), 2.0) > np.quantile(noise, share)).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_packed_comes_out_again(shape):
    mask = spotted(shape)
    held = bits.packed(mask)
    assert held.shape == (shape[0], -(-shape[1] // 64))
    assert np.array_equal(bits.unpacked(held, shape[1]), mask > 0)
    assert np.array_equal(bits.unpacked(bits.inverted(held, shape[1]), shape[1]), mask == 0)
    assert int(np.bitwise_count(held).sum()) == mask.sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [1, 2, 3, 5, 10])
def test_opening_and_closing_by_a_disc_are_cv2s(shape, radius):
    mask, element = spotted(shape), bits.disc(radius)
    for ours, theirs in ((bits.opened, cv2.MORPH_OPEN), (bits.closed, cv2.MORPH_CLOSE)):
        expected = cv2.morphologyEx(mask, theirs, grid.disc(radius))
        assert np.array_equal(bits.unpacked(ours(bits.packed(mask), element, shape[1]), shape[1]), expected > 0)


@pytest.mark.parametrize("radius", [1, 2, 5, 10, 40])
def test_a_ball_is_what_the_distance_transform_reaches(radius):
    mask, element = spotted((120, 150), 0.7), bits.ball(radius)
    mask[40:100, 20:110] = 1
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    deep = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    held = bits.packed(mask)
    assert np.array_equal(bits.unpacked(bits.dilated(held, element, 150), 150), away <= radius + 0.3)
    assert np.array_equal(bits.unpacked(bits.eroded(held, element, 150), 150), deep > radius + 0.3)
