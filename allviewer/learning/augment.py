"""Random views of a patch: turned, shifted, zoomed, stained otherwise, blurred, cut by an edge.

``stain`` is what ALNet is trained with here. The paper turns by 15°, mirrors, zooms and changes contrast. A cell on a
smear has no upright, and a few sessions with two cameras teach a network the camera, not the cell: so turns are
full, and absorbance is rescaled a channel (a different stain), lamp colour, sharpness and the field's edge are
drawn at random.

``camsr`` is what Khan (2024, xincept) calls so without defining it, by the list given there: crop, contrast, horizontal
flip, rotation 15°, zoom 0.2, width shift 0.2, emboss. How far cropping, contrast and embossing go is ours.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from allviewer.learning.patches import MARGIN
from allviewer.vocab.arrays import RGB


@dataclass(frozen=True, slots=True)
class Recipe:
    """How far each change may go; all are drawn evenly within their range.

    Attributes
    ----------
    turn : degrees either way.
    zoom : factor between 1/(1 + zoom) and 1 + zoom.
    shift : of the crop's side, either way.
    absorbance : every channel's absorbance is scaled by exp(± this), together.
    stain : and each by itself.
    lamp : factor on each channel's light, 1 ± this.
    grey : chance of losing this share of colour.
    blur : chance that detail is lost, by up to a 2.2-fold reduction.
    edge : chance that a field's edge cuts the crop.
    noise : standard deviation of added noise, grey levels, up to.
    upright : chance of a mirror image left to right is one half, but top stays top: shift acts on the width alone.
    crop : share of the side that may be cropped away at one place, before the rest is enlarged to fill the view.
    contrast : factor on the difference from the view's mean grey level, 1 ± this.
    emboss : chance of an embossed view, mixed with itself by up to one half.
    """

    turn: float = 180
    zoom: float = 0.15
    shift: float = 0.06
    absorbance: float = 0.25
    stain: float = 0.15
    lamp: float = 0.04
    grey: float = 0.4
    blur: float = 0.6
    edge: float = 0.1
    noise: float = 4.0
    upright: bool = False
    crop: float = 0
    contrast: float = 0
    emboss: float = 0


RECIPES = {
    "stain": Recipe(),
    "mild": Recipe(zoom=0.1, shift=0.04, absorbance=0.15, stain=0.1, lamp=0.03, grey=0.2, blur=0.3, edge=0, noise=3),
    "paper": Recipe(turn=15, shift=0, absorbance=0.2, stain=0, lamp=0, grey=0, blur=0, edge=0, noise=0),
    "camsr": Recipe(
        turn=15,
        zoom=0.2,
        shift=0.2,
        absorbance=0,
        stain=0,
        lamp=0,
        grey=0,
        blur=0,
        edge=0,
        noise=0,
        upright=True,
        crop=0.1,
        contrast=0.2,
        emboss=0.25,
    ),
    "none": Recipe(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
}

_EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)
"""Lit from the lower right; sums to 1, so that grey stays grey."""


def augment(patch: RGB, size: int, recipe: Recipe, rng: np.random.Generator, white: float = 245) -> RGB:
    """One random view.

    Parameters
    ----------
    patch : (P, P, 3) uint8, `patches.MARGIN` times wider than the crop.
    size : side of the view.
    rng : everything is drawn from it.
    white : grey level of bare background.

    Returns
    -------
    (size, size, 3) uint8.
    """
    view = _move(patch, size, recipe, rng, white)
    if rng.random() < recipe.blur:
        small = max(8, round(size / rng.uniform(1, 2.2)))
        low = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
        view = cv2.resize(low, (size, size), interpolation=cv2.INTER_LINEAR)
    view = _stain(view, recipe, rng, white)
    if recipe.contrast:
        gain = 1 + rng.uniform(-1, 1) * recipe.contrast
        view = cv2.convertScaleAbs(view, alpha=gain, beta=float(view.mean()) * (1 - gain))
    if recipe.emboss and rng.random() < recipe.emboss:
        share = rng.uniform(0, 0.5)
        view = cv2.addWeighted(cv2.filter2D(view, -1, _EMBOSS), share, view, 1 - share, 0)
    if recipe.noise:
        deviation = rng.uniform(0, recipe.noise)
        noise = rng.standard_normal((size // 2, size // 2, 3), np.float32) * deviation
        noise = cv2.resize(noise, (size, size), interpolation=cv2.INTER_NEAREST)
        view = np.clip(view + noise, 0, 255).astype(np.uint8)
    if rng.random() < recipe.edge:
        _cut(view, rng, white)
    return view


def _move(patch: RGB, size: int, recipe: Recipe, rng: np.random.Generator, white: float) -> RGB:
    """Mirror, turn, zoom and shift in one resampling."""
    side = patch.shape[0]
    angle = np.deg2rad(rng.uniform(-recipe.turn, recipe.turn))
    zoom = np.exp(rng.uniform(-1, 1) * np.log1p(recipe.zoom))
    mirror = -1.0 if recipe.turn and rng.random() < 0.5 else 1.0
    scale = side / (MARGIN * size) / zoom  # patch pixels a view pixel
    turn = scale * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    offset = rng.uniform(-recipe.shift, recipe.shift, 2) * side / MARGIN
    if recipe.upright:
        offset[1] = 0  # (x, y)
    if recipe.crop:
        left = 1 - rng.uniform(0, recipe.crop)
        turn, offset = turn * left, offset + rng.uniform(-0.5, 0.5, 2) * (1 - left) * side / MARGIN
    centre = (side - 1) / 2 + offset - turn @ np.full(2, (size - 1) / 2)
    matrix = np.column_stack([turn, centre])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved: RGB = cv2.warpAffine(
        patch, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(white,) * 3
    )
    return moved


def _stain(view: RGB, recipe: Recipe, rng: np.random.Generator, white: float) -> RGB:
    """Scale absorbance (all channels, then each), light and colour, by one table a channel."""
    power = np.exp(rng.uniform(-1, 1) * recipe.absorbance + rng.uniform(-1, 1, 3) * recipe.stain)
    light = white * (1 + rng.uniform(-1, 1, 3) * recipe.lamp)
    through = np.clip(np.arange(256)[:, None] / white, 1e-3, 1.05) ** power
    table = np.clip(np.rint(through * light), 0, 255).astype(np.uint8)[None]
    view = cv2.LUT(view, table)
    if rng.random() < recipe.grey:
        share = rng.uniform(0, 1)
        grey = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        view = cv2.addWeighted(grey, share, view, 1 - share, 0)
    return view


def _cut(view: RGB, rng: np.random.Generator, white: float) -> None:
    """Blank one side, up to just short of the middle, as where a field ends."""
    size = view.shape[0]
    upto = int(rng.uniform(0.05, 0.45) * size)
    turned = np.rot90(view, int(rng.integers(4)))  # a view on the same memory
    turned[:upto] = round(white)
