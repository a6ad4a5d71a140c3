import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sk_log_loss
from sklearn.metrics import roc_auc_score

from allviewer.learning.judge import redrawn
from allviewer.learning.metrics import auroc, calibration_error, log_loss, over_groups, shares


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=60))
def test_auroc_is_sklearns(rows):
    truth, score = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    if truth.all() or not truth.any():
        assert np.isnan(auroc(truth, score))
    else:
        assert auroc(truth, score) == pytest.approx(roc_auc_score(truth, score))


def test_calibration_error_of_honest_and_boastful_forecasts():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 30_000)
    truth = rng.uniform(0, 1, 30_000) < p
    assert calibration_error(truth, p) < 0.015
    assert calibration_error(truth, np.full_like(p, 0.9)) == pytest.approx(0.4, abs=0.02)
    # bins hold equal numbers: ten cells, two bins, by hand
    p, truth = np.array([0.1] * 5 + [0.8] * 5), np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1], bool)
    assert calibration_error(truth, p, bins=2) == pytest.approx((0.1 + 0.2) / 2)


def test_shares_by_hand():
    truth, called = np.array([1, 1, 1, 1, 0, 0], bool), np.array([1, 1, 1, 0, 0, 1], bool)
    got = shares(truth, called)
    assert got == pytest.approx(
        {"accuracy": 4 / 6, "balanced_accuracy": 0.625, "sensitivity": 0.75, "specificity": 0.5}
    )
    assert np.isnan(shares(truth[:4], called[:4])["specificity"])


def test_log_loss_is_sklearns():
    rng = np.random.default_rng(1)
    p = rng.dirichlet((1, 1), 50)
    labels = rng.integers(0, 2, 50)
    assert log_loss(labels, p) == pytest.approx(sk_log_loss(labels, p))


def test_bootstrap_draws_groups_not_cells():
    """Ten cells that all say the same are one observation a group, so the interval must not shrink with them."""
    rng = np.random.default_rng(2)
    per_group = rng.uniform(0, 1, 12)

    def width(copies):
        values = np.repeat(per_group, copies)
        groups = np.repeat([f"g{i}" for i in range(12)], copies)
        figure = over_groups(groups, lambda rows: float(values[rows].mean()), draws=2000)
        assert figure.low < figure.value < figure.high
        return figure.high - figure.low

    assert width(20) == pytest.approx(width(1), rel=0.1)
    assert width(1) == pytest.approx(2 * 1.96 * per_group.std() / np.sqrt(12), rel=0.15)


def test_bootstrap_says_when_it_cannot():
    one = over_groups(np.array(["a", "a"]), lambda rows: 1.0, draws=10)
    assert (one.value, one.low, one.high) == (1.0, None, None)
    assert over_groups(np.array(["a", "b"]), lambda rows: float("nan"), draws=10) is None


def test_the_correlation_of_reconstructions_is_a_mean_with_an_interval(samples):
    shares = np.linspace(0.9, 0.99, len(samples)).astype(np.float32)
    found = redrawn(samples, shares)["reconstruction_correlation"]
    assert found.value == pytest.approx(shares.mean(), abs=1e-6)
    assert found.low < found.value < found.high
    assert redrawn(samples, np.full(len(samples), np.nan, np.float32)) == {}
