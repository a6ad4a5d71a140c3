"""The bundled models: they load, their cards are complete, and their answers are calibrated."""

import numpy as np
import pytest

from allviewer.systems import list_models, load_model

BUNDLED = {
    "alnet-1": ("alnet", 3e6),
    "blastnet-1": ("blastnet", 12e6),
    "cae-cnn-1": ("cae-cnn", 6e6),
    "latent-svm-mobilenet-1": ("latent-svm", 7e6),
    "xincept-mobilenet-1": ("xincept", 6e6),
}


@pytest.mark.parametrize(("name", "system", "most"), [(name, *rest) for name, rest in BUNDLED.items()])
def test_a_bundled_model_is_listed_with_an_honest_card(name, system, most):
    entry = next(e for e in list_models() if e.name == name)
    card = entry.card
    assert card.system == system
    assert card.research_use_only
    assert "10.1109/ICIP.2011.6115881" in card.data[0].citation
    assert any("camera" in limit.lower() for limit in card.limits)
    for measure in ("auroc", "auroc_inside_groups", "calibration_error"):
        figure = card.judged.metrics[measure]
        assert figure.low < figure.value < figure.high
    assert "session" in card.judged.split
    assert card.calibration.fitted_on.startswith("out-of-fold")
    assert entry.path.stat().st_size < most


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_gives_calibrated_answers(name):
    model = load_model(name, "cpu")
    side = model.card.input_px
    crops = np.full((2, side, side, 3), 245, np.uint8)
    crops[1, 60:160, 60:160] = (110, 60, 150)
    out = model.predict(crops, heat=True)
    np.testing.assert_allclose(out.probabilities.sum(1), 1, atol=1e-6)
    assert np.isfinite(out.heat).all()


def test_the_bundled_model_of_whole_fields_says_so_and_what_confounds_it():
    card = next(e for e in list_models() if e.name == "xincept-fields-1").card
    assert card.unit == "field"
    assert card.taxonomy == "benign-early-pre-pro"
    assert any("colour" in limit for limit in card.limits)
    assert card.judged.metrics["accuracy"].value > card.judged.baseline["accuracy"].value
