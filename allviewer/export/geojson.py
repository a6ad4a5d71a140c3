"""Cells as GeoJSON that QuPath opens: whole cell and nucleus side by side, in (x, y) level-0 pixels."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from allviewer.segment.dictionary import MEASUREMENTS
from allviewer.vocab.arrays import Floats
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.taxonomy import Taxonomy

_NAMESPACE = uuid.UUID("8b1c2a7e-6c1f-5b8e-9a57-0f6d6a4f2d11")


def _ring(points: Floats) -> list[list[float]]:
    """A closed ring of [x, y]."""
    ring = [[round(float(x), 2), round(float(y), 2)] for y, x in points]
    return [*ring, ring[0]]


def geometry(rings: list[Floats]) -> dict[str, Any]:
    """A Polygon for one ring, a MultiPolygon for a nucleus of several lobes."""
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": [_ring(rings[0])]}
    return {"type": "MultiPolygon", "coordinates": [[_ring(ring)] for ring in rings]}


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def features(
    cells: CellTable, prediction: Prediction | None, taxonomy: Taxonomy | None, *, source: str
) -> Iterator[dict[str, Any]]:
    """One GeoJSON feature a cell. ``source`` (slide and run digest) makes the UUIDs stable and distinct."""
    for i in range(len(cells)):
        smudge = cells.kind[i] == Kind.SMUDGE
        properties: dict[str, Any] = {
            "objectType": "detection" if smudge else "cell",
            "name": str(int(cells.ids[i])),
        }
        measurements = {
            f"{m.name}": round(float(cells.measurements[m.name][i]), 6)
            for m in MEASUREMENTS
            if np.isfinite(cells.measurements[m.name][i])
        }
        if smudge:
            properties["classification"] = {"name": "smudge", "color": _rgb("#999999")}
        elif prediction is not None and taxonomy is not None and prediction.classified[i]:
            suggested = taxonomy.classes[prediction.predicted[i]]
            properties["classification"] = {"name": suggested.key, "color": _rgb(suggested.colour)}
            chances = zip(prediction.classes, prediction.probabilities[i], strict=True)
            measurements |= {f"p_{key}": round(float(p), 6) for key, p in chances}
        properties["measurements"] = measurements
        feature = {
            "type": "Feature",
            "id": str(uuid.uuid5(_NAMESPACE, f"{source}/{int(cells.ids[i])}")),
            "geometry": geometry(list(cells.cell.rings(i))),
            "properties": properties,
        }
        nucleus = list(cells.nucleus.rings(i))
        if nucleus and not smudge:
            feature["nucleusGeometry"] = geometry(nucleus)
        yield feature


def write_geojson(
    path: Path, cells: CellTable, prediction: Prediction | None, taxonomy: Taxonomy | None, *, source: str
) -> None:
    """A FeatureCollection, written feature by feature so that memory stays flat."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for i, feature in enumerate(features(cells, prediction, taxonomy, source=source)):
            file.write(",\n" if i else "\n")
            json.dump(feature, file, allow_nan=False)
        file.write("\n]}\n")
