"""How a system is trained: it says what it does, stage by stage; what is handed to it says how, and keeps the steps.

A system's ``fit`` is a generator that reads like the paper's training section: ``yield from studio.run(…)`` for every
stage. Folds, augmentation, checkpoints and resuming are the studio's (`allviewer.learning.studio`), once for all.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from allviewer.systems.bundle import Arrays
from allviewer.systems.card import BackboneSource
from allviewer.vocab.arrays import RGB, Rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One pass of one stage.

    Attributes
    ----------
    part : ``fold 1`` … or ``final``, and the stage's name where a system has several.
    loss : of the training cells as augmented.
    accuracy : share of them that was right; None where the stage knows no classes.
    held_out : what the stage measures on the validation cells, higher is better; None where there are none.
    """

    part: str
    epoch: int
    epochs: int
    loss: float
    accuracy: float | None
    seconds: float
    held_out: float | None = None


Progress = Generator[EpochDone, None, T]
"""Tells every pass and answers a T at its end."""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that a system leaves open.

    Attributes
    ----------
    choices : what it takes; empty: any text.
    file : it may name a file, of which a card keeps the name alone: a model need not tell where its maker's files lie.
    """

    default: str
    what: str
    choices: tuple[str, ...] = ()
    file: bool = False


class Pass(NamedTuple):
    """What one pass of a stage gave; see `EpochDone`."""

    loss: float
    accuracy: float | None = None
    held_out: float | None = None


class Stage(Protocol):
    """One resumable stretch of training. Everything random in a pass follows from seed and number of the pass."""

    @property
    def finished(self) -> bool:
        """Nothing is left to gain: stop before the last epoch."""
        ...

    def epoch(self, number: int) -> Pass:
        """One pass, counted from 0."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The whole state, such that `restore` goes on as if it had never stopped."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Take the state that `arrays` gave."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit leaves.

    Attributes
    ----------
    arrays : what the system's ``from_arrays`` takes.
    backbones : where its pretrained layers came from, for the card.
    notes : what a reader of the card should know of this very fit.
    """

    arrays: dict[str, NDArray[Any]]
    backbones: tuple[BackboneSource, ...] = ()
    notes: tuple[str, ...] = field(default=())


class Studio(Protocol):
    """The cells of one fit (a training fold, or all), and the ways to fit them.

    Attributes
    ----------
    classes : how many.
    labels, groups : (n,) of the cells that may be trained on.
    weights : (n,) chance of each cell to be drawn, sum 1; every class weighs the same. 0 where ``validation``.
    validation : (n,) whole groups kept for early stopping and choice of epoch; all False unless asked for.
    draws : cells that one epoch draws.
    device, precision : ``cpu``, ``cuda`` or ``mps``; ``fp32`` or ``bf16``.
    epochs, learning_rate : asked for, or the system's default.
    patience : epochs without gain on the validation cells before a stage stops; None: never.
    options : the system's own, checked, defaults filled in.
    """

    classes: int
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    weights: NDArray[np.float64]
    validation: NDArray[np.bool_]
    draws: int
    seed: int
    device: str
    precision: str
    epochs: int
    learning_rate: float
    patience: int | None
    options: Mapping[str, str]

    def crops(self) -> RGB:
        """(n, S, S, 3) uint8, exactly as prediction cuts them; may be a view on disk."""
        ...

    def views(self, rows: Rows, rng: np.random.Generator) -> RGB:
        """(k, S, S, 3) uint8, a random augmented view of each row, by the system's own recipe."""
        ...

    def run(self, name: str, stage: Stage, epochs: int) -> Progress[None]:
        """Run a stage; a checkpoint after every pass, from which an interrupted run goes on."""
        ...

    def once(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """What ``compute`` gives, computed once and kept as a checkpoint."""
        ...
