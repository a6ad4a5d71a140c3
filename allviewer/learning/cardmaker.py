"""A card's contents: figures out of fold, calibration, the unsure band, and what the model cannot know."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from allviewer.learning import baseline
from allviewer.learning.calibrate import fit_band, fit_calibration
from allviewer.learning.job import Job
from allviewer.learning.judge import cross_calibrated, figures, group_table, redrawn
from allviewer.learning.samples import EDGE_UM, Samples
from allviewer.systems.card import Calibration, DataSource, Judged, Likeness, OwnClass, SystemCard, Training, UnsureBand
from allviewer.systems.training import Fitted
from allviewer.vocab.arrays import Floats
from allviewer.vocab.taxonomy import TAXONOMIES

FEWEST_OF_A_SLIDE = 5
"""Whole cells below which a held-out session says nothing of a slide's share of unlike cells."""
LIMITS = (
    "Research use only: a suggestion, never a diagnosis.",
    "Knows only the laboratories, stains and cameras it was trained on.",
)
GROUP_LIMIT = "Judged by session or subject as the data name them; a session is only a proxy for a patient."
IMAGE_LIMIT = "Judged at image level, which is optimistic: the data do not say which cells share a patient."
CAMERA_LIMIT = (
    "Camera confound: one of the two cameras saw leukaemia only, so part of what tells the classes apart may be the "
    "camera. Read the figure inside groups, where slides and camera are the same for both classes."
)


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """What networks said of n cells that they were not trained on; not looked at where the job has no split.

    Attributes
    ----------
    logits : (n, C) float32.
    distance : (n,) float32, to the training cells of the fold's network (`likeness.Reference.distance`).
    correlation : (n,) float32, of each crop with its reconstruction; NaN where the system makes none.
    """

    logits: Floats
    distance: Floats
    correlation: Floats

    @classmethod
    def blank(cls, cells: int, classes: int) -> Self:
        """Nothing said yet."""
        return cls(*(np.zeros(shape, np.float32) for shape in ((cells, classes), cells, cells)))

    def put(self, rows: NDArray[np.bool_], told: Mapping[str, Floats]) -> None:
        """Take what `of` gave of some cells."""
        self.logits[rows], self.distance[rows] = told["logits"], told["distance"]
        self.correlation[rows] = told["correlation"]

    def of(self, rows: NDArray[np.bool_]) -> dict[str, Floats]:
        """Some cells', by name."""
        return {"logits": self.logits[rows], "distance": self.distance[rows], "correlation": self.correlation[rows]}


def make_card(job: Job, fitted: Fitted, unseen: Unseen, seconds: float, precision: str, name: str) -> SystemCard:
    """The card of a finished job.

    Parameters
    ----------
    job : what was trained.
    fitted : what the final fit left.
    unseen : out of fold.
    seconds, precision : of all its fits.
    name : the file's stem; what follows the last hyphen is the version.
    """
    judged, calibration, band = _judgement(job, unseen, fitted.notes)
    likeness = None if job.split is None else fit_likeness(unseen.distance, job.samples)
    return _card(job, fitted, seconds, precision, name, judged, calibration, band, likeness)


def unjudged_card(job: Job, fitted: Fitted, precision: str) -> SystemCard:
    """A card to load one fold's fit with, so that held-out cells are predicted by the very way of later ones."""
    classes = len(job.samples.classes)
    band = UnsureBand(thresholds=(0.5,) * classes, coverage=0, how="one class above one half; not calibrated")
    judged = Judged(split="not judged", metrics={}, baseline={}, groups=())
    return _card(job, fitted, 0.0, precision, "fold", judged, Calibration(bias=(0.0,) * classes), band)


def _card(
    job: Job, fitted: Fitted, seconds: float, precision: str, name: str, judged: Judged, calibration: Calibration,
    band: UnsureBand, likeness: Likeness | None = None,
) -> SystemCard:  # fmt: skip
    own, samples = job.system.defaults, job.samples
    model, _, version = name.rpartition("-")
    limits = LIMITS + ((IMAGE_LIMIT if job.split.optimistic else GROUP_LIMIT,) if job.split else ())
    limits += (CAMERA_LIMIT,) if _camera_confounded(samples) else ()
    limits += (samples.confounded,) if samples.confounded else ()
    known = samples.taxonomy.key in TAXONOMIES
    departures = own.departures
    if job.learning_rate != own.learning_rate:
        departures += (f"learning rate {job.learning_rate:g} (its own: {own.learning_rate:g})",)
    if job.epochs != own.paper_epochs:
        departures += (f"{job.epochs} epochs (paper: {own.paper_epochs})",)
    note = f"{samples.note} Left out of training: {int(samples.cut.sum())} cells whose centre is within {EDGE_UM:g} µm "
    note += "of a field's edge, which cuts them."
    return SystemCard(
        system=job.system.key, name=model or name, version=version if model else "1",
        title=f"{job.system.key}: {' or '.join(samples.classes)}, trained on {samples.name}", paper=own.paper,
        unit="field" if "field" in (own.unit, samples.unit) else "cell", taxonomy=samples.taxonomy.key,
        classes=samples.classes, taxonomy_name="" if known else samples.taxonomy.name,
        own_classes=() if known else _own_classes(samples),
        input_px=own.input_px, crop_um=own.crop_um, white=own.white, nucleus=own.nucleus,
        masked_corner=samples.masked_corner,
        options=_options(job), backbones=fitted.backbones, explains=own.explains,
        data=(
            DataSource(
                name=samples.name, citation=samples.citation, licence=samples.licence, digest=samples.digest,
                cells=samples.take(~samples.cut).counts(), groups=tuple(str(g) for g in np.unique(samples.groups)),
                note=note if samples.cut.any() else samples.note,
            ),
        ),
        training=Training(
            optimiser=own.optimiser, learning_rate=job.learning_rate, epochs=job.epochs, batch=own.batch,
            augmentation=own.augmentation, precision=precision, seed=job.seed, seconds=round(seconds, 1),
            machine=_machine(job.device), starting_weights=_starting_weights(fitted), departures=departures,
        ),
        judged=judged, calibration=calibration, unsure=band, likeness=likeness, limits=limits,
        licence="weights BSD-3-Clause; the training images are not included",
    )  # fmt: skip


