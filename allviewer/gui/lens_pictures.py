"""What a lens shows, as pictures: a slide's normalised stain, the steps of a route. No widget in it."""

from dataclasses import dataclass, replace
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from allviewer.engine.optics import overview
from allviewer.pixels.lattice import look_up
from allviewer.pixels.normalise import Appearance, appearance, normaliser
from allviewer.pixels.prepare import NONE, Preparation, prepare
from allviewer.segment import Survey, segmenter
from allviewer.segment.stages import Kind, Stage, stages
from allviewer.slides import Slide
from allviewer.vocab.arrays import RGB, Labels, Mask
from allviewer.vocab.region import Region

WHOLE = 8_000_000
"""Pixels of a slide that is normalised whole, once; of a larger one only what is on screen."""

LONGEST = 2000
"""Image pixels on a side of the area whose steps are shown, and of `FINEST` pixels of the working grid."""

FINEST = 1200

TINTS = ("#4DD0E1", "#FFF59D", "#AED581", "#FAFAFA", "#FFCC80")
"""Colours of numbered things: none is a class's, all stand out from pink and purple."""

PREPARED = {
    "reinhard": "The stain normalised by Reinhard's method: cells are looked for in these pixels.",
    "macenko": "The stain normalised by Macenko's method: cells are looked for in these pixels.",
    "wiener": "The picture after the Wiener filter: cells are looked for in these pixels.",
    "dhe": "The picture after dynamic histogram equalisation: cells are looked for in these pixels.",
}

FILL = 110
"""Alpha inside the rims of numbered things."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels for the lens layer: (h, w, 4) uint8, of a region of the slide."""

    rgba: RGB
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a route, ready to be shown: its title, a sentence on it, what its tones or tints mean, its pixels."""

    title: str
    explanation: str
    legend: str
    picture: Picture


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """How a slide is segmented: names of segmenter and preprocessing, and what they measured once on the slide."""

    segmenter: str
    um: float
    prepared: Preparation
    survey: Survey


def slide_appearance(slide: Slide) -> Appearance:
    """The slide's stain, from the same low-power view that an analysis looks at."""
    return appearance(overview(slide)[0])


def slide_route(slide: Slide, segmenter_name: str, preprocessing: str, um: float) -> Route:
    """What an analysis measures before its first tile."""
    view, scale = overview(slide)
    prepared = prepare(preprocessing, view)
    return Route(segmenter_name, um, prepared, segmenter(segmenter_name).survey(prepared(view), um * scale))


def normalised(slide: Slide, method: str, source: Appearance, region: Region, step: float) -> Picture:
    """A region with its stain normalised, one pixel for about ``step`` of the slide's, at least one."""
    coarser = [i for i, level in enumerate(slide.levels) if slide.shape[0] / level[0] <= step * 1.01]
    rgb = slide.read(region, coarser[-1] if coarser else 0)
    rows, columns = (max(1, ceil(side / max(1.0, step))) for side in (region.height, region.width))
    if rows < rgb.shape[0] and columns < rgb.shape[1]:
        rgb = np.asarray(cv2.resize(rgb, (columns, rows), interpolation=cv2.INTER_AREA))
    return Picture(_opaque(look_up(rgb, normaliser(method, source))), region)


def steps(slide: Slide, route: Route, core: Region) -> tuple[Step, ...]:
    """Every step of a route over an area, seen with as much around it as the route looks at.

    Parameters
    ----------
    core : its corners on multiples of eight pixels, so that the working grid is that of the analysis.
    """
    halo = ceil(segmenter(route.segmenter).halo_um / route.um / 8) * 8
    view = core.grow(halo).clip(*slide.shape)
    rgb = route.prepared(slide.read(view))
    made = tuple(_step(stage, view, core) for stage in stages(route.segmenter, rgb, route.um, route.survey))
    if not made or route.prepared.name == NONE:
        return made
    inside = rgb[core.y0 - view.y0 : core.y1 - view.y0, core.x0 - view.x0 : core.x1 - view.x0]
    first = Step("Preprocessed", PREPARED[route.prepared.name], "As a picture.", Picture(_opaque(inside), core))
    return first, *made


