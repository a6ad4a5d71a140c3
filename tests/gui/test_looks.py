import numpy as np
import pytest

from allviewer.gui import palette
from allviewer.gui.looks import DOUBT_BELOW, Filters, codes_of, doubtful, is_drawn, states_of
from allviewer.review import ReviewSession, State
from allviewer.vocab.cells import Kind
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.taxonomy import ALL_HEM
from tests.gui.conftest import round_cells

CODES = palette.codes(ALL_HEM)


@pytest.fixture
def session():
    """Six cells: sure blast, sure normal, doubtful blast, unsure normal, not classified, smudge."""
    cells = round_cells([(50, 50 * i) for i in range(1, 7)])
    cells.kind[5] = Kind.SMUDGE
    out = ReviewSession(ALL_HEM, None, "slide", "run")
    out.add(cells)
    p = np.array([0.95, 0.05, 0.6, 0.2], np.float32)
    boxes = np.zeros((4, 4), np.float32)
    unsure = np.array([False, False, False, True])
    out.classify([1, 2, 3, 4], Prediction(("blast", "normal"), np.stack([p, 1 - p], 1), unsure, boxes, "m"))
    return out


def test_each_cell_is_shown_as_what_it_is(session):
    expected = [CODES[k] for k in ("blast", "normal", "blast", "normal", "unclassified", "smudge")]
    assert codes_of(session).tolist() == expected
    assert 0.6 < DOUBT_BELOW < 0.8
    assert doubtful(session).tolist() == [False, False, True, True, False, False]


def test_a_label_wins_over_the_suggestion_and_ends_the_doubt(session):
    session.relabel([2, 4], "normal")
    session.relabel([5], "not-a-cell")
    states = states_of(session, Filters())
    assert states[2] == CODES["normal"] | palette.REVIEWED
    assert states[4] == CODES["normal"] | palette.REVIEWED
    assert states[5] == CODES["not-a-cell"] | palette.REVIEWED
    assert states[3] == CODES["normal"] | palette.DOUBTFUL


def test_some_rows_are_as_they_are_among_all(session):
    session.relabel([1], "unsure")
    for filters in (Filters(), Filters(confidence=(0.5, 0.9)), Filters(states=frozenset({State.REVIEWED}))):
        everything = states_of(session, filters)
        for rows in (np.array([1]), np.array([5, 0, 3])):
            assert states_of(session, filters, rows).tolist() == everything[rows].tolist()
        assert states_of(session, filters, slice(2, 5)).tolist() == everything[2:5].tolist()


def test_filters_leave_out_what_they_say(session):
    session.relabel([0], "blast")
    shown = states_of(session, Filters(confidence=(0.7, 1.0))) != palette.HIDDEN
    assert shown.tolist() == [True, True, False, True, False, False]
    shown = states_of(session, Filters(states=frozenset({State.UNREVIEWED}))) != palette.HIDDEN
    assert shown.tolist() == [False, True, True, True, True, True]
    assert not is_drawn(session, Filters(hidden=frozenset({"smudge"})), 5)
    assert is_drawn(session, Filters(), 5)
    assert not is_drawn(session, Filters(confidence=(0.7, 1.0)), 2)


def test_before_any_model_has_spoken_nothing_is_doubtful():
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(round_cells([(50, 50)]))
    assert states_of(session, Filters()).tolist() == [CODES["unclassified"]]
