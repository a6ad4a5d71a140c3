import numpy as np
import pytest

from allviewer.learning.calibrate import fit_band, fit_calibration
from allviewer.learning.metrics import calibration_error, log_loss
from allviewer.systems.card import Calibration, UnsureBand
from allviewer.systems.model import calibrated, outside_band


def overconfident(n, seed, classes=2):
    """Labels drawn from softmax(z), logits reported four times too large and shifted."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.2, (n, classes))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    labels = (rng.uniform(size=(n, 1)) > p.cumsum(1)[:, :-1]).sum(1)
    return (4 * z + np.arange(classes)).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 4])
def test_calibration_mends_logits_it_has_not_seen(classes):
    logits, labels = overconfident(3000, 0, classes)
    fitted = fit_calibration(logits, labels, "synthetic")
    assert fitted.scale == pytest.approx(0.25, rel=0.1)
    fresh, truth = overconfident(3000, 1, classes)
    before = calibrated(fresh, Calibration(bias=(0.0,) * classes))
    after = calibrated(fresh, fitted)
    once = np.ones((1, 3000))
    assert log_loss(truth, after, once) < log_loss(truth, before, once) - 0.1
    assert calibration_error(truth == 0, after[:, 0], once) < 0.04 < calibration_error(truth == 0, before[:, 0], once)
    np.testing.assert_allclose(after.sum(1), 1, atol=1e-6)


def test_separable_logits_stay_finite():
    logits = np.array([[50, -50]] * 20 + [[-50, 50]] * 20, np.float32)
    fitted = fit_calibration(logits, np.array([0] * 20 + [1] * 20), "synthetic")
    assert 0 < fitted.scale < 1000
    assert np.isfinite(calibrated(logits, fitted)).all()


def test_order_of_cells_survives():
    logits, labels = overconfident(500, 3)
    p = calibrated(logits, fit_calibration(logits, labels, "synthetic"))[:, 0]
    margin = logits[:, 0] - logits[:, 1]
    assert (np.diff(p[np.argsort(margin)]) >= 0).all()


def test_band_keeps_the_promised_share_of_each_class():
    logits, labels = overconfident(4000, 4)
    p = calibrated(logits, Calibration(scale=0.25, bias=(0.0, 0.25)))
    band = fit_band(p[:2000], labels[:2000], coverage=0.9)
    for c in range(2):
        own = p[2000:][labels[2000:] == c, c]
        assert (own >= band.thresholds[c]).mean() == pytest.approx(0.9, abs=0.03)
    unsure = outside_band(p, band)
    right = p.argmax(1) == labels
    assert right[~unsure].mean() > right[unsure].mean() + 0.1


def test_a_class_that_is_not_the_most_probable_is_no_sure_answer():
    """Where one class is much easier, its threshold lies above one half: in between nothing is sure."""
    band = UnsureBand(thresholds=(0.72, 0.25), coverage=0.9, how="made up")
    p = np.array([[0.9, 0.1], [0.73, 0.27], [0.6, 0.4], [0.4, 0.6]], np.float32)
    assert outside_band(p, band).tolist() == [False, True, True, False]


def test_band_of_few_cells_asks_nothing():
    assert fit_band(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32), np.array([0, 1])).thresholds == (0.0, 0.0)
