"""Tables of a study file, version 2. Every table only grows: triggers refuse UPDATE, DELETE and REPLACE."""

from sqlalchemy import REAL, Column, Connection, Index, Integer, MetaData, Table, Text, event, func, select
from sqlalchemy.schema import DDL

SCHEMA_VERSION = 2
"""Version that this program writes; a file with a higher one is refused, one with a lower one brought up to it."""

APPLICATION_ID = 0x414C4C56
"""``ALLV`` in the SQLite header: the mark by which a study is told from any other database."""

metadata = MetaData()

study = Table(
    "study",
    metadata,
    Column("uid", Text, primary_key=True),  # random; the seed of every hash chain, so rows cannot move between studies
    Column("created_at_utc", Text, nullable=False),
)

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at_utc", Text, nullable=False),
    Column("program", Text, nullable=False),
)

slide = Table(
    "slide",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("at_utc", Text, nullable=False),
)

sighting = Table(  # files move and pixel sizes get typed over: each new state is a new row
    "sighting",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slide", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("pixel_size_um", REAL),
    Column("reader", Text, nullable=False),
    Column("at_utc", Text, nullable=False),
    sqlite_autoincrement=True,
)

decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True),  # 1, 2, 3 … without a gap
    Column("batch", Integer, nullable=False),  # id of the batch's first row; a batch is one undo step
    Column("reverts", Integer),  # the batch that an undo or redo takes back
    Column("reader", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("at_utc", Text, nullable=False),
    Column("slide", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("cell", Integer, nullable=False),
    Column("origin_run", Text, nullable=False),  # run and id under which this cell was first decided
    Column("origin_cell", Integer, nullable=False),
    Column("act", Text, nullable=False),
    Column("label_before", Text),
    Column("label_after", Text),
    Column("suggested", Text),
    Column("centre_y", REAL, nullable=False),
    Column("centre_x", REAL, nullable=False),
    Column("y0", Integer, nullable=False),
    Column("x0", Integer, nullable=False),
    Column("y1", Integer, nullable=False),
    Column("x1", Integer, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("decision_of_slide", "slide", "id"),
    Index("decision_of_chain", "reader", "device", "id"),
    sqlite_autoincrement=True,  # keeps the highest id ever given, so that a cut tail shows
)

model_used = Table(  # version 2: which file each model's name stood for, and who accepted that it changed
    "model_used",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("accepted_by", Text),  # NULL: nothing else was known under this name
    Column("at_utc", Text, nullable=False),
    Index("model_used_name", "name"),
    sqlite_autoincrement=True,
)

SINCE = {model_used.name: 2}
"""Table → the version that brought it; the others are of version 1."""


def tables_of(version: int) -> list[Table]:
    """Tables that a file of a version has."""
    return [table for table in metadata.sorted_tables if SINCE.get(table.name, 1) <= version]


def guards(table: Table) -> dict[str, str]:
    """Trigger name → SQLite statement, for the three ways a row could be changed.

    REPLACE needs one of its own: it deletes without asking the delete trigger. A study has one name, for good.
    """
    refuse = f"BEGIN SELECT RAISE(ABORT, 'rows of {table.name} are never changed'); END"
    key = next(iter(table.primary_key)).name
    rows = f"SELECT 1 FROM {table.name}"
    taken = f"EXISTS ({rows})" if table is study else f"EXISTS ({rows} WHERE {key} = NEW.{key})"
    return {
        f"{table.name}_update": f"CREATE TRIGGER {table.name}_update BEFORE UPDATE ON {table.name} {refuse}",
        f"{table.name}_delete": f"CREATE TRIGGER {table.name}_delete BEFORE DELETE ON {table.name} {refuse}",
        f"{table.name}_replace": f"CREATE TRIGGER {table.name}_replace BEFORE INSERT ON {table.name} "
        f"WHEN {taken} {refuse}",
    }


for _table in metadata.sorted_tables:
    for _statement in guards(_table).values():
        event.listen(_table, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]


def missing_guards(connection: Connection) -> list[str]:
    """Names of triggers that a SQLite study should have and does not, or not with their wording."""
    stored = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    found: dict[str, str] = {name: text for name, text in stored}  # noqa: C416 (rows are tuples only to the eye)
    version = connection.execute(select(func.max(schema_version.c.version))).scalar_one()
    wanted = {name: text for table in tables_of(version or 0) for name, text in guards(table).items()}
    return [name for name, text in wanted.items() if found.get(name) != text]
