"""What one low-power view of a slide says of its light and its stain."""

from dataclasses import dataclass, replace

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import AZURE, RED_CELL, background, density_table, resolved_table
from allviewer.pixels.equalise import equalisation_table, luminance
from allviewer.segment.bits import packed, unpacked
from allviewer.segment.blocks import block_means
from allviewer.segment.desk import own_desk
from allviewer.segment.regions import numbered
from allviewer.segment.runs import copy, covered
from allviewer.vocab.arrays import RGB, Floats, Grey, Mask

GATE = 0.07
"""Least nuclear contrast, optical density, of anything called a nucleus: twice what red cells and their rims reach
on any stain looked at. The same for every image, so that a field without white cells gives none."""

DARKEST_WHITE = 40.0
"""A background darker than this is no transmitted light: nothing is looked for."""

BLACK, BLACK_SHARE = 16, 0.2
"""Level below which a pixel is black in every channel, and the share of such pixels that is a ground painted black."""

STAINED_ALL_OVER = 0.3
"""What green lacks against the brighter of red and blue, as a share: empty ground on any microscope lacks less."""

VIEW_PIXELS = 100_000
"""Views are reduced to about this many pixels before they are measured."""

FREE = 0.1
"""Where more than this part of what is stained lies in bodies without a nucleus, those are the red cells."""

ALONE = 0.7
"""Where less does, and one body is more than this part of it, `NUCLEATED` of it nucleus, the view is the crop of one
white cell: it has no red cells of its own to measure, and its cytoplasm must not be taken for them."""

NUCLEATED = 0.15

GRAINY = 0.25
"""Grain above which there is noise and no picture. Photographed smears have 0 to 0.09, noise has 0.7 or more."""

_STAINED = 0.06
_FEWEST_RED_PIXELS = 400
_SURELY_NUCLEAR = 0.17


@dataclass(frozen=True, slots=True)
class Survey:
    """Whole-slide statistics that every tile shares.

    Attributes
    ----------
    white : red, green, blue of the empty background, grey levels.
    red_cell : unit vector, direction of the red cells in optical density.
    azure : unit vector, direction of nuclear stain.
    nucleus : contrast of a typical intact nucleus of this slide, optical density along `contrast`; 0 where the view
        holds nothing that could be one.
    lit : False where the view is too dark to be a transmitted-light image.
    equalisation : (256,) grey-level map of dynamic histogram equalisation, as bytes.
    on_black : whether the view is cells cut out of their field, on black: see `grounded`.
    grain : median difference between neighbouring pixels, as a share of the typical stain.
    """

    white: tuple[float, float, float]
    red_cell: tuple[float, float, float]
    azure: tuple[float, float, float]
    nucleus: float
    lit: bool
    equalisation: bytes
    on_black: bool = False
    grain: float = 0.0

    @property
    def readable(self) -> bool:
        """Whether this is a picture in transmitted light at all, and neither darkness nor noise."""
        return self.lit and self.grain <= GRAINY

    @property
    def contrast(self) -> NDArray[np.float64]:
        """(3,) unit vector: the part of azure at right angles to the red cells, so that red cells weigh nothing."""
        red, azure = np.array(self.red_cell), np.array(self.azure)
        across = azure - (azure @ red) * red
        unit: NDArray[np.float64] = across / np.linalg.norm(across)
        return unit

    @property
    def aside(self) -> NDArray[np.float64]:
        """(3,) unit vector at right angles to both: eosin granules lie on one side, blue cytoplasm on the other."""
        unit: NDArray[np.float64] = np.cross(self.red_cell, self.contrast)
        return unit

    @property
    def unmixing(self) -> float:
        """Azure contrast per unit of azure density: what of azure lies across the red cells' direction."""
        return float(np.array(self.azure) @ self.contrast)


