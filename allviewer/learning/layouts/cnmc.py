"""C-NMC 2019: single cells on black whose names carry subject and label, in three phases."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from allviewer.engine.optics import CNMC_SIDE, CNMC_UM
from allviewer.learning.layouts.labels import label_of, only, settle_taxonomy
from allviewer.learning.layouts.table import columns, read_table
from allviewer.learning.layouts.tree import Tree, image_size
from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, Taxonomy

NAME = re.compile(r"UID_(H?\d+)_(\d+)_(\d+)_(all|hem)\.\w+$", re.IGNORECASE)
"""``UID_<subject>_<image>_<cell>_<all|hem>``; healthy subjects have the letter H."""

TEST_PHASE = re.compile(r"C-NMC_test_\w+_phase", re.IGNORECASE)
"""Names of the folders of the two test phases."""

FOLD = re.compile(r"fold_(\d+)$", re.IGNORECASE)
LABEL_COLUMNS = ("Patient_ID", "new_names", "labels")
"""Of the preliminary test phase's table: the name a cell had, the name it has now, 1 for ALL and 0 for HEM."""

_CITATION = (
    "Gupta A., Gupta R., ALL challenge dataset of ISBI 2019 (C-NMC 2019), The Cancer Imaging Archive, 2019, "
    "doi:10.7937/tcia.2019.dc64i46r; Gupta R., Gehlot S., Gupta A., Med. Eng. Phys. 103, 2022"
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One image: path, subject, label as the data name it, and the fold of the organisers, -1 outside training."""

    file: str
    subject: str
    label: str
    fold: int


def recognises(tree: Tree) -> bool:
    """Whether images are named as the training phase's, a table is the preliminary phase's, or a folder a test's."""
    if any(NAME.search(name) for name in tree.images) or _tables(tree):
        return True
    root = tree.root.resolve().as_posix()
    return any(TEST_PHASE.search(f"{root}/{name}") for name in tree.images)


def _tables(tree: Tree) -> list[str]:
    return [name for name in tree.tables if set(LABEL_COLUMNS) <= set(columns(tree.root / name))]


def read(tree: Tree, taxonomy: Taxonomy | None) -> Samples:
    """Every labelled cell of the training and the preliminary test phase; the final test phase has no labels.

    The organisers' folds become ``folds``, the preliminary phase their next number.

    Raises
    ------
    DataError : no image has a label, or a name, a folder and a table disagree on one.
    """
    cells = sorted([*_training(tree), *_preliminary(tree)], key=lambda c: c.file)
    if not cells:
        raise DataError(
            "no image here has a label", where=str(tree.root),
            expected=f"images named UID_<subject>_<image>_<cell>_<all|hem>, or a table {', '.join(LABEL_COLUMNS)}",
            todo="The final test phase was published without labels: name the training folders.",
        )  # fmt: skip
    twice = [a.file for a, b in pairwise(cells) if a.file == b.file]
    if twice:
        raise DataError("an image has two labels", where=str(tree.root / twice[0]))
    classes = settle_taxonomy(taxonomy, ALL_HEM, ("all", "hem"), str(tree.root))
    only(classes, ("all", "hem"), "C-NMC 2019", str(tree.root))
    n, files = len(cells), tuple(c.file for c in cells)
    sizes = np.array([image_size(tree.root / f) for f in files])
    known = (sizes == CNMC_SIDE).all(axis=1)
    after = 1 + max(c.fold for c in cells)
    folds = np.array([c.fold if c.fold >= 0 else after for c in cells], np.int64)
    _, folds = np.unique(folds, return_inverse=True)
    left = len(tree.images) - n
    return Samples(
        name="C-NMC 2019", citation=_CITATION, licence="CC BY 3.0", taxonomy=classes, root=tree.root, files=files,
        file=np.arange(n, dtype=np.int64),
        centres=np.where(known[:, None], sizes[:, ::-1] / 2, np.nan).astype(np.float32),
        um_per_px=np.where(known, CNMC_UM, np.nan).astype(np.float32),
        labels=np.array([label_of(c.label, classes, str(tree.root / c.file)) for c in cells], np.int64),
        groups=np.array([c.subject for c in cells]), grouped=True, cut=np.zeros(n, np.bool_), camera=np.full(n, ""),
        note=_note(cells, left), layout=_layout(cells, left), group_word="subject",
        folds=folds.astype(np.int64) if folds.max() > 0 else None,
        folds_word="the folds of C-NMC 2019" + ("; its preliminary test phase is the last" if folds.max() > 0
        and any(c.fold < 0 for c in cells) else ""),
    )  # fmt: skip


def _training(tree: Tree) -> Iterator[_Cell]:
    """Images that carry their label in their name."""
    for name in tree.images:
        found = NAME.search(name)
        if found is None:
            continue
        label = found[4].lower()
        folders = PurePosixPath(name).parts[:-1]
        if folders and folders[-1].lower() in ("all", "hem") and folders[-1].lower() != label:
            raise DataError(
                "name and folder disagree on the label", where=str(tree.root / name), expected=folders[-1], got=label
            )
        folds = [int(m[1]) for part in folders if (m := FOLD.match(part))]
        own = FOLD.match(tree.root.resolve().name)
        yield _Cell(name, found[1].upper(), label, folds[-1] if folds else int(own[1]) if own else -1)


def _preliminary(tree: Tree) -> Iterator[_Cell]:
    """Images that a table labels; each is looked for beside the table and in the folders there."""
    for table in _tables(tree):
        path, beside = tree.root / table, PurePosixPath(table).parent.as_posix()
        inside = "" if beside == "." else f"{beside}/"
        there: dict[str, str] = {}
        for name in tree.images:
            if name.startswith(inside):
                there.setdefault(PurePosixPath(name).name, name)
        for number, row in enumerate(read_table(path, LABEL_COLUMNS), start=2):
            found, where = NAME.search(row["Patient_ID"].strip()), f"{path}, row {number}"
            if found is None:
                raise DataError(
                    "this names no subject", where=where, expected="UID_<subject>_<image>_<cell>_<all|hem>.bmp",
                    got=row["Patient_ID"],
                )  # fmt: skip
            label = {"1": "all", "0": "hem"}.get(row["labels"].strip())
            if label is None or label != found[4].lower():
                raise DataError(
                    "label and name disagree", where=where, expected=f"1 for all, 0 for hem, as in {row['Patient_ID']}",
                    got=row["labels"],
                )  # fmt: skip
            file = there.get(row["new_names"].strip())
            if file is None:
                raise DataError(
                    "an image that the table names is missing", where=where, expected=f"{row['new_names']} beside it "
                    "or in a folder there",
                )  # fmt: skip
            yield _Cell(file, found[1].upper(), label, -1)


def _note(cells: list[_Cell], left: int) -> str:
    subjects = {c.subject for c in cells}
    split = [s for s in subjects if len({c.fold for c in cells if c.subject == s}) > 1]
    words = (
        f"Groups are the {len(subjects)} subjects in the images' names. The data give no pixel size: {CNMC_UM:g} µm is "
        "assumed for all, so that sizes stay comparable. Cells were cut out and stain-normalised by the organisers."
    )
    words += f" {len(split)} subjects stand in more than one of the organisers' folds." if split else ""
    return words + (f" Left out: {left} images without a label." if left else "")


def _layout(cells: list[_Cell], left: int) -> str:
    folds = sorted({c.fold for c in cells if c.fold >= 0})
    words = f"a C-NMC 2019 tree: {sum(c.fold >= 0 for c in cells)} cells in {len(folds)} training folds"
    others = sum(c.fold < 0 for c in cells)
    words += f", {others} outside the folds (preliminary test phase)" if others else ""
    return words + (f"; {left} images without a label are left out" if left else "")
