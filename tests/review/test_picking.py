"""The right id under a point, among a hundred thousand."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon

from allviewer.records import Study
from allviewer.review import ReviewSession
from allviewer.review.picking import inside
from allviewer.vocab.taxonomy import ALL_HEM

corner = st.tuples(st.floats(-50, 50), st.floats(-50, 50))


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(corner, min_size=3, max_size=6), corner)
def test_point_in_polygon_is_shapelys(corners, point):
    ring = np.array(corners, np.float32)
    polygon = Polygon(ring.astype(float))
    assume(polygon.is_valid)  # a ring that crosses itself has no agreed inside
    assume(polygon.exterior.distance(Point(point)) > 1e-6)  # on the outline either answer is right
    assert inside(ring, *point) == polygon.contains(Point(point))


def test_outlines_decide_and_not_boxes(make):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    assert session.row_at(5, 5) is None
    session.add(make.cells([[100, 100], [100, 140]], radius=20))
    assert session.row_at(100, 100) == 0
    assert session.row_at(100, 121) == 1
    assert session.row_at(83, 83) is None  # in the box's corner
    assert session.row_at(100, 500) is None


def test_of_two_cells_one_above_the_other_the_smaller(make):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(make.cells([[100, 100], [105, 105]], radius=[40, 10]))
    assert session.row_at(105, 105) == 1
    assert session.row_at(75, 100) == 0


def test_a_long_cell_is_picked_far_from_its_centre(make):
    table = make.cells([[100, 100], *np.random.default_rng(0).uniform(3000, 5000, (600, 2))])
    table.cell.points[:24] = make.round * [4, 400] + [100, 500]
    table.bbox[0] = [96, 100, 104, 900]
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(table)
    assert session.row_at(100, 880) == 0


def test_picks_follow_growth(make):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    whole = make.grid(3000)
    for start in range(0, 3000, 170):
        session.add(whole.take(np.arange(start, min(start + 170, 3000))))
        last = len(session) - 1
        for row in (0, last // 2, last):
            assert session.row_at(*whole.centroid[row]) == row
    assert len(session._picker._parts) <= 5  # a few trees, not one a tile


@pytest.fixture(scope="module")
def crowd(make_factory, tmp_path_factory):
    """100,000 cells in 200 tiles whose ids do not follow the rows."""
    make = make_factory()
    whole, n = make.grid(100_000), 100_000
    rng = np.random.default_rng(0)
    with Study.open(tmp_path_factory.mktemp("study") / "s.sqlite") as study:
        session = ReviewSession(ALL_HEM, study, "slide", "run")
        for k, part in enumerate(np.array_split(rng.permutation(n), 200)):
            tile = whole.take(part).renumber(100_000 * (200 - k))
            session.add(tile)
            session.classify(tile.ids, make.prediction(rng.random(len(tile))))
        yield session


def timed(act, times=50):
    """Fastest tenth of the durations, seconds: what the act costs when nothing else runs."""
    spent = []
    for k in range(times):
        start = time.perf_counter()
        act(k)
        spent.append(time.perf_counter() - start)
    return float(np.quantile(spent, 0.1))


def test_every_pick_is_the_right_id_among_100_000(crowd):
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(crowd), 2000)
    for row in rows:
        y, x = crowd.cells.centroid[row] + rng.uniform(-9, 9, 2)
        assert crowd.row_at(y, x) == row
    assert timed(lambda k: crowd.row_at(*crowd.cells.centroid[rows[k]])) < 1e-3


def test_one_act_among_100_000_is_quick_and_touches_one_row(crowd):
    rows = np.random.default_rng(2).choice(len(crowd), 150, replace=False)
    before, seen = crowd.shown.copy(), []
    crowd.changed.connect(seen.append)
    assert timed(lambda k: crowd.relabel(int(rows[k]), "unsure")) < 20e-3  # a flush to the disk is in it
    assert timed(lambda k: crowd.undo()) < 20e-3
    assert (crowd.shown == before).all()
    assert [at.tolist() for at in seen[:50]] == [[row] for row in rows[:50]]
    assert timed(lambda k: crowd.next_uncertain(int(rows[k]))) < 10e-3
    assert timed(lambda k: crowd.visible({"blast"}, (0.7, 1.0), {"unreviewed"})) < 10e-3
