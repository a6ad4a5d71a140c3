"""allviewer's cells in a plain napari: a synthetic smear, and a widget that finds and classifies white cells."""

from typing import Any

import numpy as np

from allviewer.resources import DEFAULT_MODEL

LayerData = tuple[Any, dict[str, Any], str]


def sample() -> list[LayerData]:
    """A rendered field, scaled in µm. Everything on it is synthetic."""
    from allviewer.synth import render_sample

    field = render_sample()
    return [(field.rgb, {"name": "synthetic smear", "rgb": True, "scale": (field.um_per_px,) * 2}, "image")]


def find_white_cells(
    image: "napari.types.ImageData",  # type: ignore[name-defined]  # noqa: F821 - napari resolves it by name
    um_per_px: float = 0.0,
    model: str = DEFAULT_MODEL,
) -> "napari.types.LayerDataTuple":  # type: ignore[name-defined]  # noqa: F821
    """Find the white cells of an RGB image and suggest a class for each.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB.
    um_per_px : µm per pixel; 0 estimates it from red cells.
    model : name or file of a model.

    Returns
    -------
    A Labels layer whose values are cell ids; its ``features`` table holds each cell's suggestion and measurements.
    """
    import pandas as pd

    from allviewer.segment import segmenter
    from allviewer.segment.outlines import draw
    from allviewer.segment.pixel_size import assumed_pixel_size, estimate_pixel_size
    from allviewer.systems import load_model
    from allviewer.systems.crops import classify

    rgb = np.asarray(image)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"expected an RGB image of 8 bits, got shape {rgb.shape} of {rgb.dtype}: choose another layer")
    um = um_per_px or estimate_pixel_size(rgb).um or assumed_pixel_size(rgb)
    finder = segmenter("default")
    cells = finder.cells(rgb, um, finder.survey(rgb, um))
    said = classify(load_model(model), rgb, cells, um)
    suggestion = [said.classes[i] if i >= 0 else "smudge" for i in said.predicted]
    features = pd.DataFrame({"index": cells.ids, "model suggests": suggestion, "confidence": said.confidence})
    for name, values in cells.measurements.items():
        features[name] = values
    nothing = pd.DataFrame({"index": [0]})  # napari's features start with the background
    labels = draw(cells.cell, rgb.shape[:2])
    return labels, {"name": "white cells", "features": pd.concat([nothing, features], ignore_index=True)}, "labels"
