import sys

import numpy as np
import pytest

from allviewer.systems.boosted_trees import BoostedTrees
from allviewer.vocab.errors import ModelError


def material(classes, seed=0, n=200, d=5):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    x = (rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[labels]).astype(np.float32)
    return x, labels, rng.uniform(0.5, 1.5, n)


@pytest.mark.parametrize("classes", [2, 4])
def test_margins_are_xgboosts(classes):
    xgboost = pytest.importorskip("xgboost")
    x, labels, weights = material(classes)
    ours = BoostedTrees.grow(x, labels, weights, classes, seed=1, rounds=20)
    data = xgboost.DMatrix(x, label=labels, weight=weights)
    settings = {
        "objective": "multi:softprob", "num_class": classes, "eta": 0.1, "max_depth": 3, "lambda": 1.0,
        "nthread": 1, "tree_method": "hist", "seed": 1,
    }  # fmt: skip
    booster = xgboost.train(settings, data, num_boost_round=20)
    new = np.concatenate([material(classes, seed=2)[0], ours.value[ours.feature >= 0][:40, None] * np.ones((1, 5))])
    new = new.astype(np.float32)  # some rows lie exactly on thresholds
    peer = booster.predict(xgboost.DMatrix(new), output_margin=True)
    assert np.abs(ours.margins(new) - peer).max() <= 1e-6
    assert np.ptp(peer) > 1


def test_uneven_classes_start_where_xgboost_starts():
    xgboost = pytest.importorskip("xgboost")
    x, labels, _ = material(2)
    labels = (np.arange(200) % 5 == 0).astype(np.int64)
    ours = BoostedTrees.grow(x, labels, np.ones(200), 2, seed=0, rounds=3)
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 2, "eta": 0.1, "max_depth": 3, "nthread": 1},
        xgboost.DMatrix(x, label=labels, weight=np.ones(200)), num_boost_round=3,
    )  # fmt: skip
    peer = booster.predict(xgboost.DMatrix(x), output_margin=True)
    assert np.abs(ours.margins(x) - peer).max() <= 1e-6


@pytest.fixture(scope="module")
def forest():
    pytest.importorskip("xgboost")
    return BoostedTrees.grow(*material(2), 2, seed=0, rounds=5)


def test_predicting_needs_no_xgboost(forest, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    x = material(2)[0]
    again = BoostedTrees.from_arrays(forest.arrays(), 5, 2)
    np.testing.assert_array_equal(again.margins(x), forest.margins(x))
    assert (again.margins(x).argmax(axis=1) == material(2)[1]).mean() > 0.75


def spoilt(forest, name, change):
    arrays = {k: v.copy() for k, v in forest.arrays().items()}
    arrays[name] = change(arrays[name])
    return arrays


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("trees.left", lambda a: np.zeros_like(a)),  # back to the root for ever
        ("trees.right", lambda a: a + 1000),
        ("trees.feature", lambda a: np.where(a >= 0, 99, a).astype(a.dtype)),
        ("trees.value", lambda a: a * np.nan),
        ("trees.value", lambda a: a[:, :-1]),
        ("trees.speaks_for", lambda a: a + 2),
        ("trees.base", lambda a: a[:1]),
        ("trees.feature", lambda a: a.astype(np.int64)),
    ],
)
def test_trees_that_would_mislead_are_refused(forest, name, change):
    with pytest.raises(ModelError):
        BoostedTrees.from_arrays(spoilt(forest, name, change), 5, 2)
    with pytest.raises(ModelError, match=name):
        BoostedTrees.from_arrays({k: v for k, v in forest.arrays().items() if k != name}, 5, 2)
