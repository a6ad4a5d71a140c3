"""Judge a segmentation on whatever data stand here."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

from allviewer.learning.segmentation import all_idb, fields, single_cells
from allviewer.learning.segmentation.finder import Finder
from allviewer.learning.segmentation.synthetic import synthetic
from allviewer.learning.segmentation.words import Section
from allviewer.vocab.errors import DataError

SYNTHETIC = "synthetic"
"""Stands for rendered smears where a folder is asked for."""

JUDGES: Mapping[str, Callable[[Path, Finder], Section]] = MappingProxyType(
    {
        "all_idb1": all_idb.fields,
        "all_idb2": all_idb.crops,
        "segmentation_wbc": single_cells.masked,
        "bccd": fields.bccd,
        "draaslan_rbc_wbc": fields.boxed,
        "chula_rbc_negative_controls": fields.red_cells,
        "pbc_barcelona_subset": fields.barcelona,
    }
)
"""Data sets that say what is there; of any other folder with a manifest the cells are counted."""


def judged(data: Sequence[str], segmenter: str = "default") -> Iterator[Section]:
    """Judge on each data set in turn.

    Parameters
    ----------
    data : folders, each a data set (with ``manifest.csv``, or ``crops.csv`` for ALL-IDB2) or a folder of data sets; or
        `SYNTHETIC`. Empty: `SYNTHETIC`.
    segmenter : registered name.

    Yields
    ------
    One section a data set, as it is done, in the order found.

    Raises
    ------
    DataError : a folder holds no data set, or one that is not whole.
    RecipeError : there is no such segmenter.
    """
    finder = Finder(segmenter)
    for name, folder in data_sets(data):
        start = perf_counter()
        if folder is None:
            section = synthetic(finder)
        elif name in JUDGES:
            section = JUDGES[name](folder, finder)
        else:
            section = fields.counted(folder, finder, name)
        yield replace(section, seconds=perf_counter() - start)


def data_sets(data: Sequence[str]) -> list[tuple[str, Path | None]]:
    """Name and folder of every data set that is meant; no folder for rendered smears."""
    out: list[tuple[str, Path | None]] = []
    for each in data or (SYNTHETIC,):
        if each == SYNTHETIC:
            out.append((SYNTHETIC, None))
            continue
        folder = Path(each)
        if not folder.is_dir():
            raise DataError("there are no such data", where=each, expected=f"a folder, or the word {SYNTHETIC}")
        inside = [folder] if _name(folder) else sorted(p for p in folder.iterdir() if p.is_dir())
        found = [(name, p) for p in inside if (name := _name(p))]
        if not found:
            raise DataError(
                "no data set is here", where=each, expected=f"manifest.csv in it or in its folders, such as "
                f"{', '.join(JUDGES)}", todo=f"Name another folder, or the word {SYNTHETIC}.",
            )  # fmt: skip
        order = [*JUDGES]
        out += sorted(found, key=lambda f: (order.index(f[0]) if f[0] in order else len(order), f[0]))
    return out


def _name(folder: Path) -> str:
    """The data set that a folder is, whatever the folder is called; empty for none."""
    if (folder / "crops.csv").is_file():
        return "all_idb2"
    table = folder / "manifest.csv"
    if not table.is_file():
        return ""
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = next(csv.DictReader(file), {})
    return first.get("dataset") or folder.resolve().name
