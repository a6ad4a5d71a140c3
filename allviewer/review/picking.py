"""From a point to a cell: KD-trees of centres, then boxes, then point in polygon."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from allviewer.vocab.arrays import Floats, Rows
from allviewer.vocab.cells import CellTable

LEAF = 256
"""Rows looked through one by one before a tree is built of them."""


def inside(ring: Floats, y: float, x: float) -> bool:
    """Whether a point lies in a closed ring, by crossings of the ray towards larger x (Shimrat 1962).

    Parameters
    ----------
    ring : (k, 2) (y, x), first vertex not repeated.

    Examples
    --------
    >>> square = np.array([[0, 0], [0, 4], [4, 4], [4, 0]], np.float32)
    >>> inside(square, 1.5, 2), inside(square, 5, 2)
    (True, False)
    """
    a = ring.astype(np.float64)  # float32 vertices of a slide 10^5 wide leave too little for the quotient below
    b = np.roll(a, -1, axis=0)
    spans = (a[:, 0] > y) != (b[:, 0] > y)
    a, b = a[spans], b[spans]
    crossing = a[:, 1] + (y - a[:, 0]) * (b[:, 1] - a[:, 1]) / (b[:, 0] - a[:, 0])
    return bool(np.count_nonzero(crossing > x) % 2)


class Picker:
    """Finds the cell under a point in a table that grows.

    Rows are held in trees of doubling size, so a tile's cells cost little more than themselves.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[int, int, cKDTree, float]] = []  # first row, last row + 1, tree, reach
        self._indexed = 0

    def row_at(self, cells: CellTable, y: float, x: float) -> int | None:
        """Row of the cell whose whole-cell outline holds the point (the smallest where several do), or None."""
        rows = self.near(cells, y, x)
        hits = [int(r) for r in rows if any(inside(ring, y, x) for ring in cells.cell.rings(int(r)))]
        return min(hits, key=lambda r: (float(cells.area_px[r]), r), default=None)

    def near(self, cells: CellTable, y: float, x: float) -> Rows:
        """Rows whose box holds the point, ascending."""
        self._index(cells)
        found = [np.arange(self._indexed, len(cells), dtype=np.intp)]
        for first, _, tree, reach in self._parts:
            found.append(np.asarray(tree.query_ball_point((y, x), reach), np.intp) + first)
        rows = np.sort(np.concatenate(found))
        y0, x0, y1, x1 = cells.bbox[rows].T
        # One pixel of grace: outlines may be drawn through pixel edges that the box leaves out.
        held: Rows = rows[(y0 - 1 <= y) & (y <= y1 + 1) & (x0 - 1 <= x) & (x <= x1 + 1)]
        return held

    def _index(self, cells: CellTable) -> None:
        """Bring the trees up to the table; two neighbours of like size become one."""
        if len(cells) - self._indexed < LEAF:
            return
        first, last = self._indexed, len(cells)
        while self._parts and self._parts[-1][1] - self._parts[-1][0] <= 2 * (last - first):
            first = self._parts.pop()[0]
        self._parts.append((first, last, cKDTree(cells.centroid[first:last]), reach(cells, first, last)))
        self._indexed = last


def reach(cells: CellTable, first: int, last: int) -> float:
    """Farthest that a box's corner lies from its cell's centre, plus the box's grace, pixels."""
    centre, box = cells.centroid[first:last].astype(np.float64), cells.bbox[first:last]
    far: NDArray[np.float64] = np.maximum(np.abs(centre - box[:, :2]), np.abs(box[:, 2:] - centre)) + 1
    return float(np.hypot(far[:, 0], far[:, 1]).max(initial=0)) + 1e-3