def red_cell_direction(view: RGB, white: tuple[float, float, float]) -> tuple[float, float, float]:
    """Direction of the commonest stain away from nuclei, which on any smear is the red cells'.

    Parameters
    ----------
    view : (H, W, 3) uint8.
    white : background colour.

    Returns
    -------
    Unit vector (red, green, blue): the median direction of the pixels of ordinary density; `RED_CELL` where
    too few are found, or where what is found points along the nuclear stain (a view full of nuclei).
    """
    desk, size = own_desk(), view.shape[:2]
    table = density_table(white)[:, None]
    sharp = cv2.LUT(view, table, dst=desk.array("steps", view.shape, np.float32))
    density = cv2.GaussianBlur(sharp, (0, 0), 1.0, dst=desk.array("names", view.shape, np.float32))
    length = desk.array("far", size, np.float32)
    stained, nuclear = desk.array("mask", size, np.bool_), desk.array("nuclei", size, np.bool_)
    _weigh(density, _across_red_cells(), np.float32(_SURELY_NUCLEAR), length, stained, nuclear)
    apart, largest = _apart_from_nuclei(stained, nuclear)
    if apart.sum() > FREE * stained.sum():
        return _commonest(density[apart], length[apart], 0.975)
    if largest > ALONE * stained.sum() and nuclear.sum() > NUCLEATED * stained.sum():
        return RED_CELL
    away = stained & _away_from_nuclei(nuclear)
    if away.sum() > 0.35 * stained.sum():
        return _commonest(density[away], length[away], 0.975)
    # Either white cells fill the view, or its red cells are so blue that they pass for nuclei.
    return _commonest(density[stained], length[stained], 0.94)


def _across_red_cells() -> Floats:
    """(3,) contrast of nuclear stain against ordinary red cells, whatever this slide's are like."""
    red, azure = (np.array(v) / np.linalg.norm(v) for v in (RED_CELL, AZURE))
    across = azure - (azure @ red) * red
    return np.asarray(across / np.linalg.norm(across), np.float32)


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _weigh(density, across, surely, length, stained, nuclear):  # type: ignore[no-untyped-def]
    """How much stain there is in each pixel, whether any, and whether it is surely nuclear."""
    one, two, three = across
    for y in range(density.shape[0]):
        for x in range(density.shape[1]):
            r, g, b = density[y, x, 0], density[y, x, 1], density[y, x, 2]
            amount = np.sqrt(r * r + g * g + b * b)
            length[y, x] = amount
            stained[y, x] = amount > np.float32(0.05)
            nuclear[y, x] = r * one + g * two + b * three > surely


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _bodies(stained, nuclear):  # type: ignore[no-untyped-def]
    """See `_apart_from_nuclei`; all masks are bits."""
    found, count = numbered(stained | nuclear, 0)
    holds, sizes = np.zeros(count + 1, np.bool_), np.zeros(count + 1, np.int64)
    for i in range(len(found)):
        y, first, last, k = found[i, 0], found[i, 1], found[i, 2], found[i, 3]
        holds[k] |= covered(nuclear, y, first, last) > 0
        sizes[k] += covered(stained, y, first, last)
    out = np.zeros_like(stained)
    for i in range(len(found)):
        if not holds[found[i, 3]]:
            copy(stained, out, found[i, 0], found[i, 1], found[i, 2])
    return out, sizes.max()


def _apart_from_nuclei(stained: Mask, nuclear: Mask) -> tuple[Mask, int]:
    """Stained bodies that hold nothing nuclear, and the pixels of the largest body of all."""
    apart, largest = _bodies(packed(stained.view(np.uint8)), packed(nuclear.view(np.uint8)))
    return unpacked(apart, stained.shape[1]), int(largest)


def _commonest(density: Floats, length: Floats, most: float) -> tuple[float, float, float]:
    """Median direction of (n, 3) densities; `RED_CELL` for too few, or where its cosine to azure exceeds ``most``."""
    if len(length) < _FEWEST_RED_PIXELS:
        return RED_CELL
    # Around the median, so that neither pale red cells nor one large dense white cell carry the day alone.
    middle_length = float(np.median(length))
    ordinary = (length > 0.6 * middle_length) & (length < 1.6 * middle_length)
    if ordinary.sum() < _FEWEST_RED_PIXELS:
        return RED_CELL
    # Channel by channel, each in one piece: a median along the longer axis takes three times as long.
    middle = np.array([np.median(np.ascontiguousarray(c)) for c in (density[ordinary] / length[ordinary, None]).T])
    unit = middle / max(float(np.linalg.norm(middle)), 1e-6)
    if unit @ np.array(AZURE) / np.linalg.norm(AZURE) > most:
        return RED_CELL
    return tuple(float(v) for v in unit)  # type: ignore[return-value]


def _away_from_nuclei(nuclear: Mask) -> Mask:
    """Pixels out of reach of any cytoplasm: further from what is nuclear than the thickest nucleus is thick."""
    if not nuclear.any():
        return np.ones(nuclear.shape, np.bool_)
    inside = nuclear.astype(np.uint8)
    thick = float(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5).max())
    far = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(far > 1.5 * thick + 2)


def nuclear_contrast(rgb: RGB, found: Survey) -> Floats:
    """Optical density along `Survey.contrast`: (H, W, 3) uint8 to (H, W) float32."""
    return _along(rgb, found, found.contrast)


