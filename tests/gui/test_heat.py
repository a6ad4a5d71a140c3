import numpy as np
import pytest

from allviewer.gui import heat
from allviewer.vocab.region import Region


def test_colours_are_transparent_at_nought_and_rise_evenly_in_lightness():
    table = heat.colours()
    assert table.shape == (256, 4)
    assert table[0, 3] == 0
    assert (np.diff(table[:, 3]) >= 0).all()
    assert table[-1, 3] == 1
    light = table[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -1e-3).all()


def test_overlapping_maps_are_painted_by_maximum_on_the_raw_scale():
    maps = np.array([np.full((4, 4), 2.0), np.full((4, 4), 4.0), np.full((4, 4), 1.0)], np.float16)
    boxes = np.array([[10, 10, 30, 30], [20, 20, 40, 40], [15, 15, 35, 35]], np.float32)
    canvas = heat.paint(maps, boxes, Region(0, 0, 50, 50), 1.0, top=4.0)
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
        canvas = heat.paint(maps, boxes, Region(0, 0, 100, 100), step, top=1.0)
        y, x = (np.argwhere(canvas.values == canvas.values.max()).mean(axis=0) + 0.5) * step
        assert y == pytest.approx(x)
        assert 35 <= y <= 60
        assert canvas.values[int(70 / step) :, :].max() == 0


def test_nothing_is_painted_without_cells_or_scale():
    region = Region(0, 0, 20, 30)
    assert heat.paint(np.empty((0, 3, 3), np.float16), np.empty((0, 4), np.float32), region, 1, 1.0).values.max() == 0
    one = np.ones((1, 3, 3), np.float16), np.array([[0, 0, 9, 9]], np.float32)
    assert heat.paint(*one, region, 1, 0.0).values.max() == 0


def test_rows_that_meet_a_region():
    boxes = np.array([[0, 0, 10, 10], [90, 90, 120, 120], [200, 0, 210, 10], [np.nan] * 4], np.float32)
    assert heat.inside(boxes, Region(5, 5, 100, 100)).tolist() == [0, 1]


def test_a_slide_of_any_size_fits_the_canvas():
    assert heat.step_for(Region(0, 0, 1944, 2592)) == 1.0
    assert 40_000 / heat.step_for(Region(0, 0, 40_000, 30_000)) == pytest.approx(heat.LONGEST_CANVAS)


def test_a_crop_without_heat_is_left_alone_and_a_hot_one_is_not():
    crop = np.full((20, 20, 3), 120, np.uint8)
    assert (heat.over(crop, np.zeros((5, 5), np.float16), 1.0, 0.8) == crop).all()
    hot = heat.over(crop, np.ones((5, 5), np.float16), 1.0, 1.0)
    assert (hot != crop).any()
    cooler = heat.over(crop, np.ones((5, 5), np.float16), 10.0, 1.0)  # the same map on a slide that has ten times more
    assert np.abs(cooler.astype(int) - 120).sum() < np.abs(hot.astype(int) - 120).sum()
