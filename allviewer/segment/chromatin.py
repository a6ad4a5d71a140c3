"""What one cell's pixels say: amounts of the two stains, chromatin texture, lobes, sharpness of the nuclear rim."""

import numba as nb
import numpy as np

from allviewer.segment.outlines import pieces

STAINS = (
    "nucleus_azure_od_mean", "nucleus_azure_od_sd", "nucleus_eosin_od_mean", "nucleus_eosin_od_sd",
    "cytoplasm_azure_od_mean", "cytoplasm_azure_od_sd", "cytoplasm_eosin_od_mean", "cytoplasm_eosin_od_sd",
    "nucleus_texture_contrast", "nucleus_texture_entropy",
    "nucleus_red_od_mean", "nucleus_green_od_mean", "nucleus_blue_od_mean",
)  # fmt: skip
"""The measurements that `stains` gives, in its order."""

NECK_UM = 1.2
"""Lobes joined by a neck narrower than this are told apart."""

LOBE_CORE_UM2 = 0.15
"""Least area of what is left of a lobe when necks are cut."""


@nb.njit(cache=True, nogil=True, boundscheck=False)
def stains(azure, rgb, nucleus, cell, table, red, across, along, step, out):  # type: ignore[no-untyped-def]
    """Mean and sd of both stains over nucleus and cytoplasm, texture contrast and entropy, mean density by channel."""
    sums = np.zeros((2, 5))
    rows, columns = cell.shape
    for k in range(len(out)):
        out[k] = 0
    amount = np.float32(1 / across)
    steps, pairs = 0.0, 0
    for y in range(rows):
        for x in range(columns):
            if not cell[y, x]:
                continue
            k = 0 if nucleus[y, x] else 1
            r, g, b = table[rgb[y, x, 0], 0], table[rgb[y, x, 1], 1], table[rgb[y, x, 2], 2]
            a = azure[y, x] * amount
            e = r * red[0] + g * red[1] + b * red[2] - along * a
            sums[k, 0] += 1
            sums[k, 1] += a
            sums[k, 2] += a * a
            sums[k, 3] += e
            sums[k, 4] += e * e
            if k == 0:
                out[10] += r
                out[11] += g
                out[12] += b
                if x + step < columns and nucleus[y, x + step]:
                    steps += abs(azure[y, x + step] * amount - a)
                    pairs += 1
                if y + step < rows and nucleus[y + step, x]:
                    steps += abs(azure[y + step, x] * amount - a)
                    pairs += 1
    for k in range(2):
        n = sums[k, 0]
        if n > 0:
            for s in range(2):
                mean = sums[k, 1 + 2 * s] / n
                out[4 * k + 2 * s] = mean
                out[4 * k + 2 * s + 1] = np.sqrt(max(0.0, sums[k, 2 + 2 * s] / n - mean * mean))
    n, mean = max(1.0, sums[0, 0]), out[0]
    for c in range(3):
        out[10 + c] /= n
    if mean > 0 and pairs > 0:
        out[8] = steps / pairs / mean
        bins, width = np.zeros(16), np.float32(8 * amount / mean)
        for y in range(rows):
            for x in range(columns):
                if nucleus[y, x]:
                    bins[np.uint64(min(15, max(0, int(azure[y, x] * width))))] += 1
        for held in bins:
            if held > 0:
                out[9] -= held / n * np.log2(held / n)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _slopes(azure, nucleus, out):  # type: ignore[no-untyped-def]
    """For each pixel of the nuclear rim the steepest squared Sobel slope within a pixel of it; returns how many."""
    rows, columns = azure.shape
    slope = np.zeros((rows, columns), np.float32)
    for y in range(1, rows - 1):
        for x in range(1, columns - 1):
            a, b, c, d = azure[y - 1, x - 1], azure[y - 1, x + 1], azure[y + 1, x - 1], azure[y + 1, x + 1]
            dx = b + d - a - c + np.float32(2) * (azure[y, x + 1] - azure[y, x - 1])
            dy = c + d - a - b + np.float32(2) * (azure[y + 1, x] - azure[y - 1, x])
            slope[y, x] = dx * dx + dy * dy
    found = 0
    for y in range(rows):
        above, below = max(0, y - 1), min(rows, y + 2)
        for x in range(columns):
            if not nucleus[y, x]:
                continue
            left, right = max(0, x - 1), min(columns - 1, x + 1)
            inside = nucleus[y, left] and nucleus[y, right]
            for m in range(above, below, 2):
                inside = inside and nucleus[m, x] and nucleus[m, left] and nucleus[m, right]
            if below - above < 3:
                inside = inside and nucleus[below - 1, x] and nucleus[below - 1, left] and nucleus[below - 1, right]
            if inside:
                continue
            steepest = np.float32(0)
            for m in range(above, below):
                for n in range(left, right + 1):
                    if slope[m, n] > steepest:
                        steepest = slope[m, n]
            out[found] = steepest
            found += 1
    return found


