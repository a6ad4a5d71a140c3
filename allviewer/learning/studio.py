"""The studio that a system is trained in: the cells of one fit, their augmented views, checkpoints of every step."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.augment import RECIPES, augment
from allviewer.learning.checkpoint import read_checkpoint, write_checkpoint
from allviewer.learning.job import Job
from allviewer.learning.splits import validation_rows
from allviewer.systems.bundle import Arrays
from allviewer.systems.training import EpochDone, Progress, Stage
from allviewer.vocab.arrays import RGB, Rows

KEEP_EVERY = 1.0
"""Seconds between checkpoints at least: some stages have hundreds of passes, and a state of a hundred megabytes."""


class FitStudio:
    """A `systems.training.Studio` over some rows of a job.

    Parameters
    ----------
    rows : the cells that may be trained on.
    part : ``fold 1`` … or ``final``; names the checkpoints.
    seed : of this fit.
    precision : ``fp32`` or ``bf16``.
    """

    def __init__(self, job: Job, rows: NDArray[np.bool_], part: str, seed: int, precision: str) -> None:
        self._job, self._rows, self._part = job, np.flatnonzero(rows), part
        self.classes, self.seed, self.precision = len(job.samples.classes), seed, precision
        self.labels, self.groups = job.samples.labels[rows], job.samples.groups[rows]
        self.device, self.epochs, self.learning_rate = job.device, job.epochs, job.learning_rate
        self.options = job.options
        aside = None if job.patience is None else validation_rows(self.labels, self.groups)
        self.patience = job.patience if aside is not None else None
        self.validation = np.zeros(len(self.labels), np.bool_) if aside is None else aside
        self.weights = drawing_weights(self.labels, self.groups, ~self.validation)
        # A fold draws as often as the final fit, or it would be judged half-trained.
        self.draws = int((~job.samples.cut).sum())
        self.seconds = 0.0
        self._recipe = RECIPES[job.system.defaults.augmentation]

    def crops(self) -> RGB:
        """(n, S, S, 3) uint8, exactly as prediction cuts them."""
        return self._job.crops[self._rows]

    def views(self, rows: Rows, rng: np.random.Generator) -> RGB:
        """(k, S, S, 3) uint8, a random augmented view of each row."""
        own, patches = self._job.system.defaults, self._job.patches
        white = own.white or 255.0
        return np.stack([augment(patches[self._rows[i]], own.input_px, self._recipe, rng, white) for i in rows])

    def run(self, name: str, stage: Stage, epochs: int) -> Progress[None]:
        """Run a stage, one event a pass; after each, quick ones together, a checkpoint is written, and gone on from."""
        part, path = f"{self._part} {name}".strip(), self._path(name)
        done, finished, spent = 0, False, 0.0
        found = read_checkpoint(path)
        if found is not None and found[1].get("fit") == self._identity():
            arrays, facts = found
            stage.restore(arrays)
            done, finished, spent = int(facts["done"]), bool(facts["finished"]), float(facts["seconds"])
        self.seconds += spent
        kept = -KEEP_EVERY
        while done < epochs and not finished:
            begin = time.perf_counter()
            told = stage.epoch(done)
            done, finished = done + 1, stage.finished
            took = time.perf_counter() - begin
            self.seconds, spent = self.seconds + took, spent + took
            if finished or done == epochs or time.perf_counter() - kept >= KEEP_EVERY:
                facts = {"fit": self._identity(), "done": done, "finished": finished, "seconds": spent}
                write_checkpoint(path, stage.arrays(), facts)
                kept = time.perf_counter()
            yield EpochDone(part, done, epochs, told.loss, told.accuracy, took, told.held_out)

    def once(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """What ``compute`` gives, computed once and kept as a checkpoint."""
        found = read_checkpoint(self._path(name))
        if found is not None and found[1].get("fit") == self._identity():
            self.seconds += float(found[1]["seconds"])
            return found[0]
        begin = time.perf_counter()
        arrays = dict(compute())
        spent = time.perf_counter() - begin
        self.seconds += spent
        write_checkpoint(self._path(name), arrays, {"fit": self._identity(), "seconds": spent})
        return arrays

    def _path(self, name: str) -> Path:
        return self._job.folder / f"{f'{self._part} {name}'.strip().replace(' ', '-')}.safetensors"

    def _identity(self) -> str:
        return f"{self._job.digest} {self._part} {self.seed} {self.precision}"


def drawing_weights(
    labels: NDArray[np.int64], groups: NDArray[np.str_], drawn: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Chance of each cell to be drawn: every class weighs the same; inside it a group weighs the root of its size.

    So neither a common class nor a long session rules. ``drawn`` marks the rows that may be drawn; None: all.
    """
    weights: NDArray[np.float64] = np.zeros(len(labels))
    may = np.ones(len(labels), np.bool_) if drawn is None else drawn
    for c in np.unique(labels[may]):
        rows = np.flatnonzero((labels == c) & may)
        _, at, counts = np.unique(groups[rows], return_inverse=True, return_counts=True)
        weights[rows] = (1 / np.sqrt(counts))[at] / np.sqrt(counts).sum()
    weights /= weights.sum()
    return weights
