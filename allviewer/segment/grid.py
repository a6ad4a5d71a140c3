"""The working grid: every length is decided in micrometres on pixels of about a fifth of one."""

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Self

import cv2
import numba as nb
import numpy as np

from allviewer.pixels.density import resolved_table
from allviewer.segment.desk import Desk
from allviewer.segment.survey import Survey
from allviewer.vocab.arrays import RGB, Floats, Grey, Labels

COARSEST_UM = 0.28
"""Images finer than half of this are averaged down by a power of two; never up."""

FINE_UM = 0.15


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _looked_up(rgb, table, azure, aside):  # type: ignore[no-untyped-def]
    for x in range(len(azure)):
        r, g, b = rgb[x, 0], rgb[x, 1], rgb[x, 2]
        azure[x] = table[0, r, 0] + table[1, g, 0] + table[2, b, 0]
        aside[x] = table[0, r, 1] + table[1, g, 1] + table[2, b, 1]


@nb.njit(cache=True, nogil=True, boundscheck=False)
def _unmix(rgb, table, near, block, azure, aside):  # type: ignore[no-untyped-def]
    """Sums over the channels of ``table`` (3, 256, 2), both planes at once; 0 in blocks that are not ``near``."""
    rows, columns = azure.shape
    for y in range(rows):
        looked, k = near[y // block], 0
        while k < len(looked):
            first = k
            while k < len(looked) and looked[k] == looked[first]:
                k += 1
            a, b = first * block, min(columns, k * block)
            if looked[first]:
                _looked_up(rgb[y, a:b], table, azure[y, a:b], aside[y, a:b])
            else:
                for x in range(a, b):
                    azure[y, x] = aside[y, x] = 0


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """An image on the working grid.

    Attributes
    ----------
    rgb : (h, w, 3) uint8.
    azure : (h, w) float32, optical density across the red cells' direction: nuclei high, red cells and
        background about 0.
    aside : (h, w) float32, optical density at right angles to both red cells and azure: about 0 on red cells and
        background, not on coloured cytoplasm.
    fine : (h, w) float32, azure with the pixel noise taken out: a Gaussian of 0.15 µm.
    factor : image pixels per working pixel, a power of two.
    um : micrometres per working pixel.
    shape : (H, W) of the image.
    clear : green grey level of the empty background.
    desk : where the arrays lie that only the work on this field needs.
    """

    rgb: RGB
    azure: Floats
    aside: Floats
    fine: Floats
    factor: int
    um: float
    shape: tuple[int, int]
    clear: float = 255.0
    desk: Desk = field(default_factory=Desk)

    @classmethod
    def of(
        cls, rgb: RGB, um: float, factor: int, shape: tuple[int, int], survey: Survey, near: Grey | None = None,
        block: int = 0, desk: Desk | None = None,
    ) -> Self:  # fmt: skip
        """A field of pixels that are on the working grid already, (h, w, 3) uint8.

        ``near``, (blocks, blocks) uint8, says in which blocks of ``block`` pixels there is anything to look at; azure
        and aside are 0 in the others.
        """
        weights = np.stack([survey.contrast, survey.aside]).astype(np.float32)
        table = np.ascontiguousarray((resolved_table(survey.white).T * weights[..., None]).transpose(1, 2, 0))
        desk = Desk() if desk is None else desk
        azure, aside = (desk.array(name, rgb.shape[:2], np.float32) for name in ("azure", "aside"))
        looked = np.ones((1, 1), np.uint8) if near is None else near
        _unmix(rgb, table, looked, max(rgb.shape) if near is None else block, azure, aside)
        fine = cv2.GaussianBlur(azure, (0, 0), max(0.5, FINE_UM / um), dst=desk.array("fine", azure.shape, np.float32))
        return cls(rgb, azure, aside, fine, factor, um, shape, survey.white[1], desk)

    def floats(self, name: str) -> Floats:
        """(h, w) float32 from the desk, not cleared."""
        return self.desk.array(name, self.azure.shape, np.float32)

    def mask(self, name: str) -> Grey:
        """(h, w) uint8 from the desk, not cleared."""
        return self.desk.array(name, self.azure.shape, np.uint8)

    def labels(self, name: str) -> Labels:
        """(h, w) int32 from the desk, not cleared."""
        return self.desk.array(name, self.azure.shape, np.int32)

    def px(self, um: float) -> float:
        """A length in micrometres as working pixels."""
        return um / self.um

    def area(self, um2: float) -> float:
        """An area in square micrometres as working pixels."""
        return um2 / self.um**2


def factor_for(um_per_px: float) -> int:
    """How many image pixels a working pixel spans: the largest power of two that stays within `COARSEST_UM`.

    A power of two, so that tiles whose corners lie on multiples of it are averaged over the very same blocks.

    >>> factor_for(0.1), factor_for(0.25), factor_for(0.06)
    (2, 1, 4)
    """
    return 1 << max(0, math.floor(math.log2(COARSEST_UM / um_per_px)))


def disc(radius: float) -> Grey:
    """(k, k) uint8 disc of at least one pixel, for cv2's morphology; not to be written to."""
    return _disc(max(1, round(radius)))


@cache
def _disc(radius: int) -> Grey:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    out: Grey = (y * y + x * x <= (radius + 0.3) ** 2).astype(np.uint8)
    return out


def working_field(rgb: RGB, um_per_px: float, survey: Survey, desk: Desk | None = None) -> Field:
    """Bring an image to the working grid.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, H and W at least 1. Rows and columns that do not fill a block are repeated to fill it.
    um_per_px : of the image.
    survey : the slide's.
    desk : where its arrays are to lie; None for a new one.
    """
    factor = factor_for(um_per_px)
    return Field.of(averaged(rgb, factor), um_per_px * factor, factor, rgb.shape[:2], survey, desk=desk)


def averaged(rgb: RGB, factor: int) -> RGB:
    """Means of ``factor`` by ``factor`` pixels; the last row and column are repeated to fill their blocks."""
    rows, columns = rgb.shape[:2]
    if factor == 1:
        return rgb
    below, beside = -rows % factor, -columns % factor
    if below or beside:
        rgb = cv2.copyMakeBorder(rgb, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    size = (rgb.shape[1] // factor, rgb.shape[0] // factor)
    out: RGB = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return out
