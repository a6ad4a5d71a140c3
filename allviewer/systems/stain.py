"""Bring every slide to one light and one nuclear stain, from two anchors that its own pixels give.

Stain, lamp and camera differ more between slides than blasts differ from lymphocytes, and a network trained on few
slides learns the slide. The first anchor is bare background, the second the slide's nuclei, taken together. Between
them absorbance (-log of transmitted light, Beer-Lambert) is scaled a channel. What tells the cells of one slide apart
stays: every crop of a slide goes through the same table.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats

NUCLEUS_GATE = 0.4
"""Red-channel absorbance above which a pixel is nuclear: red cells, which let red light through, stay below 0.3."""
_FEWEST = 60
"""Sampled nuclear pixels below which a slide has no second anchor."""
_FACTORS = (0.3, 4.0)
_DARKEST = 1 / 255


@dataclass(frozen=True, slots=True, eq=False)
class Stain:
    """A slide's two anchors.

    Attributes
    ----------
    white : (3,) float32, colour of bare background, 1..255.
    nucleus : (2,) float32, absorbance of its nuclei in R and G, natural logarithm; None where too few were seen.
    """

    white: Floats
    nucleus: Floats | None


def slide_stain(rgb: RGB) -> Stain:
    """Both anchors of a field, a tile, or (best, so that all its tiles agree) a slide's low-power level.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.

    Returns
    -------
    Background as in `white_point`; nuclei as the 70th percentile, a channel, of the absorbance of nuclear pixels.
    """
    white = white_point(rgb)
    step = max(1, min(rgb.shape[:2]) // 512)
    pixels = rgb[::step, ::step].reshape(-1, 3).astype(np.float32)
    nuclear = pixels[pixels[:, 0] < white[0] * np.exp(-NUCLEUS_GATE)]
    if len(nuclear) < _FEWEST:
        return Stain(white, None)
    absorbance = -np.log(np.clip(nuclear / white, _DARKEST, 1))
    return Stain(white, np.percentile(absorbance[:, :2], 70, axis=0).astype(np.float32))


def white_point(rgb: RGB) -> Floats:
    """Colour of the bare background.

    Parameters
    ----------
    rgb : (H, W, 3) uint8; a field, a tile, or a slide's low-power level.

    Returns
    -------
    (3,) float32 in 1..255: per channel the median over the pixels whose green lies between its 90th and 99th
    percentile. Green, where both red cells and nuclei are dark, tells background from cells best; the top
    percent is left out as glare.
    """
    step = max(1, min(rgb.shape[:2]) // 256)
    pixels = rgb[::step, ::step].reshape(-1, 3)
    if len(pixels) == 0:
        return np.full(3, 255, np.float32)
    low, high = np.percentile(pixels[:, 1], [90, 99])
    bright = pixels[(pixels[:, 1] >= low) & (pixels[:, 1] <= high)]
    if len(bright) == 0:  # a handful of pixels: the percentiles fell between two of them
        bright = pixels[pixels[:, 1] >= low]
    median: Floats = np.median(bright, axis=0).astype(np.float32)
    return np.maximum(median, np.float32(1))


def level_table(stain: Stain, white: float, nucleus: tuple[float, float] | None) -> NDArray[np.uint8]:
    """What brings a slide's pixels to one light and one nuclear stain, a channel.

    Parameters
    ----------
    stain : the slide's anchors.
    white : grey level that its background gets, 0..255.
    nucleus : absorbance (R, G) that its nuclei get; None, or a slide without that anchor, leaves absorbance as it is.
        Absorbance is scaled by 0.3 to 4, no further. Blue, which nuclei hardly absorb, is scaled by the geometric
        mean of the other two factors: a factor of its own would be mostly noise, and would paint red cells orange.

    Returns
    -------
    (3, 256) uint8, new levels by old; what is brighter than the background stays brighter.
    """
    factor = np.ones(3, np.float32)
    if nucleus is not None and stain.nucleus is not None:
        red, green = np.clip(np.asarray(nucleus, np.float32) / np.maximum(stain.nucleus, 0.01), *_FACTORS)
        factor = np.array([red, green, np.sqrt(red * green)], np.float32)
    through = np.arange(256, dtype=np.float32)[:, None] / stain.white
    scaled = np.where(through < 1, np.maximum(through, _DARKEST) ** factor, through)
    return np.clip(np.rint(white * scaled.T), 0, 255).astype(np.uint8, order="C")


def level(block: RGB, stain: Stain, white: float, nucleus: tuple[float, float] | None) -> RGB:
    """Pixels (..., S, 3) uint8 brought to one light and one nuclear stain, see `level_table`."""
    table = np.ascontiguousarray(level_table(stain, white, nucleus).T)[None]
    flat = block.reshape(-1, block.shape[-2], 3)
    return cv2.LUT(flat, table).reshape(block.shape) if block.size else block.copy()
