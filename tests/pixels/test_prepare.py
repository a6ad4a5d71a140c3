import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from allviewer.pixels.equalise import equalise
from allviewer.pixels.normalise import appearance, normalise, normaliser
from allviewer.pixels.prepare import PREPARATIONS, prepare
from allviewer.pixels.wiener import wiener
from allviewer.synth import render_field
from allviewer.vocab.errors import RecipeError


@pytest.fixture(scope="module")
def field():
    return render_field(700, 500, seed=2, um_per_px=0.2, white_cells=6).rgb


def test_each_name_is_the_filter_it_names(field):
    assert prepare("none", field)(field) is field
    for method in ("reinhard", "macenko"):
        assert (prepare(method, field)(field) == normalise(field, normaliser(method, appearance(field)))).all()
    assert (prepare("dhe", field)(field) == equalise(field)).all()
    smooth = np.clip(np.rint(wiener(field)), 0, 255).astype(np.uint8)
    # its noise is measured in bands, whose edges see mirrored pixels
    assert np.abs(prepare("wiener", field)(field).astype(int) - smooth).max() <= 1


@pytest.mark.parametrize("name", PREPARATIONS)
def test_a_tile_is_prepared_as_the_slide_is(name, field):
    prepared = prepare(name, field)
    whole = prepared(field)
    tile = prepared(field[98:402, 38:262])[2:-2, 2:-2]
    assert (tile == whole[100:400, 40:260]).all()


@pytest.mark.parametrize("name", PREPARATIONS)
@given(
    image=arrays(np.uint8, st.tuples(st.integers(0, 9), st.integers(0, 9), st.just(3))),
    other=arrays(np.uint8, st.tuples(st.integers(0, 9), st.integers(1, 9), st.just(3))),
)
@settings(max_examples=15)
def test_any_image_passes_with_any_slides_measure(name, image, other):
    done = prepare(name, other)(image)
    assert done.shape == image.shape
    assert done.dtype == np.uint8


def test_a_wrong_name_is_one_sentence_with_the_choices(field):
    with pytest.raises(RecipeError, match="reinhard or macenko or wiener or dhe"):
        prepare("gamma", field)
