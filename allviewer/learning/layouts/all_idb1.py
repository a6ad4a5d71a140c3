"""ALL-IDB1: whole fields with the centres of their lymphoblasts, as published or with a table of all white cells."""

import re
from datetime import datetime
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from allviewer.engine import analyse
from allviewer.learning.layouts.edge import cut_by_edge
from allviewer.learning.layouts.labels import label_of, only, settle_taxonomy
from allviewer.learning.layouts.table import columns, number, read_table
from allviewer.learning.layouts.tree import Tree, image_size
from allviewer.learning.samples import EDGE_UM, Samples
from allviewer.slides import open_slide
from allviewer.vocab.arrays import Floats
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.errors import DataError
from allviewer.vocab.events import CellsFound
from allviewer.vocab.taxonomy import ALL_HEM, Taxonomy

CAMERAS = {(1712, 1368): (7.5 / 60, "Olympus C2500L"), (2592, 1944): (7.5 / 78, "Canon G5")}
"""Image size (width, height) → µm per pixel and camera. The data set gives no scale: it follows from red cells of
7.5 µm that measure about 60 and 78 pixels."""

NAME = re.compile(r"Im\d+_([01])\.(?:jpe?g|tiff?|png|bmp)$", re.IGNORECASE)
"""1 where there is at least one blast; 0 is a healthy person's."""

CLASSES = ("blast", "normal")
CITATION = (
    "Donida Labati R., Piuri V., Scotti F., ALL-IDB: the acute lymphoblastic leukemia image database for image "
    "processing, IEEE ICIP 2011, doi:10.1109/ICIP.2011.6115881"
)
LICENCE = "on request to its authors; research use"

PAUSE_S = 240.0
"""Fields that one camera took with longer pauses between them belong to different sessions."""

NEAR_UM = 4.0
"""A cell that the program finds is a marked lymphoblast where a mark lies in it or is nearer to its centre."""

_TABLE = ("image", "x", "y", "label", "session_id", "kind_guess")


def recognises(tree: Tree) -> bool:
    """Whether there are fields in ``im/`` and their marks in ``cells.csv`` or in ``xyc/``."""
    fields = any(name.startswith("im/") for name in tree.images)
    if "cells.csv" in tree.tables and {"image", "session_id"} <= set(columns(tree.root / "cells.csv")):
        return True
    return fields and any(name.startswith("xyc/") and name.lower().endswith(".xyc") for name in tree.others)


def read(tree: Tree, taxonomy: Taxonomy | None) -> Samples:
    """Lymphoblasts against other white cells."""
    where = str(tree.root)
    classes = settle_taxonomy(taxonomy, ALL_HEM, CLASSES, where)
    only(classes, CLASSES, "ALL-IDB1", where)
    return _from_table(tree.root, classes) if "cells.csv" in tree.tables else _as_published(tree, classes)


def scale_of(path: Path) -> tuple[tuple[int, int], float, str]:
    """Size (width, height), µm per pixel and camera of a field; DataError for a size that no camera here gave."""
    size = image_size(path)
    if size not in CAMERAS:
        raise DataError(
            "this image's scale is not known", where=str(path), got=f"{size[0]}x{size[1]} px",
            expected=" or ".join(f"{w}x{h}" for w, h in CAMERAS),
            todo="Write a CSV manifest with y, x and um_per_px for such images.",
        )  # fmt: skip
    return size, *CAMERAS[size]


def _from_table(data: Path, taxonomy: Taxonomy) -> Samples:
    """With ``cells.csv``; platelet-like marks are left out."""
    rows = [r for r in read_table(data / "cells.csv", _TABLE) if r["kind_guess"] == "wbc_like"]
    names = [f"im/{r['image']}" for r in rows]
    table = data / "cells.csv"
    centres = np.array([(number(r, "y", table), number(r, "x", table)) for r in rows], np.float32)
    blast = np.array([r["label"] == "lymphoblast" for r in rows])
    note = (
        "Lymphoblast centres by the data set's experts against its other white cells. Groups are recording "
        "sessions (gaps in the cameras' clocks), a proxy for subjects. The experts marked no blast "
        f"within {EDGE_UM:g} µm of a field's edge, so what is cut there reads as 'other', whatever it is."
    )
    groups = [r["session_id"] for r in rows]
    return _samples(data, taxonomy, names, centres, blast, groups, True, note, "with a table of its white cells")


