"""Room to work in: fresh memory costs more than most loops over it, and threads wait for each other to get it."""

import math
import threading

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGEST = 20 << 20
"""Bytes of the largest array that is kept, a camera's whole field of floats: slides are not to fill memory."""


class Desk:
    """Arrays by name, made when first asked for and given out again, with whatever they hold, from then on."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:  # type: ignore[type-arg]
        """An array of this shape and type, C-contiguous, not cleared; it takes the place of the last of that name."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > LARGEST:
            self._held.pop(name, None)
            return np.empty(shape, dtype)
        held = self._held.get(name)
        if held is None or held.size < size:
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)


_kept = threading.local()


def own_desk() -> Desk:
    """The calling thread's desk, kept from field to field. What lies on it is not to outlive the field."""
    if not hasattr(_kept, "desk"):
        _kept.desk = Desk()
    desk: Desk = _kept.desk
    return desk
