"""Cells as a struct of arrays. Outlines are the truth; masks are drawn from them on demand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Ints, Rows


class Kind(IntEnum):
    """What was found."""

    CELL = 0  # a nucleated cell
    SMUDGE = 1  # a burst nucleus without a measurable cell


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Closed rings, ragged: each table row owns zero or more (a lobed nucleus has several).

    Attributes
    ----------
    points : (m, 2) float32 (y, x), every ring's vertices one after another, first not repeated.
    starts : (rings + 1,) int64; ring r is ``points[starts[r]:starts[r+1]]``.
    owner : (rings,) int64, ascending: the table row each ring belongs to.
    """

    points: Floats
    starts: Ints
    owner: Ints

    @classmethod
    def of(cls, rings: Sequence[Sequence[NDArray[np.floating]]]) -> Self:
        """Pack one list of ``(k, 2)`` rings per row."""
        flat = [np.asarray(ring, np.float32).reshape(-1, 2) for row in rings for ring in row]
        owner = np.array([i for i, row in enumerate(rings) for _ in row], np.int64)
        starts = np.concatenate([[0], np.cumsum([len(r) for r in flat])]).astype(np.int64)
        points = np.concatenate(flat) if flat else np.empty((0, 2), np.float32)
        return cls(points, starts, owner)

    def rings(self, row: int) -> Iterator[Floats]:
        """The rings of one table row, each ``(k, 2)`` (y, x)."""
        first, last = np.searchsorted(self.owner, [row, row + 1])
        for r in range(first, last):
            yield self.points[self.starts[r] : self.starts[r + 1]]

    def take(self, rows: Rows) -> Self:
        """The outlines of some rows, renumbered 0..len(rows)-1 in the order given."""
        return self.of([list(self.rings(int(r))) for r in rows])

    def shift(self, dy: float, dx: float) -> Self:
        """The same outlines moved by (dy, dx) pixels."""
        return replace(self, points=self.points + np.array([dy, dx], np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class CellTable:
    """What segmentation found on one slide, n rows, in level-0 pixels.

    Attributes
    ----------
    ids : (n,) int64, unique, from 1; the same in every room, file and pixel.
    kind : (n,) uint8, see `Kind`.
    centroid : (n, 2) float32 (y, x) of the whole cell.
    bbox : (n, 4) int32 (y0, x0, y1, x1), half-open.
    area_px, nucleus_area_px : (n,) float32, pixels.
    touches_border : (n,) bool, the cell is cut by the image's edge.
    cell, nucleus : outlines; exactly one ring a row for ``cell``, one or more for ``nucleus``.
    measurements : name → (n,) float32; each name is defined in `segment.dictionary`.
    """

    ids: Ints
    kind: NDArray[np.uint8]
    centroid: Floats
    bbox: NDArray[np.int32]
    area_px: Floats
    nucleus_area_px: Floats
    touches_border: NDArray[np.bool_]
    cell: Outlines
    nucleus: Outlines
    measurements: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.ids)
        columns: list[NDArray[Any]] = [self.kind, self.centroid, self.bbox, self.area_px, self.nucleus_area_px]
        if any(len(c) != n for c in (*columns, self.touches_border, *self.measurements.values())):
            raise ValueError("every column of a cell table has one entry a cell")
        if len(self.cell.owner) != n:
            raise ValueError("every cell has exactly one whole-cell outline")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls, measurements: Sequence[str] = ()) -> Self:
        """A table without rows."""
        none = Outlines.of([])
        return cls(
            np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 2), np.float32), np.empty((0, 4), np.int32),
            np.empty(0, np.float32), np.empty(0, np.float32), np.empty(0, np.bool_), none, none,
            {name: np.empty(0, np.float32) for name in measurements},
        )  # fmt: skip

    def take(self, rows: Rows | NDArray[np.bool_]) -> Self:
        """Some rows, by number or by mask, in the order given; ids are kept."""
        at = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)
        return type(self)(
            self.ids[at], self.kind[at], self.centroid[at], self.bbox[at], self.area_px[at], self.nucleus_area_px[at],
            self.touches_border[at], self.cell.take(at), self.nucleus.take(at),
            {name: column[at] for name, column in self.measurements.items()},
        )  # fmt: skip

    def shift(self, dy: int, dx: int) -> Self:
        """The same cells moved by (dy, dx) pixels: from a tile's frame to the slide's."""
        step = np.array([dy, dx])
        return replace(
            self,
            centroid=(self.centroid + step).astype(np.float32),
            bbox=(self.bbox + np.tile(step, 2)).astype(np.int32),
            cell=self.cell.shift(dy, dx),
            nucleus=self.nucleus.shift(dy, dx),
        )

    def renumber(self, first: int) -> Self:
        """The same cells with ids ``first, first + 1, …``."""
        return replace(self, ids=np.arange(first, first + len(self), dtype=np.int64))

    @classmethod
    def concat(cls, tables: Sequence[Self]) -> Self:
        """Tables one after another; ids must not collide; measurements must be the same names."""
        tables = [t for t in tables if len(t)] or list(tables[:1])
        if not tables:
            return cls.empty()
        lists = [
            [[list(getattr(t, part).rings(i)) for i in range(len(t))] for t in tables] for part in ("cell", "nucleus")
        ]
        cell, nucleus = (Outlines.of([row for table in part for row in table]) for part in lists)
        columns = ("ids", "kind", "centroid", "bbox", "area_px", "nucleus_area_px", "touches_border")
        joined = {name: np.concatenate([getattr(t, name) for t in tables]) for name in columns}
        names = tables[0].measurements
        return cls(
            **joined, cell=cell, nucleus=nucleus,
            measurements={name: np.concatenate([t.measurements[name] for t in tables]) for name in names},
        )  # fmt: skip
