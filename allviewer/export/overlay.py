"""Pictures of the result: outlines coloured by suggestion, and heat maps laid over the field."""

import cv2
import numpy as np

from allviewer.vocab.arrays import RGB, Floats, Grey
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.prediction import Prediction
from allviewer.vocab.taxonomy import NOT_A_CELL, Taxonomy

_CASING = (255, 255, 255)
_SHIFT = 4  # cv2 takes polygon vertices in fixed point, 1/16 pixel


def draw_outlines(
    canvas: RGB, cells: CellTable, prediction: Prediction | None, taxonomy: Taxonomy | None, scale: float
) -> None:
    """Draw every cell's two outlines into ``canvas`` (in place), cased in white so that they show on any stain."""
    width = max(2, round(max(canvas.shape[:2]) / 700))
    for i in range(len(cells)):
        colour = _colour(cells, prediction, taxonomy, i)
        whole = [_fixed_point(ring, scale) for ring in cells.cell.rings(i)]
        nucleus = [_fixed_point(ring, scale) for ring in cells.nucleus.rings(i)]
        cv2.polylines(canvas, whole, True, _CASING, width + 2, cv2.LINE_AA, _SHIFT)
        cv2.polylines(canvas, whole, True, colour, width, cv2.LINE_AA, _SHIFT)
        cv2.polylines(canvas, nucleus, True, colour, (width + 1) // 2, cv2.LINE_AA, _SHIFT)


def _colour(
    cells: CellTable, prediction: Prediction | None, taxonomy: Taxonomy | None, row: int
) -> tuple[int, int, int]:
    if prediction is None or taxonomy is None or cells.kind[row] == Kind.SMUDGE or not prediction.classified[row]:
        code = NOT_A_CELL.colour
    else:
        code = taxonomy.classes[prediction.predicted[row]].colour
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _fixed_point(ring: Floats, scale: float) -> np.ndarray:
    # half a pixel: cv2's pixel centres are whole numbers, the house's pixel edges are
    return np.round((ring[:, ::-1] * scale - 0.5) * (1 << _SHIFT)).astype(np.int32)


def draw_heat(canvas: RGB, heat: Grey) -> RGB:
    """Heat, (h, w) uint8, laid over a picture of the same size: inferno, transparent at zero."""
    colours = cv2.cvtColor(cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    alpha = (0.75 * np.sqrt(heat / np.float32(255)))[..., None]
    laid: RGB = (canvas * (1 - alpha) + colours * alpha + 0.5).astype(np.uint8)
    return laid
