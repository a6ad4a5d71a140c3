import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from allviewer.segment.outlines import draw, rings
from allviewer.segment.shape import measure_shape
from allviewer.vocab.cells import Outlines


def blobs(seed, shape, level):
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.0)
    return np.asarray(values > level * values.std())


def traced(mask):
    """One row a piece, in raster order of first pixels: the order in which pieces are labelled too."""
    points, starts = rings(mask)
    return Outlines(points, starts, np.arange(len(starts) - 1)), ndimage.label(mask)[0]


def shape_of(*several):
    outlines = Outlines.of([several])
    return measure_shape(outlines.points, outlines.starts)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 60), columns=st.integers(1, 60), level=st.floats(-1, 1.5))
def test_outlines_draw_back_to_the_mask_they_came_from(seed, rows, columns, level):
    mask = blobs(seed, (rows, columns), level)
    outlines, labels = traced(mask)
    drawn = draw(outlines, mask.shape)
    for value in range(1, int(labels.max(initial=0)) + 1):
        own = ndimage.binary_fill_holes(labels == value, np.ones((3, 3)))  # pieces are 4-, holes 8-connected
        # A piece inside the hole of another is drawn over it, so compare each alone.
        alone = draw(outlines, mask.shape, np.array([value - 1]))
        assert np.array_equal(alone == value, own)
    assert np.array_equal(drawn > 0, np.logical_or.reduce([mask, drawn > 0]))


def test_one_pixel_is_a_diamond_about_its_centre():
    mask = np.zeros((5, 7), bool)
    mask[2, 3] = True
    outlines, _ = traced(mask)
    ring = next(outlines.rings(0))
    assert sorted(map(tuple, ring.tolist())) == [(2.0, 3.5), (2.5, 3.0), (2.5, 4.0), (3.0, 3.5)]


def test_rows_are_drawn_on_demand_and_clipped():
    square = np.array([[-3, -3], [-3, 4], [4, 4], [4, -3]], np.float32)
    outlines = Outlines.of([[square], [square + 10], [square + 5]])
    out = draw(outlines, (8, 8), np.array([0, 2]))
    assert set(np.unique(out)) == {0, 1, 3}
    assert (out == 1).sum() == 12
    assert (out == 3).sum() == 36


def test_a_disc_keeps_its_area_through_smoothing_and_thinning():
    y, x = np.mgrid[:80, :80] + 0.5
    mask = np.hypot(y - 40.2, x - 39.7) < 25
    ring = rings(mask)[0]
    soft, starts = rings(mask, length=3.0, tolerance=0.2)
    shape = measure_shape(soft, starts)
    assert shape.area == pytest.approx(np.pi * 625, rel=0.01)
    assert shape.centroid == pytest.approx((40.2, 39.7), abs=0.1)
    assert shape.eccentricity < 0.15
    assert shape.solidity > 0.99
    assert len(soft) < 0.4 * len(ring)
    assert 2 * np.pi * 25 == pytest.approx(shape.perimeter, rel=0.01)


def test_smoothing_leaves_a_cut_at_the_image_edge_straight():
    mask = np.zeros((40, 40), bool)
    y, x = np.mgrid[:40, :40]
    mask[np.hypot(y - 3, x - 20) < 12] = True
    ring = rings(mask)[0]
    soft = rings(mask, length=3.0, frame=np.array([[0, 0], [40, 40]], np.float32))[0]
    assert (soft[ring[:, 0] == 0][:, 0] == 0).all()
    assert soft.min() >= 0


def test_shape_of_a_rectangle_is_exact():
    ring = np.array([[2, 3], [2, 13], [6, 13], [6, 3]], np.float32)
    shape = shape_of(ring)
    assert shape.area == pytest.approx(40)
    assert shape.centroid == pytest.approx((4, 8))
    assert shape.perimeter == pytest.approx(28)
    assert shape.eccentricity == pytest.approx(np.sqrt(1 - (4 / 10) ** 2))
    assert shape.solidity == pytest.approx(1)
    assert shape.convexity == pytest.approx(1)
    assert shape_of(ring[::-1]).area == pytest.approx(40)


def test_two_rings_are_one_body():
    square = np.array([[0, 0], [0, 4], [4, 4], [4, 0]], np.float32)
    shape = shape_of(square, square + np.array([0, 8], np.float32))
    assert shape.area == pytest.approx(32)
    assert shape.solidity == pytest.approx(32 / 48)
    assert shape.centroid == pytest.approx((2, 6))


def test_nothing_has_no_shape():
    assert shape_of().area == 0
    assert shape_of(np.zeros((2, 2), np.float32)).area == 0


def test_small_pieces_are_left_out_and_scale_comes_first():
    mask = np.zeros((12, 12), bool)
    mask[1:5, 1:5] = mask[8, 8] = True
    points, starts = rings(mask, smallest=2, scale=4)
    assert starts.tolist() == [0, 16]
    assert points.min() == 4
    assert points.max() == 20
    assert rings(np.zeros((3, 3), bool))[1].tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level=st.floats(-0.5, 1.0))
def test_hulls_agree_with_opencv(seed, level):
    points, starts = rings(blobs(seed, (50, 60), level))
    if len(points):
        shape = measure_shape(points, starts)
        hull = cv2.convexHull(points.reshape(-1, 1, 2))
        assert shape.solidity == pytest.approx(min(1, shape.area / cv2.contourArea(hull)), rel=1e-4)
        assert shape.convexity == pytest.approx(min(1, cv2.arcLength(hull, True) / shape.perimeter), rel=1e-4)
