"""One SQLite study file: opened safely, written in immediate transactions, its faults told in sentences."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError, ResourceClosedError
from sqlalchemy.pool import StaticPool

from allviewer.records import schema
from allviewer.records.migrations import create, migrate, version_of
from allviewer.vocab.errors import StudyError

BUSY_SECONDS = 2.0
"""How long a commit waits for another program that is writing; another viewer's commit takes about a millisecond."""

_FAULTS = {
    "SQLITE_FULL": ("the disk is full", "Nothing of this act was saved: free some space, then do it again."),
    "SQLITE_READONLY": (
        "the study cannot be written",
        "Make the file and its folder writable, or choose another with --study FILE.",
    ),
    "SQLITE_PERM": ("the study cannot be written", "Make the file and its folder writable."),
    "SQLITE_CANTOPEN": (
        "the study cannot be opened or created",
        "Check that the folder exists and may be written to, or choose another with --study FILE.",
    ),
    "SQLITE_NOTADB": ("not a study: this file is no database", "Choose a study file, or a name that is not taken yet."),
    "SQLITE_BUSY": ("another program is holding the study", "Close that program or wait a moment, then do it again."),
    "SQLITE_LOCKED": ("another program is holding the study", "Close that program or wait a moment, then do it again."),
    "SQLITE_CORRUPT": ("the study file is damaged", "Keep a copy of it as it is, and go on from a backup."),
    "SQLITE_IOERR": ("the study file cannot be read or written", "Check the disk, then open the study again."),
    "SQLITE_CONSTRAINT": ("the study refuses this row", "Nothing was saved."),
}


class Database:
    """One connection to one study, used by one thread at a time.

    Parameters
    ----------
    path : the file; None keeps the study in memory.

    Raises
    ------
    StudyError
        See `Study.open`.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.where = "study in memory" if path is None else str(path)
        self.lock = threading.RLock()
        # NULL isolation level: sqlite3 then begins nothing by itself, and BEGIN IMMEDIATE below is the only door.
        self._engine = create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            ),
            poolclass=StaticPool,
        )
        if path is not None:
            _refuse_foreign(path)
        try:
            with self.faults():
                self._connection = self._engine.connect()
                self._settle()
        except StudyError:
            self._engine.dispose()
            raise

    def _settle(self) -> None:
        """Recognise or create the study, then switch on what makes a commit last. Foreign files are left untouched."""
        with self.reading():  # one state: another program may be making the study at this moment
            self._recognise()
        for setting in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "trusted_schema = OFF"):
            self._connection.exec_driver_sql(f"PRAGMA {setting}")
        self._connection.rollback()  # ends SQLAlchemy's own idea of a transaction; SQLite has none here
        with self.writing() as connection:
            if self._number("application_id") != schema.APPLICATION_ID:
                create(connection)
            else:
                migrate(connection)
        with self.reading() as connection:
            self.uid = str(connection.execute(select(schema.study.c.uid)).scalar_one())

    def _recognise(self) -> None:
        """Refuse databases of other programs and studies of a later program, before anything is written."""
        mark, version = self._number("application_id"), self._number("user_version")
        tables = inspect(self._connection).get_table_names()
        if mark != schema.APPLICATION_ID:
            if mark or tables:
                raise StudyError(
                    "not a study: this database belongs to another program",
                    where=self.where,
                    todo="Choose a study file, or a name that is not taken yet.",
                )
            return
        if "schema_version" in tables:
            version = max(version, version_of(self._connection))
        if version > schema.SCHEMA_VERSION:
            raise StudyError(
                "this study was written by a newer allviewer",
                where=self.where,
                expected=f"schema version up to {schema.SCHEMA_VERSION}",
                got=str(version),
                todo="Update allviewer to open it; it was left untouched.",
            )

    def _number(self, pragma: str) -> int:
        return int(self._connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start, on disk when the block is left."""
        with self.lock, self.faults(), self._connection.begin():
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield self._connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the study."""
        with self.lock, self.faults(), self._connection.begin():
            self._connection.exec_driver_sql("BEGIN")
            yield self._connection

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Tell a database's faults as StudyError."""
        try:
            yield
        except ResourceClosedError as fault:
            raise StudyError("the study was closed", where=self.where, todo="Open it again.") from fault
        except DBAPIError as fault:
            raise sentence(fault.orig, self.where) from fault
        except sqlite3.Error as fault:
            raise sentence(fault, self.where) from fault

    def close(self) -> None:
        """Give the file back; the write-ahead log is folded into it if no other program has it open."""
        with self.lock:
            self._connection.close()
            self._engine.dispose()


def sentence(fault: BaseException | None, where: str) -> StudyError:
    """The StudyError of a sqlite3 error."""
    name = str(getattr(fault, "sqlite_errorname", ""))
    for code, (what, todo) in _FAULTS.items():
        if name.startswith(code):
            return StudyError(what, where=where, got=str(fault), todo=todo)
    return StudyError("the study refuses", where=where, got=str(fault), todo="Open the study again.")


def _refuse_foreign(path: Path) -> None:
    """Refuse what is no database by its first bytes: SQLite takes a file of a few bytes for an empty database."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError:
        return  # missing or not readable: SQLite says what is wrong with it
    if start and start != b"SQLite format 3\0":
        what, todo = _FAULTS["SQLITE_NOTADB"]
        raise StudyError(what, where=str(path), todo=todo)
