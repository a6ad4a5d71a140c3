"""Outlines made ready for the graphics card: sorted by tile, cut to what is on screen, thinned to what can be seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Ints
from allviewer.vocab.cells import CellTable, Outlines

TILE = 512
"""Level-0 pixels; cells are kept or culled by the tile their centre lies in."""

COARSE = 8
"""Corners of the ring that stands for a cell a few pixels wide."""

CELL, NUCLEUS, DOT = 1.0, 2.0, 3.0
"""What a segment belongs to; the sign says on which side of it the outside lies."""

_ROW_BITS = 20  # tile key = row << 20 | column: no slide has a million tiles a side


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Line segments ready to draw, m of them.

    Attributes
    ----------
    ends : (m, 4) float32 x0, y0, x1, y1 in level-0 pixels.
    beyond : (m, 4) float32, the ring's corner before the start and the one after the end, for joints that fit.
    tags : (m, 3) float32: table row of the cell; ±`CELL`, ±`NUCLEUS` or `DOT`; distance from the ring's start, pixels.
    """

    ends: Floats
    beyond: Floats
    tags: Floats

    def __len__(self) -> int:
        return len(self.ends)

    @classmethod
    def join(cls, parts: list["Segments"]) -> "Segments":
        """One after another."""
        if not parts:
            return cls(*(np.empty((0, width), np.float32) for width in (4, 4, 3)))
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("ends", "beyond", "tags")))


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The outlines of one batch of cells, n cells and r rings, ordered by tile.

    Attributes
    ----------
    first : table row of the batch's first cell; the batch covers rows ``first .. first + n``.
    keys : (n,) int64 ascending tile keys; ``rings`` : (n + 1,) first ring of each cell.
    points : (m, 2) float32 x, y; ``starts`` : (r + 1,) int64; ``row``, ``side`` : (r,) float32 tags of each ring.
    centres : (n, 2) float32 x, y; ``rows`` : (n,) float32 table rows, in tile order.
    coarse : (n * `COARSE`, 2) float32 x, y corners of the cells' own rings, thinned; ``turn`` : (n,) their ``side``.
    step : median length of a segment, pixels; ``size`` : median cell diameter; ``reach`` : largest cell's diameter.
    """

    first: int
    keys: Ints
    rings: Ints
    points: Floats
    starts: Ints
    row: Floats
    side: Floats
    centres: Floats
    rows: Floats
    coarse: Floats
    turn: Floats
    step: float
    size: float
    reach: float

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, row: int) -> bool:
        """Whether a table row is of this batch."""
        return self.first <= row < self.first + len(self)

    def ring_of(self, row: int) -> Segments:
        """The whole-cell ring of one table row, every corner."""
        at = int(np.flatnonzero(self.rows == row)[0])
        return self.fine(at, at + 1, 1, CELL)

    def runs(self, x0: float, y0: float, x1: float, y1: float) -> list[tuple[int, int]]:
        """Runs ``[a, b)`` of cells, in tile order, whose tiles meet a box of level-0 pixels."""
        if not len(self):
            return []
        reach = self.reach / 2
        top, bottom = (int(np.clip(v // TILE, 0, 2**_ROW_BITS - 1)) for v in (y0 - reach, y1 + reach))
        left, right = (int(np.clip(v // TILE, 0, 2**_ROW_BITS - 2)) for v in (x0 - reach, x1 + reach))
        top, bottom = max(top, int(self.keys[0] >> _ROW_BITS)), min(bottom, int(self.keys[-1] >> _ROW_BITS))
        lines = np.arange(top, bottom + 1, dtype=np.int64) << _ROW_BITS
        begin, end = np.searchsorted(self.keys, lines | left), np.searchsorted(self.keys, lines | (right + 1))
        return [(int(a), int(b)) for a, b in zip(begin, end, strict=True) if b > a]

    def fine(self, a: int, b: int, stride: int, kind: float) -> Segments:
        """Every ``stride``-th corner of the rings of cells ``[a, b)``; rings keep at least six corners if they can.

        ``kind`` is `CELL` for the cells' own rings or `NUCLEUS` for those of their nuclei.
        """
        r0, r1 = int(self.rings[a]), int(self.rings[b])
        row, side = self.row[r0:r1], self.side[r0:r1]
        starts = self.starts[r0 : r1 + 1]
        points = self.points[starts[0] : starts[-1]]
        starts = starts - starts[0]
        lengths = np.diff(starts)
        if stride > 1:
            own = np.minimum(stride, np.maximum(1, lengths // 6))
            local = np.arange(len(points)) - np.repeat(starts[:-1], lengths)
            keep = local % np.repeat(own, lengths) == 0
            points, lengths = points[keep], -(-lengths // own)
        ring = np.abs(side) == kind
        points = points[np.repeat(ring, lengths)]
        row, side, lengths = row[ring], side[ring], lengths[ring]
        return _segments(points, lengths, row, side)

    def coarse_runs(self, a: int, b: int) -> Segments:
        """Eight-cornered rings of cells ``[a, b)``."""
        lengths = np.full(b - a, COARSE, np.int64)
        return _segments(self.coarse[a * COARSE : b * COARSE], lengths, self.rows[a:b], self.turn[a:b])

    def dots(self, a: int, b: int) -> Segments:
        """One dot a cell."""
        tags = np.zeros((b - a, 3), np.float32)
        tags[:, 0], tags[:, 1] = self.rows[a:b], DOT
        twice = np.tile(self.centres[a:b], 2)
        return Segments(twice, twice, tags)


def pack(cells: CellTable, first: int) -> Patch:
    """Sort a batch of cells by tile and make its rings ready; pure arrays, so any thread may do it.

    Parameters
    ----------
    cells : the batch, level-0 pixels.
    first : table row its first cell has in the whole slide's table.
    """
    n = len(cells)
    tile = (cells.centroid // TILE).astype(np.int64)
    key = tile[:, 0] << _ROW_BITS | tile[:, 1]
    order = np.argsort(key, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    points, lengths, owner, kind = _rings(cells.cell, cells.nucleus, rank)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows = (order + first).astype(np.float32)
    side = kind * _outside(points, starts)
    sample = np.diff(points[: min(len(points), 10_000)], axis=0)
    step = float(np.median(np.hypot(*sample.T))) if len(sample) else 1.0
    spans = np.maximum(cells.bbox[:, 2] - cells.bbox[:, 0], cells.bbox[:, 3] - cells.bbox[:, 1])
    return Patch(
        first, key[order], np.searchsorted(owner, np.arange(n + 1)), points, starts, rows[owner], side,
        np.ascontiguousarray(cells.centroid[order, ::-1], np.float32), rows,
        _coarse(points, starts, kind == CELL), side[kind == CELL],
        step, float(np.median(spans)) if n else 1.0, float(spans.max(initial=0)),
    )  # fmt: skip


def _rings(cell: Outlines, nucleus: Outlines, rank: Ints) -> tuple[Floats, Ints, Ints, Floats]:
    """Both kinds of rings in tile order, each cell's own ring before its nuclei: points (x, y), lengths, rank, kind."""
    starts = np.concatenate([cell.starts[:-1], nucleus.starts[:-1] + len(cell.points)])
    lengths = np.concatenate([np.diff(cell.starts), np.diff(nucleus.starts)])
    owner = rank[np.concatenate([cell.owner, nucleus.owner])]
    kind = np.repeat(np.array([CELL, NUCLEUS], np.float32), [len(cell.owner), len(nucleus.owner)])
    order = np.lexsort((kind, owner))
    order = order[lengths[order] >= 2]
    lengths, owner, kind = lengths[order], owner[order], kind[order]
    offset = np.cumsum(lengths) - lengths
    at = np.arange(int(lengths.sum())) + np.repeat(starts[order] - offset, lengths)
    # y, x pairs move as one 8-byte word
    pairs = np.ascontiguousarray(np.concatenate([cell.points, nucleus.points]), np.float32).view(np.int64).ravel()
    points = pairs.take(at).view(np.float32).reshape(-1, 2)
    return np.ascontiguousarray(points[:, ::-1]), lengths.astype(np.int64), owner, kind


