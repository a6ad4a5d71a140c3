"""A CSV manifest: one row a cell."""

from pathlib import Path

import numpy as np

from allviewer.learning.layouts.edge import cut_by_edge
from allviewer.learning.layouts.labels import label_of, settle_taxonomy
from allviewer.learning.layouts.table import number, read_table
from allviewer.learning.layouts.tree import image_size
from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import Taxonomy


def read(path: Path, taxonomy: Taxonomy | None) -> Samples:
    """Labelled cells from a table.

    Parameters
    ----------
    path : CSV with the columns ``file,label`` and optionally ``y,x,um_per_px`` (a row without is a crop, whole),
        ``group`` (subject or session) and ``camera``. Files are relative to it.
    """
    rows = read_table(path, ("file", "label"))
    files = tuple(sorted({r["file"] for r in rows}))
    place = {name: i for i, name in enumerate(files)}
    sizes = {f: image_size(path.parent / f) for f in files}
    classes = settle_taxonomy(taxonomy, None, (r["label"] for r in rows), str(path))
    labels = [label_of(r["label"], classes, f"{path}, row {i + 2}") for i, r in enumerate(rows)]
    centres = np.array([(number(r, "y", path), number(r, "x", path)) for r in rows], np.float32)
    scale = np.array([number(r, "um_per_px", path) for r in rows], np.float32)
    if (np.isnan(centres).any(axis=1) != np.isnan(scale)).any():
        raise DataError("a centre needs its scale", where=str(path), expected="y, x and um_per_px together, or none")
    if (scale <= 0).any():
        raise DataError("a scale is no length", where=f"{path}, column um_per_px", expected="more than 0")
    named = [bool(r.get("group")) for r in rows]
    if any(named) and not all(named):
        raise DataError(
            "some rows have no group", where=f"{path}, row {named.index(False) + 2}",
            todo="Name the subject or session of every row, or leave the column out.",
        )  # fmt: skip
    grouped = all(named)
    cut = cut_by_edge(centres, np.array([sizes[r["file"]] for r in rows]), scale)
    return Samples(
        name=path.stem, citation="none given", licence="not stated", taxonomy=classes, root=path.parent,
        files=files, file=np.array([place[r["file"]] for r in rows], np.int64), centres=centres,
        um_per_px=scale, labels=np.array(labels, np.int64),
        groups=np.array([r["group"] if grouped else r["file"] for r in rows]), grouped=grouped,
        cut=np.where(np.isnan(scale), False, cut), camera=np.array([r.get("camera", "") for r in rows]),
        note="Groups as the manifest names them." if grouped else "The manifest names no groups: every image counts "
        "as its own, so the split is at image level.",
        layout=f"a CSV manifest of {len(rows)} cells in {len(files)} images",
    )  # fmt: skip
