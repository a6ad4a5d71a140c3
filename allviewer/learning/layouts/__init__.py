"""Read labelled cells from the layouts that people keep them in: one file a layout.

What lies at the place decides, in this order: a study of reviewed cells, a CSV manifest; then of folders C-NMC 2019,
ALL-IDB1, ALL-IDB2, Taleghani, and last any folder with one folder a class. ``Samples.layout`` says what it was taken
for.
"""

from pathlib import Path
from typing import Protocol

from allviewer.learning.layouts import all_idb1, all_idb2, cnmc, folders, manifest, study, taleghani
from allviewer.learning.layouts.all_idb1 import CAMERAS as ALL_IDB_CAMERAS
from allviewer.learning.layouts.table import read_table
from allviewer.learning.layouts.tree import Tree, look_into
from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import Taxonomy

__all__ = ["ALL_IDB_CAMERAS", "read_samples", "read_table"]


class Layout(Protocol):
    """A module that knows one layout of folders."""

    def recognises(self, tree: Tree) -> bool:
        """Whether these folders are its layout."""
        ...

    def read(self, tree: Tree, taxonomy: Taxonomy | None) -> Samples:
        """The labelled cells in them; DataError where they are not as its layout should be."""
        ...


LAYOUTS: tuple[Layout, ...] = (cnmc, all_idb1, all_idb2, taleghani, folders)
"""In the order in which they are asked; the last takes whatever is left."""


def read_samples(data: Path, taxonomy: Taxonomy | None = None) -> Samples:
    """Labelled cells, or labelled fields, from wherever they lie.

    Parameters
    ----------
    data : a study database; a CSV manifest (see `manifest.read`); or a folder in one of the `LAYOUTS`.
    taxonomy : the classes; `vocab.taxonomy.FOLDERS` takes the labels as they stand; None the layout's usual classes,
        or the known taxonomy that holds every label.

    Raises
    ------
    DataError : nothing is there, a column or image is missing, or a label is no class.
    """
    if data.is_file():
        return study.read(data, taxonomy) if study.recognises(data) else manifest.read(data, taxonomy)
    if not data.is_dir():
        raise DataError("there are no such data", where=str(data), expected="a folder, a CSV file or a study")
    tree = look_into(data)
    return next(layout for layout in LAYOUTS if layout.recognises(tree)).read(tree, taxonomy)
