"""From probabilities of labelled cells to the figures that a card and an evaluation show."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.calibrate import fit_band, fit_calibration
from allviewer.learning.draws import bootstrap, figure_of, over_groups
from allviewer.learning.metrics import (
    Ranking,
    Scores,
    Weights,
    auroc,
    calibration_error,
    confusion,
    log_loss,
    mean,
    rates,
)
from allviewer.learning.samples import Samples
from allviewer.systems.card import Figure, GroupRow
from allviewer.systems.model import calibrated
from allviewer.vocab.arrays import Floats

SPECIFICITY = 0.90
"""Sensitivity is told where the specificity is at least so much."""
ENOUGH = 10
"""Whole cells of each class that a group needs for its own AUROC to count; others are printed only."""

MEANING = {
    "auroc": "first class against the rest, all cells",
    "auroc_whole_cells": "cells that no field's edge cuts",
    "auroc_inside_groups": "only groups that hold both classes: same slides, same camera, the fair question",
    "auroc_inside_whole_cells": "the same, without cells that a field's edge cuts",
    "auroc_group_mean": f"mean over the groups with at least {ENOUGH} whole cells of each class, each by itself",
    "auroc_group_mean_whole_cells": "the same, without cells that a field's edge cuts",
    "average_precision": "of the first class, all cells; chance is its share of the cells",
    "sensitivity_at_specificity": f"highest sensitivity at a specificity of at least {SPECIFICITY:.2f}, all cells",
    "sensitivity_at_specificity_whole_cells": "the same, without cells that a field's edge cuts",
    "accuracy": "arg-max, all cells",
    "balanced_accuracy": "mean of the classes' sensitivities",
    "sensitivity": "of the first class, arg-max",
    "specificity": "of the rest, arg-max",
    "precision": "of the first class, arg-max: how many so called are so",
    "f1": "of the first class, arg-max",
    "weighted_f1": "of every class, weighted by its cells",
    "calibration_error": "15 bins of equal mass, whole cells",
    "log_loss": "nats, whole cells",
    "reconstruction_correlation": "Pearson's, of each held-out crop with what the autoencoder makes of it; mean",
    "camera_check": "AUROC of the first class's probability telling the cameras apart among cells of the rest; 0.5 "
    "is blind to the camera, but cells do differ between slides",
}
"""What each figure means; of more than two classes, one class against the rest, averaged over the classes."""
_OF_MANY = {
    "first class against": "each class against",
    "the first class": "each class, averaged",
    "the rest, arg-max": "each class's others, averaged, arg-max",
}


def meaning(name: str, classes: tuple[str, ...]) -> str:
    """What a figure means for these classes, in one clause."""
    words = MEANING[name]
    if len(classes) == 2:
        return words.replace("the first class", classes[0]).replace("first class", classes[0])
    if name != "camera_check":
        for two, many in _OF_MANY.items():
            words = words.replace(two, many)
    return words


def cross_calibrated(
    logits: Floats, labels: NDArray[np.int64], fold: NDArray[np.int64], sure: NDArray[np.bool_]
) -> Floats:
    """Out-of-fold logits to probabilities, each fold by a calibration fitted on the others (rows ``sure``)."""
    answer = np.empty(logits.shape, np.float32)
    for f in np.unique(fold):
        rows = sure & (fold != f)
        answer[fold == f] = calibrated(logits[fold == f], fit_calibration(logits[rows], labels[rows], "other folds"))
    return answer


def cross_banded(
    logits: Floats, labels: NDArray[np.int64], fold: NDArray[np.int64], sure: NDArray[np.bool_], coverage: float
) -> NDArray[np.bool_]:
    """(n, C) bool: which classes stay possible, each fold by calibration and thresholds that never saw it.

    The thresholds come from the other folds as they are calibrated on one another; where only one other fold is left,
    from that fold as it is calibrated on itself.
    """
    answer = np.zeros(logits.shape, np.bool_)
    for f in np.unique(fold):
        held, rest = fold == f, sure & (fold != f)
        calibration = fit_calibration(logits[rest], labels[rest], "other folds")
        if len(np.unique(fold[rest])) > 1:
            known = cross_calibrated(logits[rest], labels[rest], fold[rest], np.ones(rest.sum(), np.bool_))
        else:
            known = calibrated(logits[rest], calibration)
        band = fit_band(known, labels[rest], coverage)
        answer[held] = calibrated(logits[held], calibration) >= np.asarray(band.thresholds, np.float32)
    return answer


def figures(samples: Samples, probabilities: Floats, *, draws: int = 1000) -> dict[str, Figure]:
    """Every figure of `MEANING` that these cells can give, with bootstrap intervals over groups.

    Parameters
    ----------
    samples : n cells with labels.
    probabilities : (n, C), calibrated.
    draws : of the bootstrap.
    """
    found = {name: figure_of(sample) for name, sample in drawn_figures(samples, probabilities, draws=draws).items()}
    return {name: figure for name, figure in found.items() if figure is not None}


def redrawn(samples: Samples, correlation: Floats) -> dict[str, Figure]:
    """The mean correlation of crops with their reconstruction, (n,); nothing where none could be made."""
    made = np.isfinite(correlation)
    figure = over_groups(samples.groups[made], lambda weights: mean(correlation[made], weights)) if made.any() else None
    return {} if figure is None else {"reconstruction_correlation": figure}


def drawn_figures(samples: Samples, probabilities: Floats, *, draws: int = 1000) -> dict[str, Scores]:
    """The same as `draws.bootstrap` gives them: (1 + draws,) each, nan where a class is missing."""
    judge = _Judge(samples, probabilities)
    return bootstrap(samples.groups, judge.measure, draws=draws)


class _Judge:
    """The figures of one model on one set of cells, for any weights."""

    def __init__(self, samples: Samples, probabilities: Floats) -> None:
        self.samples, self.probabilities = samples, probabilities
        self.classes = probabilities.shape[1]
        self.called = probabilities.argmax(1)
        self.there = np.unique(samples.labels)
        # one class against the rest: of two classes the first, of more every one that there is
        self.positives = np.array([0]) if self.classes == 2 else self.there
        self.every = np.ones(len(samples), np.bool_)
        self.whole = ~samples.cut
        self.mixed = inside_groups(samples) if self.classes == 2 else ~self.every
        self.counted = [samples.groups == g for g in counted_groups(samples)] if self.classes == 2 else []
        self.cameras = np.unique(samples.camera)

    def measure(self, weights: Weights) -> Mapping[str, Scores]:
        """name → (D,)."""
        found: dict[str, Scores] = {}
        cut = not self.whole.all()
        self._ranked(found, weights, self.every, "")
        if cut:
            self._ranked(found, weights, self.whole, "_whole_cells")
        if self.mixed.any() and not self.mixed.all():
            found["auroc_inside_groups"] = self._auroc(weights, self.mixed)
            if cut:
                found["auroc_inside_whole_cells"] = self._auroc(weights, self.mixed & self.whole)
        if self.counted:
            found["auroc_group_mean"] = self._group_mean(weights, self.every)
            if cut:
                found["auroc_group_mean_whole_cells"] = self._group_mean(weights, self.whole)
        self._called(found, weights)
        whole, labels, p = weights[:, self.whole], self.samples.labels[self.whole], self.probabilities[self.whole]
        found["calibration_error"] = _mean([calibration_error(labels == c, p[:, c], whole) for c in self.positives])
        found["log_loss"] = log_loss(labels, p, whole)
        if len(self.cameras) == 2:
            rest = (self.samples.labels != 0) & self.whole
            second = self.samples.camera[rest] == self.cameras[1]
            found["camera_check"] = Ranking(second, self.probabilities[rest, 0], weights[:, rest]).auroc()
        order = [*MEANING]
        return dict(sorted(found.items(), key=lambda item: order.index(item[0])))

    def _ranked(self, found: dict[str, Scores], weights: Weights, rows: NDArray[np.bool_], suffix: str) -> None:
        by_class = [self._ranking(weights, rows, c) for c in self.positives]
        found["auroc" + suffix] = _mean([r.auroc() for r in by_class])
        found["sensitivity_at_specificity" + suffix] = _mean([
            r.sensitivity_at(SPECIFICITY) + 0 * r.negatives for r in by_class
        ])  # fmt: skip
        if not suffix:
            found["average_precision"] = _mean([r.average_precision() for r in by_class])

    def _ranking(self, weights: Weights, rows: NDArray[np.bool_], c: int) -> Ranking:
        return Ranking(self.samples.labels[rows] == c, self.probabilities[rows, c], weights[:, rows])

    def _auroc(self, weights: Weights, rows: NDArray[np.bool_]) -> Scores:
        return self._ranking(weights, rows, 0).auroc()

    def _group_mean(self, weights: Weights, rows: NDArray[np.bool_]) -> Scores:
        """Mean of the counted groups' own areas, a group as often as it was drawn."""
        areas = np.stack([self._auroc(weights, rows & own) for own in self.counted])
        times = np.stack([weights[:, own].max(axis=1) for own in self.counted])
        with np.errstate(invalid="ignore", divide="ignore"):
            answer: Scores = np.nansum(areas * times, axis=0) / times.sum(axis=0)
        return answer

    def _called(self, found: dict[str, Scores], weights: Weights) -> None:
        """Figures of the arg-max."""
        labels = self.samples.labels
        by_class = rates(confusion(labels, self.called, self.classes, weights))
        sensitivities = by_class["sensitivity"][:, self.there]
        found["accuracy"] = mean(self.called == labels, weights)
        lone = len(self.there) < 2
        found["balanced_accuracy"] = np.full(len(weights), np.nan) if lone else sensitivities.mean(axis=1)
        for name in ("sensitivity", "specificity", "precision", "f1"):
            found[name] = by_class[name][:, self.positives].mean(axis=1)
            if name in ("precision", "f1") and lone:
                found[name] = np.full(len(weights), np.nan)
        share = np.stack([mean(labels == c, weights) for c in self.there], axis=1)
        f1 = np.nan_to_num(by_class["f1"][:, self.there])
        found["weighted_f1"] = np.full(len(weights), np.nan) if lone else (share * f1).sum(axis=1)


