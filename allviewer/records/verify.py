"""Look for rows of a study file that were altered, removed or reordered outside the program."""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from allviewer.records import chain, schema
from allviewer.records.chain import Finding, Tampering
from allviewer.records.database import sentence
from allviewer.vocab.errors import StudyError


def verify(where: Path | str) -> list[Finding]:
    """Check every hash, link and number of a study's log, and the triggers that guard it. The file is only read.

    Returns
    -------
    What is wrong, in the order of the log; empty where all holds.

    Raises
    ------
    StudyError
        The file is missing, cannot be read, or is no study.
    """
    path = Path(where).expanduser().absolute()
    if not path.is_file():
        raise StudyError("there is no such study file", where=str(path), todo="Check the path.")
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True), poolclass=NullPool
    )
    try:
        with engine.connect() as connection:
            return _findings(connection, path)
    except DBAPIError as fault:
        raise sentence(fault.orig, str(path)) from fault
    finally:
        engine.dispose()


def _findings(connection: Connection, path: Path) -> list[Finding]:
    if not {"study", "decision"} <= set(inspect(connection).get_table_names()):
        raise StudyError("this database is no study", where=str(path), todo="Choose a study file.")
    uids = connection.execute(select(schema.study.c.uid)).scalars().all()
    if len(uids) != 1:
        return [Finding(Tampering.ALTERED, 0, f"a study has one name of its own, this one has {len(uids)}")]
    rows = connection.execute(select(schema.decision).order_by(schema.decision.c.id)).mappings().all()
    highest = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'decision'")).scalar()
    findings = chain.inspect(uids[0], [dict(row) for row in rows], int(highest or 0))
    unguarded = [
        Finding(Tampering.UNGUARDED, 0, f"the trigger {name}, which keeps rows from being changed, is missing")
        for name in schema.missing_guards(connection)
    ]
    return sorted(findings, key=lambda finding: finding.row) + unguarded
