"""The index of the models that come with the program: which file each is, so that an altered one is noticed."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from allviewer.systems.bundle import SUFFIX, file_digest
from allviewer.vocab.errors import AlteredModelError, ModelError

INDEX = "index.json"


class Indexed(BaseModel):
    """One model's file as it was when the program was put together."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]


class ModelIndex(RootModel[dict[str, Indexed]]):
    """Name → file, for every model of a folder."""


def make_index(folder: Path) -> ModelIndex:
    """What the index of a folder of models has to say."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    return ModelIndex({path.stem: Indexed(sha256=file_digest(path), size=path.stat().st_size) for path in files})


def write_index(folder: Path) -> Path:
    """Write ``index.json`` beside the models of a folder; returns its path."""
    path = folder / INDEX
    path.write_text(json.dumps(make_index(folder).model_dump(), indent=1) + "\n", encoding="utf-8")
    return path


def read_index(folder: Path) -> ModelIndex:
    """The index of a folder; empty where there is none. ModelError where it cannot be understood."""
    path = folder / INDEX
    if not path.is_file():
        return ModelIndex({})
    try:
        return ModelIndex.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(
            "the index of bundled models cannot be read", where=str(path), todo="Reinstall allviewer."
        ) from error


def expect_indexed(path: Path, digest: str, accepted: Collection[str] = ()) -> None:
    """AlteredModelError where an index beside a model file knows another file of that name.

    Parameters
    ----------
    path : the model file. digest : its sha256.
    accepted : names, or digests, that a person has accepted.
    """
    known = read_index(path.parent).root.get(path.stem)
    if known is not None and known.sha256 != digest and not {path.stem, digest} & set(accepted):
        raise AlteredModelError(path.stem, known.sha256, digest, "the program came with")
