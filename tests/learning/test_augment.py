import numpy as np
import pytest

from allviewer.learning.augment import RECIPES, Recipe, augment
from allviewer.learning.studio import drawing_weights


@pytest.fixture(scope="module")
def patch():
    y, x = np.mgrid[:96, :96]
    rgb = np.full((96, 96, 3), 245, np.uint8)
    rgb[(y - 48) ** 2 + (x - 48) ** 2 < 20**2] = (120, 80, 160)
    rgb[10:20, 40:60] = (200, 120, 120)
    return rgb


def test_none_is_the_centre_itself(patch):
    view = augment(patch, 64, RECIPES["none"], np.random.default_rng(0))
    assert np.abs(view.astype(int) - patch[16:80, 16:80]).mean() < 1


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_views_follow_from_the_seed(patch, name):
    a, b = (augment(patch, 64, RECIPES[name], np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.shape == (64, 64, 3)
    assert a.dtype == np.uint8
    if name != "none":
        assert (augment(patch, 64, RECIPES[name], np.random.default_rng(6)) != a).any()


def test_background_stays_bright_and_the_cell_in_the_middle(patch):
    rng = np.random.default_rng(1)
    for _ in range(50):
        view = augment(patch, 64, RECIPES["stain"], rng)
        assert view[30:34, 30:34].mean() < 215
        assert view.max() > 215


def test_edges_cut_but_never_the_centre(patch):
    recipe = Recipe(0, 0, 0, 0, 0, 0, 0, 0, edge=1.0, noise=0)
    sides = set()
    for seed in range(40):
        view = augment(patch, 64, recipe, np.random.default_rng(seed))
        blank = (view == 245).all(axis=2)
        assert not blank[32, 32]
        sides |= {i for i, line in enumerate((blank[0], blank[-1], blank[:, 0], blank[:, -1])) if line.all()}
    assert sides == {0, 1, 2, 3}


def test_no_class_and_no_session_rules_the_draws():
    labels = np.array([0] * 90 + [1] * 10)
    groups = np.array(["a"] * 81 + ["b"] * 9 + ["c"] * 10)
    weights = drawing_weights(labels, groups)
    assert weights.sum() == pytest.approx(1)
    assert weights[labels == 0].sum() == pytest.approx(0.5)
    # the root of 81 to the root of 9
    assert weights[groups == "a"].sum() / weights[groups == "b"].sum() == pytest.approx(3)


def test_camsr_keeps_top_on_top_and_shifts_the_width_alone():
    """A dot above the middle stays above it, although it wanders to both sides and is mirrored."""
    patch = np.full((192, 192, 3), 245, np.uint8)
    patch[60:70, 91:101] = 0  # 31 px above the middle, of a crop of 128
    only_moved = Recipe(**{**{f: getattr(RECIPES["camsr"], f) for f in Recipe.__slots__}, "crop": 0, "emboss": 0})
    places = []
    for seed in range(60):
        view = augment(patch, 128, only_moved, np.random.default_rng(seed)).mean(axis=2)
        places.append(np.argwhere(view < view.min() + 20).mean(axis=0) - 63.5)
    y, x = np.array(places).T
    assert y.max() < -14  # turned by 15° and zoomed by a fifth at most; a shift of the height would reach 0
    assert y.min() > -46
    assert x.min() < -15
    assert x.max() > 15


def test_camsr_embosses_edges_and_leaves_even_ground():
    patch = np.full((192, 192, 3), 128, np.uint8)
    patch[:, 96:] = 160
    none = {f: getattr(RECIPES["none"], f) for f in Recipe.__slots__}
    view = augment(patch, 128, Recipe(**(none | {"emboss": 1.0})), np.random.default_rng(0))
    assert set(np.unique(view[:, :60])) == {128}
    assert set(np.unique(view[:, 70:])) == {160}
    assert view[:, 60:68].max() > 162


def test_camsr_crops_to_a_part_that_fills_the_view():
    patch = np.tile(np.arange(192, dtype=np.uint8)[None, :, None], (192, 1, 3))
    none = {f: getattr(RECIPES["none"], f) for f in Recipe.__slots__}
    spans = [np.ptp(augment(patch, 128, Recipe(**(none | {"crop": 0.3})), np.random.default_rng(s))) for s in range(20)]
    assert max(spans) <= 128
    assert min(spans) < 100
