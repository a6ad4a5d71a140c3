"""From masks on the working grid to a table: outlines first, then everything measured on them."""

from dataclasses import dataclass

import numba as nb
import numpy as np

from allviewer.pixels.density import density_table
from allviewer.segment import chromatin
from allviewer.segment.dictionary import NAMES
from allviewer.segment.grid import Field
from allviewer.segment.outlines import ring_kernel
from allviewer.segment.shape import Shape, shape_kernel
from allviewer.segment.survey import Survey
from allviewer.segment.whole_cell import Found
from allviewer.vocab.arrays import Floats, Ints
from allviewer.vocab.cells import CellTable, Kind, Outlines

SMOOTHING_UM = 0.35
"""Standard deviation of outline smoothing along the outline."""

TOLERANCE_UM = 0.04
"""Vertices nearer than this to the straight line are dropped."""

_SMALLEST_PIECE_UM2 = 0.6
_STEP_UM = 0.5


def _geometry(cell: Shape, nucleus: Shape, um: float) -> dict[str, float]:
    """The measurements that follow from the two shapes, given in image pixels of ``um``."""
    area, inner = cell.area * um**2, nucleus.area * um**2
    rest = max(area - inner, 0.0)
    return {
        "cell_area_um2": area,
        "nucleus_area_um2": inner,
        "cell_diameter_um": 2 * (area / np.pi) ** 0.5,
        "nucleus_diameter_um": 2 * (inner / np.pi) ** 0.5,
        "cell_perimeter_um": cell.perimeter * um,
        "nucleus_cytoplasm_ratio": min(50.0, inner / rest) if rest > 0 else 50.0,
        "nucleus_cell_fraction": min(1.0, inner / area) if area > 0 else 0.0,
        "cell_eccentricity": cell.eccentricity,
        "nucleus_eccentricity": nucleus.eccentricity,
        "cell_solidity": cell.solidity,
        "nucleus_solidity": nucleus.solidity,
        "nucleus_convexity": nucleus.convexity,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One cell, measured.

    Attributes
    ----------
    values : see `dictionary.MEASUREMENTS`.
    cell, nucleus : shapes in image pixels, from ``corner``.
    outer, inner : outline of the cell (one ring) and of the nucleus (one or more), from ``corner``.
    corner : (y, x), image pixels.
    cut : diameter in µm that the whole cell would have, where the image's edge cuts it; else None.
    """

    values: dict[str, float]
    cell: Shape
    nucleus: Shape
    outer: Floats
    inner: tuple[Floats, Ints]
    corner: tuple[int, int]
    cut: float | None


class Measure:
    """Measures the cells of one field."""

    def __init__(self, field: Field, survey: Survey) -> None:
        self.field = field
        # Two stains in three channels: contrast is the amount of azure times what of azure lies across the red cells'
        # direction, and what azure does not explain along that direction is eosin or haemoglobin.
        red, azure = np.array(survey.red_cell), np.array(survey.azure)
        self._stains = (density_table(survey.white), red.astype(np.float32), survey.unmixing, float(azure @ red))
        length, tolerance = field.px(SMOOTHING_UM), TOLERANCE_UM / field.um * field.factor
        self._outline = (float(field.factor), length, tolerance, field.area(_SMALLEST_PIECE_UM2))
        self._pixels = (field.um, max(1, round(field.px(_STEP_UM))))

    def __call__(self, found: Found) -> Measured | None:
        """Measure one cell; None where nothing with an area is left of it."""
        field = self.field
        height, width = found.cell.shape
        window = (slice(found.y, found.y + height), slice(found.x, found.x + width))
        # In the window's own coordinates, so that rounding is the same wherever the window lies.
        corner = np.array([found.y, found.x], np.float64) * field.factor
        frame = np.stack([-corner, np.array(field.shape) - corner])
        at, outer, inner, shapes, stain, cores, sharpness = _measure(
            found.cell, found.nucleus, field.azure[window], field.rgb[window], found.plateau, frame, self._outline,
            self._stains, self._pixels,
        )  # fmt: skip
        cell, nucleus = Shape.of(shapes[0]), Shape.of(shapes[1])
        if len(outer[1]) != 2 or cell.area <= 0 or nucleus.area <= 0:
            return None
        values = _geometry(cell, nucleus, field.um / field.factor)
        values.update(zip(chromatin.STAINS, stain.tolist(), strict=True))
        values["nucleus_lobes"], values["edge_sharpness_per_um"] = float(cores), float(sharpness)
        corner_px = ((found.y + at[0]) * field.factor, (found.x + at[1]) * field.factor)
        return Measured(values, cell, nucleus, outer[0], inner, corner_px, cut_diameter(field, found))


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _box(mask):  # type: ignore[no-untyped-def]
    """First and last row and column of a mask with two pixels around it, half-open, within the window."""
    rows, columns = mask.shape
    y0, x0, y1, x1 = rows, columns, 0, 0
    for y in range(rows):
        for x in range(columns):
            if mask[y, x]:
                y0, y1, x0, x1 = min(y0, y), y + 1, min(x0, x), max(x1, x + 1)
    return max(0, min(y0, y1) - 2), max(0, min(x0, x1) - 2), min(rows, y1 + 2), min(columns, x1 + 2)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _measure(cell_in, nucleus_in, azure_in, rgb_in, plateau, frame_in, outline, stains, pixels):  # type: ignore[no-untyped-def]
    """All of one cell: the trimmed window's corner, both outlines, both shapes, stains, lobes, sharpness."""
    scale, length, tolerance, smallest = outline
    um, step = pixels
    y0, x0, y1, x1 = _box(cell_in)
    # Dense copies: the loops run several times faster on rows whose pixels they know to be side by side.
    cell, nucleus = cell_in[y0:y1, x0:x1].copy(), nucleus_in[y0:y1, x0:x1].copy()
    azure, rgb = azure_in[y0:y1, x0:x1].copy(), rgb_in[y0:y1, x0:x1].copy()
    frame = np.empty((2, 2))
    for k in range(2):
        frame[k, 0], frame[k, 1] = frame_in[k, 0] - y0 * scale, frame_in[k, 1] - x0 * scale
    outer = ring_kernel(cell, 4.0, scale, length, tolerance, frame)
    inner = ring_kernel(nucleus, smallest, scale, length, tolerance, frame)
    shapes, stain = np.zeros((2, 7)), np.empty(13)
    shape_kernel(outer[0], outer[1], shapes[0])
    shape_kernel(inner[0], inner[1], shapes[1])
    table, red, across, along = stains
    chromatin.stains(azure, rgb, nucleus, cell, table, red, across, along, step, stain)
    sharpness = chromatin.sharpness(azure, nucleus, plateau, um)
    return (y0, x0), outer, inner, shapes, stain, chromatin.lobes(nucleus, um), sharpness


def cut_diameter(field: Field, found: Found) -> float | None:
    """Diameter in µm of the disc of which the image's edge leaves such a segment; None where no edge cuts the cell.

    Of a segment with chord c and sagitta s it is s + c² / (4 s); of several edges the widest counts.
    """
    rows, columns = field.azure.shape
    mask = found.cell
    height, width = mask.shape
    sides = (found.y == 0, found.x == 0, found.y + height == rows, found.x + width == columns)
    if not any(sides):
        return None
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    chords = (mask[0].sum(), mask[:, 0].sum(), mask[-1].sum(), mask[:, -1].sum())
    depths = (ys[-1] + 1, xs[-1] + 1, height - ys[0], width - xs[0])
    across = [
        float(depth) + float(chord) ** 2 / (4 * float(depth))
        for at_edge, chord, depth in zip(sides, chords, depths, strict=True)
        if at_edge and chord
    ]
    return max(across) * field.um if across else None


def table_from(found: list[tuple[Measured, Kind]], shape: tuple[int, int]) -> CellTable:
    """The table of measured cells in reading order, ids 1..n; ``shape`` (H, W) of the image."""
    n = len(found)
    if n == 0:
        return CellTable.empty(NAMES)
    found = sorted(found, key=lambda one: one[0].corner)
    cells = [one for one, _ in found]
    corners = np.array([one.corner for one in cells], np.float32)
    low = np.array([one.outer.min(axis=0) for one in cells]) + corners
    high = np.array([one.outer.max(axis=0) for one in cells]) + corners
    bbox = np.concatenate([np.floor(low), np.minimum(np.ceil(high), shape)], axis=1)
    return CellTable(
        np.arange(1, n + 1, dtype=np.int64),
        np.array([kind for _, kind in found], np.uint8),
        (np.array([one.cell.centroid for one in cells]) + corners).astype(np.float32),
        np.maximum(bbox, 0).astype(np.int32),
        np.array([one.cell.area for one in cells], np.float32),
        np.array([one.nucleus.area for one in cells], np.float32),
        np.array([one.cut is not None for one in cells], np.bool_),
        _packed([(one.outer, np.array([0, len(one.outer)])) for one in cells], corners),
        _packed([one.inner for one in cells], corners),
        {name: np.array([one.values[name] for one in cells], np.float32) for name in NAMES},
    )


def _packed(rings_by_cell: list[tuple[Floats, Ints]], corners: Floats) -> Outlines:
    """Outlines of all cells, moved from each one's corner to the image's."""
    lengths = np.array([len(points) for points, _ in rings_by_cell])
    points = np.concatenate([points for points, _ in rings_by_cell]) + np.repeat(corners, lengths, axis=0)
    first = np.cumsum(lengths) - lengths
    starts = [starts[:-1] + at for (_, starts), at in zip(rings_by_cell, first, strict=True)]
    owner = np.repeat(np.arange(len(lengths)), [len(s) for s in starts])
    return Outlines(points.astype(np.float32), np.concatenate([*starts, [len(points)]]).astype(np.int64), owner)
