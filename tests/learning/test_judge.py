"""The figures of a judgement against scikit-learn, for two classes and for four; calibration and band out of fold."""

import time

import numpy as np
import pytest
from sklearn import metrics as sk

from allviewer.learning.calibrate import fit_calibration
from allviewer.learning.judge import (
    ENOUGH,
    MEANING,
    counted_groups,
    cross_banded,
    cross_calibrated,
    drawn_figures,
    figures,
    inside_groups,
    meaning,
    redrawn,
)
from allviewer.learning.metrics import auroc
from allviewer.learning.report.labels import HEADINGS
from allviewer.systems.model import calibrated
from tests.learning.rivals import FOUR, TWO, cells, rival


def test_two_classes_are_sklearns():
    samples = cells()
    p = rival(samples).probabilities
    found = {name: figure.value for name, figure in figures(samples, p, draws=20).items()}
    truth, called, whole = samples.labels == 0, p.argmax(1) == 0, ~samples.cut
    alarms, hits, _ = sk.roc_curve(truth, p[:, 0], drop_intermediate=False)
    mixed = inside_groups(samples)
    groups = [samples.groups == g for g in counted_groups(samples)]
    camera = samples.camera == "camera 1"
    expected = {
        "auroc": sk.roc_auc_score(truth, p[:, 0]),
        "auroc_whole_cells": sk.roc_auc_score(truth[whole], p[whole, 0]),
        "auroc_inside_groups": sk.roc_auc_score(truth[mixed], p[mixed, 0]),
        "auroc_inside_whole_cells": sk.roc_auc_score(truth[mixed & whole], p[mixed & whole, 0]),
        "auroc_group_mean": np.mean([sk.roc_auc_score(truth[g], p[g, 0]) for g in groups]),
        "auroc_group_mean_whole_cells": np.mean([sk.roc_auc_score(truth[g & whole], p[g & whole, 0]) for g in groups]),
        "average_precision": sk.average_precision_score(truth, p[:, 0]),
        "sensitivity_at_specificity": hits[alarms <= 0.1 + 1e-12].max(),
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "sensitivity": sk.recall_score(truth, called),
        "specificity": sk.recall_score(truth, called, pos_label=False),
        "precision": sk.precision_score(truth, called),
        "f1": sk.f1_score(truth, called),
        "weighted_f1": sk.f1_score(truth, called, average="weighted"),
        "log_loss": -np.log(p[whole, samples.labels[whole]].astype(np.float64)).mean(),
        "camera_check": sk.roc_auc_score(camera[whole & ~truth], p[whole & ~truth, 0]),
    }
    assert expected.keys() <= found.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
    assert set(found) == set(MEANING) - {"reconstruction_correlation"}


def test_four_classes_are_sklearns_one_against_the_rest():
    samples = cells(300, FOUR)
    p = rival(samples).probabilities
    found = {name: figure.value for name, figure in figures(samples, p, draws=20).items()}
    labels, called = samples.labels, p.argmax(1)
    expected = {
        "auroc": sk.roc_auc_score(labels, p, multi_class="ovr", average="macro"),
        "average_precision": sk.average_precision_score(np.eye(4)[labels], p, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, called),
        "sensitivity": sk.recall_score(labels, called, average="macro"),
        "precision": sk.precision_score(labels, called, average="macro"),
        "f1": sk.f1_score(labels, called, average="macro"),
        "weighted_f1": sk.f1_score(labels, called, average="weighted"),
        "specificity": np.mean([sk.recall_score(labels != c, called != c) for c in range(4)]),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
    assert "auroc_inside_groups" not in found  # two classes only


def test_every_interval_holds_its_figure_and_a_thousand_draws_take_no_time():
    samples = cells(1000, groups=9)
    p = rival(samples).probabilities
    figures(samples, p, draws=2)
    took = []
    for _ in range(3):
        begin = time.process_time()
        found = figures(samples, p)
        took.append(time.process_time() - begin)
    assert min(took) < 2
    for name, figure in found.items():
        assert figure.low <= figure.value <= figure.high, name


def test_one_class_alone_gives_no_figure_that_needs_two():
    samples = cells(labels=np.ones(200))
    p = rival(samples, folds=0).probabilities
    found = figures(samples, p, draws=50)
    assert {"accuracy", "specificity", "calibration_error", "log_loss", "camera_check"} == set(found)
    assert np.isnan(drawn_figures(samples, p, draws=5)["auroc"]).all()


def test_groups_count_by_the_rule():
    samples = cells(400, groups=4, cut=0.3, seed=3)
    for group in np.unique(samples.groups):
        whole = (samples.groups == group) & ~samples.cut
        first, rest = (samples.labels[whole] == 0).sum(), (samples.labels[whole] != 0).sum()
        assert (group in counted_groups(samples)) == (min(first, rest) >= ENOUGH)


def test_a_fold_is_calibrated_and_banded_without_itself():
    """Turning the held-out fold's labels round changes neither its probabilities nor its band."""
    samples = cells(400, cut=0)
    rng = np.random.default_rng(0)
    logits = (3 * rng.normal(0, 1, (400, 2)) + 2 * np.eye(2)[samples.labels]).astype(np.float32)
    fold, sure = np.arange(400) % 4, np.ones(400, bool)
    turned = np.where(fold == 2, 1 - samples.labels, samples.labels)
    known = [cross_calibrated(logits, labels, fold, sure)[fold == 2] for labels in (samples.labels, turned)]
    bands = [cross_banded(logits, labels, fold, sure, 0.9)[fold == 2] for labels in (samples.labels, turned)]
    assert np.array_equal(*known)
    assert np.array_equal(*bands)
    rest = fold != 2
    expected = calibrated(logits[fold == 2], fit_calibration(logits[rest], samples.labels[rest], ""))
    assert np.array_equal(known[0], expected)


@pytest.mark.parametrize("folds", [2, 5])
def test_the_band_keeps_what_it_states_where_folds_are_alike(folds):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 3000)
    logits = (2 * rng.normal(0, 1, (3000, 2)) + 2 * np.eye(2)[labels]).astype(np.float32)
    possible = cross_banded(logits, labels, np.arange(3000) % folds, np.ones(3000, bool), 0.9)
    for c in range(2):
        assert possible[labels == c, c].mean() == pytest.approx(0.9, abs=0.025)


def test_the_correlation_of_reconstructions_is_a_mean_with_an_interval():
    samples = cells(100)
    shares = np.linspace(0.9, 0.99, 100).astype(np.float32)
    found = redrawn(samples, shares)["reconstruction_correlation"]
    assert found.value == pytest.approx(shares.mean(), abs=1e-6)
    assert found.low < found.value < found.high
    assert redrawn(samples, np.full(100, np.nan, np.float32)) == {}


def test_figures_have_words_and_a_place():
    assert set(MEANING) == {name for names in HEADINGS.values() for name in names}
    assert meaning("auroc", TWO) == "blast against the rest, all cells"
    assert "first class" not in " ".join(meaning(name, TWO) for name in MEANING)
    assert meaning("f1", FOUR) == "of each class, averaged, arg-max"
    assert auroc(np.array([True, False]), np.array([1.0, 0.0])) == 1
