"""The session: acts reach the log before the arrays, and signals tell what changed."""

import numpy as np
import pytest

from allviewer.records import Study
from allviewer.review import NONE, ClassCount, ReviewSession
from allviewer.vocab.decision import Act
from allviewer.vocab.errors import ConflictError, StudyError
from allviewer.vocab.taxonomy import ALL_HEM, STAGES

BLAST, NORMAL, UNSURE, NOT_A_CELL = range(4)


@pytest.fixture
def session(make):
    """Five classified cells and a sixth that is not."""
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(make.grid(6))
    session.classify(np.arange(1, 6), make.prediction([0.9, 0.6, 0.1, 0.55, 0.8]))
    return session


def test_what_is_shown(session):
    assert session.suggested.tolist() == [BLAST, BLAST, NORMAL, BLAST, BLAST, NONE]
    assert session.label.tolist() == [NONE] * 6
    assert not session.reviewed.any()
    assert np.allclose(session.confidence[:5], [0.9, 0.6, 0.9, 0.55, 0.8])
    assert np.isnan(session.confidence[5])
    session.relabel(2, "blast")
    session.mark_unsure([3])
    session.reject([5])
    assert session.shown.tolist() == [BLAST, BLAST, BLAST, UNSURE, BLAST, NOT_A_CELL]
    assert session.reviewed.tolist() == [False, False, True, True, False, True]
    assert session.suggested.tolist() == [BLAST, BLAST, NORMAL, BLAST, BLAST, NONE]  # the model's word stays


def test_arrays_change_by_acts_only(session):
    for array in (session.label, session.suggested, session.confidence):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_each_act_is_in_the_log_before_the_signal(session):
    seen = []
    session.changed.connect(lambda rows: seen.append([(r.decision.cell, r.decision.label_after) for r in log()]))

    def log():
        return session.study.history("slide")

    session.relabel([0, 2], "normal")
    assert seen == [[(1, "normal"), (3, "normal")]]


def test_acts_and_what_the_log_says_of_them(session, heard):
    said = heard(session)
    assert session.accept([0, 5]).tolist() == [0]  # the sixth has nothing to accept
    assert session.relabel([0, 1, 2], "blast").tolist() == [1, 2]  # the first is that already
    assert session.accept([0, 1]).tolist() == []  # reviewed
    assert session.relabel(2, "blast").tolist() == []
    assert said.changed == [[0], [1, 2]]
    log = [(r.batch, d.cell, d.act, d.label_before, d.label_after, d.suggested) for r in session.study.history("slide")
           for d in [r.decision]]  # fmt: skip
    assert log == [
        (1, 1, Act.ACCEPT, None, "blast", "blast"),
        (2, 2, Act.ACCEPT, None, "blast", "blast"),  # the label shown, given by its own key
        (2, 3, Act.RELABEL, None, "blast", "normal"),
    ]
    assert session.study.history("slide")[0].decision.box == tuple(session.cells.bbox[0])
    assert [r.decision.label_after for r in session.history(2)] == ["blast"]
    with pytest.raises(KeyError, match="no label here: there are blast, normal, unsure, not-a-cell"):
        session.relabel(0, "monocyte")


def test_undo_and_redo_bring_back_and_signal(session, heard):
    session.relabel([0, 1], "normal")
    session.relabel([1, 2], "unsure")
    said = heard(session)
    assert (session.can_undo, session.can_redo) == (True, False)
    assert session.undo().tolist() == [1, 2]
    assert session.label.tolist() == [NORMAL, NORMAL, NONE, NONE, NONE, NONE]
    assert session.undo().tolist() == [0, 1]
    assert session.undo().tolist() == []
    assert not session.reviewed.any()
    assert session.redo().tolist() == [0, 1]
    assert session.redo().tolist() == [1, 2]
    assert session.label.tolist() == [NORMAL, UNSURE, UNSURE, NONE, NONE, NONE]
    assert said.changed == [[1, 2], [0, 1], [0, 1], [1, 2]]
    assert (session.can_undo, session.can_redo) == (True, False)


