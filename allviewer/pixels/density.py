"""Optical density: what a stain takes out of the light, in units that add up."""

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats


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


def optical_density(rgb: RGB, white: tuple[float, float, float]) -> Floats:
    """Optical density of an image, ``(..., 3)`` uint8 to ``(..., 3)`` float32; see `density_table`."""
    table = density_table(white)
    return np.stack([table[rgb[..., c], c] for c in range(3)], axis=-1)
