"""A level of a slide as something that slices like a numpy array and reads only what is asked for."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from allviewer.slides.slide import OpenedSlide
from allviewer.vocab.region import Region


class LazyLevel:
    """One level, (h, w, 3) uint8; basic indexing (integers, slices with any positive step, ellipsis).

    Parameters
    ----------
    slide : where pixels come from.
    level : which level.
    """

    ndim = 3
    dtype = np.dtype(np.uint8)

    def __init__(self, slide: OpenedSlide, level: int) -> None:
        self._slide, self._level = slide, level
        self.shape = (*slide.levels[level], 3)

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def nbytes(self) -> int:
        """Bytes it would take in memory."""
        return self.size

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<level {self._level} of {self._slide.path.name}, shape {self.shape}>"

    def __getitem__(self, key: Any) -> Any:
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in keys:
            at = keys.index(Ellipsis)
            keys[at : at + 1] = [slice(None)] * (4 - len(keys))
        keys += [slice(None)] * (3 - len(keys))
        if len(keys) != 3:
            raise IndexError(f"a level has three axes, not {len(keys)}")
        (y0, y1, rest_y), (x0, x1, rest_x) = (_span(k, n) for k, n in zip(keys[:2], self.shape[:2], strict=True))
        pixels = self._slide.read_level(self._level, Region(y0, x0, y1, x1))
        return pixels[rest_y, rest_x, keys[2]]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        whole: NDArray[Any] = self[:]
        return whole if dtype is None else whole.astype(dtype)


def _span(key: Any, size: int) -> tuple[int, int, Any]:
    """First, last plus one, and the index into what lies between, of one axis."""
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        if step < 1:
            raise IndexError("a level is sliced forwards only")
        return start, max(start, stop), slice(None, None, step)
    at = int(key)
    if not -size <= at < size:
        raise IndexError(f"{at} is outside an axis of {size}")
    at %= size
    return at, at + 1, 0
