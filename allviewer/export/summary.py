"""What an analysis was and what it counted, as JSON."""

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

import allviewer
from allviewer.slides import Slide
from allviewer.systems.fields import FieldSuggestion
from allviewer.systems.likeness import SlideLikeness
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.optics import PixelSize
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.quality import FieldQuality
from allviewer.vocab.recipe import Recipe

LIBRARIES = ("numpy", "opencv-python-headless", "numba", "scikit-image", "tifffile", "torch", "openvino")

NOTICE = "Research use only. Model suggestions, not reviewed labels; no diagnosis."


def counts(cells: CellTable, prediction: Prediction | None) -> dict[str, Any]:
    """Cells by what they are. Border cells and smudge cells stand apart from the counted cells.

    ``suggested`` counts the model's arg-max among counted cells; ``unsure`` how many of those it would not call.
    """
    is_cell = cells.kind == Kind.CELL
    counted = is_cell & ~cells.touches_border
    out: dict[str, Any] = {
        "cells": int(is_cell.sum()),
        "touching_border": int((is_cell & cells.touches_border).sum()),
        "counted": int(counted.sum()),
        "smudge_cells": int((cells.kind == Kind.SMUDGE).sum()),
    }
    if prediction is not None:
        predicted = prediction.predicted[counted]
        out["suggested"] = {key: int((predicted == i).sum()) for i, key in enumerate(prediction.classes)}
        out["unsure"] = int(prediction.unsure[counted].sum())
    return out


def summary(
    slide: Slide,
    pixel_size: PixelSize,
    recipe: Recipe,
    cells: CellTable,
    prediction: Prediction | None,
    *,
    model_name: str,
    seconds: dict[str, float],
    quality: FieldQuality,
    likeness: SlideLikeness | None = None,
    suggestion: FieldSuggestion | None = None,
    accepted: bool = False,
) -> dict[str, Any]:
    """Everything a reader needs to trace the result; values JSON can hold."""
    return {
        "notice": NOTICE,
        "image": {
            "name": slide.path.name,
            "sha256": slide.digest,
            "height_px": slide.shape[0],
            "width_px": slide.shape[1],
            "notes": list(slide.notes),
        },
        "pixel_size": {"um_per_px": pixel_size.um, "source": str(pixel_size.source)},
        "recipe": {
            "digest": recipe.digest,
            "segmenter": recipe.segmenter,
            "segmenter_version": recipe.segmenter_version,
            "preprocessing": recipe.preprocessing,
        },
        "model": {"name": model_name, "sha256": recipe.model, "accepted_by_name": accepted} if recipe.model else None,
        "field_suggestion": None if suggestion is None else suggestion.facts(),
        "field_quality": _rounded(quality),
        "likeness": None if likeness is None else asdict(likeness),
        "counts": counts(cells, prediction),
        "seconds": {stage: round(float(np.round(s, 4)), 4) for stage, s in seconds.items()},
        "versions": {
            "allviewer": allviewer.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _rounded(quality: FieldQuality) -> dict[str, Any]:
    """The verdicts by subject and the worst grade, numbers to four decimals."""
    facts = quality.facts()
    for one in facts.values():
        one.update({k: round(v, 4) for k, v in one.items() if isinstance(v, float)})
    return {"grade": quality.grade, **facts}
