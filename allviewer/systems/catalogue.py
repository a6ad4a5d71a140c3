"""Every model file there is: which can be used, which cannot, and why not."""

from dataclasses import dataclass
from pathlib import Path

from allviewer.systems.bundle import file_digest, read_bundle
from allviewer.systems.card import SystemCard
from allviewer.systems.index import expect_indexed
from allviewer.systems.model import bundled_folder, model_files
from allviewer.systems.registry import system_names
from allviewer.vocab.errors import AllviewerError, ModelError


@dataclass(frozen=True, slots=True)
class Listed:
    """One model file as a list shows it.

    Attributes
    ----------
    name : by which it is chosen; ``path`` : the file.
    bundled : it came with the program; else it is the user's own.
    size : bytes; ``digest`` : sha256, hex; empty where the file cannot be read.
    card : what it says of itself; None where the file is unusable.
    problem : why it cannot be used, or not before it is accepted by name; one sentence, empty where nothing is wrong.
    """

    name: str
    path: Path
    bundled: bool
    size: int
    digest: str
    card: SystemCard | None
    problem: str


def catalogue() -> list[Listed]:
    """Bundled models, then the user's own, each read whole and checked; a bad file is listed with its sentence.

    Takes as long as reading the files: call it from a worker. No network is built.
    """
    return [examine(path) for path in model_files()]


def examine(path: Path) -> Listed:
    """One model file, read whole and checked; never raises for what is wrong with the file."""
    bundled = path.parent == bundled_folder()
    try:
        card, _, digest = read_bundle(path)
    except AllviewerError as error:
        return Listed(path.stem, path, bundled, _size(path), _digest(path), None, str(error))
    if card.system not in system_names():
        problem = f"{path}: its classifier system '{card.system}' is not installed. Install the package that brings it."
        return Listed(path.stem, path, bundled, _size(path), digest, None, problem)
    try:
        expect_indexed(path, digest)
    except ModelError as error:
        return Listed(path.stem, path, bundled, _size(path), digest, card, str(error))
    return Listed(path.stem, path, bundled, _size(path), digest, card, "")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return ""
