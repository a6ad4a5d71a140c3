"""Which nuclear parts belong to one cell: the lobes of a granulocyte stay together, two lymphocytes do not."""

import cv2
import numba as nb
import numpy as np

from allviewer.segment.grid import Field
from allviewer.vocab.arrays import Floats, Labels

LOBE_UM2 = 32.0
"""A part larger than this is a nucleus of its own; segments of granulocytes stay below."""

TOGETHER_UM2 = 95.0
"""Lobes of one cell have no more nuclear area than this between them."""

ACROSS_UM = 13.0
"""Nor do they lie further apart, end to end."""

GAP_UM = 2.2
"""Widest stretch of cytoplasm between two lobes of one cell."""


def nearest(labels: Labels) -> tuple[Labels, Floats]:
    """For every pixel the nearest numbered part and the distance to it in pixels (0 inside)."""
    outside = (labels == 0).astype(np.uint8)
    far, index = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    part = np.zeros(int(index.max(initial=0)) + 1, np.int32)
    inside = labels > 0
    part[index[inside]] = labels[inside]
    zone: Labels = part[index]
    return zone, far


@nb.njit(cache=True, nogil=True)
def _gaps(zone, far, azure, reach, floor, pairs, gap, middle):  # type: ignore[no-untyped-def]
    """Narrowest gap between touching zones and the contrast half-way: fills pairs (n, 2), gap (n,), middle (n,)."""
    rows, columns = zone.shape
    found = 0
    for y in range(rows - 1):
        for x in range(columns - 1):
            for step in range(2):
                m, n = (y, x + 1) if step == 0 else (y + 1, x)
                a, b = zone[y, x], zone[m, n]
                if a == b or a == 0 or b == 0:
                    continue
                width = far[y, x] + far[m, n]
                if width > reach:
                    continue
                if a > b:
                    a, b = b, a
                k = 0
                while k < found and not (pairs[k, 0] == a and pairs[k, 1] == b):
                    k += 1
                if k == len(pairs):
                    continue
                if k == found:
                    pairs[k, 0], pairs[k, 1] = a, b
                    gap[k], middle[k] = width, azure[y, x]
                    found += 1
                elif width < gap[k]:
                    gap[k], middle[k] = width, azure[y, x]
    return found


def neighbours(zone: Labels, far: Floats, azure: Floats, reach: float, count: int) -> list[tuple[int, int, float]]:
    """Pairs of parts no further apart than ``reach`` pixels, nearest first: (part, part, gap in pixels)."""
    room = 6 * count + 8
    pairs, gap, middle = np.zeros((room, 2), np.int32), np.zeros(room, np.float32), np.zeros(room, np.float32)
    found = _gaps(zone, far, azure, np.float32(reach), np.float32(0), pairs, gap, middle)
    order = np.argsort(gap[:found], kind="stable")
    return [(int(pairs[k, 0]), int(pairs[k, 1]), float(gap[k])) for k in order]


def group_lobes(field: Field, parts: Labels) -> Labels:
    """Give the lobes of one nucleus one number.

    Parameters
    ----------
    field : the image on the working grid.
    parts : (h, w) int32, numbered from 1.

    Returns
    -------
    (h, w) int32, numbered from 1 without gaps in raster order of the parts: neighbouring small parts are joined,
    nearest first, while together they still fit into one nucleus (`TOGETHER_UM2`, `ACROSS_UM`).
    """
    count = int(parts.max(initial=0))
    if count < 2:
        return parts
    zone, far = nearest(parts)
    boxes = np.zeros((count + 1, 4), np.int64)
    area = np.bincount(parts.ravel(), minlength=count + 1).astype(np.float64) * field.um**2
    ys, xs = np.nonzero(parts)
    owner = parts[ys, xs]
    boxes[:, :2] = np.iinfo(np.int32).max
    np.minimum.at(boxes[:, 0], owner, ys)
    np.minimum.at(boxes[:, 1], owner, xs)
    np.maximum.at(boxes[:, 2], owner, ys + 1)
    np.maximum.at(boxes[:, 3], owner, xs + 1)
    group = np.arange(count + 1)

    def head(i: int) -> int:
        while group[i] != i:
            i = int(group[i])
        return i

    largest = area.copy()
    for a, b, _ in neighbours(zone, far, field.azure, field.px(GAP_UM), count):
        i, j = sorted((head(a), head(b)))
        if i == j or max(largest[i], largest[j]) > LOBE_UM2 or area[i] + area[j] > TOGETHER_UM2:
            continue
        joined = np.concatenate([np.minimum(boxes[i, :2], boxes[j, :2]), np.maximum(boxes[i, 2:], boxes[j, 2:])])
        if max(joined[2] - joined[0], joined[3] - joined[1]) * field.um > ACROSS_UM:
            continue
        group[j], boxes[i] = i, joined
        area[i] += area[j]
        largest[i] = max(largest[i], largest[j])
    heads = np.array([head(i) for i in range(count + 1)])
    ranks = np.cumsum(np.bincount(heads, minlength=count + 1) > 0) - 1
    out: Labels = ranks[heads].astype(np.int32)[parts]
    return out
