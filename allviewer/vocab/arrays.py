"""Array aliases used in signatures everywhere.

House conventions: images are ``(H, W, 3)`` uint8 RGB; coordinates are ``(y, x)`` in level-0 pixels;
the pixel in row i and column j covers the square ``[i, i+1) x [j, j+1)``, so outlines, boxes and
centres share one continuous frame (QuPath's and GeoJSON's), and a pixel's centre is ``(i+.5, j+.5)``.
Only the canvas, whose pixel centres are whole numbers, shifts by half a pixel.
"""

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
"""(H, W, 3) uint8 image, or (n, S, S, 3) block of crops."""

Grey = NDArray[np.uint8]
"""(H, W) uint8 image."""

Mask = NDArray[np.bool_]
"""(H, W) bool."""

Labels = NDArray[np.int32]
"""(H, W) int32 label image, 0 = background."""

Floats = NDArray[np.float32]
"""float32 array; the docstring gives its shape and unit."""

Halves = NDArray[np.float16]
"""float16 array, for what is stored in bulk."""

Ints = NDArray[np.int64]
"""int64 array of ids or row numbers."""

Rows = NDArray[np.intp]
"""Row numbers into a CellTable."""
