"""From logits to probabilities that mean what they say, and to the band where the model stays unsure."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from allviewer.systems.card import Calibration, UnsureBand
from allviewer.vocab.arrays import Floats


def fit_calibration(logits: Floats, labels: NDArray[np.int64], fitted_on: str) -> Calibration:
    """Temperature and one bias a class, by maximum likelihood.

    Parameters
    ----------
    logits : (n, C), of cells that the network was not trained on.
    labels : (n,).
    fitted_on : in words, for the card.

    Source
    ------
    Platt 1999; Guo et al., On calibration of modern neural networks, ICML 2017. A weak pull towards no change
    (like Platt's smoothed targets) keeps separable data finite.
    """
    classes = logits.shape[1]
    z = np.asarray(logits, np.float64)
    spread = max(float(z.std()), 1e-6)  # the scale's unit: optimise a number near one
    target = np.eye(classes)[labels]

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale = np.exp(parameters[0]) / spread
        bias = np.concatenate([parameters[1:], [0.0]])
        s = z * scale + bias
        s = s - s.max(axis=1, keepdims=True)
        log_p = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        wrong = np.exp(log_p) - target
        slope = np.concatenate([[(wrong * z).sum() * scale], wrong.sum(axis=0)[:-1]])
        return float(-(target * log_p).sum() + 0.5 * (parameters @ parameters)), slope + parameters

    best = minimize(
        loss, np.zeros(classes), jac=True, method="L-BFGS-B", bounds=[(-6, 6)] + [(-20, 20)] * (classes - 1)
    )
    bias = np.concatenate([best.x[1:], [0.0]])
    scale = float(np.exp(best.x[0]) / spread)
    return Calibration(scale=scale, bias=tuple(float(b) for b in bias - bias.mean()), fitted_on=fitted_on)


def fit_band(probabilities: Floats, labels: NDArray[np.int64], coverage: float = 0.9) -> UnsureBand:
    """Class-conditional conformal thresholds: each keeps ``coverage`` of its class's out-of-fold cells.

    Source
    ------
    Vovk, Conditional validity of inductive conformal predictors, ACML 2012.
    """
    thresholds = []
    for c in range(probabilities.shape[1]):
        own = np.sort(probabilities[labels == c, c].astype(np.float64))
        rank = int(np.floor((1 - coverage) * (len(own) + 1)))
        thresholds.append(float(own[rank - 1]) if 1 <= rank <= len(own) else 0.0)
    words = (
        f"class-conditional conformal prediction on out-of-fold cells, {coverage:.0%} of each class kept; a cell is "
        "unsure unless exactly one class is possible, and that the most probable. Holds for cells like these, not for "
        "other laboratories"
    )
    return UnsureBand(thresholds=tuple(thresholds), coverage=coverage, how=words)
