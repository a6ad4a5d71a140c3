"""From masks on the working grid to a table: outlines first, then everything measured on them."""

import cv2
import numba as nb
import numpy as np

from allviewer.pixels.density import optical_density
from allviewer.segment.dictionary import NAMES
from allviewer.segment.grid import Field
from allviewer.segment.outlines import smooth, thin, trace
from allviewer.segment.shape import Shape, measure_shape
from allviewer.segment.survey import Survey
from allviewer.segment.whole_cell import Found
from allviewer.vocab.arrays import Floats, Labels, Mask
from allviewer.vocab.cells import CellTable, Outlines

SMOOTHING_UM = 0.35
"""Standard deviation of outline smoothing along the outline."""

TOLERANCE_UM = 0.04
"""Vertices nearer than this to the straight line are dropped."""

_SMALLEST_PIECE_UM2 = 0.6


def rings_of(mask: Mask, at: tuple[int, int], field: Field, smallest: float) -> list[Floats]:
    """Outlines of a mask's pieces in image coordinates, smoothed and thinned; ``at`` is the window's corner."""
    labels: Labels
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    out = []
    # In the window's own coordinates up to the end, so that rounding is the same wherever the window lies.
    offset = np.array(at, np.float32) * np.float32(field.factor)
    frame = np.stack([-offset, np.array(field.shape, np.float32) - offset])
    for piece in range(1, len(stats)):
        if stats[piece, cv2.CC_STAT_AREA] < smallest:
            continue
        y = int(stats[piece, cv2.CC_STAT_TOP])
        x = int(np.argmax(labels[y] == piece))
        ring = np.minimum(trace(labels, piece, (y, x)) * np.float32(field.factor), frame[1])
        soft = thin(smooth(ring, field.px(SMOOTHING_UM), frame), TOLERANCE_UM / field.um * field.factor)
        out.append(soft + offset)
    return out


@nb.njit(cache=True, nogil=True)
def _stain(azure, eosin, nucleus, cell, step):  # type: ignore[no-untyped-def]
    """Mean and sd of both stains over nucleus and cytoplasm, then texture contrast and entropy of the nucleus."""
    sums = np.zeros((2, 5))
    rows, columns = cell.shape
    steps, pairs = 0.0, 0
    for y in range(rows):
        for x in range(columns):
            if not cell[y, x]:
                continue
            k = 0 if nucleus[y, x] else 1
            a, e = azure[y, x], eosin[y, x]
            sums[k, 0] += 1
            sums[k, 1] += a
            sums[k, 2] += a * a
            sums[k, 3] += e
            sums[k, 4] += e * e
            if k == 0:
                if x + step < columns and nucleus[y, x + step]:
                    steps += abs(azure[y, x + step] - a)
                    pairs += 1
                if y + step < rows and nucleus[y + step, x]:
                    steps += abs(azure[y + step, x] - a)
                    pairs += 1
    out = np.zeros(10)
    for k in range(2):
        n = sums[k, 0]
        if n > 0:
            for s in range(2):
                mean = sums[k, 1 + 2 * s] / n
                out[4 * k + 2 * s] = mean
                out[4 * k + 2 * s + 1] = np.sqrt(max(0.0, sums[k, 2 + 2 * s] / n - mean * mean))
    mean = out[0]
    if mean > 0 and pairs > 0:
        out[8] = steps / pairs / mean
        bins = np.zeros(16)
        for y in range(rows):
            for x in range(columns):
                if nucleus[y, x]:
                    bins[min(15, max(0, int(azure[y, x] / mean * 8)))] += 1
        for b in bins:
            if b > 0:
                out[9] -= b / sums[0, 0] * np.log2(b / sums[0, 0])
    return out


