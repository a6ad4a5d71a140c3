"""Grad-CAM from the forward pass that predicts, and how much of it lies inside the cell.

Selvaraju et al., Grad-CAM: visual explanations from deep networks via gradient-based localization, ICCV 2017.
"""

import math
from collections.abc import Iterable

import cv2
import numpy as np

from allviewer.vocab.arrays import Floats, Halves

_SUPERSAMPLE = 16


def class_maps(features: Floats, weights: Floats) -> Floats:
    """Raw Grad-CAM of every class: ``relu(sum_k weights[c, k] * features[k])``.

    Parameters
    ----------
    features : (n, K, h, w) float32, the last spatial map.
    weights : (n, C, K) float32, the mean over positions of each class's logit's gradient at that map.

    Returns
    -------
    (n, C, h, w) float32, >= 0, not rescaled.
    """
    n, channels, height, width = features.shape
    maps = weights @ features.reshape(n, channels, height * width)
    heat: Floats = np.maximum(maps, 0).reshape(n, -1, height, width).astype(np.float32, copy=False)
    return heat


def heat_share(heat: Floats | Halves, box: Floats, rings: Iterable[Floats]) -> float:
    """Share of a map's heat that lies inside a cell's outline.

    Parameters
    ----------
    heat : (h, w), >= 0; its positions tile ``box`` evenly.
    box : (y0, x0, y1, x1) of the crop, level-0 pixels.
    rings : (k, 2) (y, x) closed rings, level-0 pixels; a point inside any of them is inside.

    Returns
    -------
    0..1; nan where the map holds no heat.
    """
    values = np.asarray(heat, np.float64)
    total = float(values.sum())
    if not math.isfinite(total) or total <= 0:
        return math.nan
    height, width = values.shape
    mask = np.zeros((height * _SUPERSAMPLE, width * _SUPERSAMPLE), np.uint8)
    y0, x0, y1, x1 = (float(v) for v in box)
    scale = np.array([mask.shape[0] / (y1 - y0), mask.shape[1] / (x1 - x0)])
    for ring in rings:
        # Continuous frame to pixel centres (half a sub-pixel), with 4 bits of fraction.
        points = (np.asarray(ring, np.float64) - (y0, x0)) * scale - 0.5
        cv2.fillPoly(mask, [np.round(points[:, ::-1] * 16).astype(np.int32)], 1, shift=4)
    cover = mask.reshape(height, _SUPERSAMPLE, width, _SUPERSAMPLE).mean(axis=(1, 3))
    return float((values * cover).sum() / total)
