import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction

from allviewer.pixels.reconstruct import by_dilation, by_erosion, h_maxima, h_minima


def texture(seed, shape, blur=1.5):
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), blur)
    span = np.ptp(values)
    return ((values - values.min()) / (span if span > 0 else 1) * 255).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 40), columns=st.integers(1, 40), drop=st.integers(0, 90))
def test_dilation_equals_scikit_image(seed, rows, columns, drop):
    mask = texture(seed, (rows, columns), 1.0)
    marker = np.maximum(texture(seed + 1, (rows, columns), 0.5).astype(int) - drop, 0).astype(np.uint8)
    marker = np.minimum(marker, mask)
    assert np.array_equal(by_dilation(marker, mask), reconstruction(marker, mask).astype(np.uint8))


def test_erosion_equals_scikit_image():
    mask = texture(3, (60, 80))
    marker = np.maximum(ndimage.grey_dilation(mask, size=9), mask)
    assert np.array_equal(by_erosion(marker, mask), reconstruction(marker, mask, method="erosion").astype(np.uint8))


def test_a_seed_above_the_mask_is_cut_down():
    assert by_dilation(np.full((2, 2), 9, np.uint8), np.full((2, 2), 4, np.uint8)).max() == 4


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shape"):
        by_dilation(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize("height", [5, 20, 60])
def test_h_maxima_equal_the_regional_maxima_of_the_flattened_image(height):
    image = texture(7, (70, 90), 2.0)
    lowered = np.maximum(image.astype(int) - height, 0)
    flat = reconstruction(lowered, image.astype(int))
    assert np.array_equal(h_maxima(image, height), local_maxima(flat, connectivity=2, allow_borders=True))


def test_a_maximum_must_rise_more_than_the_height():
    image = np.array([[10, 50, 30, 45, 10, 90, 10]], np.uint8)
    assert h_maxima(image, 14)[0].tolist() == [False, True, False, True, False, True, False]
    assert h_maxima(image, 15)[0].tolist() == [False, True, False, False, False, True, False]
    assert h_maxima(image, 40)[0].tolist() == [False, False, False, False, False, True, False]


def test_minima_are_the_maxima_of_the_negative():
    image = texture(8, (40, 40), 2.0)
    assert np.array_equal(h_minima(image, 15), h_maxima(255 - image, 15))


def test_height_must_be_a_grey_step():
    with pytest.raises(ValueError, match="expected 1 to 255"):
        h_maxima(np.zeros((3, 3), np.uint8), 0)