@nb.njit(cache=True, nogil=True, boundscheck=False)
def sharpness(azure, nucleus, plateau, um):  # type: ignore[no-untyped-def]
    """Median over the nuclear rim of the steepest contrast within a pixel of it, over the plateau, per µm."""
    slopes = np.empty(nucleus.size, np.float32)
    count = _slopes(azure, nucleus, slopes)
    if count == 0:
        return 0.0
    return np.sqrt(middle(slopes, count)) / 8 / um / max(plateau, 1e-6)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def middle(values, count):  # type: ignore[no-untyped-def]
    """Upper median of the first ``count`` values, which it reorders (Hoare 1961, Find)."""
    low, high, k = 0, count - 1, count // 2
    while low < high:
        pivot, i, j = values[k], low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < k:
            low = i
        if k < i:
            high = j
    return values[k]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _depth(mask, depth):  # type: ignore[no-untyped-def]
    """Distance to the nearest pixel outside, the image's edge counting as outside; returns the greatest.

    Two sweeps with steps of 1, 1.4 and 2.1969 pixels (Borgefors 1986, the 5 by 5 weights).
    """
    rows, columns = mask.shape
    diagonal, knight = np.float32(1.4), np.float32(2.1969)
    for y in range(rows):
        for x in range(columns):
            if mask[y, x]:
                # The frame is two pixels wide.
                i, j = y + 2, x + 2
                d = min(depth[i - 1, j], depth[i, j - 1]) + np.float32(1)
                d = min(d, min(depth[i - 1, j - 1], depth[i - 1, j + 1]) + diagonal)
                d = min(d, min(min(depth[i - 2, j - 1], depth[i - 2, j + 1]), depth[i - 1, j - 2]) + knight)
                depth[i, j] = min(d, depth[i - 1, j + 2] + knight)
    most = np.float32(0)
    for y in range(rows - 1, -1, -1):
        for x in range(columns - 1, -1, -1):
            if mask[y, x]:
                i, j = y + 2, x + 2
                d = min(depth[i, j], min(depth[i + 1, j], depth[i, j + 1]) + np.float32(1))
                d = min(d, min(depth[i + 1, j + 1], depth[i + 1, j - 1]) + diagonal)
                d = min(d, min(min(depth[i + 2, j - 1], depth[i + 2, j + 1]), depth[i + 1, j + 2]) + knight)
                d = min(d, depth[i + 1, j - 2] + knight)
                depth[i, j] = d
                most = max(most, d)
    return most


@nb.njit(cache=True, nogil=True, boundscheck=False)
def lobes(nucleus, um):  # type: ignore[no-untyped-def]
    """Pieces left when necks narrower than `NECK_UM`, or 0.45 of the nucleus's width, are cut; at least one."""
    rows, columns = nucleus.shape
    depth = np.zeros((rows + 4, columns + 4), np.float32)
    level = max(np.float32(0.5 * NECK_UM / um), np.float32(0.45) * _depth(nucleus, depth))
    deep, found = np.empty((rows, columns), np.bool_), np.empty((64, 3), np.int64)
    for y in range(rows):
        for x in range(columns):
            deep[y, x] = depth[y + 2, x + 2] > level
    count = 0
    for k in range(min(len(found), pieces(deep, found))):
        count += found[k, 2] >= LOBE_CORE_UM2 / um**2
    return max(1, count)
