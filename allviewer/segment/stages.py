"""Every step of a route as a picture, so that a reader sees why a cell was found, missed, split or joined.

The steps are made by the very functions that the routes call; nothing is told here that decides anything.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from allviewer.pixels.equalise import luminance
from allviewer.segment import oadls
from allviewer.segment.bits import unpacked
from allviewer.segment.cytoplasm import REACH_UM, evidence
from allviewer.segment.grid import Field, working_field
from allviewer.segment.outlines import draw
from allviewer.segment.parting import basins, rim_distance
from allviewer.segment.seeds import (
    PLATEAU_UM,
    fill_pores,
    nuclear_bits,
    nuclear_parts,
    plateau,
)
from allviewer.segment.segmenter import segmenter
from allviewer.segment.survey import GATE, Survey
from allviewer.segment.whole_cell import Found, whole_cells
from allviewer.vocab.arrays import RGB, Floats, Grey, Labels, Mask

OF_NUCLEI = 1.6
"""Bright end of pictures of nuclear stain, over the contrast of the slide's typical nucleus."""

PALE = 0.25
"""Optical density at the bright end of the evidence of cytoplasm, and the least of pictures of nuclear stain."""

STEEP = 120
"""Grey levels of the gradient at the bright end."""

DEEP_UM = 5.0
"""Micrometres at the bright end of the distance to the rim."""


