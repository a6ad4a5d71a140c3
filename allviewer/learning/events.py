"""What training tells while it runs."""

from dataclasses import dataclass
from pathlib import Path

from allviewer.systems.card import SystemCard
from allviewer.systems.training import EpochDone


@dataclass(frozen=True, slots=True)
class FitStarted:
    """Data are read and split: ``samples`` cells, ``folds`` fits for judging and one for keeps, of ``epochs`` each.

    ``data`` says what the data were taken for.
    """

    samples: int
    folds: int
    epochs: int
    split: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class FoldDone:
    """A held-out fold was predicted; ``auroc`` of the first class, None where the fold lacks a class."""

    part: str
    cells: int
    auroc: float | None


@dataclass(frozen=True, slots=True)
class FitFinished:
    """The model file is written."""

    path: Path
    card: SystemCard


FitEvent = FitStarted | EpochDone | FoldDone | FitFinished
