from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from allviewer.pixels import macenko
from allviewer.pixels.density import optical_density
from allviewer.pixels.lattice import look_up, tabulate
from allviewer.pixels.normalise import METHODS, REFERENCE, Appearance, appearance, normalise, normaliser
from allviewer.synth import SAMPLE, render

SCENE = replace(SAMPLE, height=900, width=1200, white_cells=None, smudges=None)


@pytest.fixture(scope="module")
def standard():
    """The stain that the reference was measured on."""
    return render(replace(SCENE, stain="may-gruenwald-giemsa"))


def under_a_neutral_lamp(rgb):
    white = np.array(appearance(rgb).white)
    return np.clip(np.rint(rgb * (245 / white)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def goal(standard):
    """The same under the reference's lamp: what every other stain of this field should come to look like."""
    return under_a_neutral_lamp(standard.rgb)


def test_the_reference_is_what_the_rendered_standard_stain_measures():
    field = under_a_neutral_lamp(render(replace(SAMPLE, stain="may-gruenwald-giemsa")).rgb)
    found = appearance(field)
    assert np.allclose(found.white, REFERENCE.white, atol=1.5)
    assert np.allclose(found.reinhard.mean, REFERENCE.reinhard.mean, atol=0.02)
    assert np.allclose(found.reinhard.spread, REFERENCE.reinhard.spread, atol=0.02)
    for dye in ("eosin", "azure"):
        assert np.dot(getattr(found.macenko, dye), getattr(REFERENCE.macenko, dye)) > 0.999
    assert np.allclose(found.macenko.amounts, REFERENCE.macenko.amounts, rtol=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_with_the_references_own_look_stays_as_it_is(method, goal):
    own = appearance(goal)
    same = normalise(goal, normaliser(method, own, own)).astype(int)
    assert np.abs(same - goal).mean() < 0.2
    # a straight line between two colours cannot follow a power to the last level where it bends most, near black
    assert np.quantile(np.abs(same - goal), 0.9999) <= 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stain", ["wright-giemsa", "leishman", "pale", "dark", "blue"])
def test_other_stains_of_one_field_come_to_look_like_the_reference(method, stain, goal):
    """Mean distance a channel: 65 to 95 grey levels before."""
    other = render(replace(SCENE, stain=stain)).rgb
    before = np.abs(other.astype(int) - goal)
    after = np.abs(normalise(other, normaliser(method, appearance(other))).astype(int) - goal)
    assert after.mean() < 0.15 * before.mean()
    level = np.abs(under_a_neutral_lamp(other).astype(int) - goal)  # not the lamp alone
    assert after.mean() < 0.9 * level.mean()


@pytest.mark.parametrize("method", METHODS)
def test_nuclei_of_pale_and_dark_slides_become_alike(method, standard, goal):
    mean = []
    for stain in ("pale", "dark"):
        field = render(replace(SCENE, stain=stain))
        done = normalise(field.rgb, normaliser(method, appearance(field.rgb)))
        mean.append(done[field.nuclei > 0].mean(axis=0))
        wrong = np.abs(mean[-1] - goal[standard.nuclei > 0].mean(axis=0))
        assert wrong.max() < 25
    assert np.abs(mean[0] - mean[1]).max() < 25


@pytest.mark.parametrize("method", METHODS)
def test_background_becomes_the_references_white(method):
    field = render(replace(SCENE, stain="wright-giemsa", vignette=0.0, noise=0.0))
    bare = np.asarray(appearance(field.rgb).white, np.uint8)
    done = normalise(np.tile(bare, (4, 4, 1)), normaliser(method, appearance(field.rgb)))
    assert np.abs(done.astype(int) - 245).max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_another_lamp_changes_nothing(method, goal):
    warm = np.clip(np.rint(goal * [0.9, 0.8, 0.6]), 0, 255).astype(np.uint8)
    done = normalise(warm, normaliser(method, appearance(warm), appearance(goal)))
    assert np.abs(done.astype(int) - goal).mean() < 1.5


@pytest.mark.parametrize("method", METHODS)
def test_tiles_of_one_slide_fit_together(method, goal):
    table = normaliser(method, appearance(goal))
    whole = normalise(goal, table)
    assert (normalise(goal[100:333, 57:800], table) == whole[100:333, 57:800]).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((60, 80, 3), np.uint8),
        np.full((60, 80, 3), 255, np.uint8),
        np.full((60, 80, 3), (200, 90, 170), np.uint8),
        np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8),
        np.repeat(np.arange(240, dtype=np.uint8).reshape(60, 4, 1), 3, axis=2),
        np.zeros((0, 7, 3), np.uint8),
        np.full((1, 1, 3), 130, np.uint8),
    ],
    ids=["black", "white", "one colour", "noise", "grey ramp", "empty", "one pixel"],
)
def test_any_image_passes(method, image):
    found = appearance(image)
    done = normalise(image, normaliser(method, found))
    assert done.shape == image.shape
    assert done.dtype == np.uint8
    if image.size and image.max() == 0:
        assert (done == 0).all()


