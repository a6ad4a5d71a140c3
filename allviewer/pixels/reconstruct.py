"""Grey-scale reconstruction by dilation and erosion, and the extrema built on it."""

import numba as nb
import numpy as np

from allviewer.vocab.arrays import Grey, Mask


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _reconstruct(seed, mask):  # type: ignore[no-untyped-def]
    """Vincent's hybrid algorithm: one raster sweep, one anti-raster sweep, then a first-in-first-out queue.

    A flag keeps a pixel from standing in the queue twice, so that a ring of ``size`` places always suffices.
    """
    rows, columns = mask.shape
    out = np.minimum(seed, mask)
    for y in range(rows):
        for x in range(columns):
            v = out[y, x]
            if y > 0:
                for n in range(max(0, x - 1), min(columns, x + 2)):
                    v = max(v, out[y - 1, n])
            if x > 0:
                v = max(v, out[y, x - 1])
            out[y, x] = min(v, mask[y, x])
    size = rows * columns
    queue = np.empty(size, np.int64)
    waiting = np.zeros((rows, columns), np.bool_)
    head, held = 0, 0
    for y in range(rows - 1, -1, -1):
        for x in range(columns - 1, -1, -1):
            v = out[y, x]
            if y < rows - 1:
                for n in range(max(0, x - 1), min(columns, x + 2)):
                    v = max(v, out[y + 1, n])
            if x < columns - 1:
                v = max(v, out[y, x + 1])
            v = min(v, mask[y, x])
            out[y, x] = v
            put = x < columns - 1 and out[y, x + 1] < v and out[y, x + 1] < mask[y, x + 1]
            if y < rows - 1:
                for n in range(max(0, x - 1), min(columns, x + 2)):
                    put = put or (out[y + 1, n] < v and out[y + 1, n] < mask[y + 1, n])
            if put:
                queue[held] = y * columns + x
                waiting[y, x] = True
                held += 1
    while held > 0:
        i = queue[head]
        head = head + 1 if head + 1 < size else 0
        held -= 1
        y, x = i // columns, i % columns
        waiting[y, x] = False
        v = out[y, x]
        for m in range(max(0, y - 1), min(rows, y + 2)):
            for n in range(max(0, x - 1), min(columns, x + 2)):
                if out[m, n] < v and out[m, n] < mask[m, n]:
                    out[m, n] = min(v, mask[m, n])
                    if not waiting[m, n]:
                        waiting[m, n] = True
                        tail = head + held
                        queue[tail if tail < size else tail - size] = m * columns + n
                        held += 1
    return out


def by_dilation(seed: Grey, mask: Grey) -> Grey:
    """Reconstruct ``mask`` from ``seed`` by repeated dilation under it, 8-connected.

    Parameters
    ----------
    seed, mask : (H, W) uint8, same shape; where the seed exceeds the mask it is cut down to it.

    Returns
    -------
    (H, W) uint8, between seed and mask.

    References
    ----------
    Vincent, L. (1993). Morphological grayscale reconstruction in image analysis. IEEE Trans. Image Processing
    2(2), 176-201 (the hybrid algorithm).

    Examples
    --------
    >>> by_dilation(np.array([[0, 3, 0]], np.uint8), np.array([[5, 4, 2]], np.uint8)).tolist()
    [[3, 3, 2]]
    """
    if seed.shape != mask.shape:
        raise ValueError(f"seed {seed.shape} and mask {mask.shape} differ in shape")
    out: Grey = _reconstruct(np.ascontiguousarray(seed), np.ascontiguousarray(mask))
    return out


def by_erosion(seed: Grey, mask: Grey) -> Grey:
    """Reconstruct ``mask`` from ``seed`` by repeated erosion above it: the dual of `by_dilation`."""
    return ~by_dilation(~seed, ~mask)


def h_maxima(image: Grey, height: int) -> Mask:
    """Regional maxima that rise more than ``height`` grey levels above the pass to any higher maximum.

    Parameters
    ----------
    image : (H, W) uint8.
    height : 1 to 255 grey levels.

    Returns
    -------
    (H, W) bool: the plateaus that stand out of the image lowered by ``height`` and reconstructed.

    References
    ----------
    Soille, P. (2003). Morphological Image Analysis, 2nd ed., section 6.3.4 (extended maxima).
    """
    if not 1 <= height <= 255:
        raise ValueError(f"a height of {height} grey levels: expected 1 to 255")
    lowered = np.where(image > height, image - np.uint8(height), 0).astype(np.uint8)
    flattened = by_dilation(lowered, image)
    below = np.where(flattened > 0, flattened - 1, 0).astype(np.uint8)
    return (flattened > by_dilation(below, flattened)).astype(np.bool_)


def h_minima(image: Grey, height: int) -> Mask:
    """Regional minima more than ``height`` grey levels deep: `h_maxima` of the negative."""
    return h_maxima(~image, height)