def _as_published(tree: Tree, taxonomy: Taxonomy) -> Samples:
    """With one list of lymphoblast centres a field; the other white cells are those that the program finds there."""
    fields = [name for name in tree.images if name.startswith("im/") and NAME.search(PurePosixPath(name).name)]
    lists = {PurePosixPath(name).stem: name for name in tree.others if name.startswith("xyc/")}
    names: list[str] = []
    centres: list[Floats] = []
    blast: list[bool] = []
    for name in fields:
        stem, path = PurePosixPath(name).stem, tree.root / name
        ill = stem.endswith("_1")
        marks = _marks(tree.root / lists[stem]) if stem in lists else np.empty((0, 2), np.float32)
        if ill != bool(len(marks)):
            raise DataError(
                "name and marks disagree on whether there are blasts", where=str(path),
                expected="marks of an image …_1" if ill else "no marks of an image …_0", got=f"{len(marks)} marks",
            )  # fmt: skip
        others = _others(path, marks)
        names += [name] * (len(marks) + len(others))
        centres += [marks, others]
        blast += [True] * len(marks) + [False] * len(others)
    sessions = _sessions(tree.root, fields)
    note = (
        "Lymphoblast centres by the data set's experts; the other white cells are those that this program finds away "
        "from every mark, judged by nobody. "
    )
    note += (
        "Groups are recording sessions (gaps in the cameras' clocks), a proxy for subjects." if sessions else
        "The images tell no recording times: every field counts as a group of its own, although neighbours overlap."
    )  # fmt: skip
    groups = [sessions.get(name, name) for name in names]
    every = np.concatenate(centres).astype(np.float32) if centres else np.empty((0, 2), np.float32)
    how = "as published, marks in xyc"
    return _samples(tree.root, taxonomy, names, every, np.array(blast, bool), groups, bool(sessions), note, how)


def _samples(
    data: Path, taxonomy: Taxonomy, names: list[str], centres: Floats, blast: NDArray[np.bool_],
    groups: list[str], grouped: bool, note: str, how: str,
) -> Samples:  # fmt: skip
    if not names:
        raise DataError("there is no marked cell", where=str(data))
    files = tuple(sorted(set(names)))
    place = {name: i for i, name in enumerate(files)}
    facts = {name: scale_of(data / name) for name in files}
    scale = np.array([facts[n][1] for n in names], np.float32)
    ill, well = (label_of(word, taxonomy, str(data)) for word in CLASSES)
    labels = np.where(blast, ill, well).astype(np.int64)
    return Samples(
        name="ALL-IDB1", citation=CITATION, licence=LICENCE, taxonomy=taxonomy, root=data, files=files,
        file=np.array([place[n] for n in names], np.int64), centres=centres, um_per_px=scale, labels=labels,
        groups=np.array(groups), grouped=grouped,
        cut=cut_by_edge(centres, np.array([facts[n][0] for n in names]), scale),
        camera=np.array([facts[n][2] for n in names]), note=note, group_word="session" if grouped else "field",
        layout=f"an ALL-IDB1 tree {how}: {len(names)} white cells in {len(files)} fields",
    )  # fmt: skip


def _marks(path: Path) -> Floats:
    """(n, 2) float32 (y, x) of a list ``x y`` a line."""
    try:
        numbers = [float(word) for word in path.read_text(encoding="utf-8-sig").split()]
    except (OSError, ValueError) as error:
        raise DataError("this list of centres cannot be read", where=str(path), expected="x and y a line",
                        got=str(error)) from error  # fmt: skip
    if len(numbers) % 2:
        raise DataError("a centre has no y", where=str(path), expected="x and y a line")
    return np.array(numbers, np.float32).reshape(-1, 2)[:, ::-1]


def _others(path: Path, marks: Floats) -> Floats:
    """(m, 2) float32 centres of the whole white cells that the program finds away from every mark."""
    _, um, _ = scale_of(path)
    slide = open_slide(path)
    try:
        found = [e.cells for e in analyse(slide, model=None, pixel_size_um=um) if isinstance(e, CellsFound)]
    finally:
        slide.close()
    cells = CellTable.concat(found)
    kept = [
        row for row in np.flatnonzero((cells.kind == Kind.CELL) & ~cells.touches_border)
        if not _marked(cells, int(row), marks, NEAR_UM / um)
    ]  # fmt: skip
    return cells.centroid[kept].astype(np.float32).reshape(-1, 2)


def _marked(cells: CellTable, row: int, marks: Floats, near: float) -> bool:
    """Whether a mark lies in a cell or near its centre."""
    if not len(marks):
        return False
    if float(np.hypot(*(marks - cells.centroid[row]).T).min()) < near:
        return True
    rings = [ring[:, ::-1].astype(np.float32) for ring in cells.cell.rings(row)]
    return any(cv2.pointPolygonTest(ring, (float(x), float(y)), False) >= 0 for ring in rings for y, x in marks)


def _sessions(data: Path, fields: list[str]) -> dict[str, str]:
    """Field → session, from the recording times in the images; nothing where any lacks one."""
    times = {name: _taken(data / name) for name in fields}
    if any(t is None for t in times.values()):
        return {}
    known = sorted((t[0], t[1], name) for name, t in times.items() if t is not None)
    answer: dict[str, str] = {}
    before: tuple[str, datetime] | None = None
    count = 0
    for camera, at, name in known:
        if before is None or before[0] != camera or (at - before[1]).total_seconds() > PAUSE_S:
            count += 1
        answer[name], before = f"session {count}", (camera, at)
    return answer


def _taken(path: Path) -> tuple[str, datetime] | None:
    """Camera and time that an image was taken with and at, as it tells."""
    try:
        with Image.open(path) as image:
            exif = image.getexif()
            text = str(exif.get_ifd(0x8769).get(0x9003) or exif.get(0x0132) or "")
            return str(exif.get(0x0110, "")), datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except (OSError, ValueError):
        return None
