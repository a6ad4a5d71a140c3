"""A last layer that is not taken in by sessions."""

import numpy as np

from allviewer.systems.session_head import fit_head


def made_up(seed=0):
    """Feature 0 tells the classes apart in every session; feature 1 tells the sessions, and so mostly the class."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.r_[np.zeros(45), np.ones(5)], np.r_[np.zeros(5), np.ones(45)], np.ones(30)]).astype(int)
    groups = np.array(["a"] * 50 + ["b"] * 50 + ["c"] * 30)
    x = np.stack([labels + rng.normal(0, 0.7, 130), (groups != "a") * 2 + rng.normal(0, 0.2, 130)], axis=1)
    return x - x.mean(0), labels, groups


def fitted(freedom, penalty=1.0):
    x, labels, groups = made_up()
    return fit_head(x, labels, groups, np.ones(len(x)), 2, penalty=penalty, freedom=freedom)


def test_without_freedom_it_is_a_plain_softmax():
    from sklearn.linear_model import LogisticRegression

    x, labels, _ = made_up()
    weight, bias, intercepts = fitted(0.0)
    # Two opposite columns at penalty p cost what one at p / 2 does.
    peer = LogisticRegression(C=2.0, tol=1e-8, max_iter=1000).fit(x, labels)
    np.testing.assert_allclose(weight[1] - weight[0], peer.coef_[0], atol=1e-3)
    np.testing.assert_allclose(bias[1] - bias[0], peer.intercept_[0], atol=1e-3)
    assert np.abs(intercepts).max() == 0


def test_intercepts_take_what_tells_sessions_apart():
    plain, strata = fitted(0.0)[0], fitted(10.0)[0]
    share = [abs(w[1, 1] - w[1, 0] * 0) / (abs(w[1, 0]) + abs(w[1, 1])) for w in (plain, strata)]
    assert share[1] < 0.5 * share[0]
    assert strata[1, 0] > 0.5


def test_shapes_and_types():
    weight, bias, intercepts = fitted(10.0)
    assert (weight.shape, bias.shape, intercepts.shape) == ((2, 2), (2,), (3, 2))
    assert {a.dtype for a in (weight, bias, intercepts)} == {np.dtype(np.float32)}