def _options(job: Job) -> dict[str, str]:
    known = job.system.options
    return {name: Path(text).name if known[name].file else text for name, text in job.options.items()}


def _starting_weights(fitted: Fitted) -> str:
    named = [f"{b.name}: {b.weights}{' (frozen)' if b.frozen else ''}" for b in fitted.backbones]
    return ", ".join(named) or "random"


def fit_likeness(distance: Floats, samples: Samples, kept: float = 0.95) -> Likeness:
    """Bounds past which a cell, and a slide, counts as unlike the training cells.

    Parameters
    ----------
    distance : (n,) of held-out cells to the training cells of their fold.
    samples : the same cells.
    kept : share of held-out whole cells that the bound on a cell keeps.
    """
    whole = ~samples.cut
    bound = float(np.quantile(distance[whole], kept))
    groups = samples.groups[whole]
    shares = [float((distance[whole][groups == g] > bound).mean()) for g in np.unique(groups)
              if (groups == g).sum() >= FEWEST_OF_A_SLIDE]  # fmt: skip
    share = min(max([2 * (1 - kept), *shares]), 0.9)
    words = (
        f"farther from the training cells, in the network's embedding, than {kept:.0%} of cells whose session it had "
        f"not seen; a slide is unlike where more than {share:.0%} of its cells are, which no held-out session reached"
    )
    return Likeness(distance=max(bound, 1e-6), share=share, how=words)


def _judgement(job: Job, unseen: Unseen, notes: tuple[str, ...]) -> tuple[Judged, Calibration, UnsureBand]:
    """Figures out of fold, and the calibration and band that the final model carries."""
    samples, split, logits = job.samples, job.split, unseen.logits
    if split is None:
        bare = unjudged_card(job, Fitted({}), "")
        return bare.judged, bare.calibration, bare.unsure
    whole = ~samples.cut
    first = float((samples.labels[whole] == 0).mean())
    fitted_on = f"out-of-fold logits of {int(whole.sum())} whole cells, {first:.0%} of them {samples.classes[0]} "
    fitted_on += f"({split.words}); where the first class is rarer, its probabilities are too high"
    calibration = fit_calibration(logits[whole], samples.labels[whole], fitted_on)
    probabilities = cross_calibrated(logits, samples.labels, split.fold, whole)
    colour = baseline.out_of_fold(job.crops, samples.labels, split.fold, whole)
    judged = Judged(
        split=split.words, metrics=figures(samples, probabilities) | redrawn(samples, unseen.correlation),
        baseline=figures(samples, colour),
        groups=group_table(samples, probabilities),
        notes=(
            "Out of fold: every cell was predicted by a network that saw no cell of its group; each fold's "
            "probabilities were calibrated on the other folds.",
            "Intervals: 95 %, bootstrap over groups, which are few.",
            "Cells cut by a field's edge are never trained on; they count where a figure says 'all cells'.",
            *notes, *((job.note,) if job.note else ()),
        ),
    )  # fmt: skip
    return judged, calibration, fit_band(probabilities[whole], samples.labels[whole])


def _camera_confounded(samples: Samples) -> bool:
    """Whether groups with and without the first class both exist, and some camera saw one kind only."""
    with_first = np.isin(samples.groups, np.unique(samples.groups[samples.labels == 0]))
    kinds = [len(np.unique(with_first[samples.camera == c])) for c in np.unique(samples.camera)]
    return len(np.unique(with_first)) == 2 and len(kinds) > 1 and min(kinds) == 1


def _own_classes(samples: Samples) -> tuple[OwnClass, ...]:
    return tuple(
        OwnClass(key=c.key, name=c.name, colour=c.colour, letter=c.letter, aliases=c.aliases)
        for c in samples.taxonomy.classes
    )


def _machine(device: str) -> str:
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return f"{os.cpu_count()} {platform.machine()} CPU cores" if device == "cpu" else device
