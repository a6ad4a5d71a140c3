"""TIFF, OME-TIFF and Aperio SVS: read tile by tile (or strip by strip), whole only where that is small."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import numpy as np

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Alpha, Ink, Meaning, Samples, to_rgb
from allviewer.slides.layout import Layout
from allviewer.slides.lazy import LazyLevel
from allviewer.slides.levels import Contents, read_contents
from allviewer.slides.pixelsize import pixel_size
from allviewer.slides.plain import dark, turned
from allviewer.slides.refusal import LIBRARY_ERRORS, damaged, undecodable, unsupported
from allviewer.slides.segments import decode_segment
from allviewer.slides.slide import ArraySlide, OpenedSlide, Slide
from allviewer.slides.source import ClosedError, FileSource
from allviewer.slides.tags import TagError, Tree
from allviewer.vocab.arrays import RGB
from allviewer.vocab.errors import AllviewerError, ImageError
from allviewer.vocab.region import Region

WHOLE_PIXELS = 24_000_000
"""A picture of one level up to this size is decoded when opened: damage is then found at once."""

CACHE_BYTES = 128 << 20
"""Decoded tiles kept of one slide."""

SPARSE_NOTE = "Tiles that the file leaves out are shown white."


def open_tiff(path: Path, budget: Budget, notes: tuple[str, ...]) -> Slide:
    """Open a TIFF.

    Raises
    ------
    ImageError : damaged, too large, or of a kind that is not read.
    """
    source = FileSource(path)
    try:
        contents = read_contents(Tree.of(source), path, budget)
        meaning = tiff_meaning(contents, path)
        slide = TiffSlide(path, source, contents, meaning, notes)
        if len(slide.levels) > 1 or (slide.shape[0] * slide.shape[1] > WHOLE_PIXELS and slide.by_parts):
            return slide
        height, width = slide.shape
        budget.check(path, height, width, 3 + 3 * (not slide.by_parts))
        rgb = slide.read_level(0, Region(0, 0, height, width))
        slide.close()
        return ArraySlide(path, rgb, slide.pixel_size, slide.notes + dark(rgb, meaning))
    except AllviewerError:
        source.close()
        raise
    except TagError as error:
        source.close()
        raise damaged(path, str(error)) from error
    except LIBRARY_ERRORS as error:
        source.close()
        raise undecodable(path, error) from error


def tiff_meaning(contents: Contents, path: Path) -> Meaning:
    """How the samples of level 0 become colours.

    Raises
    ------
    ImageError : the channels make no picture.
    """
    layouts = contents.levels[0]
    layout = layouts[0]
    samples = layout.samples * len(layouts)
    bits = layout.bits
    if contents.significant_bits and bits > 8 and 8 < contents.significant_bits < bits:
        bits = contents.significant_bits
    if layout.photometric in (2, 6) or (layout.photometric <= 1 and samples in (3, 4)):
        ink = Ink.RGB
    elif layout.photometric == 5:
        ink = Ink.CMYK
    elif layout.photometric == 3:
        ink = Ink.PALETTE
    else:
        ink = Ink.GREY_INVERTED if layout.photometric == 0 else Ink.GREY
    more = samples - ink.samples
    if more > 1:
        raise unsupported(path, f"a picture of {samples} channels is not supported", expected="grey, RGB or CMYK")
    alpha = Alpha.NONE
    if more == 1:
        stated = layout.extra[0] if layout.extra else 0
        alpha = {1: Alpha.PREMULTIPLIED, 2: Alpha.STRAIGHT}.get(stated, Alpha.UNSTATED)
    return Meaning(ink, bits, alpha, layout.palette)


def together(parts: list[Samples]) -> Samples:
    """Channels that were stored apart, side by side: (h, w, s) each → (h, w, sum of s)."""
    if len(parts) == 1:
        return parts[0]
    whole: Any = np.concatenate(parts, axis=2)
    return cast(Samples, whole)


class TiffSlide(OpenedSlide):
    """A TIFF held open.

    Parameters
    ----------
    source : the open file; closed with the slide.
    contents : what is shown of it.
    meaning : of its samples.
    """

    def __init__(
        self, path: Path, source: FileSource, contents: Contents, meaning: Meaning, notes: tuple[str, ...]
    ) -> None:
        levels = tuple((layouts[0].height, layouts[0].width) for layouts in contents.levels)
        notes += contents.notes + meaning.notes + turned(contents.orientation)
        if any((layout.counts == 0).any() for layouts in contents.levels for layout in layouts):
            notes += (SPARSE_NOTE,)
        super().__init__(path, levels, pixel_size(contents.step_um), notes)
        self._source, self._contents, self._meaning = source, contents, meaning
        self._cache: OrderedDict[tuple[int, int, int], RGB] = OrderedDict()
        self._cached = 0
        self._lock = threading.Lock()

    @property
    def by_parts(self) -> bool:
        """Whether its tiles or strips are small enough to be kept, rather than the picture being one of them."""
        layout = self._contents.levels[0][0]
        return layout.tile_height * layout.tile_width * 3 <= CACHE_BYTES // 4

    def read_level(self, level: int, box: Region) -> RGB:
        """Pixels of a box in a level's own pixels, put together from its tiles."""
        layout = self._contents.levels[level][0]
        out = np.empty((box.height, box.width, 3), np.uint8)
        if box.empty:
            return out
        th, tw = layout.tile_height, layout.tile_width
        for row in range(box.y0 // th, -(-box.y1 // th)):
            for column in range(box.x0 // tw, -(-box.x1 // tw)):
                tile = self._tile(level, row, column)
                top, left = row * th, column * tw
                part = Region(top, left, top + tile.shape[0], left + tile.shape[1])
                y0, y1 = max(part.y0, box.y0), min(part.y1, box.y1)
                x0, x1 = max(part.x0, box.x0), min(part.x1, box.x1)
                out[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0] = tile[
                    y0 - top : y1 - top, x0 - left : x1 - left
                ]
        return out

    def _tile(self, level: int, row: int, column: int) -> RGB:
        key = (level, row, column)
        with self._lock:
            tile = self._cache.get(key)
            if tile is not None:
                self._cache.move_to_end(key)
                return tile
        try:
            tile = self._decode(self._contents.levels[level], row, column)
        except AllviewerError:
            raise
        except LIBRARY_ERRORS as error:
            raise undecodable(self.path, error) from error
        with self._lock:
            if key not in self._cache and tile.nbytes <= CACHE_BYTES // 4:
                self._cache[key] = tile
                self._cached += tile.nbytes
                while self._cached > CACHE_BYTES:
                    self._cached -= self._cache.popitem(last=False)[1].nbytes
        return tile

    def _decode(self, layouts: tuple[Layout, ...], row: int, column: int) -> RGB:
        layout = layouts[0]
        rows = min(layout.tile_height, layout.height - row * layout.tile_height)
        columns = min(layout.tile_width, layout.width - column * layout.tile_width)
        grid_rows, grid_columns = layout.grid
        at = row * grid_columns + column
        parts: list[Samples] = []
        for plane in layouts:
            for k in range(plane.samples if plane.planar else 1):
                index = at + k * grid_rows * grid_columns
                if not plane.counts[index]:
                    return np.full((rows, columns, 3), 255, np.uint8)
                data = self._bytes(plane, index)
                parts.append(decode_segment(plane, data, rows, columns, self.path))
        return to_rgb(together(parts), self._meaning)

    def _bytes(self, plane: Layout, index: int) -> bytes:
        offset, count = int(plane.offsets[index]), int(plane.counts[index])
        try:
            data = self._source.read_at(offset, count)
        except ClosedError as error:
            raise ImageError("the slide was closed", where=str(self.path), todo="Open it again.") from error
        if len(data) < count:
            raise ImageError("the file became shorter while it was open", where=str(self.path), todo="Open it again.")
        return data

    def pyramid(self) -> list[Any]:
        """Levels that are read when sliced."""
        return [LazyLevel(self, level) for level in range(len(self.levels))]

    def close(self) -> None:
        """Close the file and forget its tiles."""
        self._source.close()
        with self._lock:
            self._cache.clear()
            self._cached = 0
