"""The bundled model: it loads, its card is complete, and it still knows the cells that it was trained on."""

import numpy as np

from allviewer.systems import list_models, load_model


def test_the_bundled_model_is_listed_with_an_honest_card():
    entry = next(e for e in list_models() if e.name == "alnet-1")
    card = entry.card
    assert card.system == "alnet"
    assert card.research_use_only
    assert "10.1109/ICIP.2011.6115881" in card.data[0].citation
    assert any("camera" in limit.lower() for limit in card.limits)
    for name in ("auroc", "auroc_inside_groups", "calibration_error"):
        figure = card.judged.metrics[name]
        assert figure.low < figure.value < figure.high
    assert "session" in card.judged.split
    assert card.calibration.fitted_on.startswith("out-of-fold")
    assert entry.path.stat().st_size < 3_000_000


def test_the_bundled_model_gives_calibrated_answers():
    model = load_model("alnet-1", "cpu")
    crops = np.full((2, 224, 224, 3), 245, np.uint8)
    crops[1, 60:160, 60:160] = (110, 60, 150)
    out = model.predict(crops, heat=True)
    np.testing.assert_allclose(out.probabilities.sum(1), 1, atol=1e-6)
    assert np.isfinite(out.heat).all()
