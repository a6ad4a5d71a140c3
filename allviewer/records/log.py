"""Rows of the log as the program sees them, and as the database holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NewType

from allviewer.vocab.decision import Act, Decision

BatchId = NewType("BatchId", int)
"""Number of a batch: the id of its first row."""

Origin = tuple[str, int]
"""(run, cell id) under which a cell was first decided: its identity for ever after, whatever later runs call it."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One decision with who, when, and where it stands in the log.

    Attributes
    ----------
    id : 1, 2, 3 … over the whole study.
    batch : the batch it belongs to; ``reverts``: the batch an undo or redo takes back, else None.
    reader, device : person and machine.
    at : UTC, microseconds.
    decision : what was done; its ``origin`` is always filled in.
    """

    id: int
    batch: BatchId
    reverts: BatchId | None
    reader: str
    device: str
    at: datetime
    decision: Decision

    @property
    def origin(self) -> Origin:
        """Identity of the cell."""
        return origin_of(self.decision)


@dataclass(frozen=True, slots=True)
class Settled:
    """What the log says of one cell now.

    Attributes
    ----------
    cell, run : the cell's id in the run in which it was last decided; ``centre``, ``box`` as in that run.
    label : class key, ``unsure`` or ``not-a-cell``.
    act, reader, at : of the last decision.
    origin : the cell's identity.
    seen : run → cell id, every run in which this cell was decided.
    row : log id of the last decision; of two settled cells, the later decision has the higher one.
    """

    cell: int
    centre: tuple[float, float]
    box: tuple[int, int, int, int]
    label: str
    act: Act
    reader: str
    at: datetime
    run: str
    origin: Origin
    seen: Mapping[str, int]
    row: int


@dataclass(frozen=True, slots=True)
class KnownSlide:
    """A slide of a study: content hash, (rows, columns) at level 0, and what was last known of its file.

    ``pixel_size_um`` is None where it is unknown.
    """

    digest: str
    shape: tuple[int, int]
    name: str
    path: Path
    pixel_size_um: float | None


def origin_of(decision: Decision) -> Origin:
    """The identity a decision names; its own run and id where it names none."""
    return decision.origin or (decision.run, decision.cell)


def swapped(decision: Decision, act: Act) -> Decision:
    """The decision that takes this one back."""
    return replace(decision, act=act, label_before=decision.label_after, label_after=decision.label_before)


def now() -> str:
    """The present moment as it is stored: ISO 8601, UTC, microseconds, so that text order is time order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def columns_of(decision: Decision) -> dict[str, Any]:
    """Column name → value of the part of a row that a decision gives.

    Numbers get the type that the database gives back, so that a row has the same hash written and read.
    """
    origin_run, origin_cell = origin_of(decision)
    y, x = (float(v) for v in decision.centre)
    y0, x0, y1, x1 = (int(v) for v in decision.box)
    return {
        "slide": decision.slide, "run": decision.run, "cell": int(decision.cell), "origin_run": origin_run,
        "origin_cell": int(origin_cell), "act": decision.act.value, "label_before": decision.label_before,
        "label_after": decision.label_after, "suggested": decision.suggested, "centre_y": y, "centre_x": x,
        "y0": y0, "x0": x0, "y1": y1, "x1": x1,
    }  # fmt: skip


def row_of(stored: Mapping[str, Any]) -> LogRow:
    """A row read from the database (or about to be written there)."""
    decision = Decision(
        slide=stored["slide"],
        cell=stored["cell"],
        act=Act(stored["act"]),
        label_before=stored["label_before"],
        label_after=stored["label_after"],
        suggested=stored["suggested"],
        centre=(stored["centre_y"], stored["centre_x"]),
        box=(stored["y0"], stored["x0"], stored["y1"], stored["x1"]),
        run=stored["run"],
        origin=(stored["origin_run"], stored["origin_cell"]),
    )
    reverts = stored["reverts"]
    return LogRow(
        id=stored["id"],
        batch=BatchId(stored["batch"]),
        reverts=None if reverts is None else BatchId(reverts),
        reader=stored["reader"],
        device=stored["device"],
        at=datetime.fromisoformat(stored["at_utc"]),
        decision=decision,
    )
