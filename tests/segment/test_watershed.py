import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed as skimage_watershed

from allviewer.segment.watershed import components, watershed


def relief(seed, shape, blur):
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), blur)
    span = np.ptp(values)
    return ((values - values.min()) / (span if span > 0 else 1) * 255).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 60), columns=st.integers(1, 60), masked=st.booleans())
def test_equals_scikit_image(seed, rows, columns, masked):
    # One marker pixel a grey level: scikit-image leaves the order of markers of one level to its heap.
    image = relief(seed, (rows, columns), 1.5)
    mask = relief(seed + 1, (rows, columns), 3) > 90 if masked else np.ones(image.shape, bool)
    _, first = np.unique(image[mask], return_index=True)
    chosen = np.random.default_rng(seed + 2).choice(first, min(12, len(first)), replace=False) if len(first) else []
    where = np.flatnonzero(mask)[chosen] if len(first) else []
    markers = np.zeros(image.shape, np.int32)
    markers.ravel()[where] = np.arange(1, len(where) + 1)
    assert np.array_equal(watershed(image, markers, mask), skimage_watershed(image, markers, mask=mask))


def test_a_basin_without_a_marker_goes_to_the_first_flood_that_spills_in():
    image = np.array([[0, 5, 1, 1, 1, 9, 0]], np.uint8)
    markers = np.array([[1, 0, 0, 0, 0, 0, 2]], np.int32)
    assert watershed(image, markers).tolist() == [[1, 1, 1, 1, 1, 2, 2]]


def test_what_no_marker_reaches_stays_nought():
    mask = np.ones((5, 9), bool)
    mask[:, 4] = False
    markers = np.zeros((5, 9), np.int32)
    markers[2, 2] = 7
    out = watershed(np.zeros((5, 9), np.uint8), markers, mask)
    assert set(np.unique(out[:, :4])) == {7}
    assert not out[:, 4:].any()


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="one shape"):
        watershed(np.zeros((3, 3), np.uint8), np.zeros((3, 4), np.int32))


def test_components_join_corners():
    count, labels = components(np.eye(4, dtype=bool))
    assert count == 1
    assert labels.max() == 1
