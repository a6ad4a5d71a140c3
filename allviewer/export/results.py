"""The folder of results of one analysed image."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from allviewer.engine.optics import overview
from allviewer.export.folder import whole_folder
from allviewer.export.geojson import write_geojson
from allviewer.export.overlay import draw_heat, draw_outlines
from allviewer.export.summary import summary
from allviewer.export.table import write_dictionary, write_table
from allviewer.slides import Slide
from allviewer.systems.fields import FieldSuggestion
from allviewer.systems.heat_canvas import paint
from allviewer.systems.likeness import SlideLikeness
from allviewer.vocab.arrays import RGB
from allviewer.vocab.cells import CellTable
from allviewer.vocab.optics import PixelSize
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import FieldQuality
from allviewer.vocab.recipe import Recipe
from allviewer.vocab.region import Region
from allviewer.vocab.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """One slide with all that an analysis said of it.

    ``model_name`` is empty where no model classified the cells; ``accepted``: a person accepted its file by name.
    """

    slide: Slide
    pixel_size: PixelSize
    recipe: Recipe
    cells: CellTable
    prediction: Prediction | None
    taxonomy: Taxonomy | None
    model_name: str
    seconds: dict[str, float]
    quality: FieldQuality
    likeness: SlideLikeness | None = None
    suggestion: FieldSuggestion | None = None
    accepted: bool = False


def write_results(final: Path, done: Analysed, *, overwrite: bool = False) -> None:
    """Write ``cells.csv``, ``data_dictionary.csv``, ``cells.geojson``, ``overlay.png`` and ``summary.json``.

    Where heat maps were kept, also ``heat.npz`` (raw maps with their cell ids and boxes) and one ``heat_<class>.png``
    a class, all on one colour scale whose top is written in ``summary.json``.
    """
    cells, prediction, taxonomy = done.cells, done.prediction, done.taxonomy
    with whole_folder(final, overwrite=overwrite) as folder:
        write_table(folder / "cells.csv", cells, prediction, taxonomy)
        write_dictionary(folder / "data_dictionary.csv", taxonomy)
        source = f"{done.slide.digest}/{done.recipe.digest}"
        write_geojson(folder / "cells.geojson", cells, prediction, taxonomy, source=source)
        facts = summary(
            done.slide, done.pixel_size, done.recipe, cells, prediction,
            model_name=done.model_name, seconds=done.seconds, quality=done.quality, likeness=done.likeness,
            suggestion=done.suggestion, accepted=done.accepted,
        )  # fmt: skip
        view, span = overview(done.slide)
        canvas, scale = view.copy(), 1 / span
        if prediction is not None and prediction.heat is not None and taxonomy is not None:
            facts["heat"] = {"raw_scale_top": _write_heat(folder, cells, prediction, canvas, scale, done.slide.shape)}
        draw_outlines(canvas, cells, prediction, taxonomy, scale)
        Image.fromarray(canvas).save(folder / "overlay.png", compress_level=3)
        (folder / "summary.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _write_heat(
    folder: Path, cells: CellTable, prediction: Prediction, canvas: RGB, scale: float, shape: tuple[int, int]
) -> float:
    """Write maps and pictures; return the raw value shown as full colour in every class's picture."""
    assert prediction.heat is not None
    maps = prediction.heat
    np.savez_compressed(folder / "heat.npz", cell_id=cells.ids, boxes=prediction.boxes, maps=maps)
    shown = np.flatnonzero(prediction.classified)
    top = float(maps[shown].max(initial=0.0))
    everything = Region(0, 0, *shape)
    for column, key in enumerate(prediction.classes):
        heat = paint(maps[shown, column], prediction.boxes[shown], everything, 1 / scale, top).values
        Image.fromarray(draw_heat(canvas, heat)).save(folder / f"heat_{key}.png", compress_level=3)
    return top
