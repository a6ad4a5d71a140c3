"""Scaled conjugate gradient: second-order steps without a line search and without a Hessian.

Møller M. F., A scaled conjugate gradient algorithm for fast supervised learning, Neural Networks 6 (1993) 525-533.
The names are the paper's: w weights, p direction, r downhill gradient, s curvature along p by a difference of
gradients, lambda the damping that keeps that curvature positive, Delta how well the quadratic model foretold the fall.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from allviewer.systems.bundle import Arrays
from allviewer.systems.training import Pass

Objective = Callable[[Tensor], tuple[float, Tensor]]
"""w (d,) float64 → (E(w), its gradient (d,))."""

SIGMA, LAMBDA = 1e-4, 1e-6
"""The paper asks for 0 < sigma <= 1e-4 and 0 < lambda <= 1e-6; results do not hang on them."""
_LARGEST_LAMBDA = 1e20


class ScaledConjugateGradient:
    """A stage of training, one step of the paper's algorithm an epoch (two gradients of the whole data).

    Parameters
    ----------
    objective : see `Objective`; called with float64.
    start : (d,) first weights.
    tolerance : it is finished where the gradient's norm falls below.

    Attributes
    ----------
    w : (d,) float64, the weights now; E(w) never rises.
    """

    def __init__(self, objective: Objective, start: Tensor, tolerance: float = 1e-6) -> None:
        self._objective, self._tolerance = objective, tolerance
        self.w = start.detach().double().clone()
        self._error, gradient = objective(self.w)
        self._r = -gradient
        self._p = self._r.clone()
        self._lambda, self._lambda_bar, self._delta = LAMBDA, 0.0, 0.0
        self._success, self._steps = True, 0

    @property
    def finished(self) -> bool:
        """The gradient is as good as zero, or no step of any length goes down any more."""
        return self.gradient_norm < self._tolerance or self._lambda > _LARGEST_LAMBDA

    @property
    def gradient_norm(self) -> float:
        """Of E at w."""
        return float(self._r.norm())

    def epoch(self, number: int) -> Pass:
        """Steps 2 to 8 of the paper; answers E(w)."""
        if self.finished:
            return Pass(self._error)
        p = self._p
        norm2 = float(p @ p)
        if self._success:
            # Step 2: curvature along p.
            sigma = SIGMA / norm2**0.5
            s = (self._objective(self.w + sigma * p)[1] + self._r) / sigma
            self._delta = float(p @ s)
        # Steps 3 and 4: damp it until it is positive.
        delta = self._delta + (self._lambda - self._lambda_bar) * norm2
        if delta <= 0:
            self._lambda_bar = 2 * (self._lambda - delta / norm2)
            delta = -delta + self._lambda * norm2
            self._lambda = self._lambda_bar
        # Steps 5 and 6: how far, and how well that was foretold.
        mu = float(p @ self._r)
        alpha = mu / delta
        there = self.w + alpha * p
        error, gradient = self._objective(there)
        foretold = 2 * delta * (self._error - error) / mu**2
        # Step 7: take it where the error falls.
        self._success = bool(foretold >= 0 and np.isfinite(error))
        if self._success:
            self._move(there, error, -gradient, mu)
            if foretold >= 0.75:
                self._lambda /= 4
        else:
            self._lambda_bar = self._lambda
        # Step 8: damp more where the model was poor.
        if not foretold >= 0.25:
            self._lambda += delta * (1 - (foretold if np.isfinite(foretold) else -1e3)) / norm2
        self._delta = delta
        return Pass(self._error)

    def _move(self, there: Tensor, error: float, r: Tensor, mu: float) -> None:
        """To the new weights, and turn: conjugate to the last direction, afresh after as many steps as weights."""
        self._steps += 1
        if self._steps % len(self.w) == 0:
            p = r.clone()
        else:
            p = r + (float(r @ r) - float(r @ self._r)) / mu * self._p
        self.w, self._error, self._r, self._p, self._lambda_bar = there, error, r, p, 0.0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, direction, gradient and the numbers that steer the next step."""
        numbers = [self._error, self._lambda, self._lambda_bar, self._delta, self._success, self._steps]
        return {"w": _numpy(self.w), "p": _numpy(self._p), "r": _numpy(self._r), "numbers": np.array(numbers, float)}

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `arrays` gave."""
        self.w, self._p, self._r = (torch.from_numpy(np.array(arrays[k])).to(self.w) for k in ("w", "p", "r"))
        self._error, self._lambda, self._lambda_bar, self._delta, success, steps = map(float, arrays["numbers"])
        self._success, self._steps = bool(success), int(steps)


def _numpy(value: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = value.cpu().numpy().copy()
    return array
