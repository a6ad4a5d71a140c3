"""Files and disks that a study cannot use: each ends in a sentence, and a foreign file is left as it was."""

import contextlib
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import pytest

from allviewer.records import Study, verify
from allviewer.vocab.errors import ConflictError, StudyError


@pytest.mark.parametrize(
    "content",
    [b"x", b"hello, this is no database\n" * 3, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, b"\0" * 5000],
    ids=["one byte", "short text", "picture", "zeros"],
)
def test_a_file_that_is_no_database(tmp_path, content):
    path = tmp_path / "slide.png"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"slide\.png: not a study: this file is no database"):
        Study.open(path)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["slide.png"]


def test_another_programs_database(tmp_path):
    path = tmp_path / "places.sqlite"
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE decision (id INTEGER)")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StudyError, match="belongs to another program"):
        Study.open(path)
    assert path.read_bytes() == before
    with pytest.raises(StudyError):
        verify(path)


def test_an_empty_file_becomes_a_study(study_file, decide):
    study_file.touch()
    with Study.open(study_file) as study:
        study.commit([decide(1, None, "blast")])
    assert verify(study_file) == []


@pytest.mark.parametrize("how", ["PRAGMA user_version = 7", "INSERT INTO schema_version VALUES (7, 'later', 'newer')"])
def test_a_study_of_a_newer_program(study_file, how):
    Study.open(study_file).close()
    raw = sqlite3.connect(study_file)
    raw.execute(how)
    raw.commit()
    raw.close()
    before = study_file.read_bytes()
    with pytest.raises(StudyError, match=r"newer allviewer \(expected schema version up to 2, got 7\)"):
        Study.open(study_file)
    assert study_file.read_bytes() == before


def test_a_damaged_study(study_file, decide):
    with Study.open(study_file) as study:
        study.commit([decide(cell, None, "blast") for cell in range(1, 200)])
    whole = study_file.read_bytes()
    study_file.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with pytest.raises(StudyError, match="damaged"):
        Study.open(study_file).labels("slide")


def test_folders_that_are_missing_or_named_instead_of_a_file(tmp_path):
    with pytest.raises(StudyError, match="its folder does not exist"):
        Study.open(tmp_path / "no" / "study.sqlite")
    with pytest.raises(StudyError, match="a study is a file, this is a folder"):
        Study.open(tmp_path)
    with pytest.raises(StudyError, match="only study files"):
        Study.open("postgresql://somewhere/study")
    with pytest.raises(StudyError, match="no such study file"):
        verify(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def ordinary_user():
    """The administrator may write anywhere: step down to nobody for a moment."""
    administrator = os.geteuid() == 0
    if administrator:
        os.seteuid(65534)
    try:
        yield
    finally:
        if administrator:
            os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permissions on Windows")
def test_a_folder_that_may_not_be_written(decide):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Study.open(folder / "old.sqlite").close()
        (folder / "old.sqlite").chmod(0o444)
        folder.chmod(0o555)
        try:
            with ordinary_user():
                with pytest.raises(StudyError, match="cannot be opened or created"):
                    Study.open(folder / "new.sqlite")
                with pytest.raises(StudyError, match=r"cannot be written|cannot be opened"):
                    Study.open(folder / "old.sqlite")
        finally:
            folder.chmod(0o755)
        assert [p.name for p in folder.iterdir()] == ["old.sqlite"]


def pages(study, limit):
    with study._database.reading() as connection:
        return connection.exec_driver_sql(f"PRAGMA max_page_count = {limit}").scalar()


def test_a_full_disk_loses_nothing_that_was_confirmed(study_file, decide):
    with Study.open(study_file) as study:
        study.commit([decide(1, None, "blast")])
        pages(study, 1)  # the database may not grow beyond what it is now
        done = 1
        with pytest.raises(StudyError, match=r"the disk is full .*Nothing of this act was saved"):  # noqa: PT012
            for done in range(1, 10_000):
                study.commit([decide(done + 1, None, "normal")])
        assert len(study.labels("slide")) == done
        with pytest.raises(StudyError, match="the disk is full"):
            study.commit([decide(cell, None, "normal") for cell in range(20_000, 21_000)])
        assert len(study.labels("slide")) == len(study.history("slide")) == done
        pages(study, 1_000_000)
        study.commit([decide(done + 1, None, "unsure")])  # the same cell: nothing of it had stayed behind
        assert len(study.labels("slide")) == done + 1
    assert verify(study_file) == []


def test_a_study_held_by_another_program(study_file, decide, monkeypatch):
    monkeypatch.setattr("allviewer.records.database.BUSY_SECONDS", 0.2)
    with Study.open(study_file) as study:
        other = sqlite3.connect(study_file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        start = time.perf_counter()
        with pytest.raises(StudyError, match="another program is holding the study") as refused:
            study.commit([decide(1, None, "blast")])
        assert time.perf_counter() - start < 2
        assert not isinstance(refused.value, ConflictError)
        assert study.labels("slide") == []
        other.execute("ROLLBACK")
        study.commit([decide(1, None, "blast")])
        assert len(study.labels("slide")) == 1
