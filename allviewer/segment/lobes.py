"""Which nuclear parts belong to one cell: the lobes of a granulocyte stay together, two lymphocytes do not."""

from dataclasses import dataclass

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.segment.grid import Field, disc
from allviewer.segment.regions import Zones
from allviewer.segment.runs import runs
from allviewer.segment.whole_cell import Found, filled
from allviewer.vocab.arrays import Grey, Labels

LOBE_UM2 = 60.0
"""Of two parts of one nucleus at least one is no larger than this."""

SURE_LOBE_UM2 = 30.0
"""A part no larger than this is a lobe, not the nucleus of a small lymphocyte."""

TOGETHER_UM2 = 150.0
"""Lobes of one cell have no more nuclear area than this between them."""

CELL_UM2 = 420.0
"""Nor is the cell that holds them larger than this: a disc of 23 µm."""

ROUNDER, DISC = 0.03, 0.85
"""Two bodies that make a rounder one than either is, by this much, are one cell however large their lobes, if the whole
is no less round than `DISC` (see `roundness`: an ellipse of axes 7 : 4 has 0.86, two discs that touch 0.67). Lobes are
sectors of one disc; cells that touch stay rounder each than both together, even pressed flat."""

DISC_FILLS = 0.86
"""Least part of its convex hull that such a cell fills."""

LOBES_FILL = 0.70
"""Least part of its hull that a cell fills whose lobes are all sure: its cytoplasm may be too pale to be seen whole,
and two cells with nuclei so small are further apart: the lobes of one lie within `LOBES_UM`."""

LOBES_UM = 12.5
"""Longest side of the box around the sure lobes of one cell."""

DISC_UM2 = 530.0
"""Largest such cell: a disc of 26 µm."""

GAP_UM = 3.5
"""Widest stretch of cytoplasm between two lobes of one cell."""

GRANULES = 0.6
"""A part fainter than this share of the cell's densest lobe is granular cytoplasm."""

