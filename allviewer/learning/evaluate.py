"""Judge a model or a system on labelled cells, with the trivial baseline beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allviewer.learning.answers import Answers, answers_of, colour_answers
from allviewer.learning.events import FitEvent
from allviewer.learning.judge import drawn_figures, figures
from allviewer.learning.layouts import read_samples
from allviewer.learning.report import gather
from allviewer.learning.report.sheet import Sheet, cut_sheet
from allviewer.learning.report.words import Evaluation
from allviewer.learning.samples import Samples
from allviewer.learning.train import train
from allviewer.systems.bundle import read_card
from allviewer.systems.card import SystemCard
from allviewer.systems.model import locate_model
from allviewer.systems.registry import system_names
from allviewer.vocab.errors import DataError

TOLD = 24
"""Errors that a report names, the surest first."""

CARRIED = ("reconstruction_correlation",)
"""Figures out of fold that only the card knows: the file keeps no reconstruction of each cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """An evaluation, and the pictures of its worst errors where they were asked for."""

    evaluation: Evaluation
    sheet: Sheet | None = None


def evaluate(model_or_system: str | Path, data: Path, **options: Any) -> Evaluation:
    """Judge a trained model on labelled cells, or a system by training it fold by fold.

    A model asked about the very data that it was trained on answers with the out-of-fold logits stored in its file:
    what its networks say of cells that they were trained on would be no judgement.

    Parameters
    ----------
    model_or_system : a system's name (trains folds), else a model's name or file.
    data : see `layouts.read_samples`.
    options : as `evaluation_events` takes them.

    Raises
    ------
    DataError, ModelError : as in `train` and `answers_of`.
    """
    *_, last = evaluation_events(model_or_system, data, **options)
    assert isinstance(last, Evaluated)
    return last.evaluation


def evaluation_events(
    model_or_system: str | Path,
    data: Path,
    *,
    device: str = "auto",
    work: Path | None = None,
    pictures: bool = False,
    **fitting: Any,
) -> Iterator[FitEvent | Evaluated]:
    """As `evaluate`, telling what happens on the way; the last event is the `Evaluated`.

    Parameters
    ----------
    device : ``auto``, ``cpu``, ``cuda`` or ``mps``.
    work : file that a judged system's model is written to; a system needs it.
    pictures : also cut out the worst errors.
    fitting : of a system: split, folds, epochs and whatever else `train` takes.
    """
    model = model_or_system
    if str(model_or_system) in system_names():
        if work is None:
            raise DataError("a system is judged by training it: it needs a file to write to", todo="Give --out MODEL.")
        yield from train(str(model_or_system), data, work, device=device, **fitting)
        model = work
    samples = cells_for(read_card(locate_model(model)), data)
    answers = answers_of(model, samples, device)
    rows = gather.wrong_rows(samples, answers)[:TOLD]
    sheet = cut_sheet(samples, rows, answers.card.crop_um) if pictures else None
    yield Evaluated(evaluation_of(samples, answers), sheet)


def cells_for(card: SystemCard, data: Path) -> Samples:
    """The labelled cells in ``data``, with a model's classes."""
    return read_samples(data, card.shown_taxonomy)


def evaluation_of(samples: Samples, answers: Answers) -> Evaluation:
    """Everything that is told of one model's answers about these cells."""
    p = answers.probabilities
    drawn = drawn_figures(samples, p)
    found = gather.known(drawn) | {
        name: answers.card.judged.metrics[name]
        for name in CARRIED
        if answers.out_of_fold and name in answers.card.judged.metrics
    }
    colour = colour_answers(samples, answers.crops, answers.parted)
    wrong = gather.wrong_rows(samples, answers)
    prevalence = gather.prevalence_of(samples, answers, found)
    return Evaluation(
        model=gather.identity_of(answers), data=gather.data_of(samples), classes=samples.classes, figures=found,
        undefined=gather.undefined(drawn, samples), baseline={} if colour is None else figures(samples, colour[0]),
        baseline_split="" if colour is None else colour[1], per_class=gather.class_rows(samples, p),
        confusion=gather.confusion_counts(samples, p), curves=gather.curves_of(samples, p),
        baseline_curves={} if colour is None else gather.curves_of(samples, colour[0]),
        band=gather.band_of(samples, answers), prevalence=prevalence, groups=gather.group_lines(samples, answers),
        wrong=gather.cells_of(samples, wrong[:TOLD], [answers]), wrong_total=len(wrong),
        notes=notes_of(samples, [answers], colour is not None),
    )  # fmt: skip


def notes_of(samples: Samples, rivals: list[Answers], baseline: bool) -> tuple[str, ...]:
    """How to read the figures."""
    notes = []
    if any(a.optimistic for a in rivals):
        notes.append(
            "Image-level split (optimistic): cells of one subject may stand on both sides, so that every figure is "
            "higher than it would be on new subjects."
        )
    data = gather.data_of(samples)
    if samples.grouped:
        notes.append(
            f"Intervals: 95 %, bootstrap over whole {data.drawn}, 1000 draws; there are {data.groups} of them."
        )
    else:
        notes.append(
            "Intervals: 95 %, bootstrap over images, 1000 draws, because subjects are not known: they are too narrow "
            "where several images come from one subject."
        )
    if any(a.out_of_fold for a in rivals):
        notes.append(
            "Out of fold: every cell was predicted by a network that saw no cell of its fold; probabilities and the "
            "unsure band of a fold were fitted on the other folds."
        )
    if any(not a.out_of_fold for a in rivals):
        notes.append(
            "Predicted: the model's card does not name these cells. If they were among its training cells under "
            "another name, the figures are too good."
        )
    if any(not a.out_of_fold for a in rivals) and baseline:
        notes.append("The colour baseline is out of fold on these data, so it has seen their laboratory.")
    if samples.cut.any():
        notes.append(
            "Cells cut by a field's edge are never trained on; they count where a figure says 'all cells', and not in "
            "calibration, band and reliability."
        )
    for note in (note for a in rivals if a.out_of_fold for note in a.card.judged.notes):
        # the card's own remarks; what it says in general is said above
        if not any(note[:12] == told[:12] for told in notes):
            notes.append(note)
    return tuple(notes)
