"""Two stages alone: measuring cells against regionprops_table, outlining them against find_contours.

All start from the same masks of the same cells on the project's working grid.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage import measure

from allviewer.pixels.density import optical_density
from allviewer.segment import default
from allviewer.segment import measure as measuring
from allviewer.segment.grid import working_field
from allviewer.segment.outlines import draw, rings
from allviewer.vocab.cells import Outlines
from peers.scikit_image import contours

SHAPES = ("label", "area", "centroid", "bbox", "perimeter", "eccentricity", "solidity", "area_convex")
STAINS = ("intensity_mean", "intensity_std")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What both are given: what the project measured each cell from, and the same cells as label images.

    ``outlined`` holds masks and the pixels of their smallest piece, ``smoothing`` and ``tolerance`` of outlines are in
    working pixels.
    """

    measured: list[tuple]
    outlined: list[tuple]
    cell: np.ndarray
    nucleus: np.ndarray
    stains: np.ndarray
    smoothing: float
    tolerance: float


@contextmanager
def overheard(module, name):
    """The positional arguments of every call of ``module.name`` inside the block."""
    calls, function = [], getattr(module, name)

    def noting(*arguments):
        calls.append(arguments)
        return function(*arguments)

    setattr(module, name, noting)
    try:
        yield calls
    finally:
        setattr(module, name, function)


def prepare(picture):
    """Find the cells of a picture once, untimed."""
    route = default.Default()
    found = route.survey(picture.rgb, picture.um)
    with overheard(measuring.Measure, "__call__") as measured:
        table = route.cells(picture.rgb, picture.um, found)
    # The gates drop some of what was measured; the peer is given the cells of the table, so the project too.
    kept = set(table.area_px.tolist())
    measured = [(field, one) for field, one in measured if _area(field(one)) in kept]
    outlined = [(_trimmed(mask), 4) for _, one in measured for mask in (one.cell, one.nucleus)]
    field = working_field(picture.rgb, picture.um, found)
    shape = field.azure.shape
    cell, nucleus = (draw(_scaled(rings, field.factor), shape) for rings in (table.cell, table.nucleus))
    density = optical_density(field.rgb, found.white).astype(np.float32)
    stains = np.dstack([field.azure, density @ np.array(found.red_cell, np.float32), density])
    soft, near = measuring.SMOOTHING_UM / field.um, measuring.TOLERANCE_UM / field.um
    return Cells(measured, outlined, cell, np.where(cell > 0, nucleus, 0), stains, soft, near)


def _area(one):
    return None if one is None else float(np.float32(one.cell.area))


def _trimmed(mask):
    """A mask in its own box and a pixel around it, as `find_contours` gets it."""
    (y,), (x,) = np.nonzero(mask.any(axis=1)), np.nonzero(mask.any(axis=0))
    return np.pad(mask[y[0] : y[-1] + 1, x[0] : x[-1] + 1], 1)


def _scaled(outlines, factor):
    return Outlines(outlines.points / np.float32(factor), outlines.starts, outlines.owner)


def traced(cells):
    """The project: every cell's and nucleus's pieces found and traced, as `find_contours` does."""
    return [rings(mask, smallest) for mask, smallest in cells.outlined]


def traced_theirs(cells):
    """`find_contours` of every cell and nucleus in its own box."""
    return contours(cells.cell), contours(cells.nucleus)


def outlines(cells):
    """The project: traced, smoothed without shrinking, thinned."""
    return [rings(mask, smallest, 1.0, cells.smoothing, cells.tolerance) for mask, smallest in cells.outlined]


def outlines_theirs(cells):
    """`find_contours`, a Gaussian along the outline, `approximate_polygon`."""
    return [[_finished(ring, cells) for ring in one] for labels in traced_theirs(cells) for one in labels]


def _finished(ring, cells):
    # Closed rings repeat their first vertex; vertices stand about 0.7 px apart, closer than the project's.
    soft = ndimage.gaussian_filter1d(ring[:-1], cells.smoothing, axis=0, mode="wrap")
    return measure.approximate_polygon(np.vstack([soft, soft[:1]]), cells.tolerance)


def features(cells):
    """The project: every measurement of the data dictionary. It outlines the cells too, see `segmentation.py`."""
    return [one_field(found) for one_field, found in cells.measured]


def features_theirs(cells):
    """`regionprops_table`: shapes, and stains of nucleus and cytoplasm; no texture, lobes or sharpness."""
    cytoplasm = np.where(cells.nucleus > 0, 0, cells.cell)
    return [
        measure.regionprops_table(cells.cell, properties=SHAPES),
        measure.regionprops_table(cells.nucleus, cells.stains, properties=(*SHAPES, *STAINS)),
        measure.regionprops_table(cytoplasm, cells.stains[..., :2], properties=("label", *STAINS)),
    ]