ROUND, VERY_ROUND = 0.88, 0.93
"""Least part of its convex hull that the joined cell fills, for a sure lobe and for a larger part. Two cells that
merely touch leave the notches between them empty: two equal discs fill 0.88. A part cut by the image's edge may be
larger than it looks, and counts as a larger part."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _enter(a, b, width, pairs, gap, found):  # type: ignore[no-untyped-def]
    """Enter the gap between two parts where it is their narrowest so far; returns how many pairs there are."""
    a, b = min(a, b), max(a, b)
    k = 0
    while k < found and not (pairs[k, 0] == a and pairs[k, 1] == b):
        k += 1
    if k == found and k < len(pairs):
        pairs[k, 0], pairs[k, 1] = a, b
        gap[k] = width
        return found + 1
    if k < found and width < gap[k]:
        gap[k] = width
    return found


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _gaps(spans, far, reach, pairs, gap):  # type: ignore[no-untyped-def]
    """Narrowest gap between touching zones, given as runs: fills pairs (n, 2) and gap (n,), returns how many."""
    found, below = 0, 0
    for i in range(len(spans)):
        y, first, last, number = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
        if i + 1 < len(spans) and spans[i + 1, 0] == y and spans[i + 1, 1] == last:
            width = far[y, last - 1] + far[y, last]
            if width <= reach:
                found = _enter(number, spans[i + 1, 3], width, pairs, gap, found)
        while below < len(spans) and (spans[below, 0] <= y or (spans[below, 0] == y + 1 and spans[below, 2] <= first)):
            below += 1
        j = below
        while j < len(spans) and spans[j, 0] == y + 1 and spans[j, 1] < last:
            if spans[j, 3] != number:
                for x in range(max(first, spans[j, 1]), min(last, spans[j, 2])):
                    width = far[y, x] + far[y + 1, x]
                    if width <= reach:
                        found = _enter(number, spans[j, 3], width, pairs, gap, found)
            j += 1
    return found


def neighbours(zones: Zones, reach: float, count: int) -> list[tuple[int, int]]:
    """Pairs of parts no further apart than ``reach`` pixels, nearest first."""
    room = 6 * count + 8
    pairs, gap = np.zeros((room, 2), np.int32), np.zeros(room, np.float32)
    spans = runs(zones.within, zones.links, zones.number)
    found = _gaps(spans, zones.far, np.float32(reach), pairs, gap)
    order = np.argsort(gap[:found], kind="stable")
    return [(int(pairs[k, 0]), int(pairs[k, 1])) for k in order]


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """What joining looks at.

    Attributes
    ----------
    nucleus, lobe, cell : µm²: all nuclear area, that of the largest part, area of the cell.
    rim : convex hull of the cell, (k, 1, 2) int32 (x, y) on the working grid.
    sides : which of the image's edges cut it: top, bottom, left, right.
    plateau : contrast of the densest part.
    box : of the nucleus: least y and x, negated greatest y and x; (4,) int64.
    moments : pixels of the cell, sums of their y, x, y² and x², from the image's corner; (5,) float64.
    """

    nucleus: float
    lobe: float
    cell: float
    rim: NDArray[np.int32]
    sides: frozenset[int]
    plateau: float
    box: NDArray[np.int64]
    moments: NDArray[np.float64]

    @property
    def cut(self) -> bool:
        """Whether the image's edge cuts it."""
        return bool(self.sides)

    def with_(self, other: "_Body") -> "_Body":
        """Both as one; granular cytoplasm beside a dense lobe adds no nucleus."""
        rim = cv2.convexHull(np.concatenate([self.rim, other.rim]))
        dense, faint = (self, other) if self.plateau >= other.plateau else (other, self)
        cell, sides = self.cell + other.cell, self.sides | other.sides
        moments, box = self.moments + other.moments, np.minimum(self.box, other.box)
        if faint.plateau < GRANULES * dense.plateau:
            return _Body(dense.nucleus, dense.lobe, cell, rim, sides, dense.plateau, box, moments)
        return _Body(
            self.nucleus + other.nucleus, max(self.lobe, other.lobe), cell, rim, sides, dense.plateau, box, moments
        )


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _weigh(cell, nucleus, y0, x0, owner, number, box, moments, rim):  # type: ignore[no-untyped-def]
    """Enter a cell in the map of owners, with its moments, its nucleus's box and the ends (x, y) of its rows.

    Returns the nucleus's pixels and how many ends there are.
    """
    held = ends = 0
    for y in range(cell.shape[0]):
        v, first, last = y + y0, -1, -1
        for x in range(cell.shape[1]):
            if cell[y, x]:
                u = x + x0
                owner[v, u] = number
                moments[0] += 1
                moments[1] += v
                moments[2] += u
                moments[3] += v * v
                moments[4] += u * u
                first = u if first < 0 else first
                last = u
                if nucleus[y, x]:
                    held += 1
                    box[0], box[1] = min(box[0], v), min(box[1], u)
                    box[2], box[3] = min(box[2], -v), min(box[3], -u)
        if first >= 0:
            rim[ends, 0], rim[ends, 1], rim[ends + 1, 0], rim[ends + 1, 1] = first, v, last, v
            ends += 2
    return held, ends


def _body(one: Found, field: Field, owner: Labels, number: int) -> _Body:
    rows, columns = field.azure.shape
    box, moments = np.full(4, max(rows, columns), np.int64), np.zeros(5)
    ends = np.empty((2 * len(one.cell), 2), np.int32)
    nuclear, count = _weigh(one.cell, one.nucleus, one.y, one.x, owner, number, box, moments, ends)
    rim = cv2.convexHull(ends[:count].reshape(-1, 1, 2))
    (left, top), (right, bottom) = rim.min(axis=(0, 1)).tolist(), rim.max(axis=(0, 1)).tolist()
    at_edge = (top <= 0, bottom >= rows - 1, left <= 0, right >= columns - 1)
    sides = frozenset(side for side in range(4) if at_edge[side])
    nucleus = nuclear * field.um**2
    return _Body(nucleus, nucleus, float(moments[0]) * field.um**2, rim, sides, one.plateau, box, moments)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _share(inside, owner, y0, x0, role):  # type: ignore[no-untyped-def]
    """Own part of a hull; what other small parts hold is left out. A number's role: 1 own, 2 another small one."""
    own, rest = 0, 0
    for y in range(inside.shape[0]):
        for x in range(inside.shape[1]):
            if inside[y, x]:
                part = role[owner[y + y0, x + x0]]
                own += part == 1
                rest += part == 0
    return own / max(1, own + rest)


