"""The cell table as CSV: one row a cell, and a data dictionary beside it."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allviewer.segment.dictionary import MEASUREMENTS
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.taxonomy import Taxonomy

PLACE = (
    ("cell_id", "", "Integer, unique in the image; the same id in every file and on the screen."),
    ("centroid_y", "px", "Centre of the whole cell, rows from the top edge; pixel (0, 0) spans [0, 1)."),
    ("centroid_x", "px", "Centre of the whole cell, columns from the left edge."),
    ("bbox_y0", "px", "First row of the whole cell."),
    ("bbox_x0", "px", "First column of the whole cell."),
    ("bbox_y1", "px", "Row after the last (half-open)."),
    ("bbox_x1", "px", "Column after the last (half-open)."),
    ("area_px", "px²", "Area of the whole cell."),
    ("nucleus_area_px", "px²", "Area of the nucleus, all lobes together."),
    ("touches_border", "0/1", "The image's edge cuts the cell; such a cell is listed and left out of counts."),
)
SUGGESTION = (
    ("predicted", "", "Class of the highest probability: a model's suggestion, not a reviewed label."),
    ("confidence", "0..1", "Calibrated probability of that class."),
    ("unsure", "0/1", "The model's own reject band; its card says how the band was chosen."),
    (
        "unlike_training",
        "0/1",
        "The cell is unlike those that the model was trained on (distance in its embedding), so its suggestion has "
        "nothing to stand on; empty where the model cannot tell. Its card says how the distance was chosen.",
    ),
)


def columns(taxonomy: Taxonomy | None) -> list[tuple[str, str, str]]:
    """Name, unit and definition of every column, in order. ``taxonomy`` None: no model was run."""
    classes = taxonomy.classes if taxonomy is not None else ()
    chances = [(f"p_{c.key}", "0..1", f"Calibrated probability of the class {c.name}.") for c in classes]
    measured = [(m.name, m.unit, f"{m.definition} Source: {m.source}") for m in MEASUREMENTS]
    return [*PLACE, *(SUGGESTION if classes else ()), *chances, *measured]


def rows(cells: CellTable, prediction: Prediction | None) -> Iterator[list[object]]:
    """One list a cell, in the order of `columns`; smudge cells are no rows."""
    for i in np.flatnonzero(cells.kind == Kind.CELL):
        row: list[object] = [int(cells.ids[i])]
        row += [f"{v:.2f}" for v in cells.centroid[i]]
        row += [int(v) for v in cells.bbox[i]]
        row += [round(float(cells.area_px[i])), round(float(cells.nucleus_area_px[i])), int(cells.touches_border[i])]
        if prediction is not None:
            row += _suggestion(prediction, int(i))
        row += [_number(cells.measurements[m.name][i]) for m in MEASUREMENTS]
        yield row


def _suggestion(prediction: Prediction, row: int) -> list[object]:
    """Class, confidence, unsure, unlike and every probability of a row; empty fields where it was not classified."""
    if not prediction.classified[row]:
        return [""] * (len(SUGGESTION) + len(prediction.classes))
    suggested = prediction.classes[prediction.predicted[row]]
    chances = [f"{p:.6f}" for p in prediction.probabilities[row]]
    unlike = "" if prediction.unlike is None else int(prediction.unlike[row])
    return [suggested, f"{prediction.confidence[row]:.4f}", int(prediction.unsure[row]), unlike, *chances]


def _number(value: float) -> str:
    """Six significant digits; empty where the measurement does not exist for the cell."""
    return f"{value:.6g}" if np.isfinite(value) else ""


def write_table(path: Path, cells: CellTable, prediction: Prediction | None, taxonomy: Taxonomy | None) -> None:
    """``cells.csv``: header and one row a cell; no cells, the header alone."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([name for name, _, _ in columns(taxonomy)])
        out.writerows(rows(cells, prediction))


def write_dictionary(path: Path, taxonomy: Taxonomy | None) -> None:
    """The data dictionary: name, unit, definition of each column of ``cells.csv``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["column", "unit", "definition"])
        out.writerows(columns(taxonomy))
