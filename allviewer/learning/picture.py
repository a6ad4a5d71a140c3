"""One image that samples lie in: a plain picture, read whole, or a slide too large for that."""

import cv2
import numpy as np

from allviewer.engine.optics import overview
from allviewer.learning.samples import Samples
from allviewer.segment.survey import grounded, survey
from allviewer.slides import open_slide
from allviewer.systems.crops import cut_crops
from allviewer.systems.fields import mask_corner
from allviewer.vocab.arrays import RGB, Floats
from allviewer.vocab.errors import DataError
from allviewer.vocab.region import Region

PLAIN = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
MOST_PIXELS = 64_000_000
"""A plain picture with more is read as a slide: cell by cell."""


class Picture:
    """The image of some samples.

    Attributes
    ----------
    shape : rows and columns.
    view : (h, w, 3) uint8, the image or its overview: what stain and light are taken from, as the engine takes them.
        Cells cut out on black lie on white here, as in the engine.
    """

    def __init__(self, samples: Samples, number: int) -> None:
        path = samples.root / samples.files[number]
        self._slide = open_slide(path) if path.is_dir() or path.suffix.lower() not in PLAIN else None
        rgb = read_rgb(samples, number) if self._slide is None else None
        if rgb is not None and rgb.shape[0] * rgb.shape[1] > MOST_PIXELS:
            rgb, self._slide = None, open_slide(path)
        if rgb is not None:
            self.shape, view = (rgb.shape[0], rgb.shape[1]), rgb
        else:
            assert self._slide is not None
            self.shape, view = self._slide.shape, overview(self._slide)[0]
        self._found = survey(view)
        self.view = grounded(view, self._found)

    def cut(self, boxes: Floats, side: int, fill: tuple[float, ...] = (255, 255, 255)) -> RGB:
        """Crops (n, side, side, 3) of boxes (n, 4) (y0, x0, y1, x1), see `systems.crops.cut_crops`."""
        if self._slide is None:
            return cut_crops(self.view, boxes, side, fill)
        block = np.empty((len(boxes), side, side, 3), np.uint8)
        height, width = self.shape
        for row, (y0, x0, y1, x1) in enumerate(np.rint(boxes).astype(np.int64).tolist()):
            seen = Region(max(y0, 0), max(x0, 0), max(min(y1, height), y0, 0), max(min(x1, width), x0, 0))
            part = grounded(self._slide.read(seen.clip(height, width)), self._found)
            local = np.array([[y0, x0, y1, x1]]) - np.tile((max(y0, 0), max(x0, 0)), 2)
            block[row] = cut_crops(part, local, side, fill)[0]
        return block


def read_rgb(samples: Samples, number: int) -> RGB:
    """One of the samples' images, (H, W, 3) uint8."""
    path = samples.root / samples.files[number]
    bgr = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DataError("this image cannot be decoded", where=str(path))
    rgb: RGB = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    mask_corner(rgb, samples.masked_corner)
    return rgb
