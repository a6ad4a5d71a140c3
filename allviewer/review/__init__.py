"""What a person does to labels, above the log and below the screen."""

from allviewer.review.filters import EVERY_STATE, State
from allviewer.review.labels import NONE, UNCLASSIFIED, LabelCodes
from allviewer.review.session import SMUDGE, ClassCount, ReviewSession

__all__ = ["EVERY_STATE", "NONE", "SMUDGE", "UNCLASSIFIED", "ClassCount", "LabelCodes", "ReviewSession", "State"]
