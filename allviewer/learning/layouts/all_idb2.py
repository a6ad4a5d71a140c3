"""ALL-IDB2: crops of single cells out of the fields of ALL-IDB1, label in the name."""

from pathlib import PurePosixPath

import numpy as np

from allviewer.learning.layouts.all_idb1 import CAMERAS, CITATION, LICENCE, NAME, scale_of
from allviewer.learning.layouts.edge import cut_by_edge
from allviewer.learning.layouts.labels import label_of, only, settle_taxonomy
from allviewer.learning.layouts.table import columns, number, read_table
from allviewer.learning.layouts.tree import Tree, image_size
from allviewer.learning.samples import Samples
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import ALL_HEM, Taxonomy

CROPS = "crops.csv"
"""A table that names the field, the place in it and the session of every crop."""

_COLUMNS = ("crop", "label", "session", "field", "x", "y", "w", "h")
_LABELS = ("blast", "normal")
_ONE_SOURCE = "These crops lie in the fields of ALL-IDB1: they are no other data than those."


def recognises(tree: Tree) -> bool:
    """Whether there is the table of crops, or most images are named ``Im<number>_<0|1>``."""
    if CROPS in tree.tables and set(_COLUMNS) <= set(columns(tree.root / CROPS)):
        return True
    return 2 * len(_named(tree)) > len(tree.images)


def _named(tree: Tree) -> tuple[str, ...]:
    """The crops; masks, which carry the same names, are none."""
    paths = (PurePosixPath(name) for name in tree.images)
    return tuple(str(p) for p in paths if NAME.search(p.name) and not any("mask" in f.lower() for f in p.parts[:-1]))


def read(tree: Tree, taxonomy: Taxonomy | None) -> Samples:
    """Blasts and normal cells: in their fields, where `CROPS` and a neighbouring ALL-IDB1 tell; else crop by crop."""
    where = str(tree.root)
    classes = settle_taxonomy(taxonomy, ALL_HEM, _LABELS, where)
    only(classes, _LABELS, "ALL-IDB2", where)
    rows = read_table(tree.root / CROPS, _COLUMNS) if CROPS in tree.tables else []
    fields = tree.root.resolve().parent / "all_idb1" / "im"
    if rows and fields.is_dir():
        return _in_fields(tree, classes, rows)
    return _crops(tree, classes, {PurePosixPath(r["crop"]).stem: r["session"] for r in rows})


def _in_fields(tree: Tree, taxonomy: Taxonomy, rows: list[dict[str, str]]) -> Samples:
    """Cells at their place in the fields of the ALL-IDB1 tree beside this one, so at their true scale."""
    root = tree.root.resolve().parent
    platelet = [r for r in rows if "PLATELET" in r.get("notes", "")]
    rows = [r for r in rows if "PLATELET" not in r.get("notes", "")]
    there = [r for r in rows if (root / "all_idb1" / "im" / r["field"]).is_file()]
    if not there:
        raise DataError(
            "none of the fields that the crops lie in is there", where=str(root / "all_idb1" / "im"),
            expected=rows[0]["field"] if rows else "the fields of ALL-IDB1",
        )  # fmt: skip
    names = [f"all_idb1/im/{r['field']}" for r in there]
    files = tuple(sorted(set(names)))
    place, facts = {name: i for i, name in enumerate(files)}, {name: scale_of(root / name) for name in files}
    table = tree.root / CROPS
    box = np.array([[number(r, c, table) for c in ("y", "x", "h", "w")] for r in there])
    centres = (box[:, :2] + box[:, 2:] / 2).astype(np.float32)
    scale = np.array([facts[n][1] for n in names], np.float32)
    absent = len(rows) - len(there)
    return Samples(
        name="ALL-IDB2", citation=CITATION, licence=LICENCE, taxonomy=taxonomy, root=root, files=files,
        file=np.array([place[n] for n in names], np.int64), centres=centres, um_per_px=scale,
        labels=np.array([label_of(r["label"], taxonomy, str(table)) for r in there], np.int64),
        groups=np.array([r["session"] for r in there]), grouped=True,
        cut=cut_by_edge(centres, np.array([facts[n][0] for n in names]), scale),
        camera=np.array([facts[n][2] for n in names]),
        note=f"Groups are recording sessions of ALL-IDB1, a proxy for subjects. {_ONE_SOURCE} Every normal cell is a "
        f"healthy person's. Left out: {len(platelet)} platelets, {absent} crops whose field is not there.",
        layout=f"an ALL-IDB2 tree: {len(there)} cells at their place in {len(files)} fields of ALL-IDB1",
    )  # fmt: skip


def _crops(tree: Tree, taxonomy: Taxonomy, session: dict[str, str]) -> Samples:
    """Each image is one crop; the session from the table, where it names every one."""
    files = _named(tree)
    fields = [name for name in files if image_size(tree.root / name) in CAMERAS]
    if fields:
        raise DataError(
            "these are whole fields of ALL-IDB1, and nothing marks their cells", where=str(tree.root / fields[0]),
            expected="crops of single cells", todo="Name the folder that holds im together with xyc or cells.csv.",
        )  # fmt: skip
    if not files:
        raise DataError(
            "neither the crops nor their fields are there", where=str(tree.root),
            expected="images Im<number>_<0|1>.tif, or an ALL-IDB1 tree named all_idb1 beside this folder",
        )  # fmt: skip
    labels = [_LABELS[0] if PurePosixPath(name).stem.endswith("_1") else _LABELS[1] for name in files]
    groups = [session.get(PurePosixPath(name).stem, "") for name in files]
    grouped = all(groups)
    n, left = len(files), len(tree.images) - len(files)
    note = "Groups are recording sessions of ALL-IDB1, a proxy for subjects. " if grouped else (
        "ALL-IDB2 names no subjects: every crop counts as a group of its own, so the split is at image level and "
        "optimistic, all the more as every normal cell is of another slide than every blast. "
    )  # fmt: skip
    return Samples(
        name="ALL-IDB2", citation=CITATION, licence=LICENCE, taxonomy=taxonomy, root=tree.root, files=files,
        file=np.arange(n, dtype=np.int64), centres=np.full((n, 2), np.nan, np.float32),
        um_per_px=np.full(n, np.nan, np.float32),
        labels=np.array([label_of(text, taxonomy, str(tree.root)) for text in labels], np.int64),
        groups=np.array(groups if grouped else files), grouped=grouped, cut=np.zeros(n, np.bool_),
        camera=np.full(n, ""), note=note + _ONE_SOURCE + (f" Left out: {left} other images." if left else ""),
        layout=f"an ALL-IDB2 tree: {n} crops, " + ("sessions from crops.csv" if grouped else "no subjects"),
    )  # fmt: skip
