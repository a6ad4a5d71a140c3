"""Every figure against scikit-learn, as it is and drawn: a weight counts as so many copies of a cell."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from allviewer.learning.metrics import (
    Ranking,
    auroc,
    calibration_error,
    confusion,
    log_loss,
    mean,
    rates,
    reliability,
)

CELLS = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=60)


def once(n):
    return np.ones((1, n))


def ece_by_hand(truth, p, bins):
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), bins) if len(part)]
    return sum(abs(truth[part].mean() - p[part].mean()) * len(part) for part in parts) / len(truth)


@given(CELLS)
def test_ranking_is_sklearns_on_what_was_drawn(rows):
    truth, score, times = (np.array([r[k] for r in rows]) for k in range(3))
    ranked = Ranking(truth, score.astype(float), times[None, :].astype(float))
    t, s = np.repeat(truth, times), np.repeat(score, times)
    found = ranked.auroc()[0], ranked.average_precision()[0], ranked.sensitivity_at(0.7)[0] + 0 * ranked.negatives[0]
    if len(t) == 0 or t.all() or not t.any():
        assert np.isnan(found).all()
        return
    alarms, hits, _ = sk.roc_curve(t, s, drop_intermediate=False)
    assert found[0] == pytest.approx(sk.roc_auc_score(t, s))
    assert found[1] == pytest.approx(sk.average_precision_score(t, s))
    assert found[2] == pytest.approx(hits[alarms <= 0.3 + 1e-12].max())
    at = np.array([0.0, 0.21, 0.5, 1.0])
    height = ranked.sensitivity_along(at)[0]
    assert height[1:] == pytest.approx(np.interp(at[1:], alarms, hits))


def test_area_alone():
    assert auroc(np.array([True, False, True]), np.array([0.9, 0.1, 0.1])) == pytest.approx(0.75)
    assert np.isnan(auroc(np.ones(3, bool), np.arange(3.0)))
    assert np.isnan(auroc(np.empty(0, bool), np.empty(0)))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=50))
def test_rates_are_sklearns_for_many_classes(rows):
    labels, called, times = (np.array([r[k] for r in rows]) for k in range(3))
    table = confusion(labels, called, 4, times[None, :].astype(float))
    t, c = np.repeat(labels, times), np.repeat(called, times)
    assert np.array_equal(table[0], sk.confusion_matrix(t, c, labels=range(4)))
    found = rates(table)
    precision, recall, f1, there = sk.precision_recall_fscore_support(t, c, labels=range(4), zero_division=0)
    for k in range(4):
        if not there[k]:
            assert all(np.isnan(found[name][0, k]) for name in ("precision", "sensitivity", "f1"))
            continue
        got = [found[name][0, k] for name in ("precision", "sensitivity", "f1")]
        assert got == pytest.approx([precision[k], recall[k], f1[k]])
        others = sk.recall_score(t == k, c == k, pos_label=False, zero_division=0) if (t != k).any() else np.nan
        assert found["specificity"][0, k] == pytest.approx(others, nan_ok=True)


def test_log_loss_and_mean_are_sklearns():
    rng = np.random.default_rng(1)
    p, labels, times = rng.dirichlet((1, 1, 1), 50), rng.integers(0, 3, 50), rng.integers(0, 4, 50)
    weights = np.stack([np.ones(50), times]).astype(float)
    assert log_loss(labels, p, weights) == pytest.approx(
        [sk.log_loss(labels, p), sk.log_loss(labels, p, sample_weight=times)]
    )
    assert np.isnan(mean(labels, np.zeros((1, 50)))[0])


def test_calibration_error_of_honest_and_boastful_forecasts():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 30_000)
    truth = rng.uniform(0, 1, 30_000) < p
    assert calibration_error(truth, p, once(30_000))[0] < 0.015
    assert calibration_error(truth, np.full_like(p, 0.9), once(30_000))[0] == pytest.approx(0.4, abs=0.02)
    # bins hold equal numbers: ten cells, two bins, by hand
    p, truth = np.array([0.1] * 5 + [0.8] * 5), np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1], bool)
    assert calibration_error(truth, p, once(10), bins=2)[0] == pytest.approx((0.1 + 0.2) / 2)


@pytest.mark.parametrize("n", [7, 15, 100, 233])
def test_calibration_bins_are_parted_anew_in_every_draw(n):
    rng = np.random.default_rng(n)
    p = rng.permutation(np.linspace(0.01, 0.99, n))
    truth, times = rng.uniform(size=n) < p, rng.integers(0, 4, (20, n))
    times[:, 0] += 1
    found = calibration_error(truth, p, times.astype(float))
    for k in range(20):
        assert found[k] == pytest.approx(ece_by_hand(np.repeat(truth, times[k]), np.repeat(p, times[k]), 15))


def test_bins_of_the_diagram_hold_equal_numbers_in_order():
    p = np.random.default_rng(3).uniform(size=100)
    parts = reliability(p > 0.5, p, bins=15)
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    assert {len(part) for part in parts} == {6, 7}
    assert all(p[a].max() <= p[b].min() for a, b in pairwise(parts))
