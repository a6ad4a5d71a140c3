import math

import numpy as np
import pytest

from allviewer.systems.gradcam import class_maps, heat_share

BOX = np.array([100.0, 200.0, 170.0, 270.0], np.float32)


def square(y0, x0, y1, x1):
    return np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]], np.float32)


def test_share_is_the_covered_area_of_even_heat():
    heat = np.ones((7, 7), np.float16)
    assert heat_share(heat, BOX, [square(100, 200, 170, 270)]) == pytest.approx(1, abs=0.02)
    assert heat_share(heat, BOX, [square(100, 200, 135, 270)]) == pytest.approx(0.5, abs=0.02)
    assert heat_share(heat, BOX, [square(100, 200, 135, 235), square(135, 235, 170, 270)]) == pytest.approx(
        0.5, abs=0.03
    )
    assert heat_share(heat, BOX, [square(300, 400, 335, 470)]) == 0


def test_share_follows_the_heat():
    heat = np.zeros((7, 7), np.float32)
    heat[0, 6] = 3  # the box's upper right corner, y 100 to 110, x 260 to 270
    assert heat_share(heat, BOX, [square(95, 255, 112, 275)]) == 1
    assert heat_share(heat, BOX, [square(100, 200, 170, 259)]) == 0
    assert heat_share(heat, BOX, [square(100, 265, 110, 275)]) == pytest.approx(0.5, abs=0.07)


def test_no_heat_no_share():
    assert math.isnan(heat_share(np.zeros((7, 7), np.float16), BOX, [square(100, 200, 170, 270)]))
    assert math.isnan(heat_share(np.full((7, 7), np.nan, np.float16), BOX, [square(100, 200, 170, 270)]))
    assert heat_share(np.ones((7, 7)), BOX, []) == 0


def test_class_maps_are_the_weighted_sum_without_its_negative_part():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 5, 4, 6)).astype(np.float32)
    weights = rng.normal(size=(3, 2, 5)).astype(np.float32)
    plain = np.einsum("nck,nkhw->nchw", weights, features)
    np.testing.assert_allclose(class_maps(features, weights), np.maximum(plain, 0), atol=1e-5)
