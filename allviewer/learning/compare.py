"""Several models on the same cells: differences drawn together, McNemar's test, and the cells they disagree on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from allviewer.learning.answers import Answers, answers_of, colour_answers
from allviewer.learning.evaluate import cells_for, notes_of
from allviewer.learning.judge import drawn_figures, figures
from allviewer.learning.metrics import Scores
from allviewer.learning.report import gather
from allviewer.learning.report.sheet import Sheet, cut_sheet
from allviewer.learning.report.words import Comparison, Rival
from allviewer.learning.samples import Samples
from allviewer.systems.bundle import read_card
from allviewer.systems.model import locate_model
from allviewer.vocab.errors import DataError

SHOWN = 24
"""Cells of disagreement that a page shows; a JSON file names all."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A comparison, and pictures of cells that the models disagree on where they were asked for."""

    comparison: Comparison
    sheet: Sheet | None = None


def compare(models: Sequence[str | Path], data: Path, *, device: str = "auto", pictures: bool = False) -> Compared:
    """Judge several models on the same cells, each as `answers.answers_of` keeps it honest.

    Parameters
    ----------
    models : names or files, two or more; the first is what the others are held against.
    data : see `layouts.read_samples`.
    device : ``auto``, ``cpu``, ``cuda`` or ``mps``.
    pictures : also cut out the cells they disagree on.

    Raises
    ------
    DataError : fewer than two models, other classes, or a model that cannot be judged on these data.
    ModelError : no such model.
    """
    if len(models) < 2:
        raise DataError("a comparison takes at least two models", got=str(len(models)))
    samples = cells_for(read_card(locate_model(models[0])), data)
    rivals = [answers_of(model, samples, device) for model in models]
    rows = disagreements(rivals)[:SHOWN]
    sheet = cut_sheet(samples, rows, rivals[0].card.crop_um) if pictures else None
    return Compared(comparison_of(samples, rivals), sheet)


def comparison_of(samples: Samples, rivals: Sequence[Answers]) -> Comparison:
    """Everything that is told of several models' answers about the same cells."""
    drawn = [drawn_figures(samples, a.probabilities) for a in rivals]
    colour = colour_answers(samples, rivals[0].crops, rivals[0].parted)
    rows = disagreements(rivals)
    return Comparison(
        data=gather.data_of(samples), classes=samples.classes,
        models=tuple(_rival(samples, rivals[0], a, drawn[0], own) for a, own in zip(rivals, drawn, strict=True)),
        baseline={} if colour is None else figures(samples, colour[0]),
        baseline_split="" if colour is None else colour[1],
        disagreements=gather.cells_of(samples, rows, rivals), disagreements_total=len(rows),
        notes=_notes(samples, rivals, colour is not None),
    )  # fmt: skip


def disagreements(rivals: Sequence[Answers]) -> NDArray[np.intp]:
    """Rows that not all models call the same, those they are furthest apart on first."""
    called = np.stack([a.called for a in rivals])
    rows = np.flatnonzero((called != called[0]).any(axis=0))
    shares = np.stack([a.probabilities[rows] for a in rivals])
    apart = np.ptp(shares, axis=0).max(axis=1, initial=0.0)
    return rows[np.argsort(-apart, kind="stable")]


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p that two models are right equally often, from the cells that only one of them calls right.

    Source: McNemar, Psychometrika 12 (1947) 153-157; the exact binomial form. Cells are taken as independent.
    """
    both = only_first + only_second
    return min(1.0, 2 * float(binom.cdf(min(only_first, only_second), both, 0.5))) if both else 1.0


def _rival(
    samples: Samples, first: Answers, own: Answers, drawn_first: dict[str, Scores], drawn: dict[str, Scores]
) -> Rival:
    a, b = first.called == samples.labels, own.called == samples.labels
    only_first, only_this = int((a & ~b).sum()), int((b & ~a).sum())
    same = own is first
    return Rival(
        model=gather.identity_of(own), figures=gather.known(drawn), undefined=gather.undefined(drawn, samples),
        differences={} if same else gather.known({name: drawn[name] - drawn_first[name] for name in drawn}),
        only_first=only_first, only_this=only_this, mcnemar=None if same else mcnemar(only_first, only_this),
        curves=gather.curves_of(samples, own.probabilities), band=gather.band_of(samples, own),
    )  # fmt: skip


def _notes(samples: Samples, rivals: Sequence[Answers], baseline: bool) -> tuple[str, ...]:
    own = [
        "Differences: each model's figure less the first's, with 95 % intervals of the difference from the same draws "
        "of groups for all models. An interval that holds 0 shows no difference.",
        "McNemar's p takes cells as independent; cells of one session are not, so the intervals weigh more.",
    ]
    if len({a.out_of_fold for a in rivals}) > 1:
        own.append(
            "The models were not kept from knowing these cells in the same way (see each one's split): a model that "
            "was trained on other cells of these laboratories has an advantage over one that never saw them."
        )
    elif len({a.split for a in rivals}) > 1:
        own.append("The models' folds differ (see each one's split): with fewer folds a network saw fewer cells.")
    return (*own, *notes_of(samples, list(rivals), baseline))
