"""From an empty file to a study, and from an older study to the present version. Rows that stand are never touched."""

from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from allviewer import __version__
from allviewer.records import schema
from allviewer.records.log import now


def version_of(connection: Connection) -> int:
    """The version of a study file."""
    return int(connection.execute(select(func.max(schema.schema_version.c.version))).scalar_one() or 0)


def create(connection: Connection) -> None:
    """Write the tables, triggers and marks of a new study, all or nothing."""
    schema.metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(schema.study).values(uid=str(uuid4()), created_at_utc=now()))
    _mark(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")


def migrate(connection: Connection) -> None:
    """Bring a study to the present version, inside a transaction that holds the write lock; all or nothing.

    So far every version only added tables, so what is missing is made. The version is read inside the lock: another
    program may have been faster.
    """
    version = version_of(connection)
    if version >= schema.SCHEMA_VERSION:
        return
    there = schema.tables_of(version)
    for table in schema.tables_of(schema.SCHEMA_VERSION):
        if table not in there:
            table.create(connection, checkfirst=False)  # its triggers come with it
    _mark(connection)


def _mark(connection: Connection) -> None:
    """Say which version this is, and who wrote it."""
    row = {"version": schema.SCHEMA_VERSION, "at_utc": now(), "program": f"allviewer {__version__}"}
    connection.execute(insert(schema.schema_version).values(**row))
    connection.exec_driver_sql(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