def _mean(parts: list[Scores]) -> Scores:
    answer: Scores = np.mean(parts, axis=0)
    return answer


def inside_groups(samples: Samples) -> NDArray[np.bool_]:
    """(n,) bool: cells of groups that hold the first class and the rest."""
    both = [
        g for g in np.unique(samples.groups)
        if 0 < (samples.labels[samples.groups == g] == 0).sum() < (samples.groups == g).sum()
    ]  # fmt: skip
    answer: NDArray[np.bool_] = np.isin(samples.groups, both)
    return answer


def counted_groups(samples: Samples) -> tuple[str, ...]:
    """Names of the groups with at least `ENOUGH` whole cells of the first class and as many of the rest."""
    names, code = np.unique(samples.groups, return_inverse=True)
    whole = ~samples.cut
    first = np.bincount(code[whole & (samples.labels == 0)], minlength=len(names))
    rest = np.bincount(code[whole & (samples.labels != 0)], minlength=len(names))
    return tuple(str(g) for g in names[(first >= ENOUGH) & (rest >= ENOUGH)])


def group_table(samples: Samples, probabilities: Floats) -> tuple[GroupRow, ...]:
    """One row a group, in name order: the first class against the rest."""
    rows = []
    for group in np.unique(samples.groups):
        at = samples.groups == group
        truth, p = samples.labels[at] == 0, probabilities[at]
        called = p.argmax(1) == 0
        rows.append(
            GroupRow(
                group=str(group),
                positives=int(truth.sum()),
                negatives=int((~truth).sum()),
                auroc=_or_none(auroc(truth, p[:, 0])),
                sensitivity=float(called[truth].mean()) if truth.any() else None,
                specificity=float((~called[~truth]).mean()) if (~truth).any() else None,
            )
        )
    return tuple(rows)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
