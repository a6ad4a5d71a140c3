"""How well found cells agree with the truth: pure functions of tables, points and masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import Floats, Ints, Labels, Mask
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


def pair_boxes(found: NDArray[np.floating], true: NDArray[np.floating], least: float = 0.5) -> Ints:
    """Boxes that pair off one to one with an intersection over union of at least ``least``, best first.

    Parameters
    ----------
    found, true : (n, 4) and (m, 4) (y0, x0, y1, x1); boxes of one set may overlap.

    Returns
    -------
    (k, 2) int64: rows of ``found`` and of ``true``.
    """
    if len(found) == 0 or len(true) == 0:
        return np.empty((0, 2), np.int64)
    low = np.maximum(found[:, None, :2], true[None, :, :2])
    high = np.minimum(found[:, None, 2:], true[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    size = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (found, true)]
    overlap = both / np.maximum(size[0][:, None] + size[1][None, :] - both, 1e-9)
    pairs = []
    while overlap.max() >= least:
        i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
        overlap[i, :] = overlap[:, j] = -1
        pairs.append((i, j))
    return np.array(pairs, np.int64).reshape(-1, 2)


def match_boxes(found: NDArray[np.floating], true: NDArray[np.floating], least: float = 0.5) -> int:
    """How many boxes pair off, see `pair_boxes`."""
    return len(pair_boxes(found, true, least))


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Objects of two label images that are the same object: one field.

    Attributes
    ----------
    found, true : the labels there are, ascending, without 0.
    pairs : (k, 2) int64, label in the one and in the other.
    overlap : (k,) float64, intersection over union of each pair.
    """

    found: Ints
    true: Ints
    pairs: Ints
    overlap: NDArray[np.float64]

    @property
    def agreement(self) -> "Agreement":
        """The counts alone, to be added up over fields."""
        return Agreement(len(self.true), len(self.found), len(self.pairs), float(self.overlap.sum()))


def pair_labels(found: Labels, true: Labels) -> Pairing:
    """Pair the objects of two label images whose intersection over union exceeds one half.

    Parameters
    ----------
    found, true : (H, W) int32, 0 background; objects are numbered without large gaps.

    Notes
    -----
    Above one half no object can have two partners, so the pairing is the only one there is (Kirillov et al., Panoptic
    Segmentation, CVPR 2019); which labels objects bear decides nothing.
    """
    wide = int(true.max(initial=0)) + 1
    counts = np.bincount((found.astype(np.int64) * wide + true).ravel())
    counts = np.pad(counts, (0, -len(counts) % wide))
    table = counts.reshape(-1, wide)
    sizes = table.sum(axis=1), table.sum(axis=0)
    rows, columns = np.nonzero(table[1:, 1:])
    rows, columns = rows + 1, columns + 1
    common = table[rows, columns]
    overlap = common / (sizes[0][rows] + sizes[1][columns] - common)
    same = overlap > 0.5
    one, other = (np.flatnonzero(size[1:]) + 1 for size in sizes)
    return Pairing(one, other, np.stack([rows, columns], axis=1)[same], overlap[same])


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far found objects are the true ones; fields add up with ``+``.

    Attributes
    ----------
    true, found : objects.
    pairs : of them the same, by an intersection over union above one half.
    overlap : sum of the pairs' intersections over unions.
    """

    true: int = 0
    found: int = 0
    pairs: int = 0
    overlap: float = 0.0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.true + other.true, self.found + other.found, self.pairs + other.pairs, self.overlap + other.overlap
        )

    @property
    def f1(self) -> float:
        """Harmonic mean of the part of true objects found and the part of found objects true; 1 for none of either."""
        both = self.true + self.found
        return 2 * self.pairs / both if both else 1.0

    @property
    def panoptic_quality(self) -> float:
        """F1 times the pairs' mean intersection over union (Kirillov et al. 2019); 1 for none of either."""
        both = self.true + self.found
        return 2 * self.overlap / both if both else 1.0


def split_right(found: Labels, true: Labels, groups: Ints) -> Mask:
    """Which groups of touching objects are parted as they should be.

    Parameters
    ----------
    found, true : (H, W) int32; true objects are numbered 1..n, all of them there.
    groups : (n,) group of each true object, 0..g-1.

    Returns
    -------
    (g,) bool: every object of the group is paired, see `pair_labels`, and no found object that lies mostly in the group
    is left over.
    """
    paired = pair_labels(found, true)
    count = int(groups.max()) + 1 if len(groups) else 0
    right = np.ones(count, np.bool_)
    right[groups[np.setdiff1d(paired.true, paired.pairs[:, 1]) - 1]] = False
    for spare in np.setdiff1d(paired.found, paired.pairs[:, 0]):
        under = true[found == spare]
        inside = under[under > 0]
        if 2 * len(inside) > len(under):
            right[np.bincount(groups[inside - 1]).argmax()] = False
    return right