class Kind(StrEnum):
    """What a step's values are."""

    IMAGE = "image"
    LABELS = "labels"
    MASK = "mask"


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One step of a route over one image.

    Attributes
    ----------
    name : stable key.
    title : what a list of steps calls it.
    explanation : a sentence on what it shows and what it is for.
    values : (h, w): float32 or uint8 of an image, int32 numbers from 1 of labels, bool of a mask.
    kind : which of the three.
    factor : image pixels per pixel of ``values``.
    scale : values at the dark and the bright end of an image; (0, 0) of labels and masks.
    unit : of the scale.
    """

    name: str
    title: str
    explanation: str
    values: Floats | Grey | Labels | Mask
    kind: Kind
    factor: int
    scale: tuple[float, float] = (0.0, 0.0)
    unit: str = ""


def stages(segmenter_name: str, rgb: RGB, um_per_px: float, survey: Survey) -> tuple[Stage, ...]:
    """The steps of a route, first to last.

    Parameters
    ----------
    segmenter_name : registered name; RecipeError for another.
    rgb : (H, W, 3) uint8, as the segmenter is given it (preprocessed, where the recipe says so).
    um_per_px : µm per pixel.
    survey : the slide's.

    Returns
    -------
    The last one holds the cells that the route finds in this image, numbered as in its table. Empty where the image is
    too small or too dark to hold a cell.
    """
    finder = segmenter(segmenter_name)
    rgb = np.ascontiguousarray(rgb)
    if not survey.readable or 0 in rgb.shape:
        return ()
    field = working_field(rgb, um_per_px, survey)
    route = _oadls if finder.name == "oadls" else _default
    nuclei, steps = route(field, survey)
    table = finder.cells(rgb, um_per_px, survey)
    cells = Stage(
        "cells", "Cells",
        "What is left when the lobes of one nucleus are joined and the rules have taken out red cells, platelets and "
        "dirt: the cells of the table.",
        draw(table.cell, rgb.shape[:2]), Kind.LABELS, 1,
    )  # fmt: skip
    return (*steps, *_growing(field, nuclei), cells)


def _labels(field: Field, name: str, title: str, explanation: str, values: Labels) -> Stage:
    return Stage(name, title, explanation, values, Kind.LABELS, field.factor)


def _mask(field: Field, name: str, title: str, explanation: str, values: Mask) -> Stage:
    return Stage(name, title, explanation, values, Kind.MASK, field.factor)


def _image(
    field: Field, name: str, title: str, explanation: str, values: Floats | Grey, top: float, unit: str
) -> Stage:
    return Stage(name, title, explanation, values, Kind.IMAGE, field.factor, (0.0, top), unit)


def _default(field: Field, survey: Survey) -> tuple[Labels, list[Stage]]:
    """Nuclei and the steps to them of the route of that name."""
    density, dense = "optical density", round(max(PALE, OF_NUCLEI * survey.nucleus), 2)
    mask = unpacked(fill_pores(nuclear_bits(field), field), field.fine.shape[1])
    depth = rim_distance(mask, field.um)
    nuclei = nuclear_parts(field)
    steps = [
        _image(
            field, "contrast", "Nuclear contrast",
            "How much nuclear stain a pixel holds, with the red cells' own colour taken out: nuclei are bright, red "
            "cells and background dark.", field.fine, dense, density,
        ),
        _image(
            field, "plateau", "Plateau",
            f"The nuclear contrast of the densest place within {PLATEAU_UM:g} µm: the measure of what counts as "
            "nucleus there.", plateau(field), dense, density,
        ),
        _mask(
            field, "nuclear", "Nuclear mask",
            f"Pixels with more than half of the plateau's contrast, and more than {GATE:g} on any slide; small holes "
            "are filled.", mask,
        ),
        _image(
            field, "distance", "Distance to the rim",
            "How deep inside the mask a pixel lies. Touching nuclei show as hills with a pass between them.",
            depth, DEEP_UM, "µm",
        ),
        _labels(
            field, "basins", "Hills",
            "Every one of those hills, however low, flooded from its top until it meets its neighbours.",
            basins(depth, mask),
        ),
        _labels(
            field, "parted", "Parted nuclei",
            "What was flooded, joined again wherever the pass is nearly as high as the lower top and the seam no paler "
            "than its sides: one colour for each nucleus or lobe.", nuclei,
        ),
    ]  # fmt: skip
    return nuclei, steps


def _oadls(field: Field, survey: Survey) -> tuple[Labels, list[Stage]]:
    """Nuclei and the steps to them of the route of that name."""
    grey = "grey levels"
    made = oadls.stages(field, survey)
    nuclei = oadls.nuclei(field, survey)
    steps = [
        _image(
            field, "wiener", "Wiener filter",
            "Noise is smoothed where the picture is even, detail is kept where it is not; shown as luminance.",
            luminance(oadls.smoothed(field.rgb)), 255, grey,
        ),
        _image(
            field, "equalised", "Equalised",
            "Dynamic histogram equalisation: every part of the histogram gets room by its span and its population.",
            made.image, 255, grey,
        ),
        _image(
            field, "gradient", "Gradient",
            "Steepness of the grey levels: contours are bright. This is the relief that will be flooded.",
            oadls.gradient(made.image), STEEP, grey,
        ),
        _image(
            field, "flattened", "Flattened",
            f"Opened and closed by reconstruction: texture narrower than {2 * oadls.TEXTURE_UM:g} µm goes, contours "
            "stay where they were.", made.flat, 255, grey,
        ),
        _labels(
            field, "internal", "Internal markers",
            f"Dark basins at least {oadls.DEPTH} grey levels deep that hold nuclear stain: one for each nucleus.",
            made.internal,
        ),
        _mask(
            field, "external", "External marker",
            "Surely not nucleus: away from all nuclear stain, and the lines half-way between markers.", made.external,
        ),
        _image(
            field, "relief", "Relief",
            "The gradient with the markers as its only basins.", made.relief, STEEP, grey,
        ),
        _labels(
            field, "watershed", "Watershed",
            "Regions flooded from the internal markers, up to the highest contour round each.", made.flooded,
        ),
        _labels(
            field, "parted", "Parted nuclei",
            "Beyond the paper: regions that narrow or pale are parted, the watershed's lines kept.", nuclei,
        ),
    ]  # fmt: skip
    return nuclei, steps


def _growing(field: Field, nuclei: Labels) -> list[Stage]:
    """From nuclei to the cell round each: common to all routes."""
    parts, zones = whole_cells(field, nuclei)
    return [
        _labels(
            field, "zones", "Zones",
            f"Each pixel within {REACH_UM:g} µm of a nucleus belongs to the nearest one: no cell reaches into "
            "another's zone.", zones.number,
        ),
        _image(
            field, "cytoplasm", "Evidence of cytoplasm",
            "Stain that is not the red cells' own: bright where cytoplasm may be.", evidence(field), PALE,
            "optical density",
        ),
        _labels(
            field, "grown", "Grown cells",
            "Each nucleus or lobe with the cytoplasm found round it, before the lobes of one nucleus are joined.",
            _painted(parts, nuclei.shape),
        ),
    ]  # fmt: skip


def _painted(parts: list[Found | None], shape: tuple[int, int]) -> Labels:
    """Cells in one label image, (h, w) int32, part n numbered n."""
    out: Labels = np.zeros(shape, np.int32)
    for number, one in enumerate(parts, start=1):
        if one is not None:
            height, width = one.cell.shape
            out[one.y : one.y + height, one.x : one.x + width][one.cell] = number
    return out
