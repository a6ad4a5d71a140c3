"""Heat maps of many cells painted onto one canvas, the hottest winning where crops overlap."""

from dataclasses import dataclass

import cv2
import numpy as np

from allviewer.vocab.arrays import Floats, Grey, Halves
from allviewer.vocab.region import Region

LONGEST_CANVAS = 4096
"""Pixels of the canvas that holds a whole field."""


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
