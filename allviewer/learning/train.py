"""Train a system: judge it on held-out folds, then fit it on everything, calibrate, write the file with its card."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.cardmaker import Job, make_card
from allviewer.learning.checkpoint import read_checkpoint, write_checkpoint
from allviewer.learning.events import FitEvent, FitFinished, FitStarted, FoldDone
from allviewer.learning.layouts import read_samples
from allviewer.learning.metrics import auroc
from allviewer.learning.patches import cut_patches
from allviewer.learning.samples import Samples
from allviewer.learning.splits import Split, make_split
from allviewer.systems.bundle import write_bundle
from allviewer.systems.devices import accelerators, choose_runtime, may_have_accelerator
from allviewer.systems.registry import find_system
from allviewer.systems.system import Defaults, System
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import TAXONOMIES

if TYPE_CHECKING:
    from torch import nn

    from allviewer.learning.fit import Fit


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
    note: str = "",
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
    note : what a reader of the card's figures should know, e.g. what was chosen after looking at them.
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
    job = _job(kind, samples, parted, epochs, learning_rate, seed, device, out.with_suffix(".partial"), note)
    if job.folder.exists() and not resume:
        shutil.rmtree(job.folder)
    yield FitStarted(len(samples), parted.folds if parted else 0, job.epochs, parted.words if parted else "not judged")
    seconds, logits = 0.0, np.zeros((len(samples), len(samples.classes)), np.float32)
    for fold in range(parted.folds if parted else 0):
        assert parted is not None
        held = parted.fold == fold
        seconds += yield from _fold(job, fold, held, logits)
    arrays, last, precision = yield from _final(job)
    card = make_card(job, logits, seconds + last, precision, out.stem)
    if parted is not None:
        arrays |= {"judged.logits": logits, "judged.fold": parted.fold}
    write_bundle(out, card, arrays)
    shutil.rmtree(job.folder, ignore_errors=True)
    yield FitFinished(out, card)


def _job(
    kind: type[System], samples: Samples, split: Split | None, epochs: int | None, rate: float | None, seed: int,
    device: str, folder: Path, note: str,
) -> Job:  # fmt: skip
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
    return Job(kind, samples, split, epochs, rate, seed, device, folder, patches, crops, note)


def _run(job: Job, rows: NDArray[np.bool_], part: str, seed: int) -> "Generator[FitEvent, None, Fit]":
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


def _fold(job: Job, fold: int, held: NDArray[np.bool_], logits: Floats) -> Generator[FitEvent, None, float]:
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


def _final(job: Job) -> Generator[FitEvent, None, tuple[dict[str, NDArray[Any]], float, str]]:
    """Train on every whole cell; answers arrays, seconds and precision."""
    fit = yield from _run(job, ~job.samples.cut, "final", job.seed)
    return job.system.arrays_of(fit.network), fit.seconds, fit.plan.precision


def _predict(network: "nn.Module", crops: RGB, device: str, batch: int = 32) -> Floats:
    """Logits (n, C) of crops, in full precision."""
    import torch

    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(crops[i : i + batch]).to(device).permute(0, 3, 1, 2).float()).cpu().numpy()
            for i in range(0, len(crops), batch)
        ]
    joined: Floats = np.concatenate(parts).astype(np.float32)
    return joined
