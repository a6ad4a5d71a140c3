"""From labels and predictions to the state byte each outline is drawn by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allviewer.gui import palette
from allviewer.review import EVERY_STATE, NONE, UNCLASSIFIED, ReviewSession, State
from allviewer.vocab.arrays import Rows
from allviewer.vocab.cells import Kind

DOUBT_BELOW = 0.75
"""A suggestion with less than this confidence gets the dashed ring, as does one the model itself calls unsure."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is shown.

    Attributes
    ----------
    hidden : keys of classes switched off, of `palette.shown_classes`.
    confidence : (lowest, highest) the model may have said, 0..1.
    states : reviewed, unreviewed or both.
    """

    hidden: frozenset[str] = frozenset()
    confidence: tuple[float, float] = (0.0, 1.0)
    states: frozenset[State] = EVERY_STATE

    @property
    def everything(self) -> bool:
        """Whether nothing is filtered but classes, which the palette hides by itself."""
        return self.confidence == (0.0, 1.0) and self.states == EVERY_STATE


def doubtful(session: ReviewSession, rows: Rows | slice = slice(None)) -> NDArray[np.bool_]:
    """(k,) bool: not reviewed, and the model is unsure or not confident."""
    prediction = session.prediction
    if prediction is None:
        return np.zeros(len(session.label[rows]), bool)
    low = session.confidence[rows] < DOUBT_BELOW  # NaN, not classified, is not low
    waiting: NDArray[np.bool_] = (session.label[rows] == NONE) & ~session.foreign[rows]
    return (low | prediction.unsure[rows]) & waiting


def codes_of(session: ReviewSession, rows: Rows | slice = slice(None)) -> NDArray[np.int16]:
    """(k,) palette class codes of what each cell is shown as."""
    label, suggested = session.label[rows], session.suggested[rows]
    shown = np.where(label != NONE, label, suggested)
    extra = len(session.taxonomy.keys) + len(palette.EXTRA)
    smudge = session.cells.kind[rows] == Kind.SMUDGE
    nothing = np.where(smudge, extra, extra - 1)  # the last two of EXTRA: not classified, smudge
    return np.where(shown == NONE, nothing, shown + 1).astype(np.int16)


def states_of(session: ReviewSession, filters: Filters, rows: Rows | slice = slice(None)) -> NDArray[np.uint8]:
    """(k,) uint8 state bytes of some rows, or of all."""
    label = session.label[rows]
    visible = np.ones(len(label), bool)
    if not filters.everything:
        keys = {*session.codes.keys, UNCLASSIFIED}
        visible = session.visible(keys, filters.confidence, filters.states)[rows]
    return palette.states(codes_of(session, rows), label != NONE, doubtful(session, rows), visible)


def is_drawn(session: ReviewSession, filters: Filters, row: int) -> bool:
    """Whether a cell passes the filters and its class is on: what is not seen is not clicked."""
    code = int(codes_of(session, np.array([row]))[0])
    key = palette.shown_classes(session.taxonomy)[code - 1].key
    return key not in filters.hidden and bool(states_of(session, filters, np.array([row]))[0])
