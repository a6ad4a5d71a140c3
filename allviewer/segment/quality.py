"""Whether a field can be trusted: its focus, its light, its stain and how crowded it is."""

import math
from dataclasses import dataclass

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from allviewer.pixels.density import density_table
from allviewer.segment.survey import GATE, GRAINY, Survey, grain, grounded, nuclear_contrast
from allviewer.vocab.arrays import RGB, Floats, Mask
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.quality import FieldQuality, Grade, Verdict

SHARP, SOFT = 0.8, 0.5
"""Edge sharpness per µm from which a field is in focus, and below which it is out of it. Over thirteen microscopes'
fields in focus have 0.9 to 2; an optical blur of 0.5 µm (standard deviation) leaves 0.6 to 0.85, one of 1 µm less than
0.55."""


BRIGHT, DIM = 0.4, 0.25
"""Background in green, as a share of full scale, from which exposure is good, and below which too little is left of
the camera's range to tell stains apart."""

CLIPPED, BURNT = 0.05, 0.5
"""Share of the field at either end of the range in some channel above which densities there are lower bounds; and in
green, the channel both stains are read in, above which the background is no reference any more."""

UNEVEN, SHADED = 0.2, 0.4
"""Difference of the background between the brightest and the darkest sixteenth of the field, as a share."""

PALE, FAINT = 0.35, 0.2
"""Azure density of nuclei (base 10) below which they are pale, and below which cytoplasm and nucleus merge. Intact
nuclei of a Romanowsky stain have 0.4 to 1.1."""

APART, MERGED = 6.0, 3.5
"""Distance of nuclear from red-cell contrast in standard deviations of the red cells'."""

TINTED = 0.35
"""Difference between the background's channels, as a share of the brightest, above which it is coloured."""

COVERED, PACKED = 0.65, 0.85
"""Share of the field under cells."""

TOUCHING, CLUMPED = 0.5, 0.8
"""Share of the white cells that touch another; asked from `FEWEST` white cells."""

FEWEST = 4
TOUCH_UM = 0.4
"""Outlines nearer than this touch."""

