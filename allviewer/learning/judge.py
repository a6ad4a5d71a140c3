"""From probabilities of labelled cells to the figures that a card and an evaluation show."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.calibrate import fit_calibration
from allviewer.learning.metrics import auroc, calibration_error, log_loss, over_groups, shares
from allviewer.learning.samples import Samples
from allviewer.systems.card import Figure, GroupRow
from allviewer.systems.model import calibrated
from allviewer.vocab.arrays import Floats

MEANING = {
    "auroc": "first class against the rest, all cells",
    "auroc_whole_cells": "cells that no field's edge cuts",
    "auroc_inside_groups": "only groups that hold both classes: same slides, same camera, the fair question",
    "auroc_inside_whole_cells": "the same, without cells that a field's edge cuts",
    "accuracy": "arg-max, all cells",
    "balanced_accuracy": "mean of sensitivity and specificity",
    "sensitivity": "of the first class, arg-max",
    "specificity": "of the rest, arg-max",
    "calibration_error": "15 bins of equal mass, whole cells",
    "log_loss": "nats, whole cells",
    "reconstruction_correlation": "Pearson's, of each held-out crop with what the autoencoder makes of it; mean",
    "camera_check": "AUROC of the first class's probability telling the cameras apart among cells of the rest; 0.5 "
    "is blind to the camera, but cells do differ between slides",
}


def cross_calibrated(
    logits: Floats, labels: NDArray[np.int64], fold: NDArray[np.int64], sure: NDArray[np.bool_]
) -> Floats:
    """Out-of-fold logits to probabilities, each fold by a calibration fitted on the others (rows ``sure``)."""
    answer = np.empty(logits.shape, np.float32)
    for f in np.unique(fold):
        rows = sure & (fold != f)
        answer[fold == f] = calibrated(logits[fold == f], fit_calibration(logits[rows], labels[rows], "other folds"))
    return answer


def figures(samples: Samples, probabilities: Floats, *, draws: int = 1000) -> dict[str, Figure]:
    """Every figure of `MEANING` that these cells can give, with bootstrap intervals over groups.

    Parameters
    ----------
    samples : n cells with labels.
    probabilities : (n, C), calibrated.
    draws : of the bootstrap.
    """
    truth = samples.labels == 0
    score = probabilities[:, 0].astype(np.float64)
    called = probabilities.argmax(1) == 0
    whole = ~samples.cut
    mixed = inside_groups(samples)
    found: dict[str, Figure | None] = {}

    def on(rows: NDArray[np.bool_], name: str, of: Callable[[NDArray[np.intp]], float]) -> None:
        at = np.flatnonzero(rows)
        if len(at):
            found[name] = over_groups(samples.groups[at], lambda r: of(at[r]), draws=draws)

    def share_of(name: str) -> Callable[[NDArray[np.intp]], float]:
        return lambda r: shares(truth[r], called[r])[name]

    every = np.ones(len(samples), np.bool_)
    on(every, "auroc", lambda r: auroc(truth[r], score[r]))
    on(whole, "auroc_whole_cells", lambda r: auroc(truth[r], score[r]))
    if not mixed.all():
        on(mixed, "auroc_inside_groups", lambda r: auroc(truth[r], score[r]))
        on(mixed & whole, "auroc_inside_whole_cells", lambda r: auroc(truth[r], score[r]))
    for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity"):
        on(every, name, share_of(name))
    on(whole, "calibration_error", lambda r: calibration_error(truth[r], score[r]))
    on(whole, "log_loss", lambda r: log_loss(samples.labels[r], probabilities[r]))
    cameras = np.unique(samples.camera)
    if len(cameras) == 2:
        on(~truth & whole, "camera_check", lambda r: auroc(samples.camera[r] == cameras[1], score[r]))
    return {name: figure for name, figure in found.items() if figure is not None}


def redrawn(samples: Samples, correlation: Floats) -> dict[str, Figure]:
    """The mean correlation of crops with their reconstruction, (n,); nothing where none could be made."""
    if np.isnan(correlation).all():
        return {}
    figure = over_groups(samples.groups, lambda rows: float(np.nanmean(correlation[rows])))
    return {} if figure is None else {"reconstruction_correlation": figure}


def inside_groups(samples: Samples) -> NDArray[np.bool_]:
    """(n,) bool: cells of groups that hold the first class and the rest."""
    both = [
        g for g in np.unique(samples.groups)
        if 0 < (samples.labels[samples.groups == g] == 0).sum() < (samples.groups == g).sum()
    ]  # fmt: skip
    answer: NDArray[np.bool_] = np.isin(samples.groups, both)
    return answer


def group_table(samples: Samples, probabilities: Floats) -> tuple[GroupRow, ...]:
    """One row a group, in name order."""
    rows = []
    for group in np.unique(samples.groups):
        at = samples.groups == group
        truth, p = samples.labels[at] == 0, probabilities[at]
        by = shares(truth, p.argmax(1) == 0)
        rows.append(
            GroupRow(
                group=str(group),
                positives=int(truth.sum()),
                negatives=int((~truth).sum()),
                auroc=_or_none(auroc(truth, p[:, 0])),
                sensitivity=_or_none(by["sensitivity"]),
                specificity=_or_none(by["specificity"]),
            )
        )
    return tuple(rows)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
