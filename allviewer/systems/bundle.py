"""The model file: one ``.safetensors`` whose header holds the card and a checksum. Loading never runs code."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from allviewer.systems.card import SystemCard
from allviewer.vocab.errors import ModelError

Arrays = Mapping[str, NDArray[Any]]
"""Name → array: everything a model must keep."""

SUFFIX = ".safetensors"
"""How a model's file ends."""

_HEADER_LIMIT = 4 << 20
_FILE_LIMIT = 4 << 30
_ELSEWHERE = "Choose a model file written by 'allviewer train', or see 'allviewer models list'."


def write_bundle(path: Path, card: SystemCard, arrays: Arrays) -> None:
    """Write a model file whole or not at all.

    Parameters
    ----------
    path : where to; replaced if it exists.
    card : goes into the header.
    arrays : any shapes and dtypes that safetensors knows.

    Raises
    ------
    ModelError : the disk refuses it.
    """
    text = card.model_dump_json()
    plain = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    # One entry only: the library writes several in no fixed order, and equal models should be equal files.
    metadata = {"allviewer": json.dumps({"card": text, "sum": _checksum(text, plain)})}
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.write(save_tensors(plain, metadata))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        raise ModelError(
            "the model file cannot be written", where=str(path), got=error.strerror or str(error),
            todo="Free some disk space, then train again with --resume: what is trained is kept.",
        ) from error  # fmt: skip
    finally:
        half.unlink(missing_ok=True)


def read_card(path: Path) -> SystemCard:
    """The card alone, from the header; no array is read.

    Raises
    ------
    ModelError : the file is missing, cut short, not a model, or its card is inconsistent.
    """
    return _card_of(path, _own_entry(path, _head(path))["card"])


def read_bundle(path: Path) -> tuple[SystemCard, dict[str, NDArray[Any]], str]:
    """Card, arrays and sha256 of a model file.

    Raises
    ------
    ModelError : as `read_card`, or the contents are not those the header's checksum was made for.
    """
    raw = _bytes(path)
    entry = _own_entry(path, raw)
    card = _card_of(path, entry["card"])
    try:
        arrays = load_tensors(raw)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path, "its arrays cannot be read, as if it had been cut short") from error
    if entry["sum"] != _checksum(entry["card"], arrays):
        raise _damaged(path, "its contents were altered after it was written: the checksum in its header differs")
    return card, arrays, hashlib.sha256(raw).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum(card: str, arrays: Arrays) -> str:
    """sha256 over the card and every array in name order: a check for damage, not a signature."""
    total = hashlib.sha256(card.encode())
    for name in sorted(arrays):
        a = arrays[name]
        total.update(f"\0{name}\0{a.dtype.str}\0{a.shape}\0".encode())
        total.update(np.ascontiguousarray(a).tobytes())
    return total.hexdigest()


def _bytes(path: Path) -> bytes:
    _exists(path)
    if path.stat().st_size > _FILE_LIMIT:
        raise ModelError("this file is too large to be a model", where=str(path), expected="at most 4 GB")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"this model file cannot be read: {error.strerror}", where=str(path)) from error


def _head(path: Path) -> bytes:
    _exists(path)
    try:
        with path.open("rb") as file:
            return file.read(8 + _HEADER_LIMIT)
    except OSError as error:
        raise ModelError(f"this model file cannot be read: {error.strerror}", where=str(path)) from error


def _exists(path: Path) -> None:
    if not path.is_file():
        raise ModelError("there is no such model file", where=str(path), todo=_ELSEWHERE)


def _own_entry(path: Path, raw: bytes) -> dict[str, str]:
    """Card and checksum, from the ``__metadata__`` of a safetensors header (8 bytes of length, then JSON)."""
    foreign = ModelError("this is not a model file of allviewer", where=str(path), todo=_ELSEWHERE)
    if len(raw) < 8:
        raise foreign if raw else _damaged(path, "it is empty")
    length = int.from_bytes(raw[:8], "little")
    if not 2 <= length <= _HEADER_LIMIT or raw[8:9] != b"{":
        raise foreign
    if len(raw) < 8 + length:
        raise _damaged(path, "it ends inside its header")
    try:
        header = json.loads(raw[8 : 8 + length])
        entry = json.loads(header["__metadata__"]["allviewer"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:  # nested beyond reason counts as foreign
        raise foreign from error
    if not isinstance(entry, dict) or not all(isinstance(entry.get(part), str) for part in ("card", "sum")):
        raise foreign
    return entry


def _card_of(path: Path, text: str) -> SystemCard:
    try:
        return SystemCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise ModelError(
            f"its card is inconsistent at '{field}': {first['msg']}",
            where=str(path),
            todo="The file may come from another version of allviewer: retrain it, or update the program.",
        ) from error


def _damaged(path: Path, how: str) -> ModelError:
    return ModelError(
        f"this model file is damaged: {how}", where=str(path), todo="Copy or download it again, or retrain it."
    )
