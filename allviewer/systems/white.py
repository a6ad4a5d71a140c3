"""White balance: the slide's bare background is brought to one grey, so that lamps and cameras matter less."""

import cv2
import numpy as np

from allviewer.vocab.arrays import RGB, Floats


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
    median: Floats = np.median(bright, axis=0).astype(np.float32)
    return np.maximum(median, np.float32(1))


def balance(block: RGB, white: Floats, target: float) -> RGB:
    """Scale each channel so that ``white`` becomes ``target``.

    Parameters
    ----------
    block : (..., S, 3) uint8.
    white : (3,) as `white_point` gives.
    target : grey level, 0..255.
    """
    levels = np.arange(256, dtype=np.float32)[:, None] * (target / white)
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)[None]
    flat = block.reshape(-1, block.shape[-2], 3)
    return cv2.LUT(flat, table).reshape(block.shape) if block.size else block.copy()
