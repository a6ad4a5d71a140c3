import colorsys

import numpy as np
import pytest
from scipy.signal import wiener as scipy_wiener

from allviewer.pixels.density import density_table, optical_density
from allviewer.pixels.equalise import equalisation_table, equalise, luminance
from allviewer.pixels.wiener import wiener


def test_wiener_equals_scipy_away_from_the_edge():
    image = np.random.default_rng(0).normal(100, 20, (64, 80))
    image[20:40, 30:60] += 60
    ours = wiener(image.astype(np.float32), 5, noise=400.0)
    theirs = scipy_wiener(image, (5, 5), noise=400.0)
    assert np.abs(ours - theirs)[4:-4, 4:-4].max() < 0.02


def test_wiener_estimates_the_noise_as_the_mean_local_variance():
    # With enough flat noise around, SciPy's zero edge weighs little in the mean.
    image = np.random.default_rng(1).normal(0, 10, (400, 400))
    ours, theirs = wiener(image.astype(np.float32)), scipy_wiener(image, (5, 5))
    assert np.abs(ours - theirs)[4:-4, 4:-4].mean() < 0.1


def test_wiener_flattens_noise_and_keeps_an_edge():
    noise = np.random.default_rng(2).normal(0, 5, (60, 60))
    image = np.where(np.arange(60) < 30, 50, 200)[None, :] + noise
    out = wiener(image.astype(np.float32))
    assert out[:, :25].std() < 0.4 * image[:, :25].std()
    assert out[:, 32:].mean() - out[:, :28].mean() > 145


def test_wiener_works_per_channel_and_on_one_pixel():
    rgb = np.random.default_rng(3).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    assert np.allclose(wiener(rgb)[..., 1], wiener(rgb[..., 1]), atol=1e-3)
    assert wiener(np.full((1, 1), 7, np.uint8)).tolist() == [[7.0]]
    with pytest.raises(ValueError, match="odd"):
        wiener(rgb, 4)


def test_density_adds_up_and_is_nought_at_the_background():
    white = (200.0, 210.0, 220.0)
    table = density_table(white)
    assert abs(table[200, 0]) < 1e-6
    assert table[100, 0] == pytest.approx(np.log10(2), abs=1e-6)
    pixel = optical_density(np.array([[[50, 210, 22]]], np.uint8), white)[0, 0]
    assert pixel == pytest.approx([np.log10(4), 0, 1], abs=1e-6)
    with pytest.raises(ValueError, match="background"):
        density_table((0.0, 200.0, 200.0))


@pytest.mark.parametrize("shape", ["two hills", "one spike", "flat", "random"])
def test_equalisation_never_turns_grey_levels_round(shape):
    levels = np.arange(256)
    counts = {
        "two hills": 1000 * np.exp(-((levels - 90) ** 2) / 50) + 4000 * np.exp(-((levels - 150) ** 2) / 80),
        "one spike": (levels == 100) * 5000 + (levels == 101) * 10,
        "flat": np.full(256, 10),
        "random": np.random.default_rng(4).integers(0, 100, 256),
    }[shape]
    table = equalisation_table(np.rint(counts).astype(int)).astype(int)
    assert (np.diff(table) >= 0).all()
    assert table[np.flatnonzero(np.rint(counts))[-1]] == 255


def test_equalisation_spreads_a_narrow_image():
    image = np.random.default_rng(5).normal(120, 6, (80, 80)).clip(0, 255).astype(np.uint8)
    out = equalisation_table(np.bincount(image.ravel(), minlength=256))[image]
    assert out.std() > 5 * image.std()


def test_a_small_part_is_not_swallowed_by_a_dominant_one():
    # Plain equalisation gives a part 1 % of the range for 1 % of the pixels; the dynamic one weighs by span.
    levels = np.arange(256)
    counts = 99000 * np.exp(-((levels - 200) ** 2) / 60) / 14 + 1000 * np.exp(-((levels - 80) ** 2) / 300) / 30
    table = equalisation_table(counts).astype(int)
    assert table[110] - table[50] > 40


def test_an_empty_or_flat_histogram_changes_nothing():
    assert equalisation_table(np.zeros(256)).tolist() == list(range(256))
    flat = np.full((4, 4, 3), 77, np.uint8)
    assert np.abs(equalise(flat).astype(int) - 77).max() <= 1
    assert equalise(np.zeros((0, 0, 3), np.uint8)).shape == (0, 0, 3)


def test_equalising_keeps_hue():
    rng = np.random.default_rng(6)
    rgb = (np.array([150, 110, 140]) + rng.normal(0, 8, (60, 60, 1))).clip(0, 255).astype(np.uint8)
    out = equalise(rgb)
    middle = np.argsort(luminance(rgb).ravel())[1800]

    def hue(pixel):
        return colorsys.rgb_to_hsv(*(pixel / 255))[0]

    assert abs(hue(out.reshape(-1, 3)[middle]) - hue(rgb.reshape(-1, 3)[middle])) < 0.05
    assert luminance(out).std() > 3 * luminance(rgb).std()
