"""Figures of judged cells, each for many weightings of the cells in one pass.

A bootstrap draw weighs a cell by how often it was drawn; the figure itself is the draw in which every cell weighs one.
So a figure is written once, over weights (D, n), and a thousand draws of it are a few passes over one matrix. A figure
that a draw cannot give, because a class is missing there, is nan.
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Truth = NDArray[np.bool_]
Weights = NDArray[np.float64]
"""(D, n): how often each of n cells counts in each of D draws."""


class Ranking:
    """Cells put in order of falling score, every place where the score changes being a threshold.

    Attributes
    ----------
    scores : (K,) the thresholds, falling.
    hits, alarms : (D, K) weight of the positives and of the negatives that score at least so much.
    """

    def __init__(self, truth: Truth, score: NDArray[np.floating], weights: Weights) -> None:
        order = np.argsort(-score, kind="stable")
        last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True)[: len(order)])
        ranked, positive = weights[:, order], truth[order]
        self.scores = score[order][last].astype(np.float64)
        self.hits: Scores = np.cumsum(ranked * positive, axis=1)[:, last]
        self.alarms: Scores = np.cumsum(ranked * ~positive, axis=1)[:, last]

    @property
    def positives(self) -> Scores:
        """(D,) weight of all positives; nan where there are none."""
        return _total(self.hits)

    @property
    def negatives(self) -> Scores:
        """(D,) weight of all negatives; nan where there are none."""
        return _total(self.alarms)

    def auroc(self) -> Scores:
        """(D,) area under the receiver operating characteristic: Mann-Whitney, ties count half."""
        wide = np.diff(self.alarms, axis=1, prepend=0.0)
        high = self.hits - np.diff(self.hits, axis=1, prepend=0.0) / 2
        area: Scores = np.einsum("dk,dk->d", wide, high) / (self.positives * self.negatives)
        return area

    def average_precision(self) -> Scores:
        """(D,) precision averaged over the steps of recall, without interpolation."""
        step = np.diff(self.hits, axis=1, prepend=0.0)
        precision = self.hits / np.maximum(self.hits + self.alarms, 1e-12)
        answer: Scores = np.einsum("dk,dk->d", step, precision) / self.positives + 0 * self.negatives
        return answer

    def sensitivity_at(self, specificity: float) -> Scores:
        """(D,) the highest sensitivity of a threshold whose specificity is at least so much; 0 where none is."""
        room = (1 - specificity) * self.negatives[:, None] + 1e-9
        most: Scores = np.where(self.alarms <= room, self.hits, 0.0).max(axis=1, initial=0.0)
        return most / self.positives

    def sensitivity_along(self, alarm_rate: NDArray[np.float64]) -> Scores:
        """(D, len(alarm_rate)) height of the curve at these shares of false alarms, straight between thresholds."""
        return _rows_interpolated(
            alarm_rate[None, :] * self.negatives[:, None],
            np.pad(self.alarms, ((0, 0), (1, 0))),
            np.pad(self.hits, ((0, 0), (1, 0))),
        ) / self.positives[:, None]  # fmt: skip


def auroc(truth: Truth, score: NDArray[np.floating]) -> float:
    """Area under the receiver operating characteristic (Mann-Whitney, ties count half); nan with one class only."""
    return float(Ranking(truth, score, np.ones((1, len(truth)))).auroc()[0])


def calibration_error(truth: Truth, probability: NDArray[np.floating], weights: Weights, bins: int = 15) -> Scores:
    """(D,) expected calibration error of one class's probability over bins of equal mass.

    A bin's bounds are set anew in each draw: they part what was drawn, as `numpy.array_split` would, whole weights
    taken. Source: Nixon et al., Measuring calibration in deep learning, CVPR workshops 2019 (adaptive bins).
    """
    order = np.argsort(probability, kind="stable")
    ranked = weights[:, order]
    mass, right, said = (
        np.pad(np.cumsum(part, axis=1), ((0, 0), (1, 0)))
        for part in (ranked, ranked * truth[order], ranked * probability[order].astype(np.float64))
    )
    total = mass[:, -1:]
    k = np.arange(bins + 1.0)
    bounds = k * np.floor(total / bins) + np.minimum(k, total % bins)
    gap = np.diff(_rows_interpolated(bounds, mass, right - said), axis=1)
    answer: Scores = np.abs(gap).sum(axis=1) / _total(mass)
    return answer


def reliability(truth: Truth, probability: NDArray[np.floating], bins: int = 15) -> list[NDArray[np.intp]]:
    """Rows of each bin of equal mass, in order of the probability; as `calibration_error` parts them."""
    return [part for part in np.array_split(np.argsort(probability, kind="stable"), bins) if len(part)]


def confusion(labels: NDArray[np.int64], called: NDArray[np.int64], classes: int, weights: Weights) -> Scores:
    """(D, C, C) weight of the cells of each class (rows) that were called each class (columns)."""
    pairs = np.zeros((len(labels), classes * classes))
    pairs[np.arange(len(labels)), labels * classes + called] = 1
    return (weights @ pairs).reshape(len(weights), classes, classes)


def rates(table: Scores) -> dict[str, Scores]:
    """Shares of a confusion table (D, C, C), one class against the rest: each (D, C).

    ``sensitivity``, ``specificity``, ``precision`` and ``f1``; nan for a class without cells, or without others.
    A class that was never called has precision 0.
    """
    own = np.einsum("dcc->dc", table)
    there, said, every = table.sum(axis=2), table.sum(axis=1), table.sum(axis=(1, 2))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        missing = np.where(there > 0, 0.0, np.nan)
        return {
            "sensitivity": own / there,
            "specificity": (every - there - said + own) / (every - there),
            "precision": own / np.maximum(said, 1e-12) + missing,
            "f1": 2 * own / (there + said) + missing,
        }


def log_loss(labels: NDArray[np.int64], probabilities: NDArray[np.floating], weights: Weights) -> Scores:
    """(D,) mean negative log likelihood, nats."""
    picked = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return mean(-np.log(np.clip(picked, 1e-12, 1)), weights)


def mean(values: NDArray[np.floating] | Truth, weights: Weights) -> Scores:
    """(D,) weighted mean; nan where nothing was drawn."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Scores = (weights @ values.astype(np.float64)) / weights.sum(axis=1)
    return share


def _total(cumulated: Scores) -> Scores:
    """(D,) the last column, nan where it is nought or there is none."""
    if cumulated.shape[1] == 0:
        return np.full(len(cumulated), np.nan)
    return np.where(cumulated[:, -1] > 0, cumulated[:, -1], np.nan)


def _rows_interpolated(at: Scores, x: Scores, y: Scores) -> Scores:
    """`numpy.interp` row by row in one call: rows are laid end to end on one rising axis."""
    apart = np.arange(len(x))[:, None] * (x.max(initial=0.0) + 1.0)
    flat = np.interp((np.nan_to_num(at) + apart).ravel(), (x + apart).ravel(), y.ravel())
    answer: Scores = flat.reshape(at.shape)
    return answer
