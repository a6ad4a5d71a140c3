"""The log refuses to be changed; changed behind the program's back, ``verify`` finds it."""

import sqlite3

import pytest
from sqlalchemy import insert

from allviewer.records import Study, Tampering, chain, verify
from allviewer.records.schema import decision as decisions
from allviewer.records.schema import guards, metadata

TABLES = [table.name for table in metadata.sorted_tables]


@pytest.fixture
def filled(study_file, decide):
    """Two readers' interleaved acts, 14 rows, with an undo and a redo among them."""
    with Study.open(study_file, reader="anna") as anna, Study.open(study_file, reader="ben") as ben:
        anna.add_slide("slide", "field", study_file, (10, 10), None)
        anna.admit_model("alnet-1", "a" * 64)
        for cell in range(1, 5):
            anna.commit([decide(cell, None, "blast")])
            ben.commit([decide(10 + cell, None, "normal"), decide(20 + cell, None, "unsure")])
        anna.undo("slide")
        anna.redo("slide")
    assert verify(study_file) == []
    return study_file


@pytest.mark.parametrize("table", TABLES)
def test_rows_cannot_be_changed_removed_or_replaced(filled, table):
    raw = sqlite3.connect(filled)
    (first, *_), column = raw.execute(f"SELECT * FROM {table}").fetchone(), metadata.tables[table].columns.keys()[-1]
    for statement in (
        f"UPDATE {table} SET {column} = 'x'",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        f"REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            raw.execute(statement)
    assert raw.execute(f"SELECT * FROM {table}").fetchone()[0] == first
    raw.close()
    assert verify(filled) == []


def tamper(path, *statements):
    """Do as someone would who has an editor for databases: take the triggers off, change, put them back."""
    raw = sqlite3.connect(path)
    texts = [text for table in metadata.sorted_tables for text in guards(table).values()]
    for table in metadata.sorted_tables:
        for name in guards(table):
            raw.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        raw.execute(statement)
    for text in texts:
        raw.execute(text)
    raw.commit()
    raw.close()


def found(path):
    return {(finding.kind, finding.row) for finding in verify(path)}


def test_taking_triggers_off_and_on_is_no_change(filled):
    tamper(filled)
    assert verify(filled) == []


CHANGES = {
    "batch": "99", "reverts": "1", "reader": "'eve'", "device": "'elsewhere'", "at_utc": "'2020-01-01T00:00:00+00:00'",
    "slide": "'other'", "run": "'other'", "cell": "99", "origin_run": "'other'", "origin_cell": "99",
    "act": "'accept'", "label_before": "'blast'", "label_after": "'normal'", "suggested": "NULL",
    "centre_y": "centre_y + 0.001", "centre_x": "5", "y0": "1", "x0": "1", "y1": "1", "x1": "1",
    "previous_hash": "'0'", "hash": "'0'",
}  # fmt: skip


def test_every_column_is_tried():
    assert set(CHANGES) == set(decisions.columns.keys()) - {"id"}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("row", [1, 7, 14])
def test_an_altered_row_is_found(filled, column, row):
    tamper(filled, f"UPDATE decision SET {column} = {CHANGES[column]} WHERE id = {row}")
    assert (Tampering.ALTERED, row) in found(filled)


def test_an_altered_row_with_its_hash_made_right_breaks_the_next_link(filled):
    raw = sqlite3.connect(filled)
    raw.row_factory = sqlite3.Row
    row = dict(raw.execute("SELECT * FROM decision WHERE id = 4").fetchone())
    raw.close()
    forged = chain.row_hash({**row, "label_after": "normal"})
    tamper(filled, f"UPDATE decision SET label_after = 'normal', hash = '{forged}' WHERE id = 4")
    assert found(filled) == {(Tampering.ALTERED, 7)}  # anna's next row after 4


@pytest.mark.parametrize(
    ("which", "seen_at"), [("id = 1", 2), ("id = 6", 7), ("id IN (8, 9)", 10), ("id = 14", 15), ("id > 3", 15)]
)
def test_a_removed_row_is_found(filled, which, seen_at):
    tamper(filled, f"DELETE FROM decision WHERE {which}")
    assert (Tampering.REMOVED, seen_at) in found(filled)
    assert {kind for kind, _ in found(filled)} == {Tampering.REMOVED}


def test_an_emptied_log_is_found(filled):
    tamper(filled, "DELETE FROM decision")
    assert found(filled) == {(Tampering.REMOVED, 15)}


def test_a_removed_row_whose_gap_was_closed_is_found(filled):
    tamper(
        filled,
        "DELETE FROM decision WHERE id = 4",
        "UPDATE decision SET id = id - 1 WHERE id > 4",
        "UPDATE sqlite_sequence SET seq = 13 WHERE name = 'decision'",
    )
    kinds = {kind for kind, _ in found(filled)}
    assert kinds & {Tampering.ALTERED, Tampering.REMOVED}


@pytest.mark.parametrize(("one", "other"), [(1, 4), (2, 3), (1, 2), (13, 14)])
def test_reordered_rows_are_found(filled, one, other):
    """Rows of one reader, of one batch, and of two readers."""
    swap = [f"UPDATE decision SET id = {new} WHERE id = {old}" for old, new in ((one, 99), (other, one), (99, other))]
    tamper(filled, *swap, "UPDATE sqlite_sequence SET seq = 14 WHERE name = 'decision'")
    assert found(filled) == {(Tampering.REORDERED, one), (Tampering.REORDERED, other)}


def test_a_row_carried_over_from_another_study_is_found(filled, tmp_path, decide):
    with Study.open(tmp_path / "other.sqlite", reader="eve") as other:
        other.commit([decide(1, None, "blast")])
        with other._database.reading() as connection:
            row = dict(connection.execute(decisions.select()).mappings().one())
    row["id"] = row["batch"] = 15
    row["hash"] = chain.row_hash(row)
    with Study.open(filled) as study, study._database.writing() as connection:
        connection.execute(insert(decisions), [row])
    assert (Tampering.ALTERED, 15) in found(filled)


def test_a_missing_trigger_is_found(filled):
    raw = sqlite3.connect(filled)
    raw.execute("DROP TRIGGER decision_update")
    raw.commit()
    raw.close()
    (finding,) = verify(filled)
    assert finding.kind is Tampering.UNGUARDED
    assert "decision_update" in finding.sentence


def test_chain_heads_are_one_a_reader_and_device(filled):
    with Study.open(filled, reader="anna", device="another machine") as study:
        before = study.heads()
    assert {reader for reader, _ in before} == {"anna", "ben"}
    raw = sqlite3.connect(filled)
    assert (
        before["ben", next(d for r, d in before if r == "ben")]
        == raw.execute("SELECT hash FROM decision WHERE reader = 'ben' ORDER BY id DESC").fetchone()[0]
    )
