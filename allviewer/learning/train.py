"""Train a system: judge it on held-out folds, then fit it on everything, calibrate, write the file with its card."""

import shutil
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.cardmaker import Unseen, make_card, unjudged_card
from allviewer.learning.checkpoint import read_checkpoint, write_checkpoint
from allviewer.learning.events import FitEvent, FitFinished, FitStarted, FoldDone
from allviewer.learning.job import Job, checked_options
from allviewer.learning.layouts import read_samples
from allviewer.learning.metrics import auroc
from allviewer.learning.patches import cut_patches
from allviewer.learning.splits import check_folds, make_split
from allviewer.learning.studio import FitStudio
from allviewer.systems.bundle import write_bundle
from allviewer.systems.devices import accelerators, choose_runtime, may_have_accelerator
from allviewer.systems.likeness import Reference
from allviewer.systems.reconstruction import Reconstructs, correlation
from allviewer.systems.registry import find_system
from allviewer.systems.system import System
from allviewer.systems.training import Fitted
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.own_taxonomy import choose_taxonomy


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
    taxonomy: str | None = None,
    options: Mapping[str, str] | None = None,
    patience: int | None = None,
    note: str = "",
) -> Iterator[FitEvent]:
    """Train a system and write its model file.

    Parameters
    ----------
    system : registered name, e.g. ``alnet``.
    data : see `layouts.read_samples`.
    out : the ``.safetensors`` to write. ``OUT.partial/`` beside it holds checkpoints until then.
    split : one of `splits.SPLITS` (see `splits.make_split`) or ``none``: not judged, not calibrated.
    folds : how many, where the split leaves that open.
    epochs, learning_rate : the system's defaults where None.
    seed : the same seed on the same machine gives the same model.
    taxonomy : see `own_taxonomy.choose_taxonomy`; None: the usual classes of such data.
    options : of the system, by name.
    patience : stop a stage after so many epochs without gain on groups kept aside, and keep its best; None: train
        on every cell, all epochs.
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
    classes = None if taxonomy is None else choose_taxonomy(taxonomy)
    if split in ("fold", "image"):
        check_folds(folds)
    if out.suffix != ".safetensors":
        raise DataError("a model file ends in .safetensors", where=str(out), todo="Change the name after --out.")
    chosen = checked_options(kind, options or {})
    if device == "auto":
        device = next(iter(accelerators()), "cpu") if may_have_accelerator() else "cpu"
    else:
        choose_runtime(device)
    own = kind.defaults
    epochs = own.epochs if epochs is None else epochs
    rate = own.learning_rate if learning_rate is None else learning_rate
    if epochs < 1:
        raise DataError("training takes at least one epoch", got=str(epochs))
    samples = read_samples(data, classes)
    parted = None if split == "none" else make_split(samples, split, folds, seed)
    folder = out.with_suffix(".partial")
    if folder.exists() and not resume:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    known = f"{kind.key}-{samples.digest[:12]}.npy"
    cut = partial(cut_patches, samples, own.crop_um, own.input_px, own.white, own.nucleus)
    patches, crops = cut(into=folder / f"patches-{known}"), cut(margin=1, into=folder / f"crops-{known}")
    job = Job(kind, samples, parted, epochs, rate, seed, device, folder, patches, crops, chosen, patience, note)
    words = parted.words if parted else "not judged"
    yield FitStarted(len(samples), parted.folds if parted else 0, epochs, words, samples.layout)
    seconds = 0.0
    unseen = Unseen.blank(len(samples), len(samples.classes))
    for fold in range(parted.folds if parted else 0):
        assert parted is not None
        seconds += yield from _fold(job, fold, parted.fold == fold, unseen)
    fitted, last, precision = yield from _fit(job, ~samples.cut, "final", seed)
    card = make_card(job, fitted, unseen, seconds + last, precision, out.stem)
    arrays = dict(fitted.arrays)
    if parted is not None:
        arrays |= {"judged.logits": unseen.logits, "judged.fold": parted.fold}
        trained = kind.from_arrays(unjudged_card(job, fitted, precision), fitted.arrays, device)
        arrays |= _reference(job, trained, ~samples.cut).arrays()
    write_bundle(out, card, arrays)
    del patches, crops, job  # they lie in the folder, and Windows removes no open file
    shutil.rmtree(folder, ignore_errors=True)
    yield FitFinished(out, card)


def _fit(
    job: Job, rows: NDArray[np.bool_], part: str, seed: int
) -> Generator[FitEvent, None, tuple[Fitted, float, str]]:
    """Fit the system on some rows; answers the fit, its seconds and its precision."""
    from allviewer.systems.descent import best_precision

    studio = FitStudio(job, rows, part, seed, best_precision(job.device))
    fitted = yield from job.system.fit(studio)
    return fitted, studio.seconds, studio.precision


def _fold(job: Job, fold: int, held: NDArray[np.bool_], unseen: Unseen) -> Generator[FitEvent, None, float]:
    """Train without one fold, predict it into ``unseen``; answers the seconds it took."""
    part, kept = f"fold {fold + 1}", job.folder / f"held-out-{fold + 1}.safetensors"
    done = read_checkpoint(kept)
    if done is not None and done[1]["job"] == job.digest:
        seconds = float(done[1]["seconds"])
        unseen.put(held, done[0])
    else:
        rows = ~held & ~job.samples.cut
        fitted, seconds, precision = yield from _fit(job, rows, part, job.seed + 1 + fold)
        system = job.system.from_arrays(unjudged_card(job, fitted, precision), fitted.arrays, job.device)
        unseen.logits[held], embedding = _predict(system, job.crops[held])
        unseen.distance[held] = _reference(job, system, rows).distance(embedding)
        unseen.correlation[held] = _redrawn(system, job.crops[held])
        write_checkpoint(kept, unseen.of(held), {"job": job.digest, "seconds": seconds})
    logits = unseen.logits[held]
    margin = logits[:, 0] - np.delete(logits, 0, axis=1).max(axis=1)
    area = auroc(job.samples.labels[held] == 0, margin)
    yield FoldDone(part, int(held.sum()), area if np.isfinite(area) else None)
    return seconds


def _reference(job: Job, system: System, rows: NDArray[np.bool_]) -> Reference:
    """Where the cells that a fit was trained on lie in its embedding."""
    return Reference.of(_predict(system, job.crops[rows])[1], job.samples.groups[rows])


def _redrawn(system: System, crops: RGB, batch: int = 32) -> Floats:
    """Correlation of crops with what the system makes of them again, (n,); NaN where it cannot."""
    if not isinstance(system, Reconstructs):
        return np.full(len(crops), np.nan, np.float32)
    parts = [np.ascontiguousarray(crops[i : i + batch]) for i in range(0, len(crops), batch)]
    return np.concatenate([correlation(part, system.reconstruct(part)) for part in parts])


def _predict(system: System, crops: RGB, batch: int = 32) -> tuple[Floats, Floats]:
    """Logits (n, C) and embedding (n, d) of crops."""
    raw = [system.run(np.ascontiguousarray(crops[i : i + batch])) for i in range(0, len(crops), batch)]
    return np.concatenate([r.logits for r in raw]), np.concatenate([r.embedding for r in raw])
