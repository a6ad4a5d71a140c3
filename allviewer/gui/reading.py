"""What napari is given to draw a slide from."""

from pathlib import Path
from typing import Any

import numpy as np

from allviewer.slides import Slide
from allviewer.vocab.arrays import RGB
from allviewer.vocab.region import Region


def read_pixels(slide: Slide) -> Any:
    """A (H, W, 3) uint8 array for a slide of one level, else its levels as they are, sliced when drawn."""
    levels = slide.pyramid()
    return np.asarray(levels[0]) if len(levels) == 1 else levels


def crop(slide: Slide, box: tuple[float, float, float, float]) -> RGB:
    """Pixels of a box (y0, x0, y1, x1) that may leave the slide; what lies outside is white."""
    y0, x0, y1, x1 = (round(v) for v in box)
    out = np.full((max(1, y1 - y0), max(1, x1 - x0), 3), 255, np.uint8)
    inside = Region(y0, x0, max(y1, y0), max(x1, x0)).clip(*slide.shape)
    if not inside.empty:
        out[inside.y0 - y0 : inside.y1 - y0, inside.x0 - x0 : inside.x1 - x0] = slide.read(inside)
    return out


RENDERED = b"synthetic blood smear rendered by allviewer"
"""What every file that this program rendered says of itself, near its beginning."""


def is_synthetic(path: Path) -> bool:
    """Whether a file says that it was rendered and not photographed."""
    try:
        with path.open("rb") as file:
            return RENDERED in file.read(1 << 16)
    except OSError:
        return False
