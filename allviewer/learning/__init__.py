"""Learning: labelled cells, splits, augmentation, training, calibration, judgement."""

from allviewer.learning.evaluate import Evaluation, evaluate, evaluation_events
from allviewer.learning.events import FitEvent, FitFinished, FitStarted, FoldDone
from allviewer.learning.train import train
from allviewer.systems.training import EpochDone

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