def test_reopened_session_shows_it_all(tmp_path, make):
    path = tmp_path / "s.sqlite"
    with Study.open(path) as study:
        first = ReviewSession(ALL_HEM, study, "slide", "run")
        first.add(make.grid(6))
        first.relabel([0, 4], "normal")
        first.relabel([4], "unsure")
        first.undo()
    with Study.open(path) as study:
        again = ReviewSession(ALL_HEM, study, "slide", "run")
        again.add(make.grid(6).take(np.array([5, 4, 3, 2, 1, 0])))  # the tiles may come in any order
        assert again.label.tolist() == [NONE, NORMAL, NONE, NONE, NONE, NORMAL]
        assert again.can_redo
        assert again.redo().tolist() == [1]
        again.undo()
        assert again.undo().tolist() == [5, 1]
        other = ReviewSession(ALL_HEM, study, "other slide", "run")
        assert not other.can_undo


def test_a_full_disk_changes_nothing(session, tmp_path, make, heard):
    with Study.open(tmp_path / "s.sqlite") as study:
        session = ReviewSession(ALL_HEM, study, "slide", "run")
        session.add(make.grid(400))
        session.classify(session.cells.ids, make.prediction(np.linspace(0, 1, 400)))
        session.relabel([0], "blast")
        with study._database.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        before, said, saved = session.label.copy(), heard(session), session.saved_at
        with pytest.raises(StudyError, match="the disk is full"):
            session.accept(np.arange(400))
        with pytest.raises(StudyError, match="the disk is full"):
            session.relabel(np.arange(300), "unsure")
        assert (session.label == before).all()
        assert said.changed == []
        assert session.saved_at == saved
        with study._database.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        assert len(session.accept(np.arange(400))) == 399


def test_a_conflict_shows_what_the_other_decided(tmp_path, make, heard):
    path = tmp_path / "s.sqlite"
    with Study.open(path, reader="anna") as one, Study.open(path, reader="ben") as two:
        anna, ben = (ReviewSession(ALL_HEM, study, "slide", "run") for study in (one, two))
        for session in (anna, ben):
            session.add(make.grid(4))
        ben.relabel([1, 2], "normal")
        said = heard(anna)
        with pytest.raises(ConflictError, match="cell 2 is now 'normal', not unreviewed: it was changed by ben"):
            anna.relabel([0, 1], "blast")
        assert anna.label.tolist() == ben.label.tolist() == [NONE, NORMAL, NORMAL, NONE]
        assert said.changed == [[1, 2]]
        anna.relabel([0, 1], "blast")  # now she knows
        assert ben.refresh().tolist() == [0, 1]
        assert ben.label.tolist() == [BLAST, BLAST, NORMAL, NONE]
        with pytest.raises(ConflictError, match="changed by anna"):
            ben.undo()


def test_tiles_grow_the_session_without_moving_rows(make, heard):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    said = heard(session)
    tiles = [make.cells(np.array([[100.0 * t + 30 * k, 50] for k in range(3)]), first=1000 * t + 1) for t in range(40)]
    for t, tile in enumerate(tiles):
        rows = session.add(tile)
        assert rows.tolist() == [3 * t, 3 * t + 1, 3 * t + 2]
        session.classify(tile.ids[:2], make.prediction([0.2, 0.7]))
        session.relabel(rows[0], "blast")
    assert session.add(tiles[7]).tolist() == []  # a stored tile told again
    assert len(session) == len(session.cells) == len(session.prediction) == 120
    assert session.cells.ids.tolist() == [i for tile in tiles for i in tile.ids.tolist()]
    assert session.suggested.tolist() == [NORMAL, BLAST, NONE] * 40
    assert session.label.tolist() == [BLAST, NONE, NONE] * 40
    for t in (0, 17, 39):
        for part in ("cell", "nucleus"):
            ours, theirs = (getattr(table, part) for table in (session.cells, tiles[t]))
            for k in range(3):
                assert np.array_equal(list(ours.rings(3 * t + k)), list(theirs.rings(k)))
    assert session.cells.measurements["roundness"].shape == (120,)
    assert session.rows_of([17001, 1]).tolist() == [51, 0]
    assert [len(rows) for rows in said.grown] == [3] * 40
    assert session.prediction.classified.tolist() == [True, True, False] * 40


