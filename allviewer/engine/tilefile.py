"""One tile's cells and predictions as an Arrow file: ragged outlines as lists, everything else as columns."""

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather

from allviewer.vocab.cells import CellTable, Outlines
from allviewer.vocab.errors import RunError
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import FieldQuality

_PLAIN = ("ids", "kind", "area_px", "nucleus_area_px", "touches_border")


def _fixed(values: np.ndarray) -> pa.Array:
    """(n, …) array as a column of fixed-size lists."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), int(np.prod(values.shape[1:])))


def _lists(starts: np.ndarray, values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(starts, pa.int64()), values)


def _outline_column(outlines: Outlines, rows: int) -> pa.Array:
    """Rows of rings of flat y, x, y, x, …"""
    rings = _lists(outlines.starts * 2, pa.array(outlines.points.reshape(-1)))
    per_row = np.searchsorted(outlines.owner, np.arange(rows + 1))
    return _lists(per_row, rings)


def _outlines(column: pa.Array) -> Outlines:
    rings = column.flatten()
    points = rings.flatten().to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, 2)
    ring_lengths = np.array([len(r) for r in rings.to_pylist()], np.int64) // 2
    row_lengths = np.array([len(r) for r in column.to_pylist()], np.int64)
    starts = np.concatenate([[0], np.cumsum(ring_lengths)]).astype(np.int64)
    return Outlines(points, starts, np.repeat(np.arange(len(row_lengths)), row_lengths))


def write_tile(
    path: Path, cells: CellTable, prediction: Prediction | None, quality: FieldQuality | None = None
) -> None:
    """Write atomically. RunError where the disk refuses."""
    n = len(cells)
    columns = {name: pa.array(getattr(cells, name)) for name in _PLAIN}
    columns["centroid"], columns["bbox"] = _fixed(cells.centroid), _fixed(cells.bbox)
    columns["cell"], columns["nucleus"] = _outline_column(cells.cell, n), _outline_column(cells.nucleus, n)
    columns |= {f"m:{name}": pa.array(values) for name, values in cells.measurements.items()}
    metadata = {"format": "allviewer tile 1"}
    if quality is not None:
        metadata["quality"] = json.dumps(quality.stored())
    if prediction is not None:
        metadata |= {"classes": "\n".join(prediction.classes), "model": prediction.model}
        columns["probabilities"], columns["boxes"] = _fixed(prediction.probabilities), _fixed(prediction.boxes)
        columns["unsure"] = pa.array(prediction.unsure)
        if prediction.unlike is not None:
            columns["unlike"] = pa.array(prediction.unlike)
        if prediction.embedding is not None:
            columns["embedding"] = _fixed(prediction.embedding)
        if prediction.heat is not None:
            columns["heat"] = _fixed(prediction.heat)
            metadata["heat"] = " ".join(map(str, prediction.heat.shape[1:]))
    table = pa.table(columns).replace_schema_metadata(metadata)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        feather.write_feather(table, partial, compression="lz4")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(
            "a finished tile cannot be stored",
            where=str(path.parent),
            got=str(error),
            todo="Free some disk space; the analysis goes on where it stopped.",
        ) from error


def _table(path: Path) -> pa.Table:
    """A stored tile's table. RunError where it is missing, damaged or of another format."""
    todo = "Delete the run's folder; the slide is then analysed again and no decision is lost."
    try:
        table = feather.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError("a stored tile cannot be read", where=str(path), got=str(error), todo=todo) from error
    kind = (table.schema.metadata or {}).get(b"format", b"none").decode()
    if kind != "allviewer tile 1":
        raise RunError(
            "a stored tile is of another format",
            where=str(path),
            expected="allviewer tile 1",
            got=kind,
            todo=todo,
        )
    return table


def read_quality(path: Path) -> FieldQuality | None:
    """The verdicts `write_tile` wrote, None where it wrote none. RunError as `read_tile`'s."""
    metadata = _table(path).schema.metadata or {}
    return FieldQuality.of_stored(json.loads(metadata[b"quality"])) if b"quality" in metadata else None


def read_tile(path: Path) -> tuple[CellTable, Prediction | None]:
    """Read back what `write_tile` wrote. RunError where it is missing, damaged or of another format."""
    table = _table(path).combine_chunks()
    metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    n = table.num_rows

    def column(name: str) -> pa.Array:
        return table.column(name).combine_chunks()

    def plain(name: str) -> np.ndarray:
        return np.asarray(column(name).to_numpy(zero_copy_only=False))

    def fixed(name: str, *shape: int) -> np.ndarray:
        return np.asarray(column(name).flatten().to_numpy(zero_copy_only=False)).reshape(n, *shape)

    cells = CellTable(
        **{name: plain(name) for name in _PLAIN},
        centroid=fixed("centroid", 2),
        bbox=fixed("bbox", 4),
        cell=_outlines(column("cell")),
        nucleus=_outlines(column("nucleus")),
        measurements={name[2:]: plain(name) for name in table.column_names if name.startswith("m:")},
    )
    if "classes" not in metadata:
        return cells, None
    classes = tuple(metadata["classes"].split("\n"))
    heat = fixed("heat", *map(int, metadata["heat"].split())) if "heat" in metadata else None
    embedding = None
    if "embedding" in table.column_names:
        embedding = fixed("embedding", table.schema.field("embedding").type.list_size)
    prediction = Prediction(
        classes, fixed("probabilities", len(classes)), plain("unsure"), fixed("boxes", 4), metadata["model"],
        heat, embedding, plain("unlike") if "unlike" in table.column_names else None,
    )  # fmt: skip
    return cells, prediction