def _outside(points: Floats, starts: Ints) -> Floats:
    """(r,) float32 ±1: the side of each ring's segments that lies outside, from its signed area."""
    if len(starts) == 1:
        return np.empty(0, np.float32)
    # trapezoids measured from each ring's first corner, so that float32 holds anywhere on a slide
    local = points - np.repeat(points[starts[:-1]], np.diff(starts), axis=0)
    following = _following(local, np.diff(starts))
    area = np.add.reduceat((following[:, 0] - local[:, 0]) * (following[:, 1] + local[:, 1]), starts[:-1])
    return np.where(area < 0, -1.0, 1.0).astype(np.float32)


def _following(points: Floats, lengths: Ints) -> Floats:
    """The next corner of each corner's ring."""
    ends = np.cumsum(lengths)
    following = np.roll(points, -1, axis=0)
    following[ends - 1] = points[ends - lengths]
    return following


def _segments(points: Floats, lengths: Ints, row: Floats, side: Floats) -> Segments:
    if not len(points):
        return Segments.join([])
    last = np.cumsum(lengths)
    first = last - lengths
    following = _following(points, lengths)
    preceding, second = np.roll(points, 1, axis=0), np.roll(following, -1, axis=0)
    preceding[first], second[last - 1] = points[last - 1], following[first]
    step = following - points
    run = np.cumsum(np.sqrt(step[:, 0] ** 2 + step[:, 1] ** 2), dtype=np.float64)
    along = np.concatenate([[0.0], run[:-1]])
    along -= np.repeat(along[first], lengths)
    tags = np.empty((len(points), 3), np.float32)
    tags[:, 0], tags[:, 1], tags[:, 2] = np.repeat(row, lengths), np.repeat(side, lengths), along
    ends, beyond = (np.concatenate(pair, axis=1) for pair in ((points, following), (preceding, second)))
    return Segments(ends, beyond, tags)


def _coarse(points: Floats, starts: Ints, is_cell: NDArray[np.bool_]) -> Floats:
    begin, lengths = starts[:-1][is_cell], np.diff(starts)[is_cell]
    at = begin[:, None] + np.arange(COARSE) * lengths[:, None] // COARSE
    corners: Floats = points[at.ravel()]
    return corners
