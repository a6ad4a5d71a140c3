"""Dynamic histogram equalisation (DHE) of luminance."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Grey


@dataclass(frozen=True, slots=True)
class _Part:
    """Grey levels ``first`` to ``last``, both included."""

    first: int
    last: int


def _split_at_minima(counts: NDArray[np.float64]) -> list[_Part]:
    """Parts between the local minima of the smoothed histogram, over the levels that occur."""
    present = np.flatnonzero(counts)
    low, high = int(present[0]), int(present[-1])
    padded = np.pad(counts, 2, mode="edge")
    smooth = np.convolve(padded, np.ones(5) / 5, mode="valid")
    cuts = [i for i in range(low + 1, high) if smooth[i] < smooth[i - 1] and smooth[i] <= smooth[i + 1]]
    edges = [low, *cuts, high + 1]
    return [_Part(a, b - 1) for a, b in itertools.pairwise(edges) if b > a]


def _split_dominated(part: _Part, counts: NDArray[np.float64]) -> list[_Part]:
    """Cut a part at mean - sd and mean + sd until at least 68.3 % of its pixels lie between the two."""
    levels = np.arange(part.first, part.last + 1)
    weight = counts[part.first : part.last + 1]
    total = weight.sum()
    if total == 0 or len(levels) < 3:
        return [part]
    mean = float((levels * weight).sum() / total)
    spread = float(np.sqrt(((levels - mean) ** 2 * weight).sum() / total))
    low, high = round(mean - spread), round(mean + spread)
    inside = weight[(levels >= low) & (levels <= high)].sum()
    if inside / total >= 0.683:
        return [part]
    cuts = [c for c in (low, high + 1) if part.first < c <= part.last]
    if not cuts:
        return [part]
    edges = [part.first, *cuts, part.last + 1]
    pieces = [_Part(a, b - 1) for a, b in itertools.pairwise(edges)]
    # The middle piece holds what dominates; the outer two are cut further where they in turn are dominated.
    return [p for i, piece in enumerate(pieces) for p in ([piece] if i == 1 else _split_dominated(piece, counts))]


def equalisation_table(counts: NDArray[np.integer] | NDArray[np.floating], x: float = 1.0) -> Grey:
    """The grey-level map of DHE for one histogram.

    Parameters
    ----------
    counts : (256,) pixels of each grey level.
    x : how much a part's population weighs beside its span; 0 for span alone.

    Returns
    -------
    (256,) uint8, rising with the grey level. The identity for an empty or one-level histogram.

    References
    ----------
    Abdullah-Al-Wadud, M., et al. (2007). A dynamic histogram equalization for image contrast enhancement.
    IEEE Trans. Consumer Electronics 53(2), 593-600.
    """
    histogram = np.asarray(counts, np.float64)
    if histogram.shape != (256,):
        raise ValueError(f"a histogram of shape {histogram.shape}: expected (256,)")
    table = np.arange(256, dtype=np.float64)
    if np.count_nonzero(histogram) < 2:
        return table.astype(np.uint8)
    parts = [p for part in _split_at_minima(histogram) for p in _split_dominated(part, histogram)]
    factors = []
    for part in parts:
        total = histogram[part.first : part.last + 1].sum()
        factors.append((part.last - part.first + 1) * np.log10(max(total, 1.0) + 1) ** x)
    shares = np.array(factors) / sum(factors) * 255
    start = 0.0
    for part, share in zip(parts, shares, strict=True):
        weight = histogram[part.first : part.last + 1]
        rise = np.cumsum(weight) / max(weight.sum(), 1.0)
        table[part.first : part.last + 1] = start + rise * share
        start += share
    table[: parts[0].first] = table[parts[0].first]
    table[parts[-1].last + 1 :] = 255
    return np.clip(np.rint(table), 0, 255).astype(np.uint8)


def luminance(rgb: RGB) -> Grey:
    """Rec. 601 luma, (H, W, 3) uint8 to (H, W) uint8."""
    out: Grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return out


def equalise(rgb: RGB, table: Grey | None = None) -> RGB:
    """Dynamic histogram equalisation on luminance only, so that hue survives.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    table : (256,) uint8 map from `equalisation_table`; None makes it from this image's own histogram.

    Returns
    -------
    (H, W, 3) uint8.
    """
    if rgb.size == 0:
        return rgb.copy()
    ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    y = ycc[..., 0]
    if table is None:
        table = equalisation_table(np.bincount(y.ravel(), minlength=256))
    ycc[..., 0] = table[y]
    out: RGB = cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB)
    return out