def _moment(area: float, first: float, second: float, low: float | None) -> tuple[float, float]:
    """Second moment along one axis and how many times the area: about the centre, or about an edge, mirrored there."""
    if low is None:
        return second - first * first / area, 1.0
    return 2 * (second - 2 * low * first + low * low * area), 2.0


def roundness(body: "_Body", shape: tuple[int, int]) -> float:
    """Area² over 2π times the polar moment about the centre: 1 for a disc, less for anything else.

    A body cut by the image's edge is also tried with its mirror image beyond that edge, as if cut in the middle; the
    rounder counts.
    """
    area, y, x, yy, xx = body.moments
    rows, columns = shape
    across = [None] + [line for side, line in ((0, -0.5), (1, rows - 0.5)) if side in body.sides]
    along = [None] + [line for side, line in ((2, -0.5), (3, columns - 0.5)) if side in body.sides]
    best = 0.0
    for top in across:
        vertical, twice = _moment(area, y, yy, top)
        for left in along:
            horizontal, again = _moment(area, x, xx, left)
            # Mirroring across one axis doubles the area, and with it the moment along the other.
            polar = vertical * again + horizontal * twice
            best = max(best, (area * twice * again) ** 2 / (2 * np.pi * max(polar, 1e-6)))
    return float(best)


class _Joining:
    """Bodies and the map of who owns which pixel, while they are being joined."""

    def __init__(self, field: Field, parts: list[Found | None], numbers: set[int]) -> None:
        self.um = field.um
        self.owner = field.labels("green")  # the planes have served
        self.owner[:] = 0
        self.bodies: dict[int, _Body] = {}
        self.members: dict[int, list[int]] = {}
        self._small: Grey = np.zeros(len(parts) + 1, np.uint8)
        for i, one in enumerate(parts, start=1):
            if one is None:
                continue
            small = float(np.count_nonzero(one.nucleus)) <= field.area(LOBE_UM2)
            self._small[i] = 2 * small
            if i in numbers:
                self.bodies[i] = _body(one, field, self.owner, i)
                self.members[i] = [i]
            elif small:
                height, width = one.cell.shape
                self.owner[one.y : one.y + height, one.x : one.x + width][one.cell] = i

    def fills(self, i: int, j: int) -> float:
        """How much of their common convex hull two bodies fill; what other small parts fill of it is left out."""
        hull = self.bodies[i].with_(self.bodies[j]).rim
        x, y, w, h = cv2.boundingRect(hull)
        inside = np.zeros((h, w), np.uint8)
        cv2.fillConvexPoly(inside, hull - np.array([x, y], np.int32), 1)
        role = self._small.copy()
        role[self.members[i] + self.members[j]] = 1
        return float(_share(inside, self.owner, y, x, role))

    def fit(self, i: int, j: int) -> float:
        """How well two bodies make one cell, 0 where they do not: how much of its hull it fills."""
        least = self._least_fill(i, j)
        if least > 1:
            return 0.0
        share = self.fills(i, j)
        return share if share >= least else 0.0

    def _least_fill(self, i: int, j: int) -> float:
        """How much of their hull two bodies must fill to make one cell; more than 1 where they cannot."""
        one, other = self.bodies[i], self.bodies[j]
        cell = one.cell + other.cell
        if cell > DISC_UM2:
            return np.inf
        least = np.inf
        whole = self._roundness(one.with_(other))
        if whole >= DISC and whole - max(self._roundness(one), self._roundness(other)) >= ROUNDER:
            least = DISC_FILLS
        smaller = min(one.lobe, other.lobe)
        granular = min(one.plateau, other.plateau) < GRANULES * max(one.plateau, other.plateau)
        too_much = smaller > LOBE_UM2 or one.nucleus + other.nucleus > TOGETHER_UM2
        if cell > CELL_UM2 or (too_much and not granular):
            return least
        if max(one.lobe, other.lobe) <= SURE_LOBE_UM2 and self.span(i, j) <= LOBES_UM:
            return LOBES_FILL
        sure = smaller <= SURE_LOBE_UM2 and not (one.cut or other.cut)
        return min(least, ROUND if sure else VERY_ROUND)

    def span(self, i: int, j: int) -> float:
        """Longest side of the box around the nuclei of two bodies, µm."""
        y0, x0, y1, x1 = np.minimum(self.bodies[i].box, self.bodies[j].box)
        return float(max(-y1 - y0, -x1 - x0) + 1) * self.um

    def _roundness(self, body: _Body) -> float:
        return roundness(body, (self.owner.shape[0], self.owner.shape[1]))

    def join(self, i: int, j: int) -> None:
        """Make body j part of body i."""
        self.bodies[i] = self.bodies[i].with_(self.bodies.pop(j))
        self.members[i] += self.members.pop(j)