def test_what_no_light_goes_through_stays_black(goal):
    framed = goal.copy()
    framed[:40] = 0
    for method in METHODS:
        assert normalise(framed, normaliser(method, appearance(framed)))[:40].max() <= 2


def test_a_view_without_nuclei_still_tells_one_dye(goal, standard):
    bare = render(replace(SCENE, stain="wright-giemsa", white_cells=0, smudges=0, platelets_per_mm2=0))
    found = appearance(bare.rgb)
    assert found.macenko.amounts[1] == 0
    assert found.macenko.amounts[0] > 0.1
    done = normalise(bare.rgb, normaliser("macenko", found))
    reds = render(replace(SCENE, stain="may-gruenwald-giemsa", white_cells=0, smudges=0, platelets_per_mm2=0))
    assert np.abs(done.astype(int) - under_a_neutral_lamp(reds.rgb)).mean() < 6


def test_dyes_mixed_by_hand_are_found_again():
    eosin, azure = np.array([0.3, 0.7, 0.648]), np.array([0.45, 0.88, 0.15])
    eosin, azure = eosin / np.linalg.norm(eosin), azure / np.linalg.norm(azure)
    rng = np.random.default_rng(3)
    reds = rng.uniform(0.05, 0.2, 20_000)[:, None] * eosin
    nuclei = rng.uniform(0.5, 1.0, 400)[:, None] * azure
    found = macenko.measure(np.concatenate([reds, nuclei]).astype(np.float32))
    assert np.dot(found.eosin, eosin) > 0.9999
    assert np.dot(found.azure, azure) > 0.9999
    assert np.allclose(found.amounts, (0.2, 1.0), rtol=0.03)


def test_macenko_scales_dyes_and_keeps_what_is_neither():
    one = macenko.Macenko((0.0, 0.6, 0.8), (0.6, 0.8, 0.0), (0.2, 0.5))
    two = macenko.Macenko((0.0, 0.6, 0.8), (0.6, 0.8, 0.0), (0.4, 1.0))
    both = np.array([[0.06, 0.2, 0.16]], np.float32)
    assert np.allclose(macenko.transfer(both, one, two), 2 * both, atol=1e-6)
    beside = np.cross(one.eosin, one.azure)[None].astype(np.float32)
    assert np.allclose(macenko.transfer(beside, one, two), 2 * beside, atol=1e-5)


def test_a_wrong_method_is_named():
    with pytest.raises(ValueError, match="reinhard, macenko"):
        normaliser("vahadane", REFERENCE)


def test_an_image_of_the_users_can_be_the_goal(goal):
    other = render(replace(SCENE, stain="leishman", seed=4)).rgb
    done = normalise(goal, normaliser("macenko", appearance(goal), appearance(other)))
    assert np.allclose(appearance(done).white, appearance(other).white, atol=2)
    assert np.dot(appearance(done).macenko.eosin, appearance(other).macenko.eosin) > 0.999


colour = arrays(np.uint8, (50, 3))


@given(colour)
@settings(max_examples=40)
def test_a_straight_map_is_read_off_exactly(rgb):
    """Tetrahedra hold what is linear in the colour: here channels swapped and halved."""
    table = tabulate(lambda v: v[:, ::-1] / 2)
    assert np.abs(look_up(rgb, table).astype(int) - np.rint(rgb[:, ::-1] / 2)).max() <= 1
    assert (look_up(rgb, tabulate(lambda v: v)) == rgb).all()


looks = st.builds(
    Appearance,
    st.tuples(*[st.floats(50, 255)] * 3),
    st.just(REFERENCE.reinhard),
    st.just(REFERENCE.macenko),
)


@given(looks, colour, st.sampled_from(METHODS))
@settings(max_examples=30)
def test_stain_never_becomes_brighter_than_the_background(source, rgb, method):
    done = normalise(rgb, normaliser(method, source)).astype(int)
    light = rgb / np.array(source.white)
    dark = (light < 0.99).all(axis=1)
    assert (done[dark] <= 246).all()


def test_the_table_follows_the_exact_map(goal):
    """Between nodes four levels apart a line stands for the curve."""
    source = appearance(render(replace(SCENE, stain="pale")).rgb)
    pixels = np.random.default_rng(1).integers(20, 250, (4000, 3)).astype(np.float32)
    density = optical_density(pixels.astype(np.uint8), source.white)
    exact = 245 * 10 ** -macenko.transfer(density, source.macenko, REFERENCE.macenko)
    depth = np.linalg.norm(np.maximum(density, 0), axis=1)
    sure = (depth > 0.1) & (depth < 2.9) & (exact.max(axis=1) < 240)
    read = normalise(pixels.astype(np.uint8), normaliser("macenko", source)).astype(float)
    assert sure.sum() > 1000
    assert np.abs(read - exact)[sure].max() < 2.5
