"""Adaptive Wiener filter from local statistics."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats, Grey


def _moments(values: Floats, window: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance in the square around each pixel; beyond the edge are mirrored pixels (in SciPy's, zeros)."""
    if window < 1 or window % 2 == 0:
        raise ValueError(f"a window of {window} pixels: expected an odd number")
    size = (window, window)
    mean = cv2.boxFilter(values, cv2.CV_64F, size, borderType=cv2.BORDER_REFLECT)
    squares = cv2.sqrBoxFilter(values, cv2.CV_64F, size, borderType=cv2.BORDER_REFLECT)
    return mean, np.maximum(squares - mean * mean, 0)


def noise_power(image: Grey | RGB | Floats, window: int = 5) -> NDArray[np.float64]:
    """The filter's estimate of the noise: mean of the local variances, squared grey levels, one value a channel."""
    _, variance = _moments(np.asarray(image, np.float32), window)
    return np.asarray(variance.mean(axis=(0, 1)))


def wiener(
    image: Grey | RGB | Floats, window: int = 5, noise: float | Sequence[float] | NDArray[np.float64] | None = None
) -> Floats:
    """Smooth where the local variance is no more than noise, keep detail where it is more; per channel.

    Parameters
    ----------
    image : (H, W) or (H, W, C), uint8 or float32, any range.
    window : odd width in pixels of the square in which mean and variance are taken.
    noise : noise power in squared grey levels, one for all channels or one each; None takes `noise_power` of this
        image.

    Returns
    -------
    float32, shape and range of the input.

    References
    ----------
    Lim, J. S. (1990). Two-Dimensional Signal and Image Processing, p. 548.
    """
    values = np.asarray(image, np.float32)
    mean, variance = _moments(values, window)
    floor = variance.mean(axis=(0, 1)) if noise is None else np.asarray(noise, np.float64)
    gain = np.maximum(variance - floor, 0) / np.maximum(np.maximum(variance, floor), 1e-12)
    out: Floats = (mean + gain * (values - mean)).astype(np.float32)
    return out
