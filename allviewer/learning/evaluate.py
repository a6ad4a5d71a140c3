"""Judge a model or a system on labelled cells, with the trivial baseline beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allviewer.learning import baseline
from allviewer.learning.events import FitEvent, FitFinished
from allviewer.learning.judge import MEANING, cross_calibrated, figures, group_table
from allviewer.learning.layouts import read_samples
from allviewer.learning.patches import cut_patches
from allviewer.learning.samples import Samples
from allviewer.learning.splits import Split, make_split
from allviewer.learning.train import train
from allviewer.systems.bundle import read_bundle
from allviewer.systems.card import Figure, Judged, SystemCard
from allviewer.systems.model import Model, load_model
from allviewer.systems.registry import system_names
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import TAXONOMIES


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes
    ----------
    subject : model or system that was judged.
    data : name of the data and number of cells.
    judged : split, figures, baseline, table, notes.
    """

    subject: str
    data: str
    cells: dict[str, int]
    judged: Judged

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "subject": self.subject,
            "data": self.data,
            "cells": dict(self.cells),
            **self.judged.model_dump(mode="json"),
            "research_use_only": True,
        }

    def as_text(self) -> str:
        """A table for a terminal; every split that is not by subject says so."""
        counts = ", ".join(f"{n} {key}" for key, n in self.cells.items())
        lines = [f"{self.subject} on {self.data} ({counts})", f"split: {self.judged.split}", ""]
        lines.append(f"{'':26}{'model':>8}  {'95 % interval':16}{'colour baseline':>16}")
        for name, figure in self.judged.metrics.items():
            beside = self.judged.baseline.get(name)
            other = "" if beside is None else f"{beside.value:16.3f}"
            lines.append(f"{name.replace('_', ' '):26}{figure.value:8.3f}  {_interval(figure):16}{other}")
        lines += ["", f"{'group':24}{'+':>5}{'-':>5}{'AUROC':>8}{'sens.':>8}{'spec.':>8}"]
        for row in self.judged.groups if len(self.judged.groups) <= 60 else ():
            shown = "".join(
                "       –" if v is None else f"{v:8.3f}" for v in (row.auroc, row.sensitivity, row.specificity)
            )
            lines.append(f"{row.group[:24]:24}{row.positives:5}{row.negatives:5}{shown}")
        lines += ["", *(f"{name.replace('_', ' ')}: {MEANING[name]}." for name in self.judged.metrics), ""]
        return "\n".join([*lines, *self.judged.notes, "Research use only."])


def _interval(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def evaluate(
    model_or_system: str | Path,
    data: Path,
    *,
    split: str = "fold",
    folds: int = 4,
    epochs: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    device: str = "auto",
    taxonomy: str | None = None,
    work: Path | None = None,
) -> Evaluation:
    """Judge a trained model on other data, or a system by training it fold by fold.

    A model asked about the very data that it was trained on answers with the out-of-fold logits stored in its file:
    what its networks say of cells that they were trained on would be no judgement.

    Parameters
    ----------
    model_or_system : a system's name (trains folds), else a model's name or file.
    data : see `layouts.read_samples`.
    split, folds, epochs, learning_rate, seed : for systems, see `train`.
    work : file a judged system's model is written to; a system needs it.

    Raises
    ------
    DataError, ModelError : as in `train` and `load_model`.
    """
    *_, last = evaluation_events(
        model_or_system, data, split=split, folds=folds, epochs=epochs, learning_rate=learning_rate, seed=seed,
        device=device, taxonomy=taxonomy, work=work,
    )  # fmt: skip
    assert isinstance(last, Evaluation)
    return last


def evaluation_events(
    model_or_system: str | Path,
    data: Path,
    *,
    split: str = "fold",
    folds: int = 4,
    epochs: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    device: str = "auto",
    taxonomy: str | None = None,
    work: Path | None = None,
) -> Iterator[FitEvent | Evaluation]:
    """As `evaluate`, telling what happens on the way; the last event is the `Evaluation`."""
    if str(model_or_system) not in system_names():
        yield _of_model(load_model(model_or_system, device), model_or_system, data)
        return
    if work is None:
        raise DataError("a system is judged by training it: it needs a file to write to", todo="Give --out MODEL.")
    for event in train(
        str(model_or_system), data, work, split=split, folds=folds, epochs=epochs, learning_rate=learning_rate,
        seed=seed, device=device, taxonomy=taxonomy or "all-hem",
    ):  # fmt: skip
        yield event
        if isinstance(event, FitFinished):
            samples = read_samples(data, TAXONOMIES[event.card.taxonomy])
            yield Evaluation(str(model_or_system), _named(samples), samples.counts(), event.card.judged)


def _of_model(model: Model, asked: str | Path, data: Path) -> Evaluation:
    card = model.card
    if card.known_taxonomy is None:
        raise DataError(f"the taxonomy '{card.taxonomy}' is not known here", expected=", ".join(TAXONOMIES))
    samples = read_samples(data, card.known_taxonomy)
    crops = cut_patches(samples, card.crop_um, card.input_px, card.white, card.nucleus, margin=1)
    if any(source.digest == samples.digest for source in card.data):
        judged = _stored(model, asked, samples, crops, card)
    else:
        logits = np.concatenate([model.predict(crops[i : i + 32]).probabilities for i in range(0, len(crops), 32)])
        judged = Judged(
            split="whole data set, none of it named by the model's card as training data",
            metrics=figures(samples, logits), baseline=_baseline(samples, crops),
            groups=group_table(samples, logits) if samples.grouped else (),
            notes=("The baseline is out of fold on these data, so it has seen their laboratory; the model has not.",),
        )  # fmt: skip
    return Evaluation(f"model {model.name} ({model.digest[:12]})", _named(samples), samples.counts(), judged)


def _stored(model: Model, asked: str | Path, samples: Samples, crops: RGB, card: SystemCard) -> Judged:
    """The honest answer on training data: out-of-fold logits from the file."""
    from allviewer.systems.model import locate_model

    _, arrays, _ = read_bundle(locate_model(asked))
    if "judged.logits" not in arrays or len(arrays["judged.logits"]) != len(samples):
        raise DataError(
            f"the model {model.name} was trained on these very cells and was not judged out of fold",
            where=str(samples.root), todo="Evaluate it on other data, or train it again with --split fold.",
        )  # fmt: skip
    logits: Floats = arrays["judged.logits"]
    fold = arrays["judged.fold"]
    probabilities = cross_calibrated(logits, samples.labels, fold, ~samples.cut)
    kept = Split(fold, int(fold.max()) + 1, card.judged.split)
    return Judged(
        split=f"{card.judged.split} (out-of-fold predictions stored with the model)",
        metrics=figures(samples, probabilities), baseline=_baseline(samples, crops, kept),
        groups=group_table(samples, probabilities), notes=card.judged.notes,
    )  # fmt: skip


def _baseline(samples: Samples, crops: RGB, split: Split | None = None) -> dict[str, Figure]:
    """The colour baseline out of fold; empty where the data allow no folds."""
    try:
        parted = split or make_split(samples, "fold")
    except DataError:
        return {}
    return figures(samples, baseline.out_of_fold(crops, samples.labels, parted.fold, ~samples.cut))


def _named(samples: Samples) -> str:
    return f"{samples.name}, {len(samples)} cells"