def _sharpness(azure: Floats, nucleus: Mask, plateau: float, um: float) -> float:
    """Median over the rim of the steepest contrast within a pixel of it, over the plateau, per µm."""
    dy, dx = cv2.Sobel(azure, cv2.CV_32F, 0, 1, scale=0.125), cv2.Sobel(azure, cv2.CV_32F, 1, 0, scale=0.125)
    slope = cv2.dilate(cv2.magnitude(dx, dy), np.ones((3, 3), np.uint8))
    inside = cv2.erode(nucleus.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    rim = nucleus & ~inside
    return float(np.median(slope[rim])) / um / max(plateau, 1e-6) if rim.any() else 0.0


def _lobes(nucleus: Mask, um: float) -> int:
    """Pieces left of at least 1 µm² when necks narrower than about 1.2 µm are cut, and at least one."""
    radius = 0.6 / um
    depth = cv2.distanceTransform(np.pad(nucleus.view(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_5)
    level = max(radius, 0.45 * float(depth.max()))
    _, _, stats, _ = cv2.connectedComponentsWithStats((depth > level).view(np.uint8), connectivity=4)
    return max(1, int((stats[1:, cv2.CC_STAT_AREA] >= 0.15 / um**2).sum()))


def _geometry(cell: Shape, nucleus: Shape, um: float) -> dict[str, float]:
    """The measurements that follow from the two shapes, given in image pixels of ``um``."""
    area, inner = cell.area * um**2, nucleus.area * um**2
    rest = max(area - inner, 0.0)
    return {
        "cell_area_um2": area,
        "nucleus_area_um2": inner,
        "cell_diameter_um": 2 * np.sqrt(area / np.pi),
        "nucleus_diameter_um": 2 * np.sqrt(inner / np.pi),
        "cell_perimeter_um": cell.perimeter * um,
        "nucleus_cytoplasm_ratio": min(50.0, inner / rest) if rest > 0 else 50.0,
        "nucleus_cell_fraction": min(1.0, inner / area) if area > 0 else 0.0,
        "cell_eccentricity": cell.eccentricity,
        "nucleus_eccentricity": nucleus.eccentricity,
        "cell_solidity": cell.solidity,
        "nucleus_solidity": nucleus.solidity,
        "nucleus_convexity": nucleus.convexity,
    }


class Measured:
    """Collects cells one by one and hands out the table."""

    def __init__(self, field: Field, survey: Survey) -> None:
        self._field = field
        red, azure = np.array(survey.red_cell), np.array(survey.azure)
        self._white = survey.white
        # Two stains in three channels: contrast = amount of azure times what of azure lies across the red cells.
        self._across = survey.unmixing
        self._along = float(azure @ red)
        self._red = red.astype(np.float32)
        self._columns: dict[str, list[float]] = {name: [] for name in NAMES}
        self._rows: list[tuple[Shape, Shape, Found, list[Floats], list[Floats]]] = []

    def add(self, found: Found) -> dict[str, float] | None:
        """Measure one cell; None where nothing with an area is left. Returns its measurements for the gates."""
        field = self._field
        at = (found.y, found.x)
        outer = rings_of(found.cell, at, field, 4)
        inner = rings_of(found.nucleus, at, field, field.area(_SMALLEST_PIECE_UM2))
        if len(outer) != 1 or not inner:
            return None
        um = field.um / field.factor
        cell, nucleus = measure_shape(outer), measure_shape(inner)
        if cell.area <= 0 or nucleus.area <= 0:
            return None
        values = _geometry(cell, nucleus, um)
        height, width = found.cell.shape
        window = (slice(found.y, found.y + height), slice(found.x, found.x + width))
        azure = field.azure[window] / np.float32(self._across)
        density = optical_density(field.rgb[window], self._white)
        eosin = density @ self._red - np.float32(self._along) * azure
        step = max(1, round(field.px(0.5)))
        stain = _stain(np.ascontiguousarray(azure), eosin, found.nucleus, found.cell, step)
        names = [n for n in NAMES if "_azure_" in n or "_eosin_" in n] + [
            "nucleus_texture_contrast",
            "nucleus_texture_entropy",
        ]
        values.update(zip(names, (float(v) for v in stain), strict=True))
        for name, mean in zip(("red", "green", "blue"), density[found.nucleus].mean(axis=0), strict=True):
            values[f"nucleus_{name}_od_mean"] = float(mean)
        values["nucleus_lobes"] = float(_lobes(found.nucleus, field.um))
        values["edge_sharpness_per_um"] = _sharpness(field.azure[window], found.nucleus, found.plateau, field.um)
        self._rows.append((cell, nucleus, found, outer, inner))
        for name in NAMES:
            self._columns[name].append(values[name])
        return values

    def drop_last(self) -> None:
        """Take back the cell added last."""
        self._rows.pop()
        for column in self._columns.values():
            column.pop()

    def touches(self, found: Found) -> bool:
        """Whether the cell reaches the image's edge."""
        return any(chord > 0 for chord, _ in self._cuts(found))

    def whole_diameter(self, found: Found) -> float:
        """Diameter in µm of the disc of which the edge leaves a segment: sagitta + chord² / (4 sagitta), at most."""
        across = (sagitta + chord**2 / (4 * sagitta) for chord, sagitta in self._cuts(found))
        return max(across, default=0.0) * self._field.um

    def _cuts(self, found: Found) -> list[tuple[float, float]]:
        """For every edge of the image that cuts the cell: chord along it and greatest depth from it, working pixels."""
        rows, columns = self._field.azure.shape
        mask = found.cell
        height, width = mask.shape
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        sides = (
            (found.y == 0, mask[0], ys[-1] + 1),
            (found.x == 0, mask[:, 0], xs[-1] + 1),
            (found.y + height == rows, mask[-1], height - ys[0]),
            (found.x + width == columns, mask[:, -1], width - xs[0]),
        )
        return [(float(line.sum()), float(depth)) for at_edge, line, depth in sides if at_edge and line.any()]

    def table(self, kinds: list[int]) -> CellTable:
        """The table of all cells kept, ids 1..n; ``kinds`` one a cell."""
        n = len(self._rows)
        if n == 0:
            return CellTable.empty(NAMES)
        height, width = self._field.shape
        cells = Outlines.of([row[3] for row in self._rows])
        low = np.array([row[3][0].min(axis=0) for row in self._rows])
        high = np.array([row[3][0].max(axis=0) for row in self._rows])
        bbox = np.concatenate([np.floor(low), np.minimum(np.ceil(high), [height, width])], axis=1)
        return CellTable(
            np.arange(1, n + 1, dtype=np.int64),
            np.array(kinds, np.uint8),
            np.array([row[0].centroid for row in self._rows], np.float32),
            np.maximum(bbox, 0).astype(np.int32),
            np.array([row[0].area for row in self._rows], np.float32),
            np.array([row[1].area for row in self._rows], np.float32),
            np.array([self.touches(row[2]) for row in self._rows], np.bool_),
            cells,
            Outlines.of([row[4] for row in self._rows]),
            {name: np.array(column, np.float32) for name, column in self._columns.items()},
        )
