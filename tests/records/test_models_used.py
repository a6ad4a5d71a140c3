"""Which file a model's name stood for; and studies of version 1, which did not know yet."""

import sqlite3
from pathlib import Path

import pytest

from allviewer.records import Study, Tampering, verify
from allviewer.vocab.errors import AlteredModelError, StudyError

OLD = Path(__file__).with_name("study_v1.sql")
"""A study as the program of version 1 wrote it, dumped by SQLite."""

A, B = "a" * 64, "b" * 64


def rows(path, query="select name, digest, reader, accepted_by from model_used order by id"):
    with sqlite3.connect(path) as raw:
        return raw.execute(query).fetchall()


@pytest.fixture
def old_file(tmp_path):
    path = tmp_path / "old.sqlite"
    raw = sqlite3.connect(path)
    raw.executescript(OLD.read_text())
    raw.close()
    return path


def test_a_model_is_noted_once_and_another_file_of_its_name_is_refused(study_file):
    with Study.open(study_file, reader="m.k.") as study:
        for _ in range(2):
            study.admit_model("alnet-1", A)
        study.admit_model("other", B)
        assert study.known_models("alnet-1") == [A]
        with pytest.raises(AlteredModelError, match=r"expected sha256 aaaaaaaaaaaa, got bbbbbbbbbbbb") as caught:
            study.admit_model("alnet-1", B)
        assert (caught.value.name, caught.value.known, caught.value.found) == ("alnet-1", A, B)
        assert str(study_file) in str(caught.value)
        assert "--accept-model alnet-1" in str(caught.value)
    assert rows(study_file) == [("alnet-1", A, "m.k.", None), ("other", B, "m.k.", None)]


def test_an_acceptance_is_recorded_and_holds(study_file):
    with Study.open(study_file, reader="m.k.") as study:
        study.admit_model("alnet-1", A)
        study.admit_model("alnet-1", B, accepted=True)
    with Study.open(study_file, reader="s.p.") as study:
        study.admit_model("alnet-1", B)
        study.admit_model("alnet-1", A)  # the one before is known too
        with pytest.raises(AlteredModelError, match="expected sha256 bbbbbbbbbbbb"):  # told beside the latest
            study.admit_model("alnet-1", "c" * 64)
    assert rows(study_file) == [("alnet-1", A, "m.k.", None), ("alnet-1", B, "m.k.", "m.k.")]
    assert verify(study_file) == []


def test_rows_are_never_changed(study_file):
    with Study.open(study_file) as study:
        study.admit_model("alnet-1", A)
    raw = sqlite3.connect(study_file)
    for statement in (
        f"update model_used set digest = '{B}'", "delete from model_used",
        f"replace into model_used values (1, 'alnet-1', '{B}', 'x', null, 'now')",
    ):  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match="rows of model_used are never changed"):
            raw.execute(statement)
    raw.execute("drop trigger model_used_update")
    raw.commit()
    raw.close()
    assert [f.kind for f in verify(study_file)] == [Tampering.UNGUARDED]


def test_an_old_study_is_brought_up_to_date_and_nothing_in_it_moves(old_file, study_file):
    assert verify(old_file) == []  # an old file is whole as it is
    before = {name: rows(old_file, f"select * from {name} order by 1") for name in ("decision", "slide", "sighting")}
    with Study.open(old_file, reader="m.k.", device="bench") as study:
        assert study.known_models("alnet-1") == []
        assert [(s.cell, s.label) for s in study.labels("slide")] == [(2, "normal"), (1, "blast")]
        assert study.redo("slide")[0].label_after == "normal"  # the chain goes on where it stood
        study.admit_model("alnet-1", A)
    for name, old in before.items():
        assert rows(old_file, f"select * from {name} order by 1")[: len(old)] == old
    assert [v for (v,) in rows(old_file, "select version from schema_version order by 1")] == [1, 2]
    assert rows(old_file, "pragma user_version") == [(2,)]
    assert verify(old_file) == []
    Study.open(study_file).close()
    everything = "select type, name, sql from sqlite_master where name not like 'sqlite%' order by name"
    assert rows(old_file, everything) == rows(study_file, everything)  # as if it had been made today


def test_two_programs_bring_one_file_up_to_date_once(old_file):
    with Study.open(old_file) as first, Study.open(old_file) as second:
        first.admit_model("alnet-1", A)
        with pytest.raises(AlteredModelError):
            second.admit_model("alnet-1", B)
    assert [v for (v,) in rows(old_file, "select version from schema_version order by 1")] == [1, 2]


def test_a_migration_that_fails_leaves_the_old_file_as_it_was(old_file):
    raw = sqlite3.connect(old_file)
    raw.execute("create table model_used (something text)")  # in the way
    raw.commit()
    raw.close()
    with pytest.raises(StudyError):
        Study.open(old_file)
    assert [v for (v,) in rows(old_file, "select version from schema_version order by 1")] == [1]
    assert rows(old_file, "pragma user_version") == [(1,)]
    assert len(rows(old_file, "select * from decision")) == 4
