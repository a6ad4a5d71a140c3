"""A map from colour to colour, tabulated on a lattice and read off between its nodes."""

from collections.abc import Callable
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB, Floats

STEP = 4
"""Grey levels between two nodes."""

NODES = 256 // STEP + 1
"""Nodes along each axis: 0, 4, …, 256."""

# A node's red, green and blue lie side by side in one 64-bit word, 21 bits each, in sixteenths of a grey level: so one
# multiplication weighs all three. Weights add up to 256, and 4095 * 256 stays within 20 bits.
_FIELD, _SIXTEENTHS, _SUM = 21, 16, 256
_SHIFT = 12
"""Bits that sixteenths and weights add: 16 * 256 = 2**12."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourTable:
    """Colours of the lattice's nodes: (`NODES` ** 3,) int64, red varying slowest; see `tabulate`."""

    nodes: NDArray[np.int64]


def tabulate(colours: Callable[[Floats], Floats]) -> ColourTable:
    """Evaluate a map of colours at every node.

    Parameters
    ----------
    colours : takes and gives (n, 3) float32 RGB; it is asked for 0 to 256, and its answers are cut to 0..255.5.
    """
    levels = np.arange(NODES, dtype=np.float32) * STEP
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    # half a level more, so that cutting off the fraction rounds
    fixed = np.clip(np.rint((colours(grid) + 0.5) * _SIXTEENTHS), 0, 256 * _SIXTEENTHS - 1).astype(np.int64)
    return ColourTable(fixed[:, 0] | fixed[:, 1] << _FIELD | fixed[:, 2] << 2 * _FIELD)


def _walks() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each of the 64 places of a colour in its cube: the inner nodes of its tetrahedron, and all four weights.

    From the cube's lowest corner to its highest the tetrahedron's edges go along the axis of the largest remainder
    first, then of the next, then of the least.
    """
    strides = (NODES * NODES, NODES, 1)
    steps, weights = np.zeros((STEP**3, 2), np.int64), np.zeros((STEP**3, 4), np.int64)
    for place in range(STEP**3):
        rest = (place // STEP**2, place // STEP % STEP, place % STEP)
        order = sorted(range(3), key=lambda axis: -rest[axis])
        steps[place] = np.cumsum([strides[axis] for axis in order])[:2]
        levels = (STEP, *(rest[axis] for axis in order), 0)
        weights[place] = -np.diff(levels) * (_SUM // STEP)
    return steps, weights


_ALL_ONE = NODES * NODES + NODES + 1
"""From a cube's lowest corner to its highest."""

_STEPS, _WEIGHTS = _walks()


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _read_off(rgb, out, nodes, steps, weights):  # type: ignore[no-untyped-def]
    """Tetrahedral interpolation of every pixel of (n, 3) uint8."""
    for i in range(rgb.shape[0]):
        r, g, b = np.int64(rgb[i, 0]), np.int64(rgb[i, 1]), np.int64(rgb[i, 2])
        corner = ((r >> 2) * NODES + (g >> 2)) * NODES + (b >> 2)
        place = (r & 3) << 4 | (g & 3) << 2 | (b & 3)
        mixed = nodes[corner] * weights[place, 0]
        mixed += nodes[corner + steps[place, 0]] * weights[place, 1]
        mixed += nodes[corner + steps[place, 1]] * weights[place, 2]
        mixed += nodes[corner + _ALL_ONE] * weights[place, 3]
        out[i, 0] = (mixed >> _SHIFT) & 255
        out[i, 1] = (mixed >> (_SHIFT + _FIELD)) & 255
        out[i, 2] = (mixed >> (_SHIFT + 2 * _FIELD)) & 255


def look_up(rgb: RGB, table: ColourTable) -> RGB:
    """Every pixel's colour through a table, each pixel by itself.

    Parameters
    ----------
    rgb : (..., 3) uint8.
    table : from `tabulate`.

    Returns
    -------
    As ``rgb``, new.

    References
    ----------
    Kasson, J. M., Nin, S. I., Plouffe, W., Hafner, J. L. (1995). Performing color space conversions with
    three-dimensional linear interpolation. J. Electronic Imaging 4(3), 226-250 (tetrahedral interpolation).
    """
    flat = np.ascontiguousarray(rgb).reshape(-1, 3)
    out: RGB = np.empty_like(flat)
    _read_off(flat, out, table.nodes, _STEPS, _WEIGHTS)
    return out.reshape(rgb.shape)
