"""What every opened image offers, whatever file it came from."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from allviewer.vocab.arrays import RGB
from allviewer.vocab.errors import ImageError
from allviewer.vocab.optics import PixelSize
from allviewer.vocab.region import Region

Shape = tuple[int, int]
"""Rows, columns."""


class Slide(Protocol):
    """One image, opened for reading. Safe to read from several threads at once."""

    @property
    def path(self) -> Path:
        """The file (or folder)."""
        ...

    @property
    def name(self) -> str:
        """File stem."""
        ...

    @property
    def digest(self) -> str:
        """sha256 of the file's bytes, hex; of a folder: over its files in sorted order. Computed when first asked."""
        ...

    @property
    def shape(self) -> Shape:
        """Level-0 rows, columns."""
        ...

    @property
    def levels(self) -> tuple[Shape, ...]:
        """Rows, columns of each level, level 0 first."""
        ...

    @property
    def pixel_size(self) -> PixelSize:
        """µm per pixel as the file states it, or unknown."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what was converted, left out or doubted."""
        ...

    def read(self, region: Region, level: int = 0) -> RGB:
        """Pixels of a region.

        Parameters
        ----------
        region : inside the image, always in level-0 pixels.
        level : which level to read from.

        Returns
        -------
        (ceil(height / step), ceil(width / step), 3) uint8 RGB, where step is level 0's size over the level's;
        a fresh array.

        Raises
        ------
        ImageError : the file is damaged there.
        ValueError : the region leaves the image, or there is no such level.
        """
        ...

    def pyramid(self) -> list[Any]:
        """The levels as sliceable (h, w, 3) uint8 arrays, level 0 first: numpy in memory, else read when sliced."""
        ...

    def close(self) -> None:
        """Let the file go."""
        ...


class OpenedSlide(ABC):
    """What all slides share: facts, digest, and the way from level-0 regions to a level's own pixels."""

    def __init__(self, path: Path, levels: tuple[Shape, ...], pixel_size: PixelSize, notes: tuple[str, ...]) -> None:
        self.path, self.name = path, path.stem
        self.shape, self.levels = levels[0], levels
        self.pixel_size, self.notes = pixel_size, notes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path.name} {self.shape[1]}x{self.shape[0]} levels={len(self.levels)}>"

    @cached_property
    def digest(self) -> str:
        """sha256 of the file's bytes, hex."""
        return content_digest(self.path)

    def read(self, region: Region, level: int = 0) -> RGB:
        """Pixels of a level-0 region at a level; see `Slide.read`."""
        if not 0 <= level < len(self.levels):
            raise ValueError(f"{self.path.name} has levels 0 to {len(self.levels) - 1}, not {level}")
        if region != region.clip(*self.shape):
            raise ValueError(
                f"{region} leaves {self.path.name}, which has {self.shape[0]} rows, {self.shape[1]} columns"
            )
        y0, y1 = _at_level(region.y0, region.height, self.levels[level][0], self.shape[0])
        x0, x1 = _at_level(region.x0, region.width, self.levels[level][1], self.shape[1])
        return self.read_level(level, Region(y0, x0, y1, x1))

    @abstractmethod
    def read_level(self, level: int, box: Region) -> RGB:
        """Pixels of a box given in the level's own pixels, already inside it; a fresh array."""

    @abstractmethod
    def pyramid(self) -> list[Any]:
        """See `Slide.pyramid`."""

    @abstractmethod
    def close(self) -> None:
        """Let the file go."""


def _at_level(start: int, length: int, size: int, full: int) -> tuple[int, int]:
    """First and last-plus-one pixel at a level of ``size`` for a span of level 0 of ``full``: floor, then ceil."""
    first = start * size // full
    return first, first - (-length * size // full)


def content_digest(path: Path) -> str:
    """sha256 of a file's bytes, or over (relative path, NUL, bytes) of a folder's files in sorted order; hex."""
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for name, file in sorted((f.relative_to(path).as_posix(), f) for f in path.rglob("*") if f.is_file()):
                digest.update(name.encode() + b"\0")
                for block in _blocks(file):
                    digest.update(block)
        else:
            for block in _blocks(path):
                digest.update(block)
    except OSError as error:
        raise ImageError(
            "the file cannot be read", where=str(path), got=error.strerror or "", todo="Check that it is still there."
        ) from error
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


class ArraySlide(OpenedSlide):
    """An image held in memory whole."""

    def __init__(self, path: Path, rgb: RGB, pixel_size: PixelSize, notes: tuple[str, ...]) -> None:
        height, width = rgb.shape[:2]
        super().__init__(path, ((height, width),), pixel_size, notes)
        self._rgb = rgb
        self._rgb.flags.writeable = False

    def read_level(self, level: int, box: Region) -> RGB:
        """A copy of part of the array."""
        return np.array(self._rgb[box.y0 : box.y1, box.x0 : box.x1])

    def pyramid(self) -> list[Any]:
        """The array itself, read-only."""
        return [self._rgb]

    def close(self) -> None:
        """Nothing to do: no file is held open."""