def test_predictions_keep_their_rows_whatever_comes_when(make):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    assert session.prediction is None
    session.add(make.grid(3))
    session.classify([3], make.prediction([0.25]))
    assert session.prediction.heat is None
    session.classify([1], make.prediction([0.75], heat=2.0))
    session.add(make.cells([[500, 500]], first=4))
    heat = session.prediction.heat
    assert heat.shape == (4, 2, 3, 3)
    assert (heat[0] == 2).all()
    assert np.isnan(heat[1:]).all()
    assert np.isnan(session.prediction.boxes[[1, 3]]).all()
    swapped = make.prediction([0.9], classes=("normal", "blast"))
    with pytest.raises(ValueError, match="one set of classes"):
        session.classify([2], swapped)
    with pytest.raises(ValueError, match="classes not of this taxonomy"):
        session.classify([2], make.prediction([0.9], classes=("early", "late")))
    with pytest.raises(KeyError):
        session.classify([99], make.prediction([0.9]))
    with pytest.raises(ValueError, match="2 predictions for 1 cells"):
        session.classify([1], make.prediction([0.9, 0.1]))
    assert session.suggested.tolist() == [BLAST, NONE, NORMAL, NONE]


def test_a_models_classes_may_come_in_another_order(make):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(make.grid(3))
    session.classify([1, 2, 3], make.prediction([0.9, 0.2, np.nan], classes=("normal", "blast")))
    assert session.suggested.tolist() == [NORMAL, BLAST, NONE]


def test_counts_keep_people_and_model_apart(make):
    session = ReviewSession(ALL_HEM, None, "slide", "run")
    session.add(make.grid(8, smudges=[6, 7]))
    session.classify(np.arange(1, 6), make.prediction([0.9, 0.8, 0.3, 0.2, 0.6]))
    session.accept([0, 2])
    session.relabel([1], "normal")
    session.mark_unsure([3])
    session.reject([7])
    counts = session.counts()
    assert counts == {
        "blast": ClassCount(1, 1),
        "normal": ClassCount(2, 0),
        "unsure": ClassCount(1, 0),
        "not-a-cell": ClassCount(1, 0),
        "unclassified": ClassCount(0, 1),
        "smudge": ClassCount(0, 1),
    }
    assert sum(c.reviewed + c.model_only for c in counts.values()) == len(session)


def test_labels_of_another_taxonomy_are_kept_and_never_written_over(tmp_path, make):
    with Study.open(tmp_path / "s.sqlite") as study:
        stages = ReviewSession(STAGES, study, "slide", "run")
        stages.add(make.grid(3))
        stages.relabel([0], "early")
        stages.reject([1])
        other = ReviewSession(ALL_HEM, study, "slide", "run")
        other.add(make.grid(3))
        other.classify([1, 2, 3], make.prediction([0.9, 0.8, 0.7]))
        assert other.label.tolist() == [NONE, NOT_A_CELL, NONE]
        assert other.foreign.tolist() == [True, False, False]
        assert [other.foreign_label(row) for row in range(3)] == ["early", None, None]
        assert other.next_uncertain(None) == 2  # the cell with a label is not asked about
        rows = len(study.history("slide"))
        for act in (
            lambda: other.relabel([0], "blast"), lambda: other.accept([0, 2]), lambda: other.mark_unsure([0]),
        ):  # fmt: skip
            with pytest.raises(ConflictError, match="reviewed as 'early', which is none of these classes"):
                act()
        assert len(study.history("slide")) == rows
        other.relabel([2], "normal")
        other.relabel([1], "blast")
        assert other.undo().tolist() == [1]
        assert other.undo().tolist() == [2]
        other.undo()  # not a cell is said in every taxonomy
        with pytest.raises(ConflictError, match="decided last, is reviewed as 'early'"):
            other.undo()
        stages.refresh()
        assert stages.codes.key(stages.label[0]) == "early"
        assert stages.undo().tolist() == [0]
        assert stages.foreign.tolist() == [False, False, False]
        with pytest.raises(ConflictError, match="'early'"):
            other.redo()


def test_selection_tells_once(session, heard):
    said = heard(session)
    session.selected = 3
    session.selected = 3
    session.selected = None
    assert said.selection == [3, None]
    with pytest.raises(IndexError):
        session.selected = 6
    assert session.selected is None
