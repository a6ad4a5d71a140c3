"""Grad-CAM maps as pictures: painted onto a canvas by maximum, coloured by one map, on one raw scale a slide."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from napari.utils.colormaps import Colormap, ensure_colormap
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats, Grey, Halves
from allviewer.vocab.region import Region

FAINT = 0.35
"""Share of the scale below which the map fades out, so that zero is transparent."""

LONGEST_CANVAS = 4096
"""Pixels of the canvas that holds a whole field."""


def colours() -> NDArray[np.float32]:
    """(256, 4) float32 RGBA 0..1: inferno without its darkest fifth, transparent at zero."""
    table: NDArray[np.float32] = ensure_colormap("inferno").map(np.linspace(0.2, 1.0, 256)).astype(np.float32)
    table[:, 3] = np.clip(np.linspace(0, 1, 256) / FAINT, 0, 1)
    return table


def napari_colormap() -> Colormap:
    """The same for a napari image layer."""
    return Colormap(colours(), name="allviewer heat", controls=np.linspace(0, 1, 256))


@dataclass(frozen=True, slots=True, eq=False)
class HeatCanvas:
    """Painted heat.

    Attributes
    ----------
    values : (h, w) uint8, 255 at ``top``.
    region : level-0 pixels it covers; ``step`` : level-0 pixels per canvas pixel.
    top : raw Grad-CAM value of 255.
    """

    values: Grey
    region: Region
    step: float
    top: float


def step_for(region: Region, longest: int = LONGEST_CANVAS) -> float:
    """Level-0 pixels per canvas pixel so that the canvas stays within ``longest``; at least 1."""
    return max(1.0, max(region.height, region.width) / longest)


def paint(maps: Halves, boxes: Floats, region: Region, step: float, top: float) -> HeatCanvas:
    """Paint maps into a region, the hottest winning where crops overlap.

    Parameters
    ----------
    maps : (n, h, w) float16 raw maps of one class; ``boxes`` : (n, 4) level-0 squares they cover.
    region : what to paint; ``step`` : level-0 pixels per canvas pixel; ``top`` : raw value that becomes 255.
    """
    height, width = max(1, round(region.height / step)), max(1, round(region.width / step))
    canvas = np.zeros((height, width), np.uint8)
    if top > 0 and len(maps):
        scaled = (np.clip(maps.astype(np.float32), 0, top) * (255.0 / top)).astype(np.uint8)
        corners = np.rint((boxes - np.array([region.y0, region.x0] * 2)) / step).astype(np.int64)
        for one, (y0, x0, y1, x1) in zip(scaled, corners.tolist(), strict=True):
            a, b, c, d = max(y0, 0), max(x0, 0), min(y1, height), min(x1, width)
            if a >= c or b >= d:
                continue
            large = cv2.resize(one, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
            part = canvas[a:c, b:d]
            np.maximum(part, large[a - y0 : c - y0, b - x0 : d - x0], out=part)
    return HeatCanvas(canvas, region, step, top)


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
