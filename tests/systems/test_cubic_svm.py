import numpy as np
import pytest
from sklearn.svm import SVC

from allviewer.systems.cubic_svm import CubicSVM
from allviewer.vocab.errors import ModelError


def material(classes, seed=0, n=90, d=6):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    x = rng.normal(size=(n, d)) + 0.8 * rng.normal(size=(classes, d))[labels]
    return x.astype(np.float32), labels, rng.uniform(0.5, 1.5, n)


@pytest.mark.parametrize("classes", [2, 3])
def test_decisions_are_scikit_learns(classes):
    x, labels, weights = material(classes)
    ours = CubicSVM.fit(x, labels, weights)
    new = material(classes, seed=1)[0]
    decided = ours.decide(new)
    for c in range(1 if classes == 2 else classes):
        peer = SVC(C=1, kernel="poly", degree=3, gamma=1 / 6, coef0=1)
        peer.fit(x.astype(np.float64), labels == c, sample_weight=weights)
        assert np.abs(decided[:, c] - peer.decision_function(new.astype(np.float64))).max() <= 1e-6
    if classes == 2:
        np.testing.assert_array_equal(decided[:, 1], -decided[:, 0])
    assert np.abs(decided).max() > 0.5
    assert (ours.decide(x).argmax(axis=1) == labels).mean() > 0.8


@pytest.mark.parametrize("classes", [2, 3])
def test_slopes_are_finite_differences(classes):
    x, labels, weights = material(classes)
    ours = CubicSVM.fit(x, labels, weights)
    at, step = x[:4].astype(np.float64), 1e-5
    slopes = ours.slopes(at)
    assert slopes.shape == (4, classes, 6)
    for k in range(6):
        to = np.zeros(6)
        to[k] = step
        difference = (ours.decide(at + to) - ours.decide(at - to)) / (2 * step)
        np.testing.assert_allclose(slopes[:, :, k], difference, rtol=1e-6, atol=1e-7)


def test_what_is_kept_is_what_decides():
    x, labels, weights = material(2)
    ours = CubicSVM.fit(x, labels, weights)
    again = CubicSVM.from_arrays(ours.arrays(), 6, 2)
    np.testing.assert_array_equal(ours.decide(x), again.decide(x))
    assert len(ours.vectors) < len(x)  # the others are not kept


@pytest.mark.parametrize("name", ["svm.vectors", "svm.dual", "svm.intercept"])
def test_arrays_that_do_not_fit_are_named(name):
    x, labels, weights = material(2)
    arrays = CubicSVM.fit(x, labels, weights).arrays()
    for wrong in ({name: arrays[name][:-1]}, {name: np.full_like(arrays[name], np.nan)}):
        if wrong[name].size or name == "svm.intercept":
            with pytest.raises(ModelError, match="svm"):
                CubicSVM.from_arrays(arrays | wrong, 6, 2)
    with pytest.raises(ModelError, match=name):
        CubicSVM.from_arrays({k: v for k, v in arrays.items() if k != name}, 6, 2)
