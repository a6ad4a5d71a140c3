"""What ``evaluate`` and ``compare`` share: where their reports go."""

import argparse
from collections.abc import Callable
from pathlib import Path

from allviewer.vocab.errors import ExportError


def add_report(parser: "argparse._ActionsContainer") -> None:
    """Options for the page; ``--json`` is each verb's own."""
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page with plots that needs nothing else")
    parser.add_argument(
        "--crops", action="store_true",
        help="put pictures of the worst cells into the page; without, it names their files and places",
    )  # fmt: skip


def unwritable(*named: tuple[str, Path | None]) -> str:
    """Why a file that was asked for cannot be written, or nothing; (option, path) each."""
    for option, path in named:
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            return f"{option} {path}: no file can be written there"
    return ""


def write(path: Path | None, text: Callable[[], str]) -> None:
    """Write a report whole or not at all; nothing where no path was given."""
    if path is None:
        return
    half = path.with_name(path.name + ".part")
    try:
        half.write_text(text(), encoding="utf-8")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise ExportError("the figures cannot be written", where=str(path), got=error.strerror or str(error)) from error
