"""Decisions find their cells again: by id in the run they were made in, by place in any other."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from allviewer.records import Settled
from allviewer.review.picking import inside
from allviewer.vocab.arrays import Rows
from allviewer.vocab.cells import CellTable

_Pair = tuple[float, int, int]
"""Distance, minus the settled cell's number (of two equally near, the last decision comes first), row."""

_NONE = -1


class Places:
    """Which settled cell belongs to which row, as rows arrive tile by tile.

    A cell decided in this run is found by its id and by nothing else. Any other is found by place: a new outline that
    holds the old centre takes it; failing that, the nearest cell such that each box holds the other's centre. One row
    takes one settled cell and the reverse. The outcome does not depend on the order in which tiles arrive.

    Parameters
    ----------
    settled : what the log says of the slide now.
    run : the run whose rows will arrive.
    """

    def __init__(self, settled: Sequence[Settled], run: str) -> None:
        self._settled = list(settled)
        self._by_id: dict[int, int] = {}
        for k, one in enumerate(self._settled):  # the longest settled first: the last decision wins
            if run in one.seen:
                self._by_id[one.seen[run]] = k
        own = {k for k, one in enumerate(self._settled) if run in one.seen}
        self._roaming = np.array([k for k in range(len(self._settled)) if k not in own], np.intp)
        centres = [self._settled[k].centre for k in self._roaming]
        self._tree = cKDTree(np.array(centres, np.float64)) if centres else None
        self._firm: dict[int, int] = {}  # row → settled: by id, or the outline holds the centre, or pinned
        self._loose: dict[int, int] = {}  # row → settled: by boxes; given up when something firm turns up
        self._pairs: list[_Pair] = []  # every loose pair that may still come true

    def __getitem__(self, row: int) -> Settled | None:
        k = self._firm.get(row, self._loose.get(row))
        return None if k is None or k == _NONE else self._settled[k]

    def pin(self, row: int) -> None:
        """A person has decided on this row: what it holds, if anything, stays with it."""
        self._firm[row] = self._loose.pop(row, self._firm.get(row, _NONE))

    @property
    def orphans(self) -> list[Settled]:
        """Settled cells that no row holds, so far."""
        held = {*self._firm.values(), *self._loose.values()}
        return [one for k, one in enumerate(self._settled) if k not in held]

    def arrive(self, cells: CellTable, rows: Rows) -> set[int]:
        """Match new rows; returns the rows, new or old, whose settled cell is another than before."""
        before = dict(self._loose)
        changed = set()
        for row in rows.tolist():
            k = self._by_id.get(int(cells.ids[row]))
            if k is not None:
                self._firm[row] = k
                changed.add(row)
        taken = set(self._firm.values())
        firm, loose = self._near(cells, rows)
        for _, newness, row in sorted(firm):
            k = -newness
            if k not in taken and row not in self._firm:
                self._firm[row] = k
                taken.add(k)
                changed.add(row)
        self._pairs = [p for p in (*self._pairs, *loose) if -p[1] not in taken and p[2] not in self._firm]
        self._loose = {}
        for _, newness, row in sorted(self._pairs):
            k = -newness
            if k not in taken and row not in self._loose:
                self._loose[row] = k
                taken.add(k)
        moved = {row for row in before.keys() | self._loose.keys() if before.get(row) != self._loose.get(row)}
        return changed | moved

    def _near(self, cells: CellTable, rows: Rows) -> tuple[list[_Pair], list[_Pair]]:
        """Pairs where the outline holds the centre, and pairs where the boxes agree."""
        firm: list[_Pair] = []
        loose: list[_Pair] = []
        if self._tree is None or not len(rows):
            return firm, loose
        box = cells.bbox[rows].astype(np.float64)
        middle, half = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]) / 2 + 1
        for row, near in zip(rows.tolist(), self._tree.query_ball_point(middle, np.hypot(*half.T)), strict=True):
            for at in near:
                k = int(self._roaming[at])
                old = self._settled[k]
                pair = (float(np.hypot(*(cells.centroid[row] - old.centre))), -k, row)
                if any(inside(ring, *old.centre) for ring in cells.cell.rings(row)):
                    firm.append(pair)
                elif _holds(cells.bbox[row], old.centre) and _holds(old.box, cells.centroid[row]):
                    loose.append(pair)
        return firm, loose


def _holds(box: Sequence[float] | np.ndarray, point: Sequence[float] | np.ndarray) -> bool:
    return bool(box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3])
