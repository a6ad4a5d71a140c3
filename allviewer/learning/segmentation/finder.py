"""Find the cells of an image exactly as the program does, and read the tables and masks that say what is there."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from allviewer.engine import analyse
from allviewer.learning.layouts import read_table
from allviewer.learning.segmentation.words import Found, Marks
from allviewer.segment import segmenter
from allviewer.segment.outlines import draw
from allviewer.slides import open_slide
from allviewer.vocab.arrays import RGB, Floats, Grey, Labels, Mask
from allviewer.vocab.cells import CellTable, Kind
from allviewer.vocab.errors import DataError
from allviewer.vocab.events import CellsFound, Started
from allviewer.vocab.optics import PixelSize, PixelSizeSource
from allviewer.vocab.region import Region

CYTOPLASM, NUCLEUS = 0.31, 0.8
"""Of full white: masks are 0 for background, about a half for cytoplasm, 1 for the nucleus, some of them smoothed."""


class Finder:
    """One segmentation route, its answers kept, so that two data sets that share fields have them analysed once.

    Parameters
    ----------
    name : of the segmenter.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._segmenter = segmenter(name)
        self._kept: dict[tuple[Path, float | None], Found] = {}

    def of_file(self, path: Path, um_per_px: float | None = None) -> Found:
        """The cells of an image file, its pixel size settled by the program unless given; ImageError if unreadable."""
        key = path.resolve(), um_per_px
        if key not in self._kept:
            with contextlib.closing(open_slide(path)) as slide:
                tables, size = [], PixelSize(None, PixelSizeSource.UNKNOWN)
                for event in analyse(slide, model=None, segmenter=self.name, pixel_size_um=um_per_px):
                    match event:
                        case Started():
                            size = event.pixel_size
                        case CellsFound():
                            tables.append(event.cells)
                self._kept[key] = Found(CellTable.concat(tables), size, slide.shape)
        return self._kept[key]

    def of_pixels(self, rgb: RGB, um_per_px: float) -> CellTable:
        """The cells of pixels in memory."""
        return self._segmenter.cells(rgb, um_per_px, self._segmenter.survey(rgb, um_per_px))


def white(cells: CellTable) -> CellTable:
    """Without smudges."""
    return cells.take(cells.kind == Kind.CELL)


def drawn(cells: CellTable, shape: tuple[int, int], scale: float) -> Labels:
    """White cells' outlines, enlarged by ``scale``, as a label image of ``shape``."""
    outlines = white(cells).cell
    return draw(replace(outlines, points=(outlines.points * np.float32(scale)).astype(np.float32)), shape)


def pixels_of(path: Path) -> Callable[[], RGB]:
    """Reads an image when it is asked for."""

    def read() -> RGB:
        with contextlib.closing(open_slide(path)) as slide:
            return slide.read(Region(0, 0, *slide.shape))

    return read


def manifest(folder: Path) -> list[dict[str, str]]:
    """The rows of a data set's ``manifest.csv``; DataError where it is missing."""
    return read_table(folder / "manifest.csv", ("file",))


def read_mask(path: Path) -> tuple[Mask, Mask]:
    """Whole cells and nuclei of a three-level mask, both (H, W) bool; DataError where it cannot be read."""
    try:
        packed = np.fromfile(path, np.uint8)
        grey: Grey | None = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE) if len(packed) else None
    except OSError as error:
        raise DataError("this mask cannot be read", where=str(path), got=error.strerror or str(error)) from error
    if grey is None:
        raise DataError("this mask cannot be read", where=str(path), expected="a picture of grey levels")
    return grey > round(255 * CYTOPLASM), grey > round(255 * NUCLEUS)


def middle_piece(mask: Mask) -> Mask:
    """The connected piece of a mask that lies nearest to the picture's middle; empty for an empty mask."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return mask
    nearest = int(np.hypot(ys - mask.shape[0] / 2, xs - mask.shape[1] / 2).argmin())
    return np.asarray(labels == labels[ys[nearest], xs[nearest]])


def rings(mask: Mask) -> tuple[Floats, ...]:
    """Outer outlines of a mask, each (k, 2) (y, x) through the middles of its outermost pixels."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return tuple(ring[:, 0, ::-1].astype(np.float32) + np.float32(0.5) for ring in found)


def marks_of(cell: Mask, nucleus: Mask, y: int = 0, x: int = 0) -> Marks:
    """Masks as outlines to draw, moved by (y, x)."""
    step = np.array([y, x], np.float32)
    return Marks(cells=tuple(r + step for r in rings(cell)), nuclei=tuple(r + step for r in rings(nucleus)))
