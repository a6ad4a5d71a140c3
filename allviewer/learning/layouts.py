"""Read labelled cells from the layouts that people keep them in."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from allviewer.learning.samples import EDGE_UM, Samples
from allviewer.vocab.arrays import Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.taxonomy import Taxonomy

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
ALL_IDB_CAMERAS = {(1712, 1368): (7.5 / 60, "Olympus C2500L"), (2592, 1944): (7.5 / 78, "Canon G5")}
"""ALL-IDB1 image size (width, height) → µm per pixel and camera. The data set gives no scale: it follows from red
cells of 7.5 µm that measure about 60 and 78 pixels."""
_ALL_IDB_CITATION = (
    "Donida Labati R., Piuri V., Scotti F., ALL-IDB: the acute lymphoblastic leukemia image database for image "
    "processing, IEEE ICIP 2011, doi:10.1109/ICIP.2011.6115881"
)


def read_samples(data: Path, taxonomy: Taxonomy) -> Samples:
    """Labelled cells from a folder or a CSV manifest.

    Parameters
    ----------
    data : an ALL-IDB1 tree (``im/``, ``cells.csv``, ``manifest.csv``); a folder with one folder of crops a class;
        or a CSV with columns ``file,label`` and optionally ``y,x,um_per_px,group,camera``.
    taxonomy : the classes; a folder's or a row's label is one of its keys or names.

    Raises
    ------
    DataError : nothing is there, a column or image is missing, or a label is no class.
    """
    if data.is_file():
        return _from_csv(data, taxonomy)
    if not data.is_dir():
        raise DataError("there are no such data", where=str(data), expected="a folder or a CSV file")
    if (data / "cells.csv").is_file() and (data / "im").is_dir():
        return _from_all_idb(data, taxonomy)
    return _from_folders(data, taxonomy)


def read_table(path: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file that has at least the columns ``needed``; DataError where it has not, or has no rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "this is no table that can be read", where=str(path), expected="a CSV file in UTF-8", got=str(error),
            todo="Name a folder of images, or a CSV manifest with the columns file and label.",
        ) from error  # fmt: skip
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        names, rows = tuple(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise DataError("this table cannot be read", where=str(path), got=str(error)) from error
    if any(name not in names for name in needed):
        raise DataError(
            "a column is missing", where=str(path), expected=", ".join(needed), got=", ".join(names) or "an empty file"
        )
    if not rows:
        raise DataError("this table has no rows", where=str(path))
    return rows


def _label(text: str, taxonomy: Taxonomy, where: str) -> int:
    wanted = text.strip().lower()
    for i, each in enumerate(taxonomy.classes):
        if wanted in (each.key.lower(), each.name.lower()):
            return i
    raise DataError(f"'{text}' is no class", where=where, expected=", ".join(taxonomy.keys))


def _image_size(path: Path) -> tuple[int, int]:
    """(width, height) from the header."""
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError:
        raise DataError("an image that the table names is missing", where=str(path)) from None
    except (UnidentifiedImageError, OSError) as error:
        raise DataError("this image cannot be read", where=str(path)) from error


def _from_all_idb(data: Path, taxonomy: Taxonomy) -> Samples:
    """Lymphoblasts against other white cells; platelet-like marks are left out."""
    rows = read_table(data / "cells.csv", ("image", "x", "y", "label", "session_id", "kind_guess"))
    rows = [r for r in rows if r["kind_guess"] == "wbc_like"]
    if set(taxonomy.keys) != {"blast", "normal"}:
        raise DataError("ALL-IDB1 tells blasts from other white cells only", where=str(data), got=taxonomy.key)
    files = tuple(sorted({f"im/{r['image']}" for r in rows}))
    sizes = {f: _image_size(data / f) for f in files}
    for name, size in sizes.items():
        if size not in ALL_IDB_CAMERAS:
            raise DataError("this image's scale is not known", where=str(data / name), got=f"{size[0]}x{size[1]} px")
    names = [f"im/{r['image']}" for r in rows]
    scale = np.array([ALL_IDB_CAMERAS[sizes[n]][0] for n in names], np.float32)
    centres = np.array([(float(r["y"]), float(r["x"])) for r in rows], np.float32)
    labels = [taxonomy.index("blast" if r["label"] == "lymphoblast" else "normal") for r in rows]
    return Samples(
        name="ALL-IDB1", citation=_ALL_IDB_CITATION, licence="on request to its authors; research use",
        classes=taxonomy.keys, root=data, files=files, file=np.array([files.index(n) for n in names], np.int64),
        centres=centres, um_per_px=scale, labels=np.array(labels, np.int64),
        groups=np.array([r["session_id"] for r in rows]), grouped=True,
        cut=_cut(centres, np.array([sizes[n] for n in names]), scale),
        camera=np.array([ALL_IDB_CAMERAS[sizes[n]][1] for n in names]),
        note="Lymphoblast centres by the data set's experts against its other white cells. Groups are recording "
        "sessions (gaps in the cameras' clocks), a proxy for subjects. The experts marked no blast "
        f"within {EDGE_UM:g} µm of a field's edge, so what is cut there reads as 'other', whatever it is.",
    )  # fmt: skip


def _cut(centres: Floats, sizes: NDArray[np.int64], scale: Floats) -> NDArray[np.bool_]:
    """Cells whose centre is within `EDGE_UM` of their image's edge; ``sizes`` are (width, height)."""
    far = sizes[:, ::-1] - centres
    cut: NDArray[np.bool_] = np.minimum(centres, far).min(axis=1) * scale < EDGE_UM
    return cut


