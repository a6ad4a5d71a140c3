"""Train a system: judge it on held-out folds, then fit it on everything, calibrate, write the file with its card."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allviewer.learning import baseline
from allviewer.learning.calibrate import fit_band, fit_calibration
from allviewer.learning.checkpoint import read_checkpoint, write_checkpoint
from allviewer.learning.events import FitEvent, FitFinished, FitStarted, FoldDone
from allviewer.learning.judge import cross_calibrated, figures, group_table
from allviewer.learning.layouts import read_samples
from allviewer.learning.metrics import auroc
from allviewer.learning.patches import cut_patches
from allviewer.learning.samples import EDGE_UM, Samples
from allviewer.learning.splits import Split, make_split
from allviewer.systems.bundle import write_bundle
from allviewer.systems.card import Calibration, DataSource, Judged, SystemCard, Training, UnsureBand
from allviewer.systems.devices import accelerators, choose_runtime, may_have_accelerator
from allviewer.systems.registry import find_system
from allviewer.systems.system import Defaults, System
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import TAXONOMIES

LIMITS = (
    "Research use only: a suggestion, never a diagnosis.",
    "Knows only the laboratories, stains and cameras it was trained on.",
    "Sessions stand for subjects: the data do not say which cells share a patient.",
)
CAMERA_LIMIT = (
    "Camera confound: one of the two cameras saw leukaemia only, so part of what tells the classes apart may be the "
    "camera. Read the figure inside groups, where slides and camera are the same for both classes."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
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


def train(
    system: str,
    data: Path,
    out: Path,
    *,
    split: str = "fold",
    folds: int = 4,
    epochs: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    taxonomy: str = "all-hem",
) -> Iterator[FitEvent]:
    """Train a system and write its model file.

    Parameters
    ----------
    system : registered name, e.g. ``alnet``.
    data : see `layouts.read_samples`.
    out : the ``.safetensors`` to write. ``OUT.partial/`` beside it holds checkpoints until then.
    split : ``fold``, ``session``, ``image`` (see `splits.make_split`) or ``none``: not judged, not calibrated.
    folds : how many, where the split leaves that open.
    epochs, learning_rate : the system's defaults where None.
    seed : the same seed on the same machine gives the same model.
    resume : go on from the checkpoints that an interrupted call left.

    Yields
    ------
    FitStarted, EpochDone for every pass, FoldDone for every held-out fold, FitFinished.

    Raises
    ------
    DataError, ModelError : data or system missing or unusable.
    """
    kind = find_system(system)
    if taxonomy not in TAXONOMIES:
        raise DataError(f"'{taxonomy}' is no taxonomy", expected=", ".join(TAXONOMIES))
    if out.suffix != ".safetensors":
        raise DataError("a model file ends in .safetensors", where=str(out), todo="Change the name after --out.")
    samples = read_samples(data, TAXONOMIES[taxonomy])
    parted = None if split == "none" else make_split(samples, split, folds, seed)
    job = _job(kind, samples, parted, epochs, learning_rate, seed, device, out.with_suffix(".partial"))
    if job.folder.exists() and not resume:
        shutil.rmtree(job.folder)
    yield FitStarted(len(samples), parted.folds if parted else 0, job.epochs, parted.words if parted else "not judged")
    seconds, logits = 0.0, np.zeros((len(samples), len(samples.classes)), np.float32)
    for fold in range(parted.folds if parted else 0):
        assert parted is not None
        held = parted.fold == fold
        seconds += yield from _fold(job, fold, held, logits)
    arrays, last, precision = yield from _final(job)
    card = _card(job, logits, seconds + last, precision, out.stem)
    if parted is not None:
        arrays |= {"judged.logits": logits, "judged.fold": parted.fold}
    write_bundle(out, card, arrays)
    shutil.rmtree(job.folder, ignore_errors=True)
    yield FitFinished(out, card)


def _job(
    kind: type[System], samples: Samples, split: Split | None, epochs: int | None, rate: float | None, seed: int,
    device: str, folder: Path,
) -> _Job:  # fmt: skip
    own = kind.defaults
    if device == "auto":
        device = next(iter(accelerators()), "cpu") if may_have_accelerator() else "cpu"
    else:
        choose_runtime(device)
    patches = cut_patches(samples, own.crop_um, own.input_px, own.white, own.nucleus)
    crops = cut_patches(samples, own.crop_um, own.input_px, own.white, own.nucleus, margin=1)
    epochs = own.epochs if epochs is None else epochs
    rate = own.learning_rate if rate is None else rate
    if epochs < 1:
        raise DataError("training takes at least one epoch", got=str(epochs))
    return _Job(kind, samples, split, epochs, rate, seed, device, folder, patches, crops)


def _run(job: _Job, rows: NDArray[np.bool_], part: str, seed: int):  # type: ignore[no-untyped-def]
    """Fit one network on some rows; answers the fit when its events are through."""
    from allviewer.learning.fit import Cells, Fit, Plan, best_precision, drawing_weights

    own: Defaults = job.system.defaults
    plan = Plan(
        job.epochs, own.batch, job.learning_rate, own.optimiser, own.loss, own.augmentation, seed, job.device,
        int((~job.samples.cut).sum()),  # a fold draws as often as the final fit, or it would be judged half-trained
        best_precision(job.device),
    )  # fmt: skip
    labels = job.samples.labels[rows]
    weights = drawing_weights(labels, job.samples.groups[rows])
    cells = Cells(job.patches[rows], labels, weights, own.white or 255.0)
    fit = Fit(job.system, len(job.samples.classes), own.input_px, cells, plan)
    yield from fit.epochs(part, job.folder / f"{part.replace(' ', '-')}.safetensors")
    return fit


def _fold(job: _Job, fold: int, held: NDArray[np.bool_], logits: Floats):  # type: ignore[no-untyped-def]
    """Train without one fold, predict it into ``logits``; answers the seconds it took."""
    part, kept = f"fold {fold + 1}", job.folder / f"held-out-{fold + 1}.safetensors"
    done = read_checkpoint(kept)
    if done is not None and done[1]["digest"] == job.samples.digest and done[1]["epochs"] == job.epochs:
        logits[held], seconds = done[0]["logits"], float(done[1]["seconds"])
    else:
        fit = yield from _run(job, ~held & ~job.samples.cut, part, job.seed + 1 + fold)
        logits[held], seconds = _predict(fit.network, job.crops[held], job.device), fit.seconds
        facts = {"digest": job.samples.digest, "epochs": job.epochs, "seconds": seconds}
        write_checkpoint(kept, {"logits": logits[held]}, facts)
    margin = logits[held, 0] - np.delete(logits[held], 0, axis=1).max(axis=1)
    area = auroc(job.samples.labels[held] == 0, margin)
    yield FoldDone(part, int(held.sum()), area if np.isfinite(area) else None)
    return seconds


def _final(job: _Job):  # type: ignore[no-untyped-def]
    """Train on every whole cell; answers arrays, seconds and precision."""
    fit = yield from _run(job, ~job.samples.cut, "final", job.seed)
    return job.system.arrays_of(fit.network), fit.seconds, fit.plan.precision


def _predict(network, crops: RGB, device: str, batch: int = 32) -> Floats:  # type: ignore[no-untyped-def]
    """Logits (n, C) of crops, in full precision."""
    import torch

    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(crops[i : i + batch]).to(device).permute(0, 3, 1, 2).float()).cpu().numpy()
            for i in range(0, len(crops), batch)
        ]
    joined: Floats = np.concatenate(parts).astype(np.float32)
    return joined


def _card(job: _Job, logits: Floats, seconds: float, precision: str, name: str) -> SystemCard:
    own, samples = job.system.defaults, job.samples
    judged, calibration, band = _judgement(job, logits)
    model, _, version = name.rpartition("-")
    limits = LIMITS + ((CAMERA_LIMIT,) if len(np.unique(samples.camera)) > 1 else ())
    departures = own.departures
    if job.epochs != own.paper_epochs:
        departures += (f"{job.epochs} epochs (paper: {own.paper_epochs}), cosine decay, averaged weights",)
    note = f"{samples.note} Left out of training: {int(samples.cut.sum())} cells whose centre is within {EDGE_UM:g} µm "
    note += "of the field's edge; the experts did not mark blasts there, so they read as 'other'."
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


def _judgement(job: _Job, logits: Floats) -> tuple[Judged, Calibration, UnsureBand]:
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
    fitted_on = f"out-of-fold logits of {int(whole.sum())} whole cells ({split.words})"
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
        ),
    )  # fmt: skip
    return judged, calibration, fit_band(probabilities[whole], samples.labels[whole])


def _taxonomy(samples: Samples) -> str:
    return next(key for key, each in TAXONOMIES.items() if each.keys == samples.classes)


def _machine(device: str) -> str:
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return f"{os.cpu_count()} {platform.machine()} CPU cores" if device == "cpu" else device
