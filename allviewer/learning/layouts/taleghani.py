"""Taleghani: fields of marrow labelled as a whole, four stages, no subjects."""

import re
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.layouts.labels import label_of, only, settle_taxonomy
from allviewer.learning.layouts.tree import Tree
from allviewer.learning.samples import Samples
from allviewer.vocab.taxonomy import STAGES, Taxonomy

NAME = re.compile(r"WBC-(Benign|Malignant-(?:Early|Pre|Pro))-(\d+)\.\w+$", re.IGNORECASE)
"""As its files are named; the number counts inside the class."""

FOLDER = re.compile(r"\[Malignant\] ?(early pre-b|pre-b|pro-b)$|Benign$", re.IGNORECASE)
"""As the folders of the first release are named, whose files are ``Snap_<number>``."""

SNAP = re.compile(r"Snap_(\d+)\.\w+$", re.IGNORECASE)

BLOCKS = 5
"""Contiguous runs of a class's file numbers that stand for its unknown subjects."""

CORNER = (0.18, 0.18)
"""Lower right corner that holds the burnt-in scale bars."""

CONFOUNDED = (
    "Taleghani's four classes differ in colour as a whole: nine global colour numbers alone tell them apart with an "
    "accuracy of about 0.94, so a high accuracy is no evidence that cells were looked at. Subjects are not known; "
    "groups are contiguous runs of file numbers, which limits leakage only in part. The scale bars, which differ by "
    "class, are painted over."
)


def recognises(tree: Tree) -> bool:
    """Whether most images are named as this set's."""
    named = sum(_place(name) is not None for name in tree.images)
    return named > 0 and 2 * named > len(tree.images)


def _place(name: str) -> tuple[str, int] | None:
    """What an image is labelled and its number; None for another image.

    The half of the set that was segmented by a threshold is no original and is passed over.
    """
    parts = PurePosixPath(name).parts
    if any(part.lower() == "segmented" for part in parts[:-1]):
        return None
    if found := NAME.search(parts[-1]):
        return found[1].lower(), int(found[2])
    if len(parts) > 1 and (snap := SNAP.match(parts[-1])) and (folder := FOLDER.match(parts[-2])):
        return (folder[1] or "benign").lower(), int(snap[1])
    return None


def read(tree: Tree, taxonomy: Taxonomy | None) -> Samples:
    """Every original field; the crop is the whole of it."""
    found = [(name, place) for name in tree.images if (place := _place(name)) is not None]
    words = sorted({label for _, (label, _) in found})
    classes = settle_taxonomy(taxonomy, STAGES, words, str(tree.root))
    only(classes, words, "Taleghani", str(tree.root))
    files = tuple(name for name, _ in found)
    labels = np.array([label_of(label, classes, str(tree.root)) for _, (label, _) in found], np.int64)
    block = _blocks(labels, np.array([number for _, (_, number) in found], np.int64))
    n, left = len(files), len(tree.images) - len(files)
    return Samples(
        name="Taleghani ALL image dataset",
        citation="Aria M. et al., Acute Lymphoblastic Leukemia (ALL) image dataset, Kaggle 2021, "
        "doi:10.34740/KAGGLE/DSV/2175623; Ghaderzadeh M. et al., Int. J. Intell. Syst. 2022, doi:10.1002/int.22753",
        licence="not stated by its authors; research use", taxonomy=classes, root=tree.root, files=files,
        file=np.arange(n, dtype=np.int64), centres=np.full((n, 2), np.nan, np.float32),
        um_per_px=np.full(n, np.nan, np.float32), labels=labels,
        groups=np.array([f"{classes.keys[k]}, part {b + 1}" for k, b in zip(labels, block, strict=True)]),
        grouped=True, cut=np.zeros(n, np.bool_), camera=np.full(n, ""),
        note="Each field is labelled as a whole. Subjects are not known: groups are "
        f"{BLOCKS} contiguous runs of file numbers a class." + (f" Left out: {left} other images." if left else ""),
        layout=f"a Taleghani tree: {n} fields labelled as a whole", group_word="block of file numbers", unit="field",
        folds=block, folds_word="contiguous blocks of file numbers, one of each class a fold",
        masked_corner=CORNER, confounded=CONFOUNDED,
    )  # fmt: skip


def _blocks(labels: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) block of each file, 0 … `BLOCKS` - 1: equal counts in the order of the numbers, class by class."""
    block = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        order = rows[np.argsort(numbers[rows], kind="stable")]
        block[order] = np.arange(len(rows)) * BLOCKS // len(rows)
    return block
