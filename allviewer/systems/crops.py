"""Cells to crops to predictions: the one way in for every system."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.systems.card import SystemCard
from allviewer.systems.crop_kernels import look_up, shares, shrink
from allviewer.systems.devices import cores
from allviewer.systems.model import Model
from allviewer.systems.stain import Stain, level_table, slide_stain
from allviewer.vocab.arrays import RGB, Floats, Rows
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.errors import ModelError
from allviewer.vocab.prediction import Prediction

_LARGEST_SIDE = 1 << 14
_WORTH_THREADS = 4
"""Crops below which handing them to threads costs more than it saves."""
_SAME = np.repeat(np.arange(256, dtype=np.uint8)[None], 3, axis=0)


def crop_boxes(centres: NDArray[np.floating], um_per_px: float, card: SystemCard) -> Floats:
    """The square of the slide that each crop shows.

    Parameters
    ----------
    centres : (n, 2) (y, x), level-0 pixels.
    um_per_px : µm per level-0 pixel.
    card : gives the crop's side in µm.

    Returns
    -------
    (n, 4) float32 (y0, x0, y1, x1), level-0 pixels; may leave the image.
    """
    half = card.crop_um / um_per_px / 2
    at = np.asarray(centres, np.float64).reshape(-1, 2)
    return np.concatenate([at - half, at + half], axis=1).astype(np.float32)


def cut_crops(
    rgb: RGB,
    boxes: NDArray[np.floating],
    size: int,
    fill: tuple[float, ...] = (255, 255, 255),
    table: NDArray[np.uint8] | None = None,
) -> RGB:
    """Cut boxes out of an image and bring each to ``size`` pixels, on all cores.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    boxes : (n, 4) (y0, x0, y1, x1) in the image's own frame, rounded to whole pixels; may leave the image.
    size : side of the crops.
    fill : colour of what lies outside the image.
    table : (3, 256) uint8, levels that replace the crops' (`stain.level_table`); None keeps them.

    Returns
    -------
    (n, size, size, 3) uint8. Enlarged bilinearly, reduced by area.

    Raises
    ------
    ValueError : a box is empty, not finite or absurdly large.
    """
    block = np.empty((len(boxes), size, size, 3), np.uint8)
    if len(boxes) == 0:
        return block
    if not np.isfinite(boxes).all():
        raise ValueError("a crop's box is not finite")
    corners = np.rint(np.asarray(boxes, np.float64)).astype(np.int64)
    sides = corners[:, 2:] - corners[:, :2]
    if sides.min() < 1 or sides.max() > _LARGEST_SIDE:
        raise ValueError(f"a crop's side is {sides.min()} to {sides.max()} px: expected 1 to {_LARGEST_SIDE}")
    each = list(zip(corners.tolist(), block, strict=True))
    threads = cores()
    if threads == 1 or len(each) < _WORTH_THREADS:
        _cut(rgb, each, fill, table)
    else:
        parts = [each[start::threads] for start in range(threads)]
        list(_threads().map(lambda part: _cut(rgb, part, fill, table), parts))
    return block


def _cut(rgb: RGB, each: list[tuple[list[int], RGB]], fill: tuple[float, ...], table: NDArray[np.uint8] | None) -> None:
    """Fill crops (size, size, 3), each with what its corners cut out."""
    height, width = rgb.shape[:2]
    for (y0, x0, y1, x1), crop in each:
        size = len(crop)
        a, b, c, d = max(y0, 0), max(x0, 0), min(y1, height), min(x1, width)
        if a >= c or b >= d:
            crop[:] = np.asarray(fill, np.uint8)
        else:
            patch = rgb[a:c, b:d]
            if (a, b, c, d) != (y0, x0, y1, x1):
                patch = cv2.copyMakeBorder(patch, a - y0, y1 - c, b - x0, x1 - d, cv2.BORDER_CONSTANT, value=fill)
            if min(patch.shape[:2]) > size:
                rows, columns = shares(y1 - y0, size), shares(x1 - x0, size)
                four = cv2.cvtColor(patch, cv2.COLOR_RGB2RGBA)
                shrink(four, *rows, *columns, _SAME if table is None else table, crop)
                continue
            cv2.resize(patch, (size, size), dst=crop, interpolation=cv2.INTER_LINEAR)
        if table is not None:
            look_up(crop.reshape(-1, 3), table)


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads for crops, as many as cores; the compiled loops leave the interpreter to others."""
    return ThreadPoolExecutor(cores(), thread_name_prefix="crops")


