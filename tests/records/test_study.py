"""Commit, undo, redo, replay; one file opened again and opened twice."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from allviewer.records import Study, default_path, verify
from allviewer.records.study import platform
from allviewer.vocab.decision import Act
from allviewer.vocab.errors import ConflictError, StudyError


def labels(study, slide="slide"):
    return {one.cell: one.label for one in study.labels(slide)}


def test_a_decision_is_in_the_file_when_commit_returns(study_file, decide):
    with Study.open(study_file, reader="anna") as study:
        before = datetime.now(UTC)
        study.commit([decide(81, None, "blast")])
        raw = sqlite3.connect(study_file)  # another connection sees it while the study is still open
        assert raw.execute("SELECT cell, label_before, label_after, reader FROM decision").fetchall() == [
            (81, None, "blast", "anna")
        ]
        raw.close()
        (settled,) = study.labels("slide")
    assert (settled.cell, settled.label, settled.act, settled.reader) == (81, "blast", Act.RELABEL, "anna")
    assert (settled.centre, settled.box, settled.run) == ((10.25 * 81, 0.1), (810, 0, 819, 8), "run")
    assert (settled.origin, settled.seen) == (("run", 81), {"run": 81})
    assert settled.at.utcoffset() == timedelta(0)
    assert before <= settled.at <= datetime.now(UTC)


def test_commits_are_flushed_to_the_disk(study_file):
    with Study.open(study_file) as study, study._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_the_last_decision_is_the_label_and_the_log_keeps_all(study_file, decide):
    with Study.open(study_file, reader="anna") as study:
        study.commit([decide(1, None, "blast"), decide(2, None, "normal")])
        study.commit([decide(1, "blast", "unsure")])
        assert labels(study) == {1: "unsure", 2: "normal"}
        assert [(r.id, r.batch, r.decision.cell, r.decision.label_after) for r in study.history("slide")] == [
            (1, 1, 1, "blast"),
            (2, 1, 2, "normal"),
            (3, 3, 1, "unsure"),
        ]
        assert [r.id for r in study.history("slide", 1)] == [1, 3]
        assert study.history("another slide") == []


def test_undo_appends_the_opposite_and_redo_takes_that_back(study_file, decide):
    with Study.open(study_file) as study:
        study.commit([decide(1, None, "blast")])
        study.commit([decide(1, "blast", "normal"), decide(2, None, "normal")])
        assert study.can_undo("slide")
        assert not study.can_redo("slide")
        undone = study.undo("slide")
        assert [(d.cell, d.act, d.label_before, d.label_after) for d in undone] == [
            (1, Act.UNDO, "normal", "blast"),
            (2, Act.UNDO, "normal", None),
        ]
        assert labels(study) == {1: "blast"}
        study.undo("slide")
        assert labels(study) == {}
        assert study.undo("slide") is None
        assert not study.can_undo("slide")
        study.redo("slide")
        study.redo("slide")
        assert labels(study) == {1: "normal", 2: "normal"}
        assert study.redo("slide") is None
        log = study.history("slide")
        assert [r.reverts for r in log] == [None] * 3 + [2, 2, 1, 6, 4, 4]
        assert [r.decision.act for r in log[6:]] == [Act.REDO] * 3


def test_undo_survives_a_restart_and_a_new_act_ends_redo(study_file, decide):
    with Study.open(study_file, reader="anna") as study:
        for cell in (1, 2, 3):
            study.commit([decide(cell, None, "blast")])
        study.undo("slide")
    with Study.open(study_file, reader="anna") as study:
        assert study.can_redo("slide")
        study.undo("slide")
        assert labels(study) == {1: "blast"}
        study.redo("slide")
        study.redo("slide")
        assert labels(study) == {1: "blast", 2: "blast", 3: "blast"}
        study.undo("slide")
        study.commit([decide(9, None, "normal")])
        assert not study.can_redo("slide")
    with Study.open(study_file, reader="anna") as study:
        assert not study.can_redo("slide")
        study.undo("slide")
        assert labels(study) == {1: "blast", 2: "blast"}


def test_undo_is_the_readers_own_and_the_slides_own(study_file, decide):
    with Study.open(study_file, reader="anna") as anna, Study.open(study_file, reader="ben") as ben:
        anna.commit([decide(1, None, "blast")])
        ben.commit([decide(2, None, "normal")])
        anna.commit([decide(1, None, "blast", slide="other")])
        anna.undo("slide")
        assert labels(anna) == labels(ben) == {2: "normal"}
        assert not anna.can_undo("slide")
        assert labels(ben, "other") == {1: "blast"}
        assert ben.undo("other") is None


def test_two_programs_on_one_file_find_their_conflict(study_file, decide):
    with Study.open(study_file, reader="anna") as anna, Study.open(study_file, reader="ben") as ben:
        anna.commit([decide(81, None, "blast"), decide(82, None, "blast")])
        ben.commit([decide(81, "blast", "normal")])
        with pytest.raises(ConflictError) as refused:
            anna.commit([decide(7, None, "blast"), decide(81, "blast", "unsure")])
        said = str(refused.value)
        assert "cell 81 is now 'normal', not 'blast': it was changed by ben at " in said
        assert str(study_file) in said
        assert labels(anna) == labels(ben) == {81: "normal", 82: "blast"}  # cell 7 went with its batch
        with pytest.raises(ConflictError, match="changed by ben"):
            anna.undo("slide")
        assert labels(anna) == {81: "normal", 82: "blast"}
        ben.undo("slide")
        anna.undo("slide")
        assert labels(anna) == {}
        with pytest.raises(ConflictError, match="cell 82 is now unreviewed, not 'blast'"):
            ben.commit([decide(82, "blast", "normal")])


def test_a_cell_keeps_its_identity_through_runs(study_file, decide):
    with Study.open(study_file) as study:
        study.commit([decide(81, None, "blast", run="first")])
        study.commit([decide(93, "blast", "normal", run="second", origin=("first", 81))])
        (settled,) = study.labels("slide")
        assert (settled.cell, settled.run, settled.label) == (93, "second", "normal")
        assert (settled.origin, settled.seen) == (("first", 81), {"first": 81, "second": 93})
        assert [r.decision.cell for r in study.history("slide", 93, "second")] == [81, 93]
        assert [r.decision.cell for r in study.history("slide", 81, "first")] == [81, 93]
        with pytest.raises(ConflictError):  # the log knows better than a view that forgot the cell's identity
            study.commit([decide(93, None, "blast", run="second")])
        study.commit([decide(93, "normal", "unsure", run="second")])
        assert [one.origin for one in study.labels("slide")] == [("first", 81)]
        for _ in range(3):
            study.undo("slide")
        assert study.labels("slide") == []


def test_slides_are_noted_once_and_again_where_they_moved(study_file):
    with Study.open(study_file, reader="anna") as study:
        for _ in range(3):
            study.add_slide("d1", "field 12", Path("/slides/12.tif"), (1944, 2592), None)
        study.add_slide("d1", "field 12", Path("/archive/12.tif"), (1944, 2592), 0.11)
    raw = sqlite3.connect(study_file)
    assert raw.execute("SELECT digest, height, width FROM slide").fetchall() == [("d1", 1944, 2592)]
    seen = raw.execute("SELECT path, pixel_size_um, reader FROM sighting").fetchall()
    assert seen == [(str(Path("/slides/12.tif")), None, "anna"), (str(Path("/archive/12.tif")), 0.11, "anna")]


def test_the_users_own_study_and_name_are_the_default(tmp_path, monkeypatch):
    monkeypatch.setattr("allviewer.records.study.user_data_path", lambda *_, **__: tmp_path / "data" / "allviewer")
    monkeypatch.setenv("LOGNAME", "m.k.")
    with Study.open() as study:
        assert (study.path, study.reader) == (tmp_path / "data" / "allviewer" / "study.sqlite", "m.k.")
        assert study.device == platform.node()
        assert study.path.is_file()
    assert default_path() == study.path
    with pytest.raises(StudyError, match="a reader needs a name"):
        Study.open(reader="  ")


def test_a_study_in_memory_works_alike(decide):
    with Study.in_memory(reader="anna") as study:
        assert study.path is None
        study.commit([decide(1, None, "blast")])
        study.undo("slide")
        study.redo("slide")
        assert labels(study) == {1: "blast"}


@pytest.mark.parametrize("case", ["empty", "undo", "two slides", "one cell twice"])
def test_malformed_batches_are_a_programmers_error(case, decide):
    batch = {
        "empty": [],
        "undo": [decide(1, None, "blast", act=Act.UNDO)],
        "two slides": [decide(1, None, "blast"), decide(2, None, "blast", slide="other")],
        "one cell twice": [decide(1, None, "blast"), decide(1, "blast", "normal")],
    }[case]
    with Study.in_memory() as study, pytest.raises(ValueError):
        study.commit(batch)


def test_closing_leaves_one_file(study_file, decide):
    with Study.open(study_file) as study:
        study.commit([decide(1, None, "blast")])
    assert [p.name for p in study_file.parent.iterdir()] == [study_file.name]
    with pytest.raises(StudyError, match="the study was closed"):
        study.commit([decide(2, None, "blast")])


@pytest.mark.parametrize("attempt", range(5))
def test_programs_that_make_the_same_file_at_once_share_one_study(study_file, decide, attempt):
    together = Barrier(4)

    def begin(number):
        together.wait()
        with Study.open(study_file, reader=f"reader {number}") as study:
            for cell in range(4):
                study.commit([decide(10 * number + cell, None, "blast")])
            return study.uid

    with ThreadPoolExecutor(4) as programs:
        assert len(set(programs.map(begin, range(4)))) == 1
    with Study.open(study_file) as study:
        assert len(labels(study)) == 16
    assert verify(study_file) == []
