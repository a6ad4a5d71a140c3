"""A model of whole fields: one answer for the image, none for a cell, and the very pixels that its training saw."""

import cv2
import numpy as np
import pytest

from allviewer.systems import load_model
from allviewer.systems.bundle import write_bundle
from allviewer.systems.card import Calibration, UnsureBand
from allviewer.systems.crops import classify, cut_crops, prepare
from allviewer.systems.fields import covering_squares, mask_corner, suggest_for_field
from allviewer.systems.model import calibrated
from allviewer.vocab.errors import ModelError
from allviewer.vocab.taxonomy import STAGES
from tests.systems.conftest import make_card, random_arrays
from tests.tables import some_cells


def field_card(**changes):
    facts = {
        "unit": "field", "classes": STAGES.keys, "taxonomy": STAGES.key, "white": None,
        "calibration": Calibration(scale=0.5, bias=(0.0, 0.0, 0.0, 0.5)),
        "unsure": UnsureBand(thresholds=(0.05,) * 4, coverage=0.9, how="for tests"),
    }  # fmt: skip
    return make_card(**(facts | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(folder):
    path = folder / "fields-1.safetensors"
    write_bundle(path, field_card(), random_arrays(4, 4))
    return load_model(path, "cpu")


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(2)
    return cv2.resize(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8), (400, 300), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    ("shape", "starts"), [((300, 300), [0]), ((300, 400), [0, 100]), ((300, 900), [0, 300, 600]), ((301, 300), [0, 1])]
)
def test_squares_of_the_short_side_cover_the_image(shape, starts):
    for turned in (False, True):
        height, width = shape[::-1] if turned else shape
        boxes = covering_squares(height, width)
        short = min(shape)
        assert (boxes[:, 2:] - boxes[:, :2] == short).all()
        covered = np.zeros((height, width), bool)
        for y0, x0, y1, x1 in boxes.astype(int):
            assert y0 >= 0
            assert x0 >= 0
            covered[y0:y1, x0:x1] = True
        assert covered.all()
        assert np.sort(boxes[:, :2].max(axis=1)).tolist() == starts


def test_a_square_image_is_seen_whole_at_the_cards_size(model, image):
    square = np.ascontiguousarray(image[:, :300])
    said = suggest_for_field(model, square)
    seen = cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA)[None]
    expected = calibrated(model.logits(seen), model.card.calibration)[0]
    assert np.allclose(said.probabilities, expected, atol=1e-5)
    assert sum(said.probabilities) == pytest.approx(1, abs=1e-5)
    assert (said.model, said.digest, said.taxonomy) == ("fields-1", model.digest, STAGES)


def test_a_longer_image_gets_the_mean_of_what_covers_it(model, image):
    said = suggest_for_field(model, image)
    seen = cut_crops(image, np.array([[0, 0, 300, 300], [0, 100, 300, 400]], np.float32), 224)
    expected = calibrated(model.logits(seen), model.card.calibration).mean(axis=0)
    assert np.allclose(said.probabilities, expected, atol=1e-5)
    facts = said.facts()
    assert facts["suggested"] == STAGES.keys[int(expected.argmax())]
    assert facts["probabilities"].keys() == set(STAGES.keys)
    assert "a suggestion of fields-1 for the whole image" in facts["sentence"]
    assert "diagnos" not in facts["sentence"]


def test_light_and_corner_are_those_of_training(folder, image):
    path = folder / "levelled-1.safetensors"
    write_bundle(path, field_card(white=245.0, masked_corner=(0.25, 0.5)), random_arrays(4, 4))
    model = load_model(path, "cpu")
    before = image.copy()
    said = suggest_for_field(model, image)
    assert np.array_equal(image, before)
    masked = image.copy()
    mask_corner(masked, (0.25, 0.5))
    assert (masked[225:, 200:] == np.median(image.reshape(-1, 3), axis=0).astype(np.uint8)).all()
    assert np.array_equal(masked[:225], image[:225])
    seen = prepare(masked, covering_squares(300, 400), model.card)
    expected = calibrated(model.logits(seen), model.card.calibration).mean(axis=0)
    assert np.allclose(said.probabilities, expected, atol=1e-5)
    other = image.copy()
    other[225:, 200:] = 0  # a scale bar there changes nothing but the image's median
    assert np.allclose(suggest_for_field(model, other).probabilities, expected, atol=0.2)


def test_the_band_withholds_an_answer(folder, image):
    path = folder / "unsure-1.safetensors"
    band = UnsureBand(thresholds=(0.99,) * 4, coverage=0.9, how="for tests")
    write_bundle(path, field_card(unsure=band), random_arrays(4, 4))
    said = suggest_for_field(load_model(path, "cpu"), image)
    assert said.unsure
    assert said.sentence.startswith("Field as a whole: unsure, likeliest ")


def test_never_on_cells_nor_the_other_way(model, model_file, image):
    with pytest.raises(ModelError, match="'fields-1' judges whole fields and is never run on cells"):
        classify(model, image, some_cells(2, side=300.0), 0.1)
    with pytest.raises(ModelError, match="judges single cells"):
        suggest_for_field(load_model(model_file, "cpu"), image)