def _union(ones: list[Found], field: Field) -> Found:
    """Several cells of one number as one, the seams between them closed."""
    if len(ones) == 1:
        return ones[0]
    y0, x0 = min(o.y for o in ones), min(o.x for o in ones)
    y1, x1 = max(o.y + o.cell.shape[0] for o in ones), max(o.x + o.cell.shape[1] for o in ones)
    cell, nucleus = np.zeros((y1 - y0, x1 - x0), np.bool_), np.zeros((y1 - y0, x1 - x0), np.bool_)
    # The densest lobe's: granules taken for a lobe do not make a cell faint, nor do they count as nucleus.
    plateau = max(o.plateau for o in ones)
    for o in ones:
        window = (slice(o.y - y0, o.y - y0 + o.cell.shape[0]), slice(o.x - x0, o.x - x0 + o.cell.shape[1]))
        cell[window] |= o.cell
        if o.plateau >= GRANULES * plateau:
            nucleus[window] |= o.nucleus
    closed = cv2.morphologyEx(cell.view(np.uint8), cv2.MORPH_CLOSE, disc(field.px(0.8))).view(np.bool_)
    return Found(y0, x0, filled(closed | cell, field), nucleus, plateau)


def join_lobes(field: Field, parts: list[Found | None], pairs: list[tuple[int, int]]) -> list[Found]:
    """Make one cell of the lobes of one nucleus.

    Parameters
    ----------
    field : the image on the working grid.
    parts : the cell grown around each nuclear part, part n at n - 1.
    pairs : neighbouring parts, numbered from 1.

    Returns
    -------
    The cells, in order of their first part. Neighbours are joined best fit first while the joined cell is round,
    holds no more nucleus than one cell does, and one of the two is small enough for a lobe.
    """
    state = _Joining(field, parts, {number for pair in pairs for number in pair})
    links = {(min(p), max(p)): 0.0 for p in pairs if set(p) <= state.bodies.keys()}
    links = {pair: state.fit(*pair) for pair in links}
    while links:
        (i, j), fit = max(links.items(), key=lambda link: (link[1], -link[0][0], -link[0][1]))
        if fit <= 0:
            break
        state.join(i, j)
        moved = {(min(p), max(p)) for pair in links if (p := [i if k == j else k for k in pair])[0] != p[1]}
        links = {pair: links[pair] if pair in links and i not in pair else state.fit(*pair) for pair in moved}
    gone = {number for members in state.members.values() for number in members[1:]}
    out = []
    for i, one in enumerate(parts, start=1):
        if one is None or i in gone:
            continue
        members = sorted(state.members.get(i, [i]))
        out.append(_union([other for k in members if (other := parts[k - 1])], field))
    return out
