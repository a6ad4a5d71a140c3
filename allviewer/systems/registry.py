"""Classifier systems by name: ours and strangers' come in by the same door, the entry points."""

from importlib.metadata import EntryPoint, entry_points

from allviewer.systems.system import System
from allviewer.vocab.errors import ModelError

GROUP = "allviewer.systems"


def system_names() -> tuple[str, ...]:
    """Names of the installed systems, sorted; none is imported."""
    return tuple(sorted(_installed()))


def find_system(name: str) -> type[System]:
    """The class of a system.

    Raises
    ------
    ModelError : no system of that name is installed, or its package cannot be imported.
    """
    try:
        entry = _installed()[name]
    except KeyError:
        raise ModelError(
            f"no classifier system is called '{name}'",
            expected=", ".join(system_names()) or "an installed system",
            todo="Install the package that brings it, or choose one of these.",
        ) from None
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        raise ModelError(f"the classifier system '{name}' cannot be imported: {error}", where=entry.value) from error
    if not isinstance(found, type) or not all(hasattr(found, need) for need in ("key", "from_arrays", "run")):
        raise ModelError(f"'{name}' is registered as a classifier system but is none", where=entry.value)
    return found


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
