"""Cells that a field's edge cuts."""

import numpy as np
from numpy.typing import NDArray

from allviewer.learning.samples import EDGE_UM
from allviewer.vocab.arrays import Floats


def cut_by_edge(centres: Floats, sizes: NDArray[np.int64], scale: Floats) -> NDArray[np.bool_]:
    """Cells whose centre is within `EDGE_UM` of their image's edge.

    Parameters
    ----------
    centres : (n, 2) (y, x) pixels. sizes : (n, 2) (width, height) of each one's image. scale : (n,) µm per pixel.
    """
    far = sizes[:, ::-1] - centres
    cut: NDArray[np.bool_] = np.minimum(centres, far).min(axis=1) * scale < EDGE_UM
    return cut
