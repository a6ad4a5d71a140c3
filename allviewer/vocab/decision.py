"""A decision: one human act on one cell, as it stands in the log."""

from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What a reader did. Reviewing acts only for now; acts with geometry join them as their tools arrive."""

    RELABEL = "relabel"  # gives a label other than the one shown (class, unsure or not a cell)
    ACCEPT = "accept"  # confirms the label shown
    UNDO = "undo"  # takes one batch back
    REDO = "redo"  # takes an undo back


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the append-only log.

    Attributes
    ----------
    slide : content hash of the slide.
    cell : the cell's id in the run that the reader saw; ``centre`` and ``box`` find it again in another run.
    act : what was done; ``label_before`` is None where the cell had no reviewed label yet.
    label_before, label_after : class key, ``unsure``, ``not-a-cell``, or None for "not reviewed".
    suggested : the class the model suggested at that moment, or None.
    centre : (y, x) level-0 pixels; ``box``: (y0, x0, y1, x1).
    run : run digest the reader was looking at.
    origin : (run, cell) under which the same cell was first decided, where the reader saw it in a later run; None
        where that is this run and id.
    """

    slide: str
    cell: int
    act: Act
    label_before: str | None
    label_after: str | None
    suggested: str | None
    centre: tuple[float, float]
    box: tuple[int, int, int, int]
    run: str
    origin: tuple[str, int] | None = None
