"""Which cells are shown."""

from collections.abc import Collection
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from allviewer.review.labels import UNCLASSIFIED
from allviewer.vocab.arrays import Floats


class State(StrEnum):
    """Whether a person has settled a cell."""

    UNREVIEWED = "unreviewed"
    REVIEWED = "reviewed"


EVERY_STATE = frozenset(State)


def visible(
    shown: NDArray[np.int16],
    keys: tuple[str, ...],
    confidence: Floats,
    reviewed: NDArray[np.bool_],
    *,
    classes_on: Collection[str],
    confidence_range: tuple[float, float],
    states: Collection[State | str],
) -> NDArray[np.bool_]:
    """Cells that pass all three filters.

    Parameters
    ----------
    shown : (n,) int16 code shown. keys : key of each code.
    confidence : (n,) the model's; NaN where not classified. Such cells pass unless the range leaves 0 out.
    reviewed : (n,) bool.
    classes_on : keys shown, ``unclassified`` among them for cells with neither label nor suggestion.
    confidence_range : (lowest, highest), both included.
    states : of `State`.

    Returns
    -------
    (n,) bool.
    """
    on = np.array([*(key in classes_on for key in keys), UNCLASSIFIED in classes_on])  # NONE = -1 picks the last
    low, high = confidence_range
    # Confidence is float32: an end typed as 0.9 must not lose the cell that says 0.9.
    slack = 1e-6
    certain = np.where(np.isnan(confidence), low <= 0, (confidence >= low - slack) & (confidence <= high + slack))
    state = np.where(reviewed, State.REVIEWED in states, State.UNREVIEWED in states)
    return on[shown] & certain & state
