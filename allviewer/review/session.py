"""One slide under review: the one mutable thing that views see."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from allviewer.records import Allow, LogRow, Settled, Study
from allviewer.review import filters, queue
from allviewer.review.filters import EVERY_STATE, State
from allviewer.review.growth import GrowingTable
from allviewer.review.held import HeldLabels
from allviewer.review.labels import NONE, UNCLASSIFIED, LabelCodes
from allviewer.review.picking import Picker
from allviewer.review.suggestions import Suggestions
from allviewer.vocab.arrays import Floats, Ints, Rows
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.decision import Act, Decision
from allviewer.vocab.errors import ConflictError
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.taxonomy import NOT_A_CELL, UNSURE, Taxonomy

R = TypeVar("R")
S = TypeVar("S", bound=np.generic)

SMUDGE = "smudge"
"""Key in `ReviewSession.counts` of smudges that nobody gave a label."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Cells shown as one class: by a person's label, and by the model's suggestion alone. Never one sum."""

    reviewed: int
    model_only: int


class ReviewSession:
    """Cells, suggestions and labels of one slide, and the acts that change labels.

    Every act is committed to the study before anything here changes; if the study refuses, nothing has changed.

    Parameters
    ----------
    taxonomy : the classes a reader may give.
    study : where decisions go; None keeps them in memory only.
    slide_digest : content hash of the slide.
    run : digest of the recipe whose cells will be added.

    Attributes
    ----------
    codes : labels as numbers: 0 … C-1 the taxonomy's classes, C unsure, C+1 not a cell, -1 none.
    changed : emits rows (k,) intp whose suggestion or label changed.
    grown : emits rows (k,) intp that were added, their labels already in place.
    selection : emits the selected row or None.
    saved_at : UTC time of this session's last commit, or None.
    """

    changed = Signal(np.ndarray)
    grown = Signal(np.ndarray)
    selection = Signal(object)

    def __init__(self, taxonomy: Taxonomy, study: Study | None, slide_digest: str, run: str) -> None:
        self.taxonomy, self.codes = taxonomy, LabelCodes(taxonomy)
        self.study = Study.in_memory() if study is None else study
        self.slide, self.run = slide_digest, run
        self.saved_at: datetime | None = None
        self._table = GrowingTable()
        self._row: dict[int, int] = {}
        self._suggestions = Suggestions(self.codes)
        self._held = HeldLabels(self.codes, self.study.labels(slide_digest), run)
        self._picker = Picker()
        self._selected: int | None = None

    # what there is

    def __len__(self) -> int:
        return len(self._held)

    @property
    def cells(self) -> CellTable:
        """Every cell added so far; row numbers and ids never change."""
        return self._table.values

    @property
    def prediction(self) -> Prediction | None:
        """Row for row with ``cells``, NaN where not classified yet; None before the first classified cell."""
        return self._suggestions.prediction

    @property
    def suggested(self) -> NDArray[np.int16]:
        """(n,) code of the model's arg-max class, -1 where not classified. Read only."""
        return _locked(self._suggestions.code)

    @property
    def confidence(self) -> Floats:
        """(n,) probability of the suggested class, NaN where not classified. Read only."""
        return _locked(self._suggestions.confidence)

    @property
    def label(self) -> NDArray[np.int16]:
        """(n,) code of the reviewed label, -1 where not reviewed. Read only."""
        return _locked(self._held.code)

    @property
    def reviewed(self) -> NDArray[np.bool_]:
        """(n,) whether a person has given a label."""
        return np.asarray(self._held.code != NONE)

    @property
    def foreign(self) -> NDArray[np.bool_]:
        """(n,) whether a person labelled it with classes that are not this taxonomy's; such a label stays as it is."""
        return _locked(self._held.foreign)

    def foreign_label(self, row: int) -> str | None:
        """The label of another taxonomy that a cell has, or None."""
        return self._held.key(row) if self._held.foreign[row] else None

    @property
    def shown(self) -> NDArray[np.int16]:
        """(n,) code of the label where reviewed, else of the suggestion, else -1."""
        return np.where(self.reviewed, self._held.code, self._suggestions.code)

    @property
    def orphans(self) -> list[Settled]:
        """Settled cells of this slide that no row holds; while tiles are still to come, some will find theirs."""
        return self._held.orphans

    def rows_of(self, ids: ArrayLike) -> Rows:
        """Rows of cell ids; KeyError for an id that was never added."""
        return np.array([self._row[i] for i in np.atleast_1d(np.asarray(ids, np.int64)).tolist()], np.intp)

    def history(self, row: int) -> list[LogRow]:
        """Everything decided on one cell, oldest first, in whichever run."""
        return self.study.history(self.slide, int(self.cells.ids[row]), self.run)

    # what the analysis brings

    def add(self, cells: CellTable) -> Rows:
        """Add a tile's cells, with the labels that the study has for them; ids that are here already are passed over.

        Returns
        -------
        The new rows; `grown` has emitted them.
        """
        fresh = np.array([i not in self._row for i in cells.ids.tolist()], bool)
        cells = cells if fresh.all() else cells.take(fresh)
        first, n = len(self), len(cells)
        rows = np.arange(first, first + n, dtype=np.intp)
        if not n:
            return rows
        self._table.append(cells)
        self._row.update(zip(cells.ids.tolist(), rows.tolist(), strict=True))
        self._suggestions.grow(n)
        moved = self._held.grow(self.cells, rows)
        self.grown.emit(rows)
        if (earlier := moved[moved < first]).size:
            self.changed.emit(earlier)
        return rows

    def classify(self, ids: ArrayLike, prediction: Prediction) -> Rows:
        """Set the model's suggestions, row for row with ``ids``; labels are never touched.

        Returns
        -------
        The rows; `changed` has emitted them. KeyError for an unknown id, ValueError for classes of another taxonomy.
        """
        rows = self.rows_of(ids)
        if rows.size:
            self._suggestions.put(rows, prediction)
            self.changed.emit(rows)
        return rows

    # what a person does

    def relabel(self, rows: ArrayLike, label_key: str) -> Rows:
        """Give cells a label: one batch, one undo step. Cells that have it already are left alone.

        Parameters
        ----------
        rows : one row or several.
        label_key : a class of the taxonomy, ``unsure`` or ``not-a-cell``; KeyError for another.

        Returns
        -------
        Rows changed. ConflictError where another reader was faster: the session then shows what they decided; and where
        a cell has a label of another taxonomy, which is never written over. StudyError where the study cannot take it.
        """
        self.codes.known(label_key)
        return self._commit([(r, label_key) for r in _distinct(rows) if self._held.key(r) != label_key])

    def accept(self, rows: ArrayLike) -> Rows:
        """Confirm the model's suggestion: one batch. Cells already reviewed or not classified are left alone."""
        suggested, label = self._suggestions.code, self._held.code
        agreed = [r for r in _distinct(rows) if label[r] == NONE and suggested[r] != NONE]
        return self._commit([(r, self.codes.keys[suggested[r]]) for r in agreed])

    def reject(self, rows: ArrayLike) -> Rows:
        """Say that these are not cells."""
        return self.relabel(rows, NOT_A_CELL.key)

    def mark_unsure(self, rows: ArrayLike) -> Rows:
        """Say that these were looked at and cannot be told."""
        return self.relabel(rows, UNSURE.key)

    def undo(self) -> Rows:
        """Take back this reader's last batch on the slide, in whichever session it was made; returns rows changed."""
        return self._revert(self.study.undo)

    def redo(self) -> Rows:
        """Take back the last undo; returns rows changed."""
        return self._revert(self.study.redo)

    @property
    def can_undo(self) -> bool:
        """Whether this reader has decided something here that is not undone."""
        return self.study.can_undo(self.slide)

    @property
    def can_redo(self) -> bool:
        """Whether the reader's last act here was an undo."""
        return self.study.can_redo(self.slide)

    def refresh(self) -> Rows:
        """Read the labels anew, with what other readers and other windows decided; returns rows changed."""
        rows = self._held.replace(self.study.labels(self.slide), self.cells)
        if rows.size:
            self.changed.emit(rows)
        return rows

    # looking

    @property
    def selected(self) -> int | None:
        """The selected row; setting another one makes `selection` emit it."""
        return self._selected

    @selected.setter
    def selected(self, row: int | None) -> None:
        if row is not None and not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} cells")
        if row != self._selected:
            self._selected = None if row is None else int(row)
            self.selection.emit(self._selected)

    def row_at(self, y: float, x: float) -> int | None:
        """Row of the cell under a point (level-0 pixels, continuous frame), or None."""
        return self._picker.row_at(self.cells, y, x) if len(self) else None

    def next_uncertain(self, after_row: int | None, direction: int = 1) -> int | None:
        """The next (+1) or previous (-1) cell nobody has settled; None when all are settled.

        Most doubtful first; cells that the image's edge cuts come after all whole ones.
        """
        waiting = ~self.reviewed & ~self._held.foreign & (self.cells.kind == Kind.CELL)
        doubts = queue.doubt(self._suggestions.confidence, self.cells.touches_border)
        return queue.step(doubts, self.cells.ids, waiting, after_row, direction)

    def visible(
        self,
        classes_on: Collection[str],
        confidence_range: tuple[float, float] = (0.0, 1.0),
        states: Collection[State | str] = EVERY_STATE,
    ) -> NDArray[np.bool_]:
        """(n,) bool: cells that pass the filters; see `allviewer.review.filters.visible`."""
        return filters.visible(
            self.shown, self.codes.keys, self._suggestions.confidence, self.reviewed,
            classes_on=classes_on, confidence_range=confidence_range, states=states,
        )  # fmt: skip

    def counts(self) -> dict[str, ClassCount]:
        """Key → cells shown as it, for every label, ``unclassified`` and ``smudge`` (smudges that nobody labelled)."""
        smudge = (self.cells.kind == Kind.SMUDGE) & ~self.reviewed
        reviewed = np.bincount(self._held.code[self.reviewed], minlength=len(self.codes.keys))
        only = self._suggestions.code[~self.reviewed & ~smudge]
        model = np.bincount(only[only != NONE], minlength=len(self.codes.keys))
        counts = {key: ClassCount(int(reviewed[c]), int(model[c])) for c, key in enumerate(self.codes.keys)}
        counts[UNCLASSIFIED] = ClassCount(0, int(np.count_nonzero(only == NONE)))
        counts[SMUDGE] = ClassCount(0, int(np.count_nonzero(smudge)))
        return counts

    # how

    def _commit(self, labels: Sequence[tuple[int, str]]) -> Rows:
        """Write new labels, then show them."""
        rows = np.array([row for row, _ in labels], np.intp)
        if not labels:
            return rows
        for row, _ in labels:
            if self._held.foreign[row]:
                raise self._not_ours(f"cell {int(self.cells.ids[row])}", self._held.key(row))
        decisions = self._decisions(labels)
        self._saving(lambda: self.study.commit(decisions))
        self.saved_at = datetime.now(UTC)
        for (row, label), decision in zip(labels, decisions, strict=True):
            self._held.decide(row, label, decision.origin or (self.run, decision.cell))
        self.changed.emit(rows)
        return rows

    def _decisions(self, labels: Sequence[tuple[int, str]]) -> list[Decision]:
        """What the log will say."""
        cells, shown = self.cells, self.shown
        decisions = []
        for row, label in labels:
            y, x = cells.centroid[row].tolist()
            y0, x0, y1, x1 = cells.bbox[row].tolist()
            decisions.append(
                Decision(
                    slide=self.slide,
                    cell=int(cells.ids[row]),
                    act=Act.ACCEPT if label == self.codes.key(int(shown[row])) else Act.RELABEL,
                    label_before=self._held.key(row),
                    label_after=label,
                    suggested=self.codes.key(int(self._suggestions.code[row])),
                    centre=(y, x),
                    box=(y0, x0, y1, x1),
                    run=self.run,
                    origin=self._held.origin(row),
                )
            )
        return decisions

    def _not_ours(self, what: str, label: str | None) -> ConflictError:
        return ConflictError(
            f"{what} is reviewed as '{label}', which is none of these classes", expected=", ".join(self.codes.keys),
            todo="That decision stays. Choose a model with its classes to change it, or review these in another study.",
        )  # fmt: skip

    def _only_ours(self, decisions: Sequence[Decision]) -> None:
        """ConflictError for a decision that cannot be seen here."""
        for one in decisions:
            for label in (one.label_before, one.label_after):
                if label is not None and self.codes.code(label) == NONE:
                    raise self._not_ours(f"cell {one.cell}, decided last,", label)

    def _revert(self, how: Callable[[str, Allow], list[Decision] | None]) -> Rows:
        """Undo or redo in the study, then show what came of it."""
        decisions = self._saving(lambda: how(self.slide, self._only_ours))
        if decisions is None:
            return np.empty(0, np.intp)
        self.saved_at = datetime.now(UTC)
        rows = [self._row.get(d.cell) if d.run == self.run else None for d in decisions]
        if None in rows:  # made in another run, or about a cell that no row holds, perhaps until now
            return self.refresh()
        changed = np.array(rows, np.intp)
        for row, decision in zip(changed.tolist(), decisions, strict=True):
            self._held.decide(row, decision.label_after, decision.origin or (decision.run, decision.cell))
        self.changed.emit(changed)
        return changed

    def _saving(self, act: Callable[[], R]) -> R:
        """Run an act of the study; after a conflict show what others decided before telling of it."""
        try:
            return act()
        except ConflictError:
            self.refresh()
            raise


def _distinct(rows: ArrayLike) -> list[int]:
    """Row numbers in the order given, each once."""
    numbers: Ints = np.atleast_1d(np.asarray(rows, np.int64))
    return list(dict.fromkeys(numbers.tolist()))


def _locked(values: NDArray[S]) -> NDArray[S]:
    """A view that cannot be written: labels change by acts only."""
    view = values.view()
    view.flags.writeable = False
    return view
