"""The walk through the doubtful cells, and the filters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allviewer.review import ReviewSession, State
from allviewer.review.queue import doubt, step
from allviewer.vocab.taxonomy import ALL_HEM

EVERYTHING = {"blast", "normal", "unsure", "not-a-cell", "unclassified"}


@pytest.fixture
def session(make):
    """Confidences 0.9, 0.6, 0.9, 0.55, 0.8; then one not classified, and a smudge."""
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(make.grid(7, smudges=[6]))
    session.classify(np.arange(1, 6), make.prediction([0.9, 0.6, 0.1, 0.55, 0.8]))
    return session


def walk(session, row, direction, steps):
    seen = []
    for _ in range(steps):
        row = session.next_uncertain(row, direction)
        seen.append(row)
    return seen


def test_most_doubtful_first_and_round_again(session):
    assert walk(session, None, 1, 7) == [3, 1, 4, 0, 2, 5, 3]
    assert walk(session, None, -1, 7) == [5, 2, 0, 4, 1, 3, 5]
    assert walk(session, 4, -1, 2) == [1, 3]


def test_cells_that_the_edge_cuts_come_after_all_whole_ones():
    confidence = np.array([0.5, 0.99, np.nan, 0.6, np.nan], np.float32)
    cut = np.array([True, False, False, True, True])
    assert np.argsort(-doubt(confidence, cut), kind="stable").tolist() == [1, 2, 0, 3, 4]


def test_settled_cells_leave_the_queue_and_the_place_is_kept(session):
    session.accept(1)
    assert session.next_uncertain(1) == 4  # on from where it stood
    assert session.next_uncertain(1, -1) == 3
    session.mark_unsure([3, 4, 0, 2])
    assert session.next_uncertain(None) == 5
    assert session.next_uncertain(5) == 5
    session.reject(5)
    assert session.next_uncertain(5) is None
    session.undo()
    assert session.next_uncertain(2) == 5


@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.6, 0.99, np.nan]), st.booleans(), st.booleans()), min_size=1, max_size=30
    ),
    st.sampled_from([1, -1]),
    st.randoms(use_true_random=False),
)
def test_a_round_visits_each_waiting_cell_once(entries, direction, random):
    confidence = np.array([c for c, _, _ in entries], np.float32)
    waiting = np.array([w for _, w, _ in entries])
    cut = np.array([b for _, _, b in entries])
    ids = np.array(random.sample(range(1, 1000), len(entries)), np.int64)
    order = sorted(range(len(entries)), key=lambda k: (-doubt(confidence, cut)[k], ids[k]))[::direction]
    expected, row, seen = [k for k in order if waiting[k]], None, []
    for _ in expected:
        row = step(doubt(confidence, cut), ids, waiting, row, direction)
        seen.append(row)
    assert seen == expected
    if not expected:
        assert step(doubt(confidence, cut), ids, waiting, 0, direction) is None


def test_filters(session):
    def rows(classes=frozenset(EVERYTHING), confidence=(0.0, 1.0), states=frozenset(State)):
        return np.flatnonzero(session.visible(classes, confidence, states)).tolist()

    assert rows() == list(range(7))
    assert rows({"blast"}) == [0, 1, 3, 4]
    assert rows({"unclassified"}) == [5, 6]
    assert rows(set()) == []
    assert rows(confidence=(0.8, 1.0)) == [0, 2, 4]  # 0.8 as typed and 0.8 in float32 are one
    assert rows(confidence=(0.0, 0.6)) == [1, 3, 5, 6]
    session.relabel([0, 1], "normal")
    assert rows({"blast"}) == [3, 4]
    assert rows(states={State.REVIEWED}) == [0, 1]
    assert rows({"normal"}, states={"unreviewed"}) == [2]
    assert rows({"normal"}, (0.0, 0.7), {"reviewed"}) == [1]
