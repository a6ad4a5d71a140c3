"""Grad-CAM maps as pictures: coloured by one map, on one raw scale a slide."""

from collections.abc import Iterable

import cv2
import numpy as np
from napari.utils.colormaps import Colormap, ensure_colormap
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats, Halves
from allviewer.vocab.region import Region

FAINT = 0.35
"""Share of the scale below which the map fades out, so that zero is transparent."""


def colours() -> NDArray[np.float32]:
    """(256, 4) float32 RGBA 0..1: inferno without its darkest fifth, transparent at zero."""
    table: NDArray[np.float32] = ensure_colormap("inferno").map(np.linspace(0.2, 1.0, 256)).astype(np.float32)
    table[:, 3] = np.clip(np.linspace(0, 1, 256) / FAINT, 0, 1)
    return table


def napari_colormap() -> Colormap:
    """The same for a napari image layer."""
    return Colormap(colours(), name="allviewer heat", controls=np.linspace(0, 1, 256))


def inside(boxes: Floats, region: Region) -> NDArray[np.intp]:
    """Rows whose boxes meet a region."""
    y0, x0, y1, x1 = boxes.T
    return np.flatnonzero((y1 > region.y0) & (y0 < region.y1) & (x1 > region.x0) & (x0 < region.x1))


def over(rgb: RGB, heat: Halves, top: float, opacity: float) -> RGB:
    """A crop with one cell's map laid over it, on the slide's scale."""
    height, width = rgb.shape[:2]
    values = np.clip(heat.astype(np.float32) / top if top > 0 else np.zeros_like(heat, np.float32), 0, 1)
    index = cv2.resize((values * 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    layer = colours()[index]
    alpha = layer[..., 3:] * opacity
    mixed: RGB = np.rint(rgb * (1 - alpha) + layer[..., :3] * 255 * alpha).astype(np.uint8)
    return mixed


def draw_rings(rgb: RGB, rings: Iterable[Floats], box: Floats, colour: tuple[int, int, int], casing: int) -> None:
    """Draw closed rings (level-0 pixels) into a crop of a box, coloured over a casing, in place."""
    size = np.array(rgb.shape[:2], np.float64) / (np.asarray(box[2:]) - np.asarray(box[:2]))
    points = [np.rint(((ring - box[:2]) * size - 0.5)[:, ::-1] * 16).astype(np.int32) for ring in rings]
    line = max(1, round(rgb.shape[0] / 110))
    for shade, width in ((((casing,) * 3), 2 * line), (colour, line)):
        cv2.polylines(rgb, points, True, shade, width, cv2.LINE_AA, shift=4)
