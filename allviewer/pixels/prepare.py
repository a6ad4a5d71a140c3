"""Preprocessing that a recipe may name: measured once a slide, then the same for every tile of it."""

from dataclasses import dataclass

import cv2
import numpy as np

from allviewer.pixels.equalise import equalisation_table, equalise, luminance
from allviewer.pixels.lattice import ColourTable, look_up
from allviewer.pixels.normalise import METHODS, REFERENCE, Appearance, appearance, normaliser
from allviewer.pixels.wiener import noise_power, wiener
from allviewer.vocab.arrays import RGB, Grey
from allviewer.vocab.errors import RecipeError

NONE = "none"

PREPARATIONS = (NONE, *METHODS, "wiener", "dhe")
"""No preprocessing; stain normalised by Reinhard or by Macenko; Wiener filter; dynamic histogram equalisation."""

WINDOW = 5
"""Pixels on a side of the Wiener filter's square."""

_BAND = 256
"""Rows filtered at a time: the filter's float64 arrays are many times the image."""


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """What one slide's pixels are put through; one of the parts is set, or none where there is nothing to do.

    Attributes
    ----------
    name : one of `PREPARATIONS`.
    colours : of stain normalisation.
    noise : of the Wiener filter, squared grey levels a channel.
    levels : (256,) uint8, of histogram equalisation.
    """

    name: str
    colours: ColourTable | None = None
    noise: tuple[float, float, float] | None = None
    levels: Grey | None = None

    def __call__(self, rgb: RGB) -> RGB:
        """Prepare pixels of that slide.

        Parameters
        ----------
        rgb : (H, W, 3) uint8; a tile may be given with a margin of two pixels, so that its filtered pixels are those
            of the whole.

        Returns
        -------
        (H, W, 3) uint8: new, or ``rgb`` itself where there is nothing to do.
        """
        if rgb.size == 0:
            return rgb
        if self.colours is not None:
            return look_up(rgb, self.colours)
        if self.noise is not None:
            return _filtered(rgb, self.noise)
        if self.levels is not None:
            return equalise(rgb, self.levels)
        return rgb


def prepare(name: str, view: RGB, reference: Appearance = REFERENCE) -> Preparation:
    """Measure what a slide's preprocessing needs.

    Parameters
    ----------
    name : one of `PREPARATIONS`; RecipeError for another.
    view : (H, W, 3) uint8, one fixed low-power view of the slide.
    reference : what stain normalisation aims at.
    """
    if name not in PREPARATIONS:
        raise RecipeError(
            "no such preprocessing", where="--preprocess", expected=" or ".join(PREPARATIONS), got=repr(name),
            todo="Choose one of these.",
        )  # fmt: skip
    if name in METHODS:
        return Preparation(name, colours=normaliser(name, appearance(view), reference))
    if view.size == 0:
        return Preparation(name)
    if name == "wiener":
        bands = [view[top : top + _BAND] for top in range(0, view.shape[0], _BAND)]
        power = [noise_power(band, WINDOW) for band in bands]
        red, green, blue = np.average(power, axis=0, weights=[len(band) for band in bands]).tolist()
        return Preparation(name, noise=(red, green, blue))
    if name == "dhe":
        return Preparation(name, levels=equalisation_table(np.bincount(luminance(view).ravel(), minlength=256)))
    return Preparation(name)


def _filtered(rgb: RGB, noise: tuple[float, float, float]) -> RGB:
    """`wiener` band by band, each with the rows beside it that its windows reach into."""
    beside = WINDOW // 2
    padded = cv2.copyMakeBorder(rgb, beside, beside, 0, 0, cv2.BORDER_REFLECT)
    out: RGB = np.empty_like(rgb)
    for top in range(0, rgb.shape[0], _BAND):
        rows = min(_BAND, rgb.shape[0] - top)
        smooth = wiener(padded[top : top + rows + 2 * beside], WINDOW, noise)[beside : beside + rows]
        out[top : top + rows] = np.clip(np.rint(smooth), 0, 255)
    return out
