"""Arrays and tables that grow at the end in amortised constant time, and never move a row."""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from allviewer.vocab.arrays import Rows
from allviewer.vocab.cells import CellTable, Outlines
from allviewer.vocab.prediction import Prediction

T = TypeVar("T", bound=np.generic)


class Column(Generic[T]):
    """One growing array of entries of one shape.

    Parameters
    ----------
    dtype : of every entry; ``entry``: shape of one entry.
    """

    def __init__(self, dtype: DTypeLike, entry: tuple[int, ...] = ()) -> None:
        self._store: NDArray[Any] = np.empty((0, *entry), dtype)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def values(self) -> NDArray[T]:
        """(n, *entry) view; one taken before a growth keeps showing its own rows."""
        return self._store[: self._n]

    def append(self, more: NDArray[Any]) -> None:
        """Add entries at the end."""
        n = self._n + len(more)
        if n > len(self._store):
            larger = np.empty((max(n, 2 * len(self._store), 64), *self._store.shape[1:]), self._store.dtype)
            larger[: self._n] = self._store[: self._n]
            self._store = larger
        self._store[self._n : n] = more
        self._n = n

    def extend(self, count: int, value: object) -> None:
        """Add ``count`` entries that all hold ``value``."""
        entry = self._store.shape[1:]
        self.append(np.broadcast_to(np.asarray(value, self._store.dtype), (count, *entry)))


class _Rings:
    """Growing `Outlines`."""

    def __init__(self) -> None:
        self._points: Column[np.float32] = Column(np.float32, (2,))
        self._starts: Column[np.int64] = Column(np.int64)
        self._starts.extend(1, 0)
        self._owner: Column[np.int64] = Column(np.int64)

    def append(self, more: Outlines, rows_before: int) -> None:
        self._starts.append(more.starts[1:] + len(self._points))
        self._points.append(more.points)
        self._owner.append(more.owner + rows_before)

    @property
    def values(self) -> Outlines:
        return Outlines(self._points.values, self._starts.values, self._owner.values)


class GrowingTable:
    """A CellTable that grows tile by tile: row numbers and ids stay what they are."""

    _COLUMNS = ("ids", "kind", "centroid", "bbox", "area_px", "nucleus_area_px", "touches_border")

    def __init__(self) -> None:
        empty = CellTable.empty()
        self._columns: dict[str, Column[Any]] = {
            name: Column(getattr(empty, name).dtype, getattr(empty, name).shape[1:]) for name in self._COLUMNS
        }
        self._measurements: dict[str, Column[np.float32]] | None = None
        self._cell, self._nucleus = _Rings(), _Rings()

    def append(self, cells: CellTable) -> None:
        """Add rows; ValueError where they measure something else than the rows before."""
        if self._measurements is None:
            self._measurements = {name: Column(np.float32) for name in cells.measurements}
        if set(self._measurements) != set(cells.measurements):
            raise ValueError(
                f"tiles of one run measure the same: {sorted(self._measurements)}, not {sorted(cells.measurements)}"
            )
        n = len(self._columns["ids"])
        for name, column in self._columns.items():
            column.append(getattr(cells, name))
        for name, values in cells.measurements.items():
            self._measurements[name].append(values)
        self._cell.append(cells.cell, n)
        self._nucleus.append(cells.nucleus, n)

    @property
    def values(self) -> CellTable:
        """The table as it is now; nothing is copied."""
        measured = {name: column.values for name, column in (self._measurements or {}).items()}
        columns = {name: column.values for name, column in self._columns.items()}
        return CellTable(**columns, cell=self._cell.values, nucleus=self._nucleus.values, measurements=measured)


class GrowingPrediction:
    """A Prediction row for row with a growing table; NaN where a row is not classified yet.

    Parameters
    ----------
    first : the first part, which fixes classes and the sizes of heat maps and embedding.
    """

    def __init__(self, first: Prediction) -> None:
        self.classes, self._model = first.classes, first.model
        self._probabilities: Column[np.float32] = Column(np.float32, (len(first.classes),))
        self._boxes: Column[np.float32] = Column(np.float32, (4,))
        self._unsure: Column[np.bool_] = Column(np.bool_)
        self._unlike: Column[np.bool_] | None = None
        self._heat: Column[np.float16] | None = None
        self._embedding: Column[np.float16] | None = None

    def grow(self, rows: int) -> None:
        """Make room for a table of ``rows`` rows."""
        more = rows - len(self._probabilities)
        for column in (self._probabilities, self._boxes, self._heat, self._embedding):
            if column is not None:
                column.extend(more, np.nan)
        for flags in (self._unsure, self._unlike):
            if flags is not None:
                flags.extend(more, False)

    def put(self, rows: Rows, part: Prediction) -> None:
        """Set some rows; ValueError for a part with other classes."""
        if part.classes != self.classes:
            raise ValueError(f"one session shows one set of classes: {self.classes}, not {part.classes}")
        self._model = part.model
        self._probabilities.values[rows] = part.probabilities
        self._boxes.values[rows] = part.boxes
        self._unsure.values[rows] = part.unsure
        if self._unlike is None and part.unlike is not None:
            self._unlike = Column(np.bool_)
            self._unlike.extend(len(self._unsure), False)
        if self._unlike is not None:
            self._unlike.values[rows] = False if part.unlike is None else part.unlike
        self._heat = self._put_bulk(self._heat, rows, part.heat)
        self._embedding = self._put_bulk(self._embedding, rows, part.embedding)

    def _put_bulk(
        self, column: Column[np.float16] | None, rows: Rows, more: NDArray[np.float16] | None
    ) -> Column[np.float16] | None:
        """Heat and embedding: a column appears with the first part that brings it."""
        if more is None:
            if column is not None:
                column.values[rows] = np.nan  # what stands there is an earlier model's
            return column
        if column is None:
            column = Column(np.float16, more.shape[1:])
            column.extend(len(self._probabilities), np.nan)
        column.values[rows] = more
        return column

    @property
    def values(self) -> Prediction:
        """The prediction as it is now; nothing is copied."""
        return Prediction(
            self.classes,
            self._probabilities.values,
            self._unsure.values,
            self._boxes.values,
            self._model,
            None if self._heat is None else self._heat.values,
            None if self._embedding is None else self._embedding.values,
            None if self._unlike is None else self._unlike.values,
        )
