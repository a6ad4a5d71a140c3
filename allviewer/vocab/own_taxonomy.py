"""The user's own classes, from a small TOML or JSON file."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import FOLDERS, MOST, TAXONOMIES, CellClass, Taxonomy, own_taxonomy

LOOKS_LIKE = (
    """key = "mine", then for each class [[classes]] with key = "…" and optionally name, colour = "#RRGGBB", aliases"""
)
_LARGEST = 1 << 20


def choose_taxonomy(text: str) -> Taxonomy:
    """The taxonomy that a person asks for.

    Parameters
    ----------
    text : a known key; ``folders`` for the labels as the data name them; or a file, see `read_taxonomy`.

    Raises
    ------
    DataError : none of these.
    """
    if text in TAXONOMIES:
        return TAXONOMIES[text]
    if text == FOLDERS.key:
        return FOLDERS
    path = Path(text)
    if path.suffix.lower() in (".toml", ".json"):
        return read_taxonomy(path)
    raise DataError(
        f"'{text}' is no taxonomy", where="--taxonomy", expected=", ".join((*TAXONOMIES, FOLDERS.key)),
        todo="Or name a .toml or .json file with your own classes.",
    )  # fmt: skip


def read_taxonomy(path: Path) -> Taxonomy:
    """A taxonomy from a file.

    Parameters
    ----------
    path : TOML or JSON with ``key``, optionally ``name``, and ``classes``: a list whose items have a ``key`` and
        optionally ``name``, ``colour`` (#RRGGBB) and ``aliases`` (what data call it).

    Raises
    ------
    DataError : not there, not in that form, fewer than two classes or more than can be shown, a word given twice.
    """
    facts = _parsed(path)
    _only(facts, {"key", "name", "classes"}, path)
    key, classes = _text(facts, "key", path), facts.get("classes")
    if key in TAXONOMIES or key == FOLDERS.key:
        raise DataError(f"the key '{key}' is taken", where=str(path), todo="Give your classes a key of their own.")
    if not isinstance(classes, list) or not all(isinstance(each, dict) for each in classes):
        raise DataError("the classes are no list", where=str(path), expected=LOOKS_LIKE)
    if not 2 <= len(classes) <= MOST:
        raise DataError("that many classes cannot be shown", where=str(path), expected=f"2 to {MOST}",
                        got=str(len(classes)))  # fmt: skip
    made = own_taxonomy(
        key, _text(facts, "name", path, key), [_named(each, path) for each in classes],
        {_text(each, "key", path): _colour(each, path) for each in classes if "colour" in each},
    )  # fmt: skip
    own = tuple(
        CellClass(c.key, c.name, c.colour, c.letter, _aliases(each, path))
        for c, each in zip(made.classes, classes, strict=True)
    )
    taxonomy = Taxonomy(made.key, made.name, own)
    for i, each in enumerate(own):
        for word in (each.key, each.name, *each.aliases):
            if taxonomy.find(word) != i:
                raise DataError(f"two classes are called '{word}'", where=str(path))
    return taxonomy


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError("this is no list of classes: it is too large", where=str(path), expected="at most 1 MB")
        text = path.read_text(encoding="utf-8")
        facts = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # both parsers raise kinds of ValueError
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DataError(
            "these classes cannot be read", where=str(path), expected=LOOKS_LIKE, got=why
        ) from error  # fmt: skip
    if not isinstance(facts, dict):
        raise DataError("this is no list of classes", where=str(path), expected=LOOKS_LIKE)
    return facts


def _only(facts: dict[str, Any], known: set[str], path: Path) -> None:
    foreign = sorted(set(facts) - known)
    if foreign:
        raise DataError(
            f"'{foreign[0]}' is not understood", where=str(path), expected=", ".join(sorted(known))
        )  # fmt: skip


def _text(facts: dict[str, Any], name: str, path: Path, usual: str | None = None) -> str:
    value = facts.get(name, usual)
    if not isinstance(value, str) or not value.strip() or len(value) > 60 or not value.isprintable():
        raise DataError(f"{name} is no word", where=str(path), expected="1 to 60 printable characters", got=repr(value))
    return value.strip()


def _named(each: dict[str, Any], path: Path) -> tuple[str, str]:
    _only(each, {"key", "name", "colour", "aliases"}, path)
    key = _text(each, "key", path)
    if key in ("unsure", "not-a-cell"):
        raise DataError(f"'{key}' may be said of any cell and is no class", where=str(path), todo="Leave it out.")
    return key, _text(each, "name", path, key)


def _colour(each: dict[str, Any], path: Path) -> str:
    colour = _text(each, "colour", path)
    if not re.fullmatch("#[0-9A-Fa-f]{6}", colour):
        raise DataError(f"'{colour}' is no colour", where=str(path), expected="#RRGGBB, as in #D55E00")
    return colour.upper()


def _aliases(each: dict[str, Any], path: Path) -> tuple[str, ...]:
    words = each.get("aliases", [])
    if not isinstance(words, list):
        raise DataError("aliases are no list", where=str(path), expected='aliases = ["all", "lymphoblast"]')
    return tuple(_text({"alias": word}, "alias", path) for word in words)
