"""Learning: labelled cells, splits, augmentation, training, calibration, judgement."""

from allviewer.learning.evaluate import Evaluation, evaluate, evaluation_events
from allviewer.learning.events import EpochDone, FitEvent, FitFinished, FitStarted, FoldDone
from allviewer.learning.train import train

__all__ = [
    "EpochDone",
    "Evaluation",
    "FitEvent",
    "FitFinished",
    "FitStarted",
    "FoldDone",
    "evaluate",
    "evaluation_events",
    "train",
]
