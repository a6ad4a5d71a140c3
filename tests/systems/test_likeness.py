"""Cells unlike the training cells are told, and a slide full of them."""

import numpy as np
import pytest

from allviewer.systems.card import Likeness
from allviewer.systems.likeness import Reference, slide_likeness
from allviewer.vocab.errors import ModelError
from allviewer.vocab.prediction import Prediction
from tests.systems.conftest import make_card

RNG = np.random.default_rng(5)
GROUPS = np.repeat(["a", "b", "c"], 60)
TRAINING = RNG.normal(0, 1, (180, 40)) * np.linspace(3, 0.01, 40) + 7


@pytest.fixture(scope="module")
def reference():
    return Reference.of(TRAINING, GROUPS)


def test_a_new_cell_like_the_others_is_about_one_away_and_a_strange_one_far(reference):
    like = RNG.normal(0, 1, (200, 40)) * np.linspace(3, 0.01, 40) + 7
    assert 0.8 < np.median(reference.distance(like)) < 1.25
    strange = like + 30 * np.eye(40)[0]
    assert np.quantile(reference.distance(strange), 0.02) > np.quantile(reference.distance(like), 0.98)
    off_axis = like + 20 * np.eye(40)[39]  # where no training cell ever went
    assert np.quantile(reference.distance(off_axis), 0.05) > np.median(reference.distance(like))
    assert reference.distance(like[:0]).shape == (0,)


def test_scale_and_place_of_the_embedding_do_not_matter(reference):
    other = Reference.of(TRAINING * 12 - 4, GROUPS)
    assert np.allclose(other.distance(TRAINING * 12 - 4), reference.distance(TRAINING), rtol=0.02, atol=0.03)


def test_saved_and_loaded_is_the_same(reference):
    again = Reference.of_arrays(reference.arrays())
    assert np.array_equal(again.distance(TRAINING), reference.distance(TRAINING))
    assert Reference.of_arrays({"weights": np.zeros(3)}) is None


@pytest.mark.parametrize("name", ["axes", "bank", "scales"])
def test_arrays_that_do_not_fit_are_refused(reference, name):
    arrays = reference.arrays()
    for broken in (arrays | {f"likeness.{name}": np.zeros((3, 3), np.float32)}, dict(arrays)):
        if broken.keys() == arrays.keys() and broken[f"likeness.{name}"] is arrays[f"likeness.{name}"]:
            del broken[f"likeness.{name}"]
        with pytest.raises(ModelError, match="do not fit"):
            Reference.of_arrays(broken)


def test_a_large_bank_is_sampled_alike_each_time():
    many, groups = RNG.normal(size=(2500, 8)), np.repeat(["a", "b"], 1250)
    first, second = Reference.of(many, groups), Reference.of(many, groups)
    assert len(first.bank) == 2000
    assert np.array_equal(first.bank, second.bank)


def prediction(unlike):
    n = len(unlike)
    chances = np.full((n, 2), 0.5, np.float32)
    return Prediction(
        ("blast", "normal"), chances, np.zeros(n, bool), np.zeros((n, 4), np.float32), "m", unlike=np.array(unlike)
    )


def test_a_slide_is_doubted_only_with_enough_unlike_cells():
    card = make_card().model_copy(update={"likeness": Likeness(distance=1.5, share=0.3, how="so")})
    few = slide_likeness(card, prediction([True, False, False]))
    assert (few.cells, few.unlike, few.doubtful) == (3, 1, False)
    many = slide_likeness(card, prediction([True] * 5 + [False] * 5))
    assert many.doubtful
    assert "5 of 10 cells are unlike" in many.sentence
    assert "do not rely" in many.sentence
    assert slide_likeness(make_card(), prediction([True])) is None