def prepare(rgb: RGB, boxes: NDArray[np.floating], card: SystemCard, stain: Stain | None = None) -> RGB:
    """Crops as a model takes them: cut, resized, brought to one light and stain as its card says.

    ``stain`` holds the slide's anchors; None estimates them from ``rgb``.
    """
    if card.white is None:
        return cut_crops(rgb, boxes, card.input_px)
    anchors = slide_stain(rgb) if stain is None else stain
    table = level_table(anchors, card.white, card.nucleus)
    return cut_crops(rgb, boxes, card.input_px, tuple(float(v) for v in np.rint(anchors.white)), table)


def classify(
    model: Model,
    rgb: RGB,
    cells: CellTable,
    um_per_px: float,
    *,
    heat: bool = False,
    batch: int = 32,
    cancelled: Callable[[], bool] = lambda: False,
    stain: Stain | None = None,
    origin: tuple[float, float] = (0, 0),
) -> Prediction:
    """Classify the cells of an image.

    Parameters
    ----------
    model : of unit ``cell``.
    rgb : (H, W, 3) uint8, wide enough around the cells to hold their crops.
    cells : centres in level-0 pixels; smudges stay unclassified.
    um_per_px : µm per pixel.
    heat : whether to keep Grad-CAM maps.
    batch : crops a forward pass.
    cancelled : asked between batches; what was not reached by then stays unclassified.
    stain : the slide's anchors (`stain.slide_stain`), so that all its tiles agree; None takes them from ``rgb``.
    origin : (y, x) of ``rgb``'s corner in the frame of ``cells``.

    Raises
    ------
    ModelError : a model of unit ``field``.

    Returns
    -------
    Prediction, row for row with ``cells``; boxes in the frame of ``cells``.
    """
    expect_unit(model.name, model.card, "cell")
    boxes = crop_boxes(cells.centroid, um_per_px, model.card)
    probabilities = np.full((len(cells), len(model.card.classes)), np.nan, np.float32)
    unsure = np.zeros(len(cells), np.bool_)
    maps: NDArray[np.float16] | None = None
    embedding: NDArray[np.float16] | None = None
    unlike: NDArray[np.bool_] | None = None
    if model.card.white is not None and stain is None and len(cells):
        stain = slide_stain(rgb)
    local = boxes - np.tile(np.asarray(origin, np.float32), 2)
    todo: Rows = np.flatnonzero(cells.kind == Kind.CELL)
    for start in range(0, len(todo), batch):
        if cancelled():
            break
        rows = todo[start : start + batch]
        out = model.predict(prepare(rgb, local[rows], model.card, stain), heat=heat)
        probabilities[rows], unsure[rows] = out.probabilities, out.unsure
        if embedding is None:
            embedding = np.zeros((len(cells), out.embedding.shape[1]), np.float16)
        embedding[rows] = out.embedding
        if out.unlike is not None:
            if unlike is None:
                unlike = np.zeros(len(cells), np.bool_)
            unlike[rows] = out.unlike
        if out.heat is not None:
            if maps is None:
                maps = np.zeros((len(cells), *out.heat.shape[1:]), np.float16)
            maps[rows] = out.heat
    return Prediction(model.card.classes, probabilities, unsure, boxes, model.digest, maps, embedding, unlike)


def expect_unit(name: str, card: SystemCard, unit: str) -> None:
    """ModelError where a model looks at something else: one of fields is never run on cells, nor the other way."""
    if card.unit == unit:
        return
    if card.unit == "field":
        raise ModelError(
            f"the model '{name}' judges whole fields and is never run on cells",
            todo="Give it as --field-model, or choose it in the viewer for a suggestion about the whole image.",
        )
    raise ModelError(f"the model '{name}' judges single cells, not whole fields", todo="Give it as --model instead.")
