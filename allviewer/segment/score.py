"""How well found cells agree with the truth: pure functions of tables, points and masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Ints, Mask
from allviewer.vocab.cells import CellTable, Kind


def owners(cells: CellTable, points: Floats) -> Ints:
    """Which cell each point lies in: (n,) table row, -1 for none; of several the one whose centre is nearest.

    Parameters
    ----------
    cells : the table; smudges hold no points.
    points : (n, 2) float (y, x), the table's frame.
    """
    out = np.full(len(points), -1, np.int64)
    best = np.full(len(points), np.inf)
    for row in np.flatnonzero(cells.kind == Kind.CELL):
        ring = next(cells.cell.rings(int(row)))
        y0, x0, y1, x1 = cells.bbox[row]
        inside = (points[:, 0] >= y0) & (points[:, 0] <= y1) & (points[:, 1] >= x0) & (points[:, 1] <= x1)
        for i in np.flatnonzero(inside):
            if cv2.pointPolygonTest(ring, (float(points[i, 0]), float(points[i, 1])), False) >= 0:
                away = float(np.hypot(*(points[i] - cells.centroid[row])))
                if away < best[i]:
                    best[i], out[i] = away, row
    return out


@dataclass(frozen=True, slots=True)
class CentreScore:
    """One field, or many added up.

    Attributes
    ----------
    centres : true centres.
    found : those inside a cell.
    own : those inside a cell that holds no other centre.
    reported : cells reported (smudges are not cells).
    """

    centres: int
    found: int
    own: int
    reported: int

    @property
    def found_share(self) -> float:
        """Part of the centres that lie inside a cell; 1 where there are none."""
        return self.found / self.centres if self.centres else 1.0

    @property
    def own_share(self) -> float:
        """Part of the centres that have a cell to themselves; 1 where there are none."""
        return self.own / self.centres if self.centres else 1.0

    @property
    def per_centre(self) -> float:
        """Cells reported for each true centre."""
        return self.reported / max(self.centres, 1)


def score_centres(cells: CellTable, points: Floats) -> CentreScore:
    """Compare one field's cells with the true centres, (n, 2) (y, x)."""
    owner = owners(cells, points)
    held = np.bincount(owner[owner >= 0], minlength=len(cells))
    own = int(np.sum(held[owner[owner >= 0]] == 1))
    return CentreScore(len(points), int(np.sum(owner >= 0)), own, int(np.sum(cells.kind == Kind.CELL)))


def total(scores: Sequence[CentreScore]) -> CentreScore:
    """Fields added up, so that a full field weighs more than an empty one."""
    return CentreScore(*(sum(getattr(s, name) for s in scores) for name in ("centres", "found", "own", "reported")))


def dice(one: Mask, other: Mask) -> float:
    """Dice (1945) overlap of two masks, 0 to 1; 1 where both are empty."""
    both = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / both if both else 1.0


def match_boxes(found: NDArray[np.floating], true: NDArray[np.floating], least: float = 0.5) -> int:
    """How many boxes pair off one to one with an intersection over union of at least ``least``, best first.

    Parameters
    ----------
    found, true : (n, 4) and (m, 4) (y0, x0, y1, x1).
    """
    if len(found) == 0 or len(true) == 0:
        return 0
    low = np.maximum(found[:, None, :2], true[None, :, :2])
    high = np.minimum(found[:, None, 2:], true[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    size = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (found, true)]
    overlap = both / np.maximum(size[0][:, None] + size[1][None, :] - both, 1e-9)
    pairs = 0
    while overlap.max() >= least:
        i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
        overlap[i, :] = overlap[:, j] = -1
        pairs += 1
    return pairs
