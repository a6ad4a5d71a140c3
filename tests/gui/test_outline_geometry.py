import numpy as np
import pytest

from allviewer.gui.outline_geometry import CELL, COARSE, DOT, NUCLEUS, TILE, Segments, pack
from allviewer.vocab.cells import CellTable
from tests.gui.conftest import round_cells
from tests.tables import some_cells


def by_hand(cells: CellTable, first: int) -> dict[tuple[int, float], set[tuple[float, ...]]]:
    """(row, kind) → the segments (x0, y0, x1, y1) of its rings, by a plain loop."""
    out: dict[tuple[int, float], set[tuple[float, ...]]] = {}
    for row in range(len(cells)):
        for outlines, kind in ((cells.cell, CELL), (cells.nucleus, NUCLEUS)):
            for ring in outlines.rings(row):
                for (y0, x0), (y1, x1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                    out.setdefault((row + first, kind), set()).add((x0, y0, x1, y1))
    return out


def test_every_segment_of_ragged_rings_is_there_once_under_its_own_row():
    cells = some_cells(60, side=3000)
    patch = pack(cells, 1000)
    segments = Segments.join([patch.fine(0, len(patch), 1, kind) for kind in (CELL, NUCLEUS)])
    expected = by_hand(cells, 1000)
    assert len(segments) == sum(len(v) for v in expected.values())
    found: dict[tuple[int, float], set[tuple[float, ...]]] = {}
    for ends, (row, side, _) in zip(segments.ends, segments.tags, strict=True):
        found.setdefault((int(row), abs(float(side))), set()).add(tuple(ends.tolist()))
    assert found == {k: {tuple(float(v) for v in s) for s in v} for k, v in expected.items()}


@pytest.mark.parametrize("reverse", [False, True])
def test_the_outside_is_told_whichever_way_a_ring_turns(reverse):
    cells = round_cells([(300, 500)], nuclei=False)
    if reverse:
        cells = CellTable(
            cells.ids, cells.kind, cells.centroid, cells.bbox, cells.area_px, cells.nucleus_area_px,
            cells.touches_border, type(cells.cell)(cells.cell.points[::-1].copy(), cells.cell.starts, cells.cell.owner),
            cells.nucleus,
        )  # fmt: skip
    segments = pack(cells, 0).fine(0, 1, 1, CELL)
    x0, y0, x1, y1 = segments.ends.T
    aside = np.stack([-(y1 - y0), x1 - x0], -1)  # what the shader calls the side, in the slide's own frame
    middle = np.stack([(x0 + x1) / 2, (y0 + y1) / 2], -1)
    outward = (aside * (middle - np.array([500, 300]))).sum(axis=1) * np.sign(segments.tags[:, 1])
    assert (outward > 0).all()


def test_distance_runs_along_each_ring_from_nought():
    cells = some_cells(8)
    patch = pack(cells, 0)
    segments = Segments.join([patch.fine(0, 8, 1, kind) for kind in (CELL, NUCLEUS)])
    lengths = np.hypot(*(segments.ends[:, 2:] - segments.ends[:, :2]).T)
    starts = np.flatnonzero(segments.tags[:, 2] == 0)
    assert len(starts) == len(cells.cell.owner) + len(cells.nucleus.owner)
    for a, b in zip(starts, [*starts[1:], len(segments)], strict=True):
        assert segments.tags[a:b, 2] == pytest.approx(np.cumsum(lengths[a:b]) - lengths[a:b], abs=0.02)


def test_runs_are_the_cells_whose_tiles_meet_the_box_and_no_more():
    rng = np.random.default_rng(5)
    cells = round_cells(rng.uniform(0, 8000, (3000, 2)), nuclei=False)
    patch = pack(cells, 0)
    x0, y0, x1, y1 = 1500.0, 2100.0, 2700.0, 2500.0
    rows = np.concatenate([patch.rows[a:b] for a, b in patch.runs(x0, y0, x1, y1)]).astype(int)
    on_screen = np.flatnonzero(
        (cells.bbox[:, 1] < x1) & (cells.bbox[:, 3] > x0) & (cells.bbox[:, 0] < y1) & (cells.bbox[:, 2] > y0)
    )
    assert set(on_screen) <= set(rows)
    assert len(rows) == len(set(rows)) < 400
    y, x = cells.centroid[rows].T
    assert (abs(x - (x0 + x1) / 2) < (x1 - x0) / 2 + TILE + 40).all()
    assert (abs(y - (y0 + y1) / 2) < (y1 - y0) / 2 + TILE + 40).all()
    assert patch.runs(90_000, 90_000, 91_000, 91_000) == []


def test_thinned_rings_stay_closed_and_near_the_truth():
    cells = round_cells([(300, 500)], radius=40, corners=200)
    patch = pack(cells, 0)
    for stride in (2, 4, 16, 64):
        thin = patch.fine(0, 1, stride, CELL)
        assert 6 <= len(thin) <= 200 / stride + 7
        assert np.allclose(thin.ends[:, 2:], np.roll(thin.ends[:, :2], -1, axis=0))
    assert len(patch.fine(0, 1, 4, NUCLEUS)) == len(patch.fine(0, 1, 4, CELL))


def test_far_off_a_cell_is_eight_corners_and_then_a_dot():
    cells = some_cells(40)
    patch = pack(cells, 7)
    coarse, dots = patch.coarse_runs(3, 11), patch.dots(3, 11)
    assert len(coarse) == 8 * COARSE
    assert set(coarse.tags[:, 0]) == set(patch.rows[3:11]) == set(dots.tags[:, 0])
    assert (dots.tags[:, 1] == DOT).all()
    assert np.allclose(dots.ends[:, :2], patch.centres[3:11])


def test_one_ring_is_found_by_its_row():
    cells = some_cells(30, side=4000)
    patch = pack(cells, 100)
    assert 99 not in patch
    assert 129 in patch
    ring = patch.ring_of(117)
    assert np.allclose(ring.ends[:, :2], next(iter(cells.cell.rings(17)))[:, ::-1])


def test_no_cells_make_an_empty_patch():
    patch = pack(CellTable.empty(), 0)
    assert len(patch) == 0
    assert patch.runs(0, 0, 100, 100) == []
