"""Pixel size and where it is known from."""

from dataclasses import dataclass
from enum import StrEnum


class PixelSizeSource(StrEnum):
    """Where a pixel size comes from, most trusted first."""

    GIVEN = "given"  # typed by a person
    FILE = "file"  # written in the image file
    ESTIMATE = "estimate"  # from red-cell diameter
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PixelSize:
    """µm per pixel (square pixels) and its source; ``um`` is None exactly when unknown."""

    um: float | None
    source: PixelSizeSource

    def __post_init__(self) -> None:
        if (self.um is None) != (self.source is PixelSizeSource.UNKNOWN):
            raise ValueError("a pixel size is unknown exactly when it has no number")
        if self.um is not None and not 0.01 <= self.um <= 20:
            raise ValueError(f"{self.um} µm per pixel is not a microscope's: expected 0.01 to 20")


UNKNOWN_PIXEL_SIZE = PixelSize(None, PixelSizeSource.UNKNOWN)

RED_CELL_UM = 7.5
"""Mean diameter of a red cell on a dried smear, µm (normal range 6.2 to 8.2)."""
