"""Who is trained on and who is held out. Cells of one group never stand on both sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError

SPLITS = ("fold", "subject", "session", "image", "given")
"""``session`` is another word for ``subject``."""

FEWEST_FOLDS = 2


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


def make_split(samples: Samples, how: str = "subject", folds: int = 4, seed: int = 0) -> Split:
    """Part samples into folds.

    Parameters
    ----------
    how : ``fold``: whole groups dealt into ``folds`` folds. ``subject`` (or ``session``): every group is a fold of
        its own. ``image``: images dealt without regard to groups, to reproduce a paper; labelled optimistic.
        ``given``: the folds that the data name, as C-NMC 2019 does; labelled optimistic where they part a group.
    folds : how many, for ``fold`` and ``image``.
    seed : deals the images; groups are dealt without chance, largest first.

    Raises
    ------
    DataError : fewer than two folds, fewer groups than folds, no folds given, or a fold leaves a class without
        training samples.
    """
    if how not in SPLITS:
        raise DataError(f"'{how}' is no split", expected=", ".join(SPLITS))
    if how in ("fold", "image"):
        check_folds(folds)
    if how == "given":
        return _checked(samples, _given(samples))
    if how == "image":
        images, part = np.unique(samples.file, return_inverse=True)
        if len(images) < folds:
            raise DataError(f"{len(images)} images cannot make {folds} folds", where=str(samples.root))
        order = np.random.default_rng(seed).permutation(len(images))
        return _checked(samples, Split((order % folds)[part], folds, f"image-level (optimistic), {folds} folds", True))
    names, group = np.unique(samples.groups, return_inverse=True)
    one = samples.group_word
    if how in ("subject", "session") and samples.grouped:
        return _checked(samples, Split(group.astype(np.int64), len(names), f"leave one {one} out"))
    if len(names) < folds:
        raise DataError(
            f"{len(names)} {one}s cannot make {folds} folds", where=str(samples.root), todo="Ask for fewer --folds.",
        )  # fmt: skip
    fold = _deal(group, samples.labels, len(names), folds)[group]
    if not samples.grouped:
        return _checked(samples, Split(fold, folds, "image-level (optimistic: subjects are not known)", True))
    return _checked(samples, Split(fold, folds, f"{one}-grouped, {folds} folds: every {one} is held out whole, once"))


def check_folds(folds: int) -> None:
    """DataError where so many folds hold nothing out."""
    if folds < FEWEST_FOLDS:
        raise DataError(
            "one fold would hold everything out and train on nothing", where="--folds", expected="2 or more",
            got=str(folds), todo="To train without a judgement say --split none.",
        )  # fmt: skip


def _given(samples: Samples) -> Split:
    """The data's own folds, numbered from 0."""
    if samples.folds is None:
        raise DataError(
            "these data name no folds", where=str(samples.root), expected="two or more folds, as in C-NMC 2019",
            todo="Use --split fold or --split subject.",
        )  # fmt: skip
    numbers, fold = np.unique(samples.folds, return_inverse=True)
    check_folds(len(numbers))
    parted = [g for g in np.unique(samples.groups) if len(np.unique(fold[samples.groups == g])) > 1]
    words = f"{samples.folds_word}, {len(numbers)} folds"
    if parted or not samples.grouped:
        why = f"{len(parted)} {samples.group_word}s stand on both sides" if parted else "subjects are not known"
        words += f" (optimistic: {why})"
    return Split(fold.astype(np.int64), len(numbers), words, bool(parted) or not samples.grouped)


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
    (n,) bool. Of folds dealt as `make_split` deals them, the one that holds every class and comes nearest to
    ``share``: of five folds for a fifth, or of fewer where no fold of so many leaves every class on both sides, as
    where each subject has cells of one class only. None where two folds do not either.
    """
    names, group = np.unique(groups, return_inverse=True)
    wanted = max(2, round(1 / share))
    if len(names) < 2:
        return None
    classes = len(np.unique(labels))
    for folds in range(min(wanted, len(names)), 1, -1):
        fold = _deal(group, labels, len(names), folds)[group]
        parts: list[NDArray[np.bool_]] = [fold == f for f in range(folds)]
        fit = [one for one in parts if len(np.unique(labels[one])) == classes == len(np.unique(labels[~one]))]
        if fit:
            return min(fit, key=lambda one: abs(float(one.mean()) - share))
    return None
