"""Two anchors from a slide's own pixels, and one table that brings every slide to the same light and stain."""

import numpy as np
import pytest

from allviewer.systems.stain import Stain, level, slide_stain, white_point

WANTED = (0.8, 1.6)


def smear(nucleus, cytoplasm=(0.3, 0.5, 0.1), red_cell=(0.1, 0.5, 0.4), white=(200, 205, 180), seed=1):
    """A field of red cells and three white cells, absorbances given."""
    y, x = np.mgrid[:600, :700]
    absorbance = np.zeros((600, 700, 3))

    def disc(cy, cx, radius, value):
        absorbance[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = value

    for cy in range(40, 600, 90):
        for cx in range(40, 700, 90):
            disc(cy, cx, 28, red_cell)
    for cy, cx in ((130, 150), (300, 500), (480, 220)):
        disc(cy, cx, 50, cytoplasm)
        disc(cy, cx, 34, nucleus)
    noise = np.random.default_rng(seed).normal(0, 1.5, absorbance.shape)
    return np.clip(np.rint(np.asarray(white) * np.exp(-absorbance) + noise), 0, 255).astype(np.uint8)


def absorbance_at(rgb, y, x):
    return -np.log(rgb[y - 5 : y + 5, x - 5 : x + 5].mean(axis=(0, 1)) / 245)


def test_both_anchors_are_found():
    stain = slide_stain(smear((0.9, 2.0, 0.3)))
    np.testing.assert_allclose(stain.white, (200, 205, 180), atol=3)
    np.testing.assert_allclose(stain.nucleus, (0.9, 2.0), atol=0.06)


def test_a_slide_without_nuclei_has_no_second_anchor():
    rgb = smear((0.1, 0.5, 0.4), (0.1, 0.5, 0.4))
    stain = slide_stain(rgb)
    assert stain.nucleus is None
    a, b = level(rgb, stain, 245, WANTED), level(rgb, stain, 245, None)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("nucleus", [(0.6, 1.1, 0.15), (0.95, 2.3, 0.4), (0.8, 1.6, 0.3)])
def test_nuclei_of_every_slide_get_one_absorbance(nucleus):
    rgb = smear(nucleus)
    out = level(rgb, slide_stain(rgb), 245, WANTED)
    np.testing.assert_allclose(absorbance_at(out, 130, 150)[:2], WANTED, atol=0.08)
    np.testing.assert_allclose(absorbance_at(out, 85, 85), 0, atol=0.02)


def test_one_smear_under_two_cameras_agrees():
    """Absorbance stretched a channel and another lamp: what a camera's contrast and colour balance do."""
    scale = np.array([1.3, 1.2, 1.25])
    values = ((0.7, 1.3, 0.3), (0.3, 0.4, 0.15), (0.1, 0.4, 0.35))
    a = smear(*values)
    b = smear(*(tuple(np.array(v) * scale) for v in values), white=(160, 190, 150))
    left, right = (level(rgb, slide_stain(rgb), 245, WANTED).astype(int) for rgb in (a, b))
    assert np.abs(left - right).mean() < 4 < np.abs(a.astype(int) - b).mean()


def test_what_tells_two_cells_of_a_slide_apart_stays():
    rgb = smear((0.9, 2.0, 0.3))
    y, x = np.mgrid[:600, :700]
    rgb[(y - 300) ** 2 + (x - 500) ** 2 < 34**2] = np.rint(np.array((200, 205, 180)) * np.exp([-0.6, -1.4, -0.3]))
    out = level(rgb, slide_stain(rgb), 245, WANTED)
    assert absorbance_at(out, 300, 500)[1] < absorbance_at(out, 130, 150)[1] - 0.3


def test_tables_are_limited_and_bright_stays_bright():
    faint = Stain(np.full(3, 200, np.float32), np.array([0.01, 0.01], np.float32))
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    out = level(ramp, faint, 245, (6.0, 6.0)).astype(int)
    assert (np.diff(out[0, :, 0]) >= 0).all()
    np.testing.assert_allclose(out[0, 150, 0], 245 * (150 / 200) ** 4, atol=1)  # a factor of 4, no more
    assert out[0, 200, 0] == 245
    assert out[0, 255, 0] == 255
    assert level(ramp[:0], faint, 245, WANTED).shape == (0, 256, 3)


def test_white_point_of_extremes_is_a_colour():
    for value in (0, 255):
        point = white_point(np.full((10, 10, 3), value, np.uint8))
        np.testing.assert_array_equal(point, max(value, 1))
    assert white_point(np.empty((0, 0, 3), np.uint8)).tolist() == [255, 255, 255]
    assert slide_stain(np.zeros((64, 64, 3), np.uint8)).white.tolist() == [1, 1, 1]


def test_a_handful_of_pixels_has_a_white_point():
    for pixels in ([[10, 20, 30], [200, 210, 220]], [[0, 0, 0], [9, 9, 9], [250, 240, 230]]):
        point = white_point(np.array([pixels], np.uint8))
        assert point.tolist() == pixels[-1]
