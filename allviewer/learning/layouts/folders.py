"""One folder a class: the layout that takes whatever no other one knows."""

from pathlib import PurePosixPath

import numpy as np

from allviewer.engine.optics import CELLAVISION_CROPS, CELLAVISION_UM
from allviewer.learning.layouts.labels import label_of, settle_taxonomy
from allviewer.learning.layouts.table import columns, read_table
from allviewer.learning.layouts.tree import Tree, image_size
from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import Taxonomy

SUBJECTS = "subjects.csv"
"""Beside the class folders: a table ``file,subject`` that names the subject of every image."""


def recognises(tree: Tree) -> bool:
    """Always: it is asked last."""
    return True


def read(tree: Tree, taxonomy: Taxonomy | None) -> Samples:
    """Each image is one crop; its folder just below the root is its class.

    Subjects are read from `SUBJECTS`, or from folders inside the class folders where every image lies in one and each
    class has more than one; else every image counts as a group of its own.
    """
    files = tuple(name for name in tree.images if "/" in name)
    if not files:
        raise DataError(
            "no labelled images were found", where=str(tree.root),
            expected="folders named after the classes with images in them, a C-NMC 2019, ALL-IDB or Taleghani tree",
            todo="Or name a CSV manifest or a study of reviewed cells.",
        )  # fmt: skip
    words = [PurePosixPath(name).parts[0] for name in files]
    classes = settle_taxonomy(taxonomy, None, words, str(tree.root))
    no_cells = [classes.leaves_out(word) for word in words]
    files = tuple(name for name, out in zip(files, no_cells, strict=True) if not out)
    words = [word for word, out in zip(words, no_cells, strict=True) if not out]
    if not files:
        raise DataError("no image of a white cell was found", where=str(tree.root), expected=", ".join(classes.keys))
    at = {word: label_of(word, classes, str(tree.root / word)) for word in dict.fromkeys(words)}
    subjects, told = _subjects(tree, files)
    n, strange = len(files), sum(no_cells)
    stray = len(tree.images) - n - strange
    sizes = [image_size(tree.root / name)[::-1] for name in files]
    known = np.array([size in CELLAVISION_CROPS for size in sizes])
    note = told if subjects else "Subjects are not known: every image counts as its own group, so the split is at "
    note += "" if subjects else "image level."
    if known.any():
        note += f" {int(known.sum())} crops have CellaVision's size and are cut at its {CELLAVISION_UM:g} µm per pixel."
    if not known.all():
        note += " A crop is the whole image, whatever it shows of the slide: the data give no scale."
    note += f" Left out: {strange} images of what is no white cell." if strange else ""
    note += f" Left out: {stray} images that lie in no class folder." if stray else ""
    return Samples(
        name=tree.root.resolve().name, citation="none given", licence="not stated", taxonomy=classes, root=tree.root,
        files=files, file=np.arange(n, dtype=np.int64),
        centres=np.where(known[:, None], np.array(sizes) / 2, np.nan).astype(np.float32),
        um_per_px=np.where(known, CELLAVISION_UM, np.nan).astype(np.float32),
        labels=np.array([at[w] for w in words], np.int64),
        groups=np.array(subjects or files), grouped=bool(subjects), cut=np.zeros(n, np.bool_),
        camera=np.full(n, ""), note=note, group_word="subject",
        layout=f"folders of crops, one folder a class ({', '.join(at)}), {told.rstrip('.').lower()}",
    )  # fmt: skip


def _subjects(tree: Tree, files: tuple[str, ...]) -> tuple[list[str], str]:
    """The subject of each file, or none; and where they are known from."""
    if SUBJECTS in tree.tables:
        path = tree.root / SUBJECTS
        if not {"file", "subject"} <= set(columns(path)):
            raise DataError("a column is missing", where=str(path), expected="file, subject")
        known = {r["file"].strip(): r["subject"].strip() for r in read_table(path, ("file", "subject"))}
        by_name = [known.get(f) or known.get(PurePosixPath(f).name) or "" for f in files]
        if not all(by_name):
            raise DataError(
                f"an image's subject is not named: {files[by_name.index('')]}", where=str(path),
                todo="Give every image a row: its path from this folder, or its bare name.",
            )  # fmt: skip
        return by_name, f"Subjects from {SUBJECTS}."
    parts = [PurePosixPath(f).parts for f in files]
    if all(len(p) > 2 for p in parts):
        inside = {word: {p[1] for p in parts if p[0] == word} for word in {p[0] for p in parts}}
        if all(len(names) > 1 for names in inside.values()):
            return [p[1] for p in parts], "Subjects from the folders inside the class folders."
    return [], "No subjects."
