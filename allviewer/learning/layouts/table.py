"""CSV tables, whoever wrote them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from allviewer.vocab.errors import DataError


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has at least the columns ``needed``; DataError where it has not, or has no rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "this is no table that can be read", where=str(path), expected="a CSV file in UTF-8", got=str(error),
            todo="Name a folder of images, a study, or a CSV manifest with the columns file and label.",
        ) from error  # fmt: skip
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names, rows = tuple(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise DataError("this table cannot be read", where=str(path), got=str(error)) from error
    if any(name not in names for name in needed):
        raise DataError(
            "a column is missing", where=str(path), expected=", ".join(needed), got=", ".join(names) or "an empty file"
        )
    if not rows:
        raise DataError("this table has no rows", where=str(path))
    return [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in rows]


def columns(path: Path) -> tuple[str, ...]:
    """Names in a table's first line; none where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def number(row: dict[str, str], column: str, path: Path) -> float:
    """A cell of a table as a number, NaN where it is empty; DataError where it is none."""
    text = row.get(column, "").strip()
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise DataError(f"'{text}' is no number", where=f"{path}, column {column}") from None