_SAMPLES = 16_000
_STAINED = 0.06
_BLOCK, _DOWN, _ACROSS = 64, 3, 3
_EDGE_UM = 0.12  # standard deviation of smoothing
_RIM_UM = 1.5  # how far from an edge both sides of it are looked for
_FINE_UM = 0.14  # pixels finer than half of this are averaged before edges are looked at
_FEWEST_STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Some pixels of the field, every so many rows and columns, and what red cells typically take out of the light."""

    rgb: RGB
    density: Floats  # in green
    typical: float  # median density of what is stained; 0 where too little is


def judge_field(rgb: RGB, um_per_px: float, survey: Survey, cells: CellTable) -> FieldQuality:
    """Focus, exposure, stain and crowding of a field, before its counts are trusted.

    Parameters
    ----------
    rgb : (H, W, 3) uint8 at full resolution.
    um_per_px : µm per pixel.
    survey : of the slide.
    cells : what was found in ``rgb``, in its frame.

    Returns
    -------
    Four verdicts. For anything that is no stained smear in transmitted light (black, blank, noise, a single pixel)
    they are poor and say why; nothing raises.

    Notes
    -----
    Every n-th pixel is looked at, and for focus a few blocks at full resolution, so the time hardly depends on the
    field's size.
    """
    if rgb.size == 0:
        return _unjudged("The field has no pixels.")
    if not survey.lit:
        return _unjudged("The field is too dark for a smear in transmitted light.")
    # The view that was surveyed may be of lower power than the field, and smooth what is noise.
    rough = max(survey.grain, grain(rgb, survey.white))
    if rough > GRAINY:
        return _unjudged(f"The field is noise: neighbouring pixels differ by {rough:.0%} of the stain.")
    rgb = grounded(rgb, survey)
    sample = _sampled(rgb, survey)
    rim = _edges(rgb, um_per_px, survey, sample.typical)
    return FieldQuality(
        (
            _focus(rim, _median(cells, "edge_sharpness_per_um")),
            _exposure(sample.rgb, survey),
            _stain(sample, survey, _median(cells, "nucleus_azure_od_mean")),
            _crowding(sample, cells, um_per_px),
        )
    )


def _unjudged(why: str) -> FieldQuality:
    return FieldQuality(
        tuple(Verdict(name, None, "", "poor", why, {}) for name in ("focus", "exposure", "stain", "crowding"))
    )


def _sampled(rgb: RGB, survey: Survey) -> _Sample:
    step = max(1, round((rgb.shape[0] * rgb.shape[1] / _SAMPLES) ** 0.5))
    some = np.ascontiguousarray(rgb[:: min(step, len(rgb)), :: min(step, rgb.shape[1])])
    density = density_table(survey.white)[some[..., 1], 1]
    stained = density[density > _STAINED]
    return _Sample(some, density, float(np.median(stained)) if len(stained) >= 0.002 * density.size else 0.0)


def _median(cells: CellTable, name: str) -> float | None:
    """Of the intact cells; None where there is none."""
    intact = cells.kind == Kind.CELL
    return float(np.median(cells.measurements[name][intact])) if intact.any() else None


def _edges(rgb: RGB, um_per_px: float, survey: Survey, typical: float) -> float | None:
    """Sharpness of red-cell rims (1/µm), None where there are too few."""
    if typical == 0 or min(rgb.shape[:2]) < 8:
        return None
    table = density_table(survey.white)[:, 1].copy()
    factor = 1 << max(0, math.floor(math.log2(_FINE_UM / um_per_px)))
    um, side = um_per_px * factor, _BLOCK * factor
    steps = list[Floats]()
    tall, wide = (min(side, whole) for whole in rgb.shape[:2])
    for top in np.linspace(0, rgb.shape[0] - tall, _DOWN).astype(int):
        for left in np.linspace(0, rgb.shape[1] - wide, _ACROSS).astype(int):
            density = cv2.LUT(np.ascontiguousarray(rgb[top : top + tall, left : left + wide, 1]), table)
            if factor > 1:
                density = cv2.resize(density, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
            steps.append(_rims(density, um, typical))
    found = np.concatenate(steps)
    if len(found) < _FEWEST_STEPS:
        return None
    at = int(0.75 * (len(found) - 1))
    return float(np.partition(found, at)[at]) / (2 * um)


def _rims(density: Floats, um: float, typical: float) -> Floats:
    """Steepness of every rim pixel: difference over two pixels as a share of the rise it lies on.

    A rim is where density passes the middle between the least and the most within `_RIM_UM`, and these differ by half
    a red cell or more. Held against what lies beside it, an edge is as sharp in a dark corner as under the lamp.
    """
    smooth = cv2.GaussianBlur(density, (0, 0), max(0.6, _EDGE_UM / um))
    around = np.ones((2 * max(1, round(_RIM_UM / um)) + 1,) * 2, np.uint8)
    low, high = cv2.erode(smooth, around), cv2.dilate(smooth, around)
    rise = high - low
    rim = (np.abs(smooth - 0.5 * (low + high)) < 0.15 * rise) & (rise > 0.5 * typical)
    y, x = np.nonzero(rim[1:-1, 1:-1])
    down, across = smooth[y + 2, x + 1] - smooth[y, x + 1], smooth[y + 1, x + 2] - smooth[y + 1, x]
    out: Floats = np.hypot(down, across) / rise[y + 1, x + 1]
    return out


def _middle(values: Floats) -> float:
    """Median, the upper of two: numpy's own takes longer than everything else about a small block."""
    return float(np.partition(values, values.size // 2, axis=None)[values.size // 2])


def _worst(*grades: Grade) -> Grade:
    return "poor" if "poor" in grades else "fair" if "fair" in grades else "good"


def _high(value: float, fair: float, poor: float) -> Grade:
    return "poor" if value > poor else "fair" if value > fair else "good"


def _low(value: float, fair: float, poor: float) -> Grade:
    return "poor" if value < poor else "fair" if value < fair else "good"


def _focus(rim: float | None, nuclear: float | None) -> Verdict:
    """Steepest change of density over an edge's whole contrast, per µm, as `edge_sharpness_per_um` is.

    Where intact nuclei were found, their median; else the upper quartile over rims (see `_rims`), which the slope into
    a red cell's pale centre does not lower.

    References
    ----------
    Brenner, J. F., et al. (1976). An automated microscope for cytologic research. J. Histochem. Cytochem. 24,
    100-111 (gradient as focus measure); here over contrast, so that stain does not pass for focus.
    """
    figures = {k: v for k, v in (("nuclear_edges", nuclear), ("red_cell_rims", rim)) if v is not None}
    value = nuclear if nuclear is not None else rim
    if value is None:
        return Verdict("focus", None, "1/µm", "poor", "Nothing in the field has an edge to judge focus by.", figures)
    value = round(value, 2)  # the number that is told is the number that is judged
    grade = _low(value, SHARP, SOFT)
    words = {"good": "Edges are sharp", "fair": "Edges are soft", "poor": "The field is out of focus"}[grade]
    edges = "nuclei" if nuclear is not None else "red cells"
    sentence = f"{words}: {value:.2f} per µm at the rims of {edges}, {SHARP:g} or more is sharp."
    return Verdict("focus", value, "1/µm", grade, sentence, figures)


def _exposure(some: RGB, survey: Survey) -> Verdict:
    """Level of the empty background, share of clipped pixels, evenness of the light.

    Clipped: at 0 or 255 in some channel. Uneven: the background (90th percentile of green) of the sixteenths of the
    field that show it, brightest less darkest over brightest.

    References
    ----------
    Pawley, J. B. (2006). Handbook of Biological Confocal Microscopy, 3rd ed., ch. 4: range and clipping of detectors.
    """
    if survey.on_black:
        words = "Cells are cut out on black: what the empty background was like is not known."
        return Verdict("exposure", None, "", "fair", words, {})
    level = survey.white[1] / 255
    ends = [(plane == 255) | (plane == 0) for plane in cv2.split(some)]
    clipped, burnt = float((ends[0] | ends[1] | ends[2]).mean()), float(ends[1].mean())
    uneven = _unevenness(some[..., 1], survey.white[1])
    figures = {"background": level, "clipped": clipped, "clipped_in_green": burnt, "unevenness": uneven}
    light = _low(level, BRIGHT, DIM)
    clip = _worst("fair" if clipped > CLIPPED else "good", "poor" if burnt > BURNT else "good")
    even = _high(uneven, UNEVEN, SHADED)
    grade = _worst(light, clip, even)
    if grade == "good":
        words = f"The light is even and within range: background at {level:.0%}, {clipped:.1%} clipped."
    elif clip == grade:
        words = f"{clipped:.0%} of the field is clipped, {burnt:.0%} in green: densities there are lower bounds."
    elif light == grade:
        words = f"The field is dark: its background is at {level:.0%} of full scale."
    else:
        words = f"The light is uneven: the background differs by {uneven:.0%} across the field."
    return Verdict("exposure", level, "", grade, words, figures)


def _unevenness(green: NDArray[np.uint8], white: float) -> float:
    levels = []
    for rows in np.array_split(green, 4):
        for block in np.array_split(rows, 4, axis=1):
            clear = block[block > 0.6 * white]
            if block.size >= 16 and len(clear) >= 0.1 * block.size:
                at = int(0.9 * (len(clear) - 1))
                levels.append(float(np.partition(clear, at)[at]))
    return (max(levels) - min(levels)) / max(levels) if levels else 0.0


def _stain(sample: _Sample, survey: Survey, nuclear: float | None) -> Verdict:
    """Density of intact nuclei, their distance from red cells, colour of the background.

    Distance: contrast of intact nuclei less that of red cells, over the red cells' standard deviation. Where no white
    cell was found, only the background's colour and whether anything is stained are judged.

    References
    ----------
    Ruifrok, A. C., Johnston, D. A. (2001), optical density and colour deconvolution. ICSH recommendations for the
    standardization of nomenclature and grading, Palmer et al. (2015): what a well stained film shows.
    """
    tint = (max(survey.white) - min(survey.white)) / max(survey.white)
    figures = {"background_tint": tint, "stained_density": sample.typical}
    if sample.typical == 0:
        words = "Nothing in the field is stained: it is empty or out of focus."
        return Verdict("stain", None, "OD", "poor", words, figures)
    if nuclear is None:
        words = f"No white cell to judge the nuclear stain by; red cells have {sample.typical:.2f} OD."
        return Verdict("stain", None, "OD", "fair", words, figures)
    away = _distance(sample, survey, nuclear * survey.unmixing)
    figures |= {"nuclear_density": nuclear} | ({"distance": away} if away is not None else {})
    depth = _low(nuclear, PALE, FAINT)
    apart: Grade = "good" if away is None else _low(away, APART, MERGED)
    colour: Grade = "fair" if tint > TINTED else "good"
    grade = _worst(depth, apart, colour)
    if grade == "good":
        words = f"Nuclei are well stained, {nuclear:.2f} OD, and stand out from the red cells."
    elif depth == grade:
        words = f"Nuclei are pale: {nuclear:.2f} OD, {PALE:g} or more is usual."
    elif apart == grade:
        words = f"Nuclei and red cells are stained alike: {away:.1f} standard deviations apart, {APART:g} is usual."
    else:
        words = f"The background is coloured: its channels differ by {tint:.0%}."
    return Verdict("stain", nuclear, "OD", grade, words, figures)


def _distance(sample: _Sample, survey: Survey, nuclear: float) -> float | None:
    contrast = nuclear_contrast(sample.rgb, survey)
    red = contrast[(sample.density > 0.5 * sample.typical) & (contrast < GATE)]
    if len(red) < 100:
        return None
    return float((nuclear - red.mean()) / max(float(red.std()), 1e-3))


def _crowding(sample: _Sample, cells: CellTable, um_per_px: float) -> Verdict:
    """Share of the field under cells, and share of the white cells whose outline touches another's.

    Under cells: denser than 0.3 of the typical stain, which doubles where cells lie over each other. In a thick part
    of the film they do, and white cells shrink; counts are made where red cells barely touch.

    References
    ----------
    CLSI H20-A2 (2007), Reference leukocyte differential count: the area of the film to be examined.
    """
    if sample.typical == 0:
        words = "Nothing lies in the field that could be counted."
        return Verdict("crowding", 0.0, "", "poor", words, {"covered": 0.0})
    covered = _covered(sample.density)
    touching = float(_touching(cells, TOUCH_UM / um_per_px).mean()) if len(cells) else 0.0
    figures = {"covered": covered, "white_cells_touching": touching}
    field = _high(covered, COVERED, PACKED)
    clumps: Grade = _high(touching, TOUCHING, CLUMPED) if len(cells) >= FEWEST else "good"
    grade = _worst(field, clumps)
    if grade == field:
        start = {"good": "Cells lie apart", "fair": "The field is crowded", "poor": "The field is packed"}[grade]
    else:
        start = "White cells lie in clumps, where one is easily taken for two"
    words = f"{start}: {covered:.0%} of the field is covered"
    words += f", {touching:.0%} of {len(cells)} white cells and smudges touch another." if len(cells) else "."
    return Verdict("crowding", covered, "", grade, words, figures)


def _covered(density: Floats) -> float:
    """Share under cells; where much is far brighter than the background, that was none, and the brightest is."""
    at = density.size // 200
    lift = -float(np.partition(density.ravel(), at)[at])
    if lift > _STAINED and float((density < -0.5 * _STAINED).mean()) > 0.03:
        density = density + np.float32(lift)
    stained = density[density > _STAINED]
    return float((density > max(0.3 * float(np.median(stained)), 0.03)).mean()) if len(stained) else 0.0


def _touching(cells: CellTable, reach: float) -> Mask:
    """Which cells have another's outline within ``reach`` pixels of their own."""
    out = np.zeros(len(cells), np.bool_)
    order = np.argsort(cells.bbox[:, 0], kind="stable")
    _touch(cells.cell.points, cells.cell.starts, cells.bbox.astype(np.float32), order, np.float32(reach), out)
    return out


@nb.njit(cache=True, nogil=True)
def _touch(points, starts, boxes, order, reach, out):  # type: ignore[no-untyped-def]
    """Mark both of every pair whose rings come within ``reach``; ``order`` sorts the boxes by their top."""
    for i in range(len(order)):
        a = order[i]
        for j in range(i + 1, len(order)):
            b = order[j]
            if boxes[b, 0] > boxes[a, 2] + reach:
                break
            if boxes[b, 1] > boxes[a, 3] + reach or boxes[b, 3] < boxes[a, 1] - reach or (out[a] and out[b]):
                continue
            one, other = points[starts[a] : starts[a + 1]], points[starts[b] : starts[b + 1]]
            if _near(one, other, boxes[b], reach) or _near(other, one, boxes[a], reach):
                out[a] = out[b] = True


@nb.njit(cache=True, nogil=True)
def _near(points, ring, box, reach):  # type: ignore[no-untyped-def]
    """Whether a point lies within ``reach`` of a ring, whose box is ``box``."""
    count = len(ring)
    for y, x in points:
        if y < box[0] - reach or y > box[2] + reach or x < box[1] - reach or x > box[3] + reach:
            continue
        for k in range(count):
            ay, ax = ring[k]
            uy, ux = ring[(k + 1) % count, 0] - ay, ring[(k + 1) % count, 1] - ax
            along = max(0.0, min(1.0, ((y - ay) * uy + (x - ax) * ux) / max(uy * uy + ux * ux, 1e-9)))
            if np.hypot(y - ay - along * uy, x - ax - along * ux) <= reach:
                return True
    return False
