"""Who is trained on and who is held out. Cells of one group never stand on both sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError

SPLITS = ("session", "fold", "image")


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Folds over n samples.

    Attributes
    ----------
    fold : (n,) int64, the fold that holds each sample out.
    folds : how many.
    words : what it is, for people; optimistic splits say so.
    optimistic : cells of one subject may stand on both sides.
    """

    fold: NDArray[np.int64]
    folds: int
    words: str
    optimistic: bool = False


def make_split(samples: Samples, how: str = "session", folds: int = 4, seed: int = 0) -> Split:
    """Part samples into folds.

    Parameters
    ----------
    how : ``session``: every group is a fold of its own. ``fold``: whole groups dealt into ``folds`` folds.
        ``image``: images dealt without regard to groups, to reproduce a paper; labelled optimistic.
    folds : how many, for ``fold`` and ``image``.
    seed : deals the images; groups are dealt without chance, largest first.

    Raises
    ------
    DataError : fewer groups than folds, or a fold leaves a class without training samples.
    """
    if how not in SPLITS:
        raise DataError(f"'{how}' is no split", expected=", ".join(SPLITS))
    if how == "image":
        images, part = np.unique(samples.file, return_inverse=True)
        order = np.random.default_rng(seed).permutation(len(images))
        return _checked(samples, Split((order % folds)[part], folds, f"image-level (optimistic), {folds} folds", True))
    names, group = np.unique(samples.groups, return_inverse=True)
    if not samples.grouped:
        words, optimistic = "image-level (optimistic: subjects are not known)", True
    else:
        words, optimistic = "", False
    if how == "session" and samples.grouped:
        return _checked(samples, Split(group.astype(np.int64), len(names), "leave one session out"))
    if len(names) < folds:
        raise DataError(f"{len(names)} groups cannot make {folds} folds", where=str(samples.root))
    fold = _deal(group, samples.labels, len(names), folds)[group]
    words = words or f"session-grouped, {folds} folds: every session is held out whole, once"
    return _checked(samples, Split(fold, folds, words, optimistic))


def _deal(group: NDArray[np.intp], labels: NDArray[np.int64], groups: int, folds: int) -> NDArray[np.int64]:
    """Group → fold: largest group first, each to the fold that its classes fill least."""
    classes = int(labels.max()) + 1
    table = np.zeros((groups, classes))
    np.add.at(table, (group, labels), 1)
    table /= np.maximum(table.sum(axis=0), 1)  # a rare class weighs as much as a common one
    load = np.zeros((folds, classes))
    answer = np.zeros(groups, np.int64)
    for g in np.argsort(-table.sum(axis=1), kind="stable"):
        rise = ((load + table[g]) ** 2 - load**2).sum(axis=1)
        # Of folds that a class fits equally well, the emptiest: so none stays empty.
        answer[g] = min(range(folds), key=lambda f: (round(float(rise[f]), 9), load[f].sum()))
        load[answer[g]] += table[g]
    return answer


def _checked(samples: Samples, split: Split) -> Split:
    for f in range(split.folds):
        left = set(samples.labels[split.fold != f].tolist())
        if left != set(range(len(samples.classes))):
            lacking = [k for i, k in enumerate(samples.classes) if i not in left]
            raise DataError(
                f"holding out fold {f + 1} leaves no training cell of class {', '.join(lacking)}",
                where=str(samples.root), todo="Use fewer folds, or add data from more subjects.",
            )  # fmt: skip
    return split


def validation_rows(
    labels: NDArray[np.int64], groups: NDArray[np.str_], share: float = 0.2
) -> NDArray[np.bool_] | None:
    """Whole groups to keep aside inside a training fold, for early stopping and choice of epoch.

    Parameters
    ----------
    labels, groups : (n,) of the cells that may be trained on.
    share : of the cells, about.

    Returns
    -------
    (n,) bool. Of five folds dealt as `make_split` deals them, the one that holds every class and comes nearest to
    ``share``; None where no fold leaves every class on both sides.
    """
    names, group = np.unique(groups, return_inverse=True)
    wanted = max(2, round(1 / share))
    if len(names) < 2:
        return None
    fold = _deal(group, labels, len(names), min(wanted, len(names)))[group]
    classes = np.unique(labels)
    fit = [
        f for f in np.unique(fold)
        if len(np.unique(labels[fold == f])) == len(classes) == len(np.unique(labels[fold != f]))
    ]  # fmt: skip
    if not fit:
        return None
    best = min(fit, key=lambda f: abs(float((fold == f).mean()) - share))
    answer: NDArray[np.bool_] = fold == best
    return answer