def _step(stage: Stage, view: Region, core: Region) -> Step:
    f = stage.factor
    top, left = (core.y0 - view.y0) // f, (core.x0 - view.x0) // f
    values = stage.values[top : top + ceil(core.height / f), left : left + ceil(core.width / f)]
    covered = Region(core.y0, core.x0, core.y0 + values.shape[0] * f, core.x0 + values.shape[1] * f)
    picture = Picture(coloured(replace(stage, values=values)), covered)
    return Step(stage.title, stage.explanation, legend(stage), picture)


def legend(stage: Stage) -> str:
    """What bright and dark mean, or colours."""
    match stage.kind:
        case Kind.IMAGE:
            return f"Black {stage.scale[0]:g}, white {stage.scale[1]:g} {stage.unit}."
        case Kind.MASK:
            return "Tinted where it holds. O hides the outlines."
        case Kind.LABELS:
            return "Each has a tint and a rim. O hides the outlines."


def area(view: Region, um: float, shape: tuple[int, int]) -> Region:
    """Where steps are shown: the middle of the view, bounded, its corners on multiples of eight."""
    fine = next(f for f in (8, 4, 2, 1) if um * f <= 0.28 or f == 1)
    most = min(LONGEST, FINEST * fine)
    sides = []
    for low, high, end in ((view.y0, view.y1, shape[0]), (view.x0, view.x1, shape[1])):
        if high - low > most:
            low = (low + high - most) // 2
            high = low + most
        sides.append((low // 8 * 8, min(end, -(-high // 8) * 8)))
    return Region(sides[0][0], sides[1][0], sides[0][1], sides[1][1])


def coloured(stage: Stage) -> RGB:
    """A step's values as (h, w, 4) uint8: images grey and opaque, masks and numbers tinted, with a rim."""
    if stage.kind is Kind.IMAGE:
        low, high = stage.scale
        grey = np.clip((stage.values.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        return _opaque(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    numbers: Labels = stage.values.astype(np.int32)
    tints = np.array([[*bytes.fromhex(colour[1:]), FILL] for colour in TINTS], np.uint8)
    table = np.concatenate([np.zeros((1, 4), np.uint8), tints[_apart(numbers)]])
    rgba: RGB = table[numbers]
    rgba[..., 3][_rims(numbers)] = 255
    return rgba


def _apart(numbers: Labels) -> NDArray[np.intp]:
    """A tint for each number from 1, so that numbers within seven pixels of each other differ wherever that can be."""
    count = int(numbers.max(initial=0))
    # largest number near each pixel; float32 holds whole numbers to 16 million
    near = cv2.dilate(numbers.astype(np.float32), np.ones((15, 15), np.uint8)).astype(np.int32)
    seam = (numbers > 0) & (near > numbers)
    beside: dict[int, set[int]] = {}
    for low, high in np.unique(np.stack([numbers[seam], near[seam]], axis=1), axis=0).tolist():
        beside.setdefault(high, set()).add(low)
    tint = np.zeros(count, np.intp)
    for number in range(1, count + 1):
        taken = {int(tint[other - 1]) for other in beside.get(number, ())}
        turned = [(number + i) % len(TINTS) for i in range(len(TINTS))]
        tint[number - 1] = next((i for i in turned if i not in taken), turned[0])
    return tint


def _rims(numbers: Labels) -> Mask:
    """Pixels inside a number whose neighbour above, below, left or right has another."""
    rim = np.zeros(numbers.shape, np.bool_)
    down, across = numbers[1:] != numbers[:-1], numbers[:, 1:] != numbers[:, :-1]
    rim[1:] |= down
    rim[:-1] |= down
    rim[:, 1:] |= across
    rim[:, :-1] |= across
    return rim & (numbers > 0)


def _opaque(rgb: RGB) -> RGB:
    out: RGB = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return out
