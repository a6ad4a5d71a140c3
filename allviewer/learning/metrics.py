"""Figures of a two-class or many-class judgement, with bootstrap intervals over groups."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from allviewer.systems.card import Figure

Scores = NDArray[np.float64]
Truth = NDArray[np.bool_]


def auroc(truth: Truth, score: NDArray[np.floating]) -> float:
    """Area under the receiver operating characteristic (Mann-Whitney, ties count half); nan with one class only."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def calibration_error(truth: Truth, probability: NDArray[np.floating], bins: int = 15) -> float:
    """Expected calibration error over bins of equal mass, of the positive class's probability."""
    if len(truth) == 0:
        return float("nan")
    order = np.argsort(probability, kind="stable")
    parts = [p for p in np.array_split(order, bins) if len(p)]
    gaps = [abs(float(truth[p].mean()) - float(np.mean(probability[p], dtype=np.float64))) * len(p) for p in parts]
    return float(sum(gaps) / len(truth))


def shares(truth: Truth, called: Truth) -> dict[str, float]:
    """Accuracy, balanced accuracy, sensitivity and specificity; nan where a class is missing."""
    sensitivity = float(called[truth].mean()) if truth.any() else float("nan")
    specificity = float((~called[~truth]).mean()) if (~truth).any() else float("nan")
    accuracy = float((called == truth).mean()) if len(truth) else float("nan")
    return {
        "accuracy": accuracy,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
    }


def log_loss(labels: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Mean negative log likelihood, nats."""
    picked = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(picked, 1e-12, 1)).mean())


def over_groups(
    groups: NDArray[np.str_],
    measure: Callable[[NDArray[np.intp]], float],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Figure | None:
    """A figure with its 95 % bootstrap interval over groups.

    Groups are drawn with replacement as wholes, because cells of one session are not independent.

    Parameters
    ----------
    groups : (n,) the group of each row.
    measure : rows → figure; may answer nan, such draws are left out.
    draws, seed : of the bootstrap.

    Returns
    -------
    None where the figure itself is nan; bounds None where fewer than two groups, or too few draws, gave a number.
    """
    value = measure(np.arange(len(groups)))
    if not np.isfinite(value):
        return None
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    if len(members) < 2:
        return Figure(value=value)
    rng = np.random.default_rng(seed)
    drawn = [measure(np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))]))
             for _ in range(draws)]  # fmt: skip
    kept = np.array([d for d in drawn if np.isfinite(d)])
    if len(kept) < draws // 2:
        return Figure(value=value)
    low, high = np.percentile(kept, [2.5, 97.5])
    return Figure(value=value, low=float(low), high=float(high))
