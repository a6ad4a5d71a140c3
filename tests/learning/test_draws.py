"""The bootstrap draws groups, and says when it cannot."""

import numpy as np
import pytest

from allviewer.learning.draws import bootstrap, figure_of, over_groups
from allviewer.learning.metrics import Ranking, calibration_error, mean


def test_groups_are_drawn_not_cells():
    """Ten cells that all say the same are one observation a group, so the interval must not shrink with them."""
    per_group = np.random.default_rng(2).uniform(0, 1, 12)

    def width(copies, by_cell=False):
        values = np.repeat(per_group, copies)
        groups = np.arange(12 * copies).astype(str) if by_cell else np.repeat([f"g{i}" for i in range(12)], copies)
        figure = over_groups(groups, lambda w: mean(values, w), draws=2000)
        assert figure.low < figure.value < figure.high
        return figure.high - figure.low

    assert width(20) == pytest.approx(width(1), rel=0.1)
    assert width(1) == pytest.approx(2 * 1.96 * per_group.std() / np.sqrt(12), rel=0.15)
    assert width(20, by_cell=True) < width(20) / 3


def test_a_draw_is_what_repeating_the_groups_gives():
    rng = np.random.default_rng(0)
    groups, truth, score = rng.integers(0, 6, 80).astype(str), rng.uniform(size=80) < 0.5, rng.uniform(size=80)
    seen = []

    def measure(weights):
        seen.append(weights)
        return {"area": Ranking(truth, score, weights).auroc()}

    found = bootstrap(groups, measure, draws=50)["area"]
    weights = np.concatenate(seen)
    assert found.shape == (51,)
    assert (weights[0] == 1).all()
    for row, area in zip(weights, found, strict=True):
        assert all(len(set(row[groups == g])) == 1 for g in set(groups))  # whole groups
        assert sum(row[groups == g][0] for g in set(groups)) == 6
        at = np.repeat(np.arange(80), row.astype(int))
        expected = Ranking(truth[at], score[at], np.ones((1, len(at)))).auroc()[0]
        assert area == pytest.approx(expected, nan_ok=True)


def test_same_groups_same_draws():
    groups = np.array(["a", "b", "c"] * 5)
    one, two = (bootstrap(groups, lambda w, v=v: {"": mean(v, w)})[""] for v in (np.arange(15.0), np.arange(15.0) + 1))
    assert two - one == pytest.approx(np.ones(1001))


def test_intervals_hold_what_they_are_of_and_the_truth():
    """Coverage: a 95 % interval of a mean of 40 groups holds the true mean about so often."""
    rng = np.random.default_rng(5)
    hits = 0
    for seed in range(120):
        values, groups = rng.normal(0, 1, 40), np.arange(40).astype(str)
        figure = over_groups(groups, lambda w, v=values: mean(v, w), draws=400, seed=seed)
        assert figure.low <= figure.value <= figure.high
        hits += figure.low <= 0 <= figure.high
    assert 0.86 <= hits / 120 <= 0.99
    # a calibration error only grows under resampling: the interval still holds the figure
    p = rng.uniform(size=300)
    truth = rng.uniform(size=300) < p
    figure = over_groups(np.arange(300).astype(str), lambda w: calibration_error(truth, p, w))
    assert figure.low <= figure.value < figure.high


def test_what_cannot_be_said_is_not():
    one = over_groups(np.array(["a", "a"]), lambda w: np.ones(len(w)), draws=10)
    assert (one.value, one.low, one.high) == (1.0, None, None)
    assert over_groups(np.array(["a", "b"]), lambda w: np.full(len(w), np.nan), draws=10) is None
    assert figure_of(np.array([0.5, np.nan, np.nan, 0.5])).low is None  # most draws gave no number
