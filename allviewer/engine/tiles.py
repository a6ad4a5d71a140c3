"""Cut a slide into tiles: each pixel belongs to one core, each core is read with a halo."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from allviewer.vocab.region import Region

LONGEST_TILE = 3072
"""Pixels. One field of a microscope camera stays whole; a slide is cut into squares that fit a cache of tiles."""

BLOCK = 8
"""Pixels: segmentation averages blocks of a power of two of pixels, at most this."""


@dataclass(frozen=True, slots=True)
class Tile:
    """``core``: the part whose cells this tile owns; ``view``: core and halo in whole blocks, clipped to the slide."""

    index: int
    core: Region
    view: Region

    def owns(self, y: float, x: float) -> bool:
        """Whether a centre lies in the core (half-open, so every centre has one owner)."""
        return self.core.y0 <= y < self.core.y1 and self.core.x0 <= x < self.core.x1


def _cuts(length: int, longest: int) -> list[int]:
    parts = max(1, ceil(length / longest))
    return [length * k // parts for k in range(parts + 1)]


def tiles(shape: tuple[int, int], halo: int, *, longest: int = LONGEST_TILE) -> list[Tile]:
    """Cores that cover ``shape`` (rows, columns) exactly once, row by row, each no longer than ``longest`` pixels."""
    height, width = shape
    rows, columns = _cuts(height, longest), _cuts(width, longest)
    cores = [Region(y0, x0, y1, x1) for y0, y1 in pairwise(rows) for x0, x1 in pairwise(columns)]
    return [Tile(i, core, _on_grid(core.grow(halo)).clip(height, width)) for i, core in enumerate(cores)]


def _on_grid(region: Region) -> Region:
    """The region grown to whole blocks, so that every tile averages the very same blocks of pixels."""
    return Region(
        region.y0 // BLOCK * BLOCK, region.x0 // BLOCK * BLOCK, -(-region.y1 // BLOCK) * BLOCK,
        -(-region.x1 // BLOCK) * BLOCK,
    )  # fmt: skip


def nearest_first(cut: list[Tile], region: Region | None) -> list[Tile]:
    """The same tiles, those nearest to what is on screen first."""
    if region is None:
        return cut
    y, x = (region.y0 + region.y1) / 2, (region.x0 + region.x1) / 2

    def distance(tile: Tile) -> float:
        dy = max(tile.core.y0 - y, 0, y - tile.core.y1)
        dx = max(tile.core.x0 - x, 0, x - tile.core.x1)
        return dy * dy + dx * dx

    return sorted(cut, key=distance)
