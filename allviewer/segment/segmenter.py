"""What a segmenter is, and the ones there are."""

from collections.abc import Callable
from typing import Protocol

from allviewer.segment.default import Default
from allviewer.segment.oadls import Oadls
from allviewer.segment.survey import Survey
from allviewer.vocab.arrays import RGB
from allviewer.vocab.cells import CellTable
from allviewer.vocab.errors import RecipeError


class Segmenter(Protocol):
    """Pixels to cells.

    Tiles whose corners lie on multiples of eight pixels, read with the halo, give the cells of the untiled image.
    """

    @property
    def name(self) -> str:
        """What a recipe calls it."""
        ...

    @property
    def version(self) -> str:
        """Rises with every change that finds other cells."""
        ...

    @property
    def halo_um(self) -> float:
        """How far beyond its own part a tile must see, µm."""
        ...

    def survey(self, overview: RGB, um_per_px: float) -> Survey:
        """Whole-slide statistics from one fixed low-power view of ``um_per_px``."""
        ...

    def cells(self, rgb: RGB, um_per_px: float, survey: Survey) -> CellTable:
        """The white cells of an image (H, W, 3) uint8, in its own frame, ids 1..n."""
        ...


_MADE: dict[str, Callable[[], Segmenter]] = {"default": Default, "oadls": Oadls}

SEGMENTERS: tuple[str, ...] = tuple(_MADE)


def segmenter(name: str) -> Segmenter:
    """The segmenter of a name; RecipeError names the choices."""
    if name not in _MADE:
        raise RecipeError(
            "no such segmenter", where="--segmenter", expected=" or ".join(SEGMENTERS), got=repr(name),
            todo="Choose one of these.",
        )  # fmt: skip
    return _MADE[name]()