def _from_folders(data: Path, taxonomy: Taxonomy) -> Samples:
    """One folder a class; each image is one crop and, knowing no better, a group of its own."""
    files: list[str] = []
    labels: list[int] = []
    for folder in sorted(p for p in data.iterdir() if p.is_dir() and not p.name.startswith(".")):
        label = _label(folder.name, taxonomy, str(folder))
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES):
            files.append(path.relative_to(data).as_posix())
            labels.append(label)
    if not files:
        raise DataError(
            "no labelled images were found", where=str(data),
            expected=f"an ALL-IDB1 tree, or folders named {', '.join(taxonomy.keys)} with images in them",
        )  # fmt: skip
    n = len(files)
    return Samples(
        name=data.name, citation="none given", licence="not stated", classes=taxonomy.keys, root=data,
        files=tuple(files), file=np.arange(n, dtype=np.int64), centres=np.full((n, 2), np.nan, np.float32),
        um_per_px=np.full(n, np.nan, np.float32), labels=np.array(labels, np.int64), groups=np.array(files),
        grouped=False, cut=np.zeros(n, np.bool_), camera=np.full(n, ""),
        note="Subjects are not known: every image counts as its own group, so the split is at image level.",
    )  # fmt: skip


def _from_csv(path: Path, taxonomy: Taxonomy) -> Samples:
    """A manifest. Files are relative to it; rows without a centre are crops, whole."""
    rows = read_table(path, ("file", "label"))
    files = tuple(sorted({r["file"] for r in rows}))
    sizes = {f: _image_size(path.parent / f) for f in files}
    labels = [_label(r["label"], taxonomy, f"{path}, row {i + 2}") for i, r in enumerate(rows)]
    centres = np.array([(_number(r, "y", path), _number(r, "x", path)) for r in rows], np.float32)
    scale = np.array([_number(r, "um_per_px", path) for r in rows], np.float32)
    if (np.isnan(centres).any(axis=1) != np.isnan(scale)).any():
        raise DataError("a centre needs its scale", where=str(path), expected="y, x and um_per_px together, or none")
    grouped = all(r.get("group") for r in rows)
    cut = _cut(centres, np.array([sizes[r["file"]] for r in rows]), scale)
    return Samples(
        name=path.stem, citation="none given", licence="not stated", classes=taxonomy.keys, root=path.parent,
        files=files, file=np.array([files.index(r["file"]) for r in rows], np.int64), centres=centres,
        um_per_px=scale, labels=np.array(labels, np.int64),
        groups=np.array([r["group"] if grouped else r["file"] for r in rows]), grouped=grouped,
        cut=np.where(np.isnan(scale), False, cut), camera=np.array([r.get("camera") or "" for r in rows]),
    )  # fmt: skip


def _number(row: dict[str, str], column: str, path: Path) -> float:
    text = (row.get(column) or "").strip()
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise DataError(f"'{text}' is no number", where=f"{path}, column {column}") from None
