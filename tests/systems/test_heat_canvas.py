"""Heat maps painted together: by maximum, in place, on the raw scale."""

import numpy as np
import pytest

from allviewer.systems.heat_canvas import LONGEST_CANVAS, paint, step_for
from allviewer.vocab.region import Region


def test_overlapping_maps_are_painted_by_maximum_on_the_raw_scale():
    maps = np.array([np.full((4, 4), 2.0), np.full((4, 4), 4.0), np.full((4, 4), 1.0)], np.float16)
    boxes = np.array([[10, 10, 30, 30], [20, 20, 40, 40], [15, 15, 35, 35]], np.float32)
    canvas = paint(maps, boxes, Region(0, 0, 50, 50), 1.0, top=4.0)
    assert canvas.values.shape == (50, 50)
    assert canvas.values[12, 12] == 127  # 2 of 4: kept raw, not stretched to its own largest
    assert canvas.values[25, 25] == 255
    assert canvas.values[32, 17] == 63
    assert canvas.values[5, 5] == 0


def test_a_map_lies_where_its_box_is_also_beyond_the_edge_and_thinned():
    maps = np.zeros((1, 2, 2), np.float16)
    maps[0, 1, 1] = 1.0
    boxes = np.array([[-40, -40, 60, 60]], np.float32)  # its hot quarter: 10..60
    for step in (1.0, 2.0, 5.0):
        canvas = paint(maps, boxes, Region(0, 0, 100, 100), step, top=1.0)
        y, x = (np.argwhere(canvas.values == canvas.values.max()).mean(axis=0) + 0.5) * step
        assert y == pytest.approx(x)
        assert 35 <= y <= 60
        assert canvas.values[int(70 / step) :, :].max() == 0


def test_nothing_is_painted_without_cells_or_scale():
    region = Region(0, 0, 20, 30)
    assert paint(np.empty((0, 3, 3), np.float16), np.empty((0, 4), np.float32), region, 1, 1.0).values.max() == 0
    one = np.ones((1, 3, 3), np.float16), np.array([[0, 0, 9, 9]], np.float32)
    assert paint(*one, region, 1, 0.0).values.max() == 0


def test_a_slide_of_any_size_fits_the_canvas():
    assert step_for(Region(0, 0, 1944, 2592)) == 1.0
    assert 40_000 / step_for(Region(0, 0, 40_000, 30_000)) == pytest.approx(LONGEST_CANVAS)
