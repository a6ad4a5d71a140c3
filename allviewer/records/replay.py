"""The log of one slide replayed: what each cell is now, and what can be undone and redone. No database here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from allviewer.records.log import BatchId, LogRow, Origin, Settled, origin_of
from allviewer.vocab.decision import Act, Decision
from allviewer.vocab.errors import ConflictError


@dataclass(slots=True)
class Batch:
    """Rows ``first … last`` of the log, which stand there without a gap."""

    first: BatchId
    last: int


class SlideLog:
    """State of one slide after the rows applied so far; the same rows give the same state, live or replayed.

    Parameters
    ----------
    reader : whose undo and redo stacks are kept. Labels come from the rows of every reader.
    """

    def __init__(self, reader: str) -> None:
        self.reader = reader
        self.last_id = 0
        self.undoable: list[Batch] = []
        self.redoable: list[Batch] = []
        self._heads: dict[Origin, LogRow] = {}
        self._origins: dict[tuple[str, int], Origin] = {}
        self._seen: dict[Origin, dict[str, int]] = {}

    def apply(self, rows: Iterable[LogRow]) -> None:
        """Take in further rows of this slide, in the order of the log; rows taken in before are passed over."""
        for row in rows:
            if row.id <= self.last_id:
                continue
            decision, origin = row.decision, row.origin
            self._heads[origin] = row
            self._origins[decision.run, decision.cell] = origin
            self._seen.setdefault(origin, {})[decision.run] = decision.cell
            if row.reader == self.reader:
                self._stack(row)
            self.last_id = row.id

    def _stack(self, row: LogRow) -> None:
        """Move batches between the two stacks as the reader's acts ask."""
        if row.id != row.batch:
            (self.redoable if row.decision.act is Act.UNDO else self.undoable)[-1].last = row.id
            return
        batch = Batch(row.batch, row.id)
        if row.decision.act is Act.UNDO:
            self.undoable.pop()
            self.redoable.append(batch)  # to redo is to take the undo back
            return
        if row.decision.act is Act.REDO:
            self.redoable.pop()
        else:
            self.redoable.clear()
        self.undoable.append(batch)

    def identified(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The decisions with their cells' identities.

        What the log knows of (run, cell) wins over what they say, unless nothing but undone acts is known of it.
        """
        known = [self._origins.get((d.run, d.cell)) for d in decisions]
        return [
            replace(d, origin=k if k is not None and (d.origin is None or self.label(k) is not None) else origin_of(d))
            for d, k in zip(decisions, known, strict=True)
        ]

    def expect(self, decisions: Sequence[Decision], where: str) -> None:
        """Refuse if a cell is no longer what the reader saw.

        Raises
        ------
        ConflictError
            Names the first such cell, what it was taken for, what it is, and who changed it when.
        """
        wrong = [d for d in decisions if self.label(origin_of(d)) != d.label_before]
        if not wrong:
            return
        first, actual = wrong[0], _word(self.label(origin_of(wrong[0])))
        head = self._heads.get(origin_of(first))
        who = "" if head is None else f": it was changed by {head.reader} at {head.at:%Y-%m-%d %H:%M:%S} UTC"
        more = "" if len(wrong) == 1 else f"; {len(wrong) - 1} more of the {len(decisions)} cells changed too"
        raise ConflictError(
            f"cell {first.cell} is now {actual}, not {_word(first.label_before)}{who}{more}",
            where=where,
            todo="Nothing of this act was saved: look at the cell again and decide anew.",
        )

    def label(self, origin: Origin) -> str | None:
        """Current label of a cell; None where it is not reviewed."""
        head = self._heads.get(origin)
        return None if head is None else head.decision.label_after

    def origin(self, run: str, cell: int) -> Origin | None:
        """Identity of a cell as one run calls it; None where it was never decided there."""
        return self._origins.get((run, cell))

    def settled(self) -> list[Settled]:
        """Every cell that has a reviewed label, the longest settled first."""
        heads = sorted(self._heads.items(), key=lambda item: item[1].id)
        return [
            Settled(
                d.cell, d.centre, d.box, d.label_after, d.act, head.reader, head.at, d.run, origin,
                dict(self._seen[origin]), head.id,
            )
            for origin, head in heads
            if (d := head.decision).label_after is not None
        ]  # fmt: skip


def _word(label: str | None) -> str:
    return "unreviewed" if label is None else f"'{label}'"
