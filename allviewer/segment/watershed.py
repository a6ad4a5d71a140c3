"""Marker-controlled watershed by flooding, one first-in-first-out list per grey level."""

import cv2
import numba as nb
import numpy as np

from allviewer.vocab.arrays import Grey, Labels, Mask


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _flood(levels, labels):  # type: ignore[no-untyped-def]
    """Flood in place. Both arrays carry a frame of one pixel; -1 in ``labels`` is never entered.

    Lists are chained through ``follower``. A pixel below the flood joins the list of the level the flood has reached.
    """
    rows, columns = levels.shape
    relief, out = levels.ravel(), labels.ravel()
    follower = np.empty(rows * columns, np.int32)
    head, tail = np.full(256, -1, np.int32), np.full(256, -1, np.int32)
    steps = (-columns, -1, 1, columns)
    for y in range(1, rows - 1):
        for i in range(y * columns + 1, (y + 1) * columns - 1):
            if out[i] > 0 and (out[i - columns] == 0 or out[i - 1] == 0 or out[i + 1] == 0 or out[i + columns] == 0):
                v = relief[i]
                follower[i] = -1
                if head[v] < 0:
                    head[v] = i
                else:
                    follower[tail[v]] = i
                tail[v] = i
    level = 0
    while level < 256:
        i = head[level]
        if i < 0:
            level += 1
            continue
        head[level] = follower[i]
        for step in steps:
            j = i + step
            if out[j] != 0:
                continue
            out[j] = out[i]
            v = max(relief[j], level)
            follower[j] = -1
            if head[v] < 0:
                head[v] = j
            else:
                follower[tail[v]] = j
            tail[v] = j


def watershed(relief: Grey, markers: Labels, mask: Mask | None = None) -> Labels:
    """Flood a relief from markers; every pixel of the mask that a marker can reach gets that marker's number.

    Parameters
    ----------
    relief : (H, W) uint8, flooded from low to high, 4-connected.
    markers : (H, W) int32, 0 where there is none.
    mask : (H, W) bool, where flooding may go; None for everywhere.

    Returns
    -------
    (H, W) int32; 0 outside the mask and where no marker reaches.

    References
    ----------
    Meyer, F. (1994). Topographic distance and watershed lines. Signal Processing 38, 113-125; Beucher, S., Meyer, F.
    (1993). The morphological approach to segmentation. In: Mathematical Morphology in Image Processing, 433-481.
    """
    if relief.shape != markers.shape or (mask is not None and mask.shape != relief.shape):
        raise ValueError(f"relief {relief.shape}, markers {markers.shape} and mask must have one shape")
    framed = np.full((relief.shape[0] + 2, relief.shape[1] + 2), -1, np.int32)
    framed[1:-1, 1:-1] = markers
    if mask is not None:
        framed[1:-1, 1:-1][~mask] = -1
    levels = np.zeros(framed.shape, np.uint8)
    levels[1:-1, 1:-1] = relief
    _flood(levels, framed)
    out: Labels = np.maximum(framed[1:-1, 1:-1], 0)
    return out


def components(mask: Mask) -> tuple[int, Labels]:
    """Number the 8-connected components of a mask from 1; returns (how many, labels)."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return count - 1, labels
