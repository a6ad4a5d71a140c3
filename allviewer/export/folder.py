"""Write a folder of results whole or not at all, and replace nothing but results."""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allviewer.vocab.errors import ExportError

RESULTS = ("cells.csv", "data_dictionary.csv", "cells.geojson", "overlay.png", "summary.json", "heat.npz")
"""Files of a folder of results; besides them one ``heat_<class>.png`` a class."""

_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave behind, no one's work

_ABANDONED_S = 3600.0
"""Seconds after which a half-written folder nobody has touched is what a killed run left behind."""


def foreign(folder: Path) -> list[str]:
    """What forbids replacing ``folder``: names in it that no analysis writes, or its own if it is no folder.

    Empty where nothing is there, or nothing but results. OSError where it cannot be looked at.
    """
    if not folder.exists():
        return []
    if not folder.is_dir():
        return [folder.name]
    return sorted(entry.name for entry in folder.iterdir() if not _ours(entry))


def _ours(entry: Path) -> bool:
    heat = entry.name.startswith("heat_") and entry.suffix == ".png"
    return (heat or entry.name in (*RESULTS, *_LITTER)) and not entry.is_dir()


@contextmanager
def whole_folder(final: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside ``final`` that takes its name when the block ends well, and is removed when not.

    Raises
    ------
    ExportError : ``final`` exists and ``overwrite`` is false, or it holds something else than results, or the place
        cannot be written.
    """
    # short whatever the image's name: a name of the longest length a disk allows must still find room beside itself
    beside = f".{final.name[:40]}.{uuid.uuid4().hex[:8]}"
    partial, old = final.with_name(f"{beside}.partial"), final.with_name(f"{beside}.old")
    try:
        _may_replace(final, overwrite)
        _sweep(final)
        partial.mkdir(parents=True)
        yield partial
        if final.exists():
            _may_replace(final, overwrite)
            final.replace(old)
            partial.replace(final)
            old.unlink() if old.is_symlink() else shutil.rmtree(old)
        else:
            partial.replace(final)
    except OSError as error:
        raise ExportError(
            "the results cannot be written",
            where=str(final),
            got=error.strerror or str(error),
            todo="Choose a folder you may write to, with space left.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _may_replace(final: Path, overwrite: bool) -> None:
    """ExportError where something is there that was not asked to be replaced, or is not ours to replace."""
    if final.exists() and not overwrite:
        raise ExportError("results are already there", where=str(final), todo="Add --overwrite to replace them.")
    others = foreign(final)
    if others:
        raise ExportError(
            "this holds what no analysis wrote, and is not replaced",
            where=str(final),
            got=", ".join(others[:3]) + (", …" if len(others) > 3 else ""),
            todo="Move that away, or name another --out.",
        )


def _sweep(final: Path) -> None:
    """Remove what killed runs left half-written of these very results."""
    if not final.parent.is_dir():
        return
    head = f".{final.name[:40]}."
    for entry in final.parent.iterdir():
        left = entry.name.startswith(head) and entry.name.endswith(".partial")
        if left and time.time() - entry.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(entry, ignore_errors=True)
