"""Checkpoints that survive a kill: written beside, flushed, then renamed. Plain arrays, nothing that runs."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from allviewer.vocab.errors import DataError

Arrays = dict[str, NDArray[Any]]


def write_checkpoint(path: Path, arrays: Arrays, facts: dict[str, Any]) -> None:
    """Write arrays and JSON facts whole or not at all; DataError where the disk refuses."""
    half = path.with_name(path.name + ".part")
    plain = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.write(save(plain, {"facts": json.dumps(facts, sort_keys=True)}))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise DataError(
            "a checkpoint cannot be written", where=str(path.parent), got=error.strerror or str(error),
            todo="Free some disk space, then go on with --resume.",
        ) from error  # fmt: skip


def read_checkpoint(path: Path) -> tuple[Arrays, dict[str, Any]] | None:
    """Arrays and facts, or None where nothing was written yet.

    Raises
    ------
    DataError : the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="np") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118 (no mapping)
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(
            "this checkpoint is damaged", where=str(path), todo="Delete it, or train without --resume."
        ) from error
