"""From what data call their cells to the classes of a taxonomy."""

from collections.abc import Iterable

from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import FOLDERS, MOST, TAXONOMIES, Taxonomy, own_taxonomy


def settle_taxonomy(asked: Taxonomy | None, usual: Taxonomy | None, labels: Iterable[str], where: str) -> Taxonomy:
    """The classes that labels are read as.

    Parameters
    ----------
    asked : by a person; `FOLDERS` makes classes of the labels themselves; None leaves it to the data.
    usual : of this layout; None where it can hold any classes.
    labels : every label that occurs.
    where : to name in errors.

    Raises
    ------
    DataError : no known taxonomy holds all the labels, or there are too few or too many to be classes.
    """
    found = sorted(set(labels))
    if asked is not None and asked is not FOLDERS:
        return asked
    if asked is None:
        known = (usual,) if usual is not None else tuple(TAXONOMIES.values())
        fits = [each for each in known if all(each.find(label) is not None for label in found)]
        if fits:  # the one that tells most of the labels apart, the first of such
            return max(fits, key=lambda each: len({each.find(label) for label in found}))
        raise DataError(
            "no known set of classes holds these labels", where=where, got=_some(found),
            todo="Name the classes: --taxonomy with a known key, with a file of your own, or with the word folders.",
        )  # fmt: skip
    if not 2 <= len(found) <= MOST:
        raise DataError("these labels are no set of classes", where=where, expected=f"2 to {MOST}", got=_some(found))
    return own_taxonomy(FOLDERS.key, FOLDERS.name, [(label, label) for label in found])


def label_of(text: str, taxonomy: Taxonomy, where: str) -> int:
    """Position of the class that ``text`` names; DataError where it names none."""
    found = taxonomy.find(text)
    if found is None:
        raise DataError(
            f"'{text.strip()}' is no class", where=where, expected=", ".join(taxonomy.keys),
            todo="Rename it, or choose other classes with --taxonomy.",
        )  # fmt: skip
    return found


def only(taxonomy: Taxonomy, labels: Iterable[str], what: str, where: str) -> None:
    """DataError where a taxonomy cannot hold the labels that a published data set has."""
    if any(taxonomy.find(label) is None for label in labels):
        raise DataError(
            f"{what} tells {' and '.join(labels)} only", where=where, expected="a taxonomy with these classes",
            got=taxonomy.key,
        )  # fmt: skip


def _some(labels: list[str]) -> str:
    return (", ".join(labels[:8]) + (", …" if len(labels) > 8 else "")) or "none"
