"""A card's contents: figures out of fold, calibration, the unsure band, and what the model cannot know."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allviewer.learning import baseline
from allviewer.learning.calibrate import fit_band, fit_calibration
from allviewer.learning.judge import cross_calibrated, figures, group_table
from allviewer.learning.samples import EDGE_UM, Samples
from allviewer.learning.splits import Split
from allviewer.systems.card import Calibration, DataSource, Judged, SystemCard, Training, UnsureBand
from allviewer.systems.system import System
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.taxonomy import TAXONOMIES

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
class Job:
    """What one call of `train` works on."""

    system: type[System]
    samples: Samples
    split: Split | None
    epochs: int
    learning_rate: float
    seed: int
    device: str
    folder: Path
    patches: RGB
    crops: RGB
    note: str = ""


def make_card(job: Job, logits: Floats, seconds: float, precision: str, name: str) -> SystemCard:
    """The card of a finished job.

    Parameters
    ----------
    job : what was trained.
    logits : (n, C) out of fold; not looked at where the job has no split.
    seconds, precision : of all its fits.
    name : the file's stem; what follows the last hyphen is the version.
    """
    own, samples = job.system.defaults, job.samples
    judged, calibration, band = _judgement(job, logits)
    model, _, version = name.rpartition("-")
    limits = LIMITS + ((IMAGE_LIMIT if job.split.optimistic else GROUP_LIMIT,) if job.split else ())
    limits += (CAMERA_LIMIT,) if _camera_confounded(samples) else ()
    departures = own.departures
    if job.learning_rate != own.learning_rate:
        departures += (f"learning rate {job.learning_rate:g} (paper: {own.learning_rate:g})",)
    if job.epochs != own.paper_epochs:
        departures += (f"{job.epochs} epochs (paper: {own.paper_epochs}), cosine decay, averaged weights",)
    note = f"{samples.note} Left out of training: {int(samples.cut.sum())} cells whose centre is within {EDGE_UM:g} µm "
    note += "of a field's edge, which cuts them."
    return SystemCard(
        system=job.system.key, name=model or name, version=version if model else "1",
        title=f"{job.system.key}: {' or '.join(samples.classes)}, trained on {samples.name}", paper=own.paper,
        unit="field" if own.unit == "field" else "cell", taxonomy=_taxonomy(samples), classes=samples.classes,
        input_px=own.input_px, crop_um=own.crop_um, white=own.white, nucleus=own.nucleus,
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
            machine=_machine(job.device), starting_weights="random", departures=departures,
        ),
        judged=judged, calibration=calibration, unsure=band, limits=limits,
        licence="weights BSD-3-Clause; the training images are not included",
    )  # fmt: skip


def _judgement(job: Job, logits: Floats) -> tuple[Judged, Calibration, UnsureBand]:
    """Figures out of fold, and the calibration and band that the final model carries."""
    samples, split, classes = job.samples, job.split, len(job.samples.classes)
    if split is None:
        open_band = UnsureBand(thresholds=(0.5,) * classes, coverage=0, how="one class above one half; not calibrated")
        return (
            Judged(split="not judged", metrics={}, baseline={}, groups=()),
            Calibration(bias=(0.0,) * classes),
            open_band,
        )
    whole = ~samples.cut
    first = float((samples.labels[whole] == 0).mean())
    fitted_on = f"out-of-fold logits of {int(whole.sum())} whole cells, {first:.0%} of them {samples.classes[0]} "
    fitted_on += f"({split.words}); where the first class is rarer, its probabilities are too high"
    calibration = fit_calibration(logits[whole], samples.labels[whole], fitted_on)
    probabilities = cross_calibrated(logits, samples.labels, split.fold, whole)
    colour = baseline.out_of_fold(job.crops, samples.labels, split.fold, whole)
    judged = Judged(
        split=split.words, metrics=figures(samples, probabilities), baseline=figures(samples, colour),
        groups=group_table(samples, probabilities),
        notes=(
            "Out of fold: every cell was predicted by a network that saw no cell of its group; each fold's "
            "probabilities were calibrated on the other folds.",
            "Intervals: 95 %, bootstrap over groups, which are few.",
            "Cells cut by a field's edge are never trained on; they count where a figure says 'all cells'.",
            *((job.note,) if job.note else ()),
        ),
    )  # fmt: skip
    return judged, calibration, fit_band(probabilities[whole], samples.labels[whole])


def _camera_confounded(samples: Samples) -> bool:
    """Whether groups with and without the first class both exist, and some camera saw one kind only."""
    with_first = np.isin(samples.groups, np.unique(samples.groups[samples.labels == 0]))
    kinds = [len(np.unique(with_first[samples.camera == c])) for c in np.unique(samples.camera)]
    return len(np.unique(with_first)) == 2 and len(kinds) > 1 and min(kinds) == 1


def _taxonomy(samples: Samples) -> str:
    return next(key for key, each in TAXONOMIES.items() if each.keys == samples.classes)


def _machine(device: str) -> str:
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return f"{os.cpu_count()} {platform.machine()} CPU cores" if device == "cpu" else device
