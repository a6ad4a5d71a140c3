"""Adaptive Wiener filter from local statistics."""

import cv2
import numpy as np

from allviewer.vocab.arrays import RGB, Floats, Grey


def wiener(image: Grey | RGB | Floats, window: int = 5, noise: float | None = None) -> Floats:
    """Smooth where the local variance is no more than noise, keep detail where it is more; per channel.

    Parameters
    ----------
    image : (H, W) or (H, W, C), uint8 or float32, any range.
    window : odd width in pixels of the square in which mean and variance are taken.
    noise : noise power in squared grey levels; None estimates it as the mean of the local variances.

    Returns
    -------
    float32, shape and range of the input.

    Notes
    -----
    At the edge the window sees mirrored pixels, where SciPy's sees zeros.

    References
    ----------
    Lim, J. S. (1990). Two-Dimensional Signal and Image Processing, p. 548.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"a window of {window} pixels: expected an odd number")
    values = np.asarray(image, np.float32)
    size = (window, window)
    mean = cv2.boxFilter(values, cv2.CV_64F, size, borderType=cv2.BORDER_REFLECT)
    squares = cv2.sqrBoxFilter(values, cv2.CV_64F, size, borderType=cv2.BORDER_REFLECT)
    variance = np.maximum(squares - mean * mean, 0)
    floor = variance.mean(axis=(0, 1)) if noise is None else np.float64(noise)
    gain = np.maximum(variance - floor, 0) / np.maximum(np.maximum(variance, floor), 1e-12)
    out: Floats = (mean + gain * (values - mean)).astype(np.float32)
    return out
