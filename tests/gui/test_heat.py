import numpy as np

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


def test_rows_that_meet_a_region():
    boxes = np.array([[0, 0, 10, 10], [90, 90, 120, 120], [200, 0, 210, 10], [np.nan] * 4], np.float32)
    assert heat.inside(boxes, Region(5, 5, 100, 100)).tolist() == [0, 1]


def test_a_crop_without_heat_is_left_alone_and_a_hot_one_is_not():
    crop = np.full((20, 20, 3), 120, np.uint8)
    assert (heat.over(crop, np.zeros((5, 5), np.float16), 1.0, 0.8) == crop).all()
    hot = heat.over(crop, np.ones((5, 5), np.float16), 1.0, 1.0)
    assert (hot != crop).any()
    cooler = heat.over(crop, np.ones((5, 5), np.float16), 10.0, 1.0)  # the same map on a slide that has ten times more
    assert np.abs(cooler.astype(int) - 120).sum() < np.abs(hot.astype(int) - 120).sum()