def off_line(rgb: RGB, found: Survey) -> Floats:
    """Optical density along `Survey.aside`: (H, W, 3) uint8 to (H, W) float32."""
    return _along(rgb, found, found.aside)


def _along(rgb: RGB, found: Survey, direction: NDArray[np.float64]) -> Floats:
    out: Floats = np.empty(rgb.shape[:2], np.float32)
    _summed(np.ascontiguousarray(rgb), resolved_table(found.white) * direction.astype(np.float32), out)
    return out


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _summed(rgb, table, out):  # type: ignore[no-untyped-def]
    for y in range(out.shape[0]):
        row, line = rgb[y], out[y]
        for x in range(out.shape[1]):
            line[x] = table[row[x, 0], 0] + table[row[x, 1], 1] + table[row[x, 2], 2]


def intact_nucleus(view: RGB, found: Survey) -> float:
    """Contrast of intact nuclei: the 85th percentile over all that passes the gate, so that smudges weigh little."""
    azure = cv2.GaussianBlur(nuclear_contrast(view, found), (0, 0), 1.0)
    nuclear = azure[azure > GATE]
    return float(np.percentile(nuclear, 85)) if len(nuclear) >= 20 else 0.0


def _reduced(overview: RGB) -> RGB:
    """About `VIEW_PIXELS` block means of an image; of each block two rows are looked at, which is enough."""
    rows, columns = overview.shape[:2]
    step = 1 << max(0, round(np.log2(max(1.0, rows * columns / VIEW_PIXELS)) / 2))
    if step == 1 or min(rows, columns) < 2 * step:
        return overview
    return block_means(overview, step, step // 2)


def cut_out_on_black(view: RGB) -> bool:
    """Whether a view is cells on a ground painted black: much of it black, and all the rest stained.

    Of a slide scanned in part, or a round field of view, the rest shows empty ground, which is not stained.
    """
    lit = _brightest(view) > BLACK
    if not 0 < np.count_nonzero(lit) <= (1 - BLACK_SHARE) * lit.size:
        return False
    rest = view[lit].astype(np.float32)
    lacking = 1 - rest[:, 1] / np.maximum(rest[:, 0], rest[:, 2]).clip(1)
    return float(np.median(lacking)) > STAINED_ALL_OVER


def grounded(rgb: RGB, found: Survey) -> RGB:
    """An image of cells on black with its ground in white, as transmitted light would show it; others unchanged.

    How bright the true ground was is not known: full scale is taken, so densities are those against full scale.
    """
    return _whitened(rgb) if found.on_black else rgb


def _whitened(rgb: RGB) -> RGB:
    out = rgb.copy()
    out[_brightest(rgb) <= BLACK] = 255
    return out


def _brightest(rgb: RGB) -> Grey:
    red, green, blue = cv2.split(rgb)
    out: Grey = cv2.max(cv2.max(red, green), blue)
    return out


def grain(rgb: RGB, white: tuple[float, float, float]) -> float:
    """Median difference of density in green between a pixel and the one below, as a share of the typical stain.

    (H, W, 3) uint8 at full resolution; some rows are looked at. 0 where hardly anything is stained.
    """
    rows = np.arange(0, len(rgb) - 1, max(1, len(rgb) // 64))
    columns = max(1, rgb.shape[1] // 256)
    table = density_table(white)[:, 1]
    upper, lower = (table[rgb[at, ::columns, 1]] for at in (rows, rows + 1))
    stained = upper[upper > _STAINED]
    if len(stained) < max(1, 0.002 * upper.size):
        return 0.0
    return float(np.median(np.abs(upper - lower)) / np.median(stained))


def survey(overview: RGB) -> Survey:
    """Measure one fixed low-power view of a slide.

    Parameters
    ----------
    overview : (H, W, 3) uint8.

    Returns
    -------
    What `Survey` says; for an empty view the defaults, unlit.
    """
    default = tuple(np.array(AZURE) / np.linalg.norm(AZURE))
    if overview.size == 0:
        return Survey((255.0, 255.0, 255.0), RED_CELL, default, 0.0, False, bytes(range(256)))
    view = _reduced(overview)
    on_black = cut_out_on_black(view)
    view = _whitened(view) if on_black else view
    white = (255.0, 255.0, 255.0) if on_black else background(view)
    table = equalisation_table(np.bincount(luminance(view).ravel(), minlength=256))
    lit = max(white) >= DARKEST_WHITE
    red, rough = red_cell_direction(view, white), grain(overview, white)
    made = Survey(white, red, default, 0.0, lit, table.tobytes(), on_black, rough)
    return replace(made, nucleus=intact_nucleus(view, made))
