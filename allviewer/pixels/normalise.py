"""Stain normalisation: every slide brought to the look of one reference, the background to its white.

One fit a slide, from one fixed low-power view; then every pixel by itself. So all tiles share it, and tiling changes
nothing.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from allviewer.pixels import macenko, reinhard
from allviewer.pixels.density import background
from allviewer.pixels.lattice import ColourTable, look_up, tabulate
from allviewer.pixels.macenko import Macenko
from allviewer.pixels.reinhard import Reinhard
from allviewer.vocab.arrays import RGB, Floats

METHODS = ("reinhard", "macenko")

STAINED = 0.08
"""Optical density (length over the three channels) from which a pixel counts as stained."""

BARE = 0.03
"""Up to this density a pixel is background, and only the lamp's colour is taken out of it."""

OPAQUE = (3.0, 4.0)
"""Between these densities a pixel passes from stain to what no light goes through, a slide's frame or dirt: left black.
The densest nuclei stay below 2.5."""

DARKEST_WHITE = 40.0
"""A background darker than this is no transmitted light: nothing is normalised."""

VIEW_PIXELS = 400_000
"""Views are reduced to about this many pixels before they are measured."""

_FEWEST = 400
_DARKEST = 1 / 255

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a slide looks: a few numbers, for both methods.

    Attributes
    ----------
    white : red, green and blue of the empty background, grey levels.
    reinhard, macenko : of the stained pixels; None where the view shows too few.
    """

    white: Triple
    reinhard: Reinhard | None
    macenko: Macenko | None


REFERENCE = Appearance(
    (245.0, 245.0, 245.0),
    Reinhard((-0.2242, -0.0481, 0.0050), (0.1726, 0.0695, 0.0030)),
    Macenko((0.4826, 0.7507, 0.4512), (0.5370, 0.8143, 0.2205), (0.2514, 1.0769)),
)
"""A typical May-Gruenwald-Giemsa smear under a neutral lamp: measured on this program's own rendered stain of that
name, with the sample field's cells; a test renders it and measures it again."""


def appearance(view: RGB) -> Appearance:
    """Measure one fixed low-power view of a slide, or a reference image.

    Parameters
    ----------
    view : (H, W, 3) uint8; reduced to about `VIEW_PIXELS` first.
    """
    if view.size == 0:
        return Appearance((255.0, 255.0, 255.0), None, None)
    step = max(1, round((view.shape[0] * view.shape[1] / VIEW_PIXELS) ** 0.5))
    if step > 1:
        size = (max(1, view.shape[1] // step), max(1, view.shape[0] // step))
        view = np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA))
    white = background(view)
    # dyes are looked for in cells, not in the sensor's noise and a JPEG's coloured rims
    view = np.asarray(cv2.GaussianBlur(view, (0, 0), 1.0))
    light: Floats = (view.reshape(-1, 3) / np.asarray(white)).astype(np.float32)
    density = _density(light)
    stained = np.linalg.norm(density, axis=1) > STAINED
    if max(white) < DARKEST_WHITE or stained.sum() < _FEWEST:
        return Appearance(white, None, None)
    return Appearance(white, reinhard.measure(light[stained]), macenko.measure(density[stained]))


def _density(light: Floats) -> Floats:
    out: Floats = -np.log10(np.maximum(light, _DARKEST)).astype(np.float32)
    return out


def normaliser(method: str, source: Appearance, target: Appearance = REFERENCE) -> ColourTable:
    """The map of colours from one appearance to another, tabulated.

    Parameters
    ----------
    method : one of `METHODS`.
    source : the slide's.
    target : the reference's.

    Returns
    -------
    For `look_up`. The source's background becomes the target's; pixels between background and stain are mixed, so that
    no seam shows. Where either appearance has no stain, light alone is levelled; where the source is too dark for
    transmitted light, nothing is.
    """
    if method not in METHODS:
        raise ValueError(f"no normalisation is called {method!r}: there are {', '.join(METHODS)}")
    white, goal = np.asarray(source.white, np.float32), np.asarray(target.white, np.float32)
    if max(source.white) < DARKEST_WHITE:
        return tabulate(lambda rgb: rgb)

    def colours(rgb: Floats) -> Floats:
        light = rgb / white
        density = _density(light)
        moved = _moved(method, light, density, source, target)
        depth = np.linalg.norm(np.maximum(density, 0), axis=1, keepdims=True)
        share = np.clip((depth - BARE) / (STAINED - BARE), 0, 1) * np.clip((OPAQUE[1] - depth) / np.ptp(OPAQUE), 0, 1)
        mixed: Floats = goal * (share * np.minimum(moved, 1) + (1 - share) * light)
        return mixed

    return tabulate(colours)


def _moved(method: str, light: Floats, density: Floats, source: Appearance, target: Appearance) -> Floats:
    """Stained pixels' light, relative to the background's, as the target would show it."""
    if method == "reinhard" and source.reinhard is not None and target.reinhard is not None:
        return reinhard.transfer(light, source.reinhard, target.reinhard)
    if method == "macenko" and source.macenko is not None and target.macenko is not None:
        moved: Floats = 10 ** -macenko.transfer(density, source.macenko, target.macenko)
        return moved
    return light


def normalise(rgb: RGB, table: ColourTable) -> RGB:
    """An image, (..., 3) uint8, as the reference would show it; ``table`` is its slide's, from `normaliser`."""
    return look_up(rgb, table)
