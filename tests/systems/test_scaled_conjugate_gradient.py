"""Møller's algorithm against exact minima and scipy's."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize, rosen, rosen_der

from allviewer.systems.scaled_conjugate_gradient import ScaledConjugateGradient


def run(stage, epochs):
    losses = []
    while not stage.finished and len(losses) < epochs:
        losses.append(stage.epoch(len(losses)).loss)
    return losses


def quadratic(n, seed=0):
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(n, n))
    a, b = torch.tensor(q @ q.T + np.eye(n)), torch.tensor(rng.normal(size=n))
    return lambda w: (float(0.5 * w @ a @ w - b @ w), a @ w - b), torch.linalg.solve(a, b)


def rosenbrock(w):
    return float(rosen(w.numpy())), torch.from_numpy(rosen_der(w.numpy()))


@pytest.mark.parametrize("n", [2, 5, 10])
def test_a_quadratic_of_n_unknowns_takes_about_n_steps(n):
    """Conjugate directions end after n steps; damping and the difference of gradients may cost a few."""
    objective, best = quadratic(n)
    stage = ScaledConjugateGradient(objective, torch.zeros(n))
    losses = run(stage, 200)
    assert stage.finished
    assert len(losses) <= n + 3
    np.testing.assert_allclose(stage.w, best, atol=1e-6)


@pytest.mark.parametrize("n", [2, 6])
def test_rosenbrock_as_scipy_finds_it(n):
    start = np.full(n, -0.5)
    stage = ScaledConjugateGradient(rosenbrock, torch.from_numpy(start))
    losses = run(stage, 2000)
    peer = minimize(rosen, start, jac=rosen_der, method="CG", options={"gtol": 1e-9})
    assert stage.gradient_norm < 1e-6
    np.testing.assert_allclose(stage.w, peer.x, atol=1e-5)
    assert (np.diff(losses) <= 0).all()  # it never goes up


def test_it_stops_at_the_tolerance_and_then_stays():
    objective, _ = quadratic(4)
    stage = ScaledConjugateGradient(objective, torch.zeros(4), tolerance=0.5)
    run(stage, 100)
    assert stage.finished
    assert stage.gradient_norm < 0.5
    before = stage.w.clone()
    stage.epoch(99)
    assert torch.equal(stage.w, before)


def test_going_on_from_its_arrays_is_never_having_stopped():
    start = torch.tensor([-1.2, 1.0, 0.3])
    whole, first = (ScaledConjugateGradient(rosenbrock, start) for _ in range(2))
    run(whole, 40)
    run(first, 17)
    kept = {name: a.copy() for name, a in first.arrays().items()}
    second = ScaledConjugateGradient(rosenbrock, torch.zeros(3))
    second.restore(kept)
    run(second, 23)
    assert torch.equal(second.w, whole.w)


def test_a_direction_of_negative_curvature_is_damped():
    """cos has no curvature to trust at its top's shoulder; a plain conjugate step would climb."""
    stage = ScaledConjugateGradient(lambda w: (float(w.cos().sum()), -w.sin()), torch.tensor([0.3, 0.1]))
    losses = run(stage, 200)
    assert (np.diff(losses) <= 1e-15).all()
    np.testing.assert_allclose(losses[-1], -2, atol=1e-9)
