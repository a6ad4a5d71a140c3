"""Settle the pixel size, and the low-power view that whole-slide statistics are taken from."""

import cv2
import numpy as np

from allviewer.segment.pixel_size import assumed_pixel_size, estimate_pixel_size
from allviewer.segment.survey import survey
from allviewer.slides import Slide
from allviewer.vocab.arrays import RGB
from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource
from allviewer.vocab.region import Region

OVERVIEW_LONGEST = 4096
"""Pixels of the survey's view: a camera field is taken whole, a slide at low power."""

ESTIMATE_LONGEST = 3072
"""Pixels of the level-0 window in the slide's middle that red cells are measured in."""


CNMC_SIDE, CNMC_UM = 450, 0.05
"""Crops of C-NMC 2019 are squares of this side with the cell cut out on black; nobody tells their scale. With so many
µm per pixel their lymphoblasts are 11 to 13 µm wide and their normal cells 9 to 12. One number for all: the size of a
cell tells a blast, and would be lost if every nucleus were taken for an ordinary one."""

CELLAVISION_CROPS, CELLAVISION_UM = ((363, 360), (369, 366)), 0.1
"""(height, width) of the crops that CellaVision's DM96 saves, and their µm per pixel, for those with too few red cells
to measure: the median of what the red cells of such crops give, rounded."""


def settle_pixel_size(slide: Slide, given_um: float | None) -> tuple[PixelSize, float]:
    """The most trusted pixel size there is, and the µm per pixel that lengths are decided by.

    The first is given, from the file, estimated from red cells, or unknown; the second is its number, and where it is
    unknown an assumption: that of a known maker of crops, else see `segment.pixel_size.assumed_pixel_size`.
    """
    if given_um is not None:
        return PixelSize(given_um, PixelSizeSource.GIVEN), given_um
    if slide.pixel_size.um is not None:
        return slide.pixel_size, slide.pixel_size.um
    height, width = slide.shape
    middle = Region(height // 2, width // 2, height // 2, width // 2).grow(ESTIMATE_LONGEST // 2)
    rgb = slide.read(middle.clip(height, width))
    if slide.shape == (CNMC_SIDE, CNMC_SIDE) and survey(rgb).on_black:
        return UNKNOWN_PIXEL_SIZE, CNMC_UM
    estimate = estimate_pixel_size(rgb)
    if estimate.um is None and slide.shape in CELLAVISION_CROPS:
        return estimate, CELLAVISION_UM
    return estimate, estimate.um or assumed_pixel_size(rgb)


def overview(slide: Slide) -> tuple[RGB, float]:
    """A fixed low-power view of the whole slide, and how many level-0 pixels one of its pixels spans.

    Returns
    -------
    rgb : (h, w, 3) uint8, long side at most `OVERVIEW_LONGEST`. It depends on the slide alone, never on the tiling,
        so the statistics taken from it are the same for any tiling.
    scale : level-0 pixels per pixel of ``rgb``.
    """
    height, width = slide.shape
    longest = max(height, width)
    if longest <= OVERVIEW_LONGEST:
        return slide.read(Region(0, 0, height, width)), 1.0
    fine_enough = [i for i, level in enumerate(slide.levels) if max(level) >= OVERVIEW_LONGEST]
    level = fine_enough[-1] if fine_enough else 0
    scale = longest / OVERVIEW_LONGEST
    shape = (max(1, round(height / scale)), max(1, round(width / scale)))
    rgb = np.empty((*shape, 3), np.uint8)
    strip = max(1, round(1024 / scale))  # rows of the overview filled by one read of about 1024 level-0 rows
    for top in range(0, shape[0], strip):
        bottom = min(shape[0], top + strip)
        part = slide.read(Region(int(top * scale), 0, min(height, round(bottom * scale)), width), level)
        rgb[top:bottom] = cv2.resize(part, (shape[1], bottom - top), interpolation=cv2.INTER_AREA)
    return rgb, scale
