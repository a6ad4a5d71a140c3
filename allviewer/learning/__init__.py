"""Learning: labelled cells, splits, augmentation, training, calibration, judgement."""

from allviewer.learning.compare import Compared, compare
from allviewer.learning.evaluate import Evaluated, evaluate, evaluation_events
from allviewer.learning.events import FitEvent, FitFinished, FitStarted, FoldDone
from allviewer.learning.train import train
from allviewer.systems.training import EpochDone

__all__ = [
    "Compared",
    "EpochDone",
    "Evaluated",
    "FitEvent",
    "FitFinished",
    "FitStarted",
    "FoldDone",
    "compare",
    "evaluate",
    "evaluation_events",
    "train",
]
