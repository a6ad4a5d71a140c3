"""Write a folder of results whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allviewer.vocab.errors import ExportError


@contextmanager
def whole_folder(final: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside ``final`` that takes its name when the block ends well, and is removed when not.

    Raises
    ------
    ExportError : ``final`` exists and ``overwrite`` is false, or the place cannot be written.
    """
    if final.exists() and not overwrite:
        raise ExportError("results are already there", where=str(final), todo="Add --overwrite to replace them.")
    partial = final.with_name(f".{final.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        if final.exists():
            old = final.with_name(f".{final.name}.{os.getpid()}.old")
            final.replace(old)
            partial.replace(final)
            shutil.rmtree(old)
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
