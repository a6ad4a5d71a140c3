"""Decisions find their cells again after another run: each one placed or listed, none lost, none moved wrongly."""

import numpy as np
import pytest

from allviewer.records import Study
from allviewer.review import NONE, ReviewSession
from allviewer.vocab.taxonomy import ALL_HEM

BLAST, NORMAL = 0, 1


@pytest.fixture
def study():
    with Study.in_memory(reader="anna") as study:
        yield study


def session(study, run, *tables):
    session = ReviewSession(ALL_HEM, study, "slide", run)
    for table in tables:
        session.add(table)
    return session


def test_the_same_field_segmented_anew(study, make):
    rng, n = np.random.default_rng(1), 600
    first = session(study, "first", make.grid(n, seed=1))
    want = np.where(rng.random(n) < 0.5, BLAST, NORMAL)
    for code, key in enumerate(ALL_HEM.keys):
        first.relabel(np.flatnonzero(want == code), key)
    # other ids, other order, centres and radii a little different: as another segmenter draws them
    order = rng.permutation(n)
    table = make.grid(n, seed=1).take(order)
    moved = make.cells(table.centroid + rng.uniform(-5, 5, (n, 2)), first=5000, radius=rng.uniform(11, 18, n))
    pieces = [moved.take(part) for part in np.array_split(np.arange(n), 7)]
    second = session(study, "second", *pieces)
    assert second.orphans == []
    assert (second.label == want[order]).all()
    second.relabel(0, "unsure")
    assert second.history(0)[0].decision.run == "first"
    back = session(study, "first", make.grid(n, seed=1))
    assert back.codes.key(back.label[order[0]]) == "unsure"
    assert len(study.labels("slide")) == n
    for _ in range(3):
        second.undo()
    assert not second.reviewed.any()
    second.redo()
    back.refresh()
    assert (second.label == back.label[order]).all()


def test_what_finds_no_cell_is_listed(study, make):
    first = session(study, "first", make.cells([[100, 100], [100, 200], [100, 300]]))
    first.relabel([0, 1, 2], "blast")
    second = session(study, "second", make.cells([[100, 102], [140, 200]], first=50))
    assert second.label.tolist() == [BLAST, NONE]
    assert [(one.cell, one.centre) for one in second.orphans] == [(2, (100, 200)), (3, (100, 300))]
    second.add(make.cells([[101, 301]], first=70))
    assert [one.cell for one in second.orphans] == [2]
    second.relabel(1, "normal")  # the cell nearby is another cell
    assert [one.cell for one in second.orphans] == [2]
    assert len(study.labels("slide")) == 4


def test_an_id_means_nothing_in_another_run(study, make):
    first = session(study, "first", make.cells([[100, 100], [100, 200]]))
    first.relabel(0, "blast")
    swapped = session(study, "second", make.cells([[100, 200], [100, 100]]))
    assert swapped.label.tolist() == [NONE, BLAST]


def test_one_outline_over_two_decisions_takes_the_nearer(study, make):
    first = session(study, "first", make.cells([[100, 100], [100, 130]]))
    first.relabel(0, "blast")
    first.relabel(1, "normal")
    joined = session(study, "second", make.cells([[100, 112]], radius=32))
    assert joined.label.tolist() == [BLAST]
    assert [one.label for one in joined.orphans] == ["normal"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_the_outcome_does_not_depend_on_the_order_of_tiles(study, make, order):
    """A half-moon whose centre lies outside its outline is found by boxes, until a cell comes that holds the centre."""
    first = session(study, "first", make.cells([[100, 100], [100, 140], [300, 300]], radius=20))
    first.relabel(0, "blast")
    first.relabel(1, "normal")
    first.relabel(2, "blast")
    moon = make.cells([[108, 108]], first=10, radius=20)
    bent = np.array([[90, 110], [106, 106], [112, 92], [120, 120]], np.float32)  # holds its centre, not (100, 100)
    moon.cell.points[:4], moon.cell.points[4:] = bent, bent[-1]
    tiles = [moon, make.cells([[99, 99]], first=20, radius=6), make.cells([[102, 139]], first=30)]
    second = session(study, "second", *(tiles[k] for k in order))
    shown = {int(i): int(label) for i, label in zip(second.cells.ids, second.label, strict=True)}
    assert shown == {10: NONE, 20: BLAST, 30: NORMAL}
    assert [one.centre for one in second.orphans] == [(300, 300)]


def test_found_by_boxes_where_no_outline_holds_the_centre(study, make, heard):
    first = session(study, "first", make.cells([[100, 100]], radius=20))
    first.relabel(0, "blast")
    moon = make.cells([[108, 108]], first=10, radius=20)
    bent = np.array([[90, 110], [106, 106], [112, 92], [120, 120]], np.float32)
    moon.cell.points[:4], moon.cell.points[4:] = bent, bent[-1]
    second = session(study, "second", moon)
    assert second.label.tolist() == [BLAST]
    said = heard(second)
    second.add(make.cells([[100, 100]], first=20, radius=6))
    assert second.label.tolist() == [NONE, BLAST]
    assert said.changed == [[0]]  # the view hears that the row gave it up
    third = session(study, "third", moon)
    third.relabel(0, "normal")  # a person has said that this is the cell
    third.add(make.cells([[100, 100]], first=20, radius=6))
    assert third.label.tolist() == [NORMAL, NONE]


def test_a_decision_taken_back_in_one_run_does_not_bar_the_cell(study, make):
    """Undone here, decided meanwhile in another run: the row must take further decisions."""
    here = session(study, "first", make.cells([[100, 100]]))
    here.relabel(0, "blast")
    here.undo()
    there = session(study, "second", make.cells([[101, 101]], first=9))
    there.relabel(0, "normal")
    here.refresh()
    assert here.label.tolist() == [NORMAL]
    here.relabel(0, "blast")
    there.refresh()
    assert there.label.tolist() == [BLAST]
    assert len(study.labels("slide")) == 1
