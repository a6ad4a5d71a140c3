"""Optical density: what a stain takes out of the light, in units that add up."""

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats

AZURE = (0.38, 0.91, 0.15)
"""Optical density of a Romanowsky-stained nucleus in red, green and blue, as a unit vector. Median of intact
nuclei over several microscopes; only its direction across the red cells' matters, so the exact value does not."""

RED_CELL = (0.28, 0.72, 0.63)
"""The same for haemoglobin and eosin; used where a view holds too few red cells to measure."""

DARKEST = 1.2
"""Optical density beyond which an 8-bit camera tells nothing apart: what light is left is glare and noise."""


def density_table(white: tuple[float, float, float]) -> Floats:
    """Optical density of every grey value of the three channels.

    Parameters
    ----------
    white : red, green and blue of empty background, 1 to 255.

    Returns
    -------
    (256, 3) float32, ``-log10(value / white)``; value 0 is read as 1. Negative where brighter than the background.

    References
    ----------
    Ruifrok, A. C., Johnston, D. A. (2001). Quantification of histochemical staining by color deconvolution.
    Anal. Quant. Cytol. Histol. 23, 291-299 (Beer-Lambert in three channels).
    """
    light: NDArray[np.float64] = np.asarray(white, np.float64)
    if light.shape != (3,) or light.min() < 1 or light.max() > 255:
        raise ValueError(f"a background of {white}: expected three values from 1 to 255")
    values = np.maximum(np.arange(256, dtype=np.float64), 1)[:, None]
    out: Floats = (-np.log10(values / light)).astype(np.float32)
    return out


def resolved_table(white: tuple[float, float, float]) -> Floats:
    """`density_table` up to `DARKEST`: for finding things, where noise in near-black must weigh nothing."""
    return np.minimum(density_table(white), np.float32(DARKEST))


def optical_density(rgb: RGB, white: tuple[float, float, float]) -> Floats:
    """Optical density of an image, ``(..., 3)`` uint8 to ``(..., 3)`` float32; see `density_table`."""
    table = density_table(white)
    return np.stack([table[rgb[..., c], c] for c in range(3)], axis=-1)


def background(view: RGB) -> tuple[float, float, float]:
    """Colour of the empty background: the brightest clear peak of the green histogram.

    Green, because there red cells and nuclei both absorb. A peak counts from a fifth of the highest one, so that
    neither a few blown-out pixels nor a crowded field moves the answer.

    Parameters
    ----------
    view : (H, W, 3) uint8, not empty.

    Returns
    -------
    Three grey levels, 1 to 255: per channel, the median of the pixels around the peak.
    """
    green = view[..., 1]
    counts = np.bincount(green.ravel(), minlength=256).astype(np.float32)
    smooth = cv2.GaussianBlur(counts[None], (0, 0), 2.5, borderType=cv2.BORDER_CONSTANT).ravel()
    padded = np.pad(smooth, 1)
    peak = (smooth >= padded[:-2]) & (smooth > padded[2:]) & (smooth >= 0.2 * smooth.max())
    level = int(np.flatnonzero(peak)[-1]) if peak.any() else int(smooth.argmax())
    near = view[np.abs(green.astype(np.int16) - level) <= 3]
    near = near if len(near) else view.reshape(-1, 3)
    shares = [np.cumsum(np.bincount(near[:, channel], minlength=256)) / len(near) for channel in range(3)]
    r, g, b = (max(1.0, float(np.searchsorted(share, 0.5))) for share in shares)
    return r, g, b
