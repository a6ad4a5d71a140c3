"""What the header of a plain picture tells, before anything is decoded."""

from dataclasses import dataclass

from allviewer.slides.source import MemorySource
from allviewer.slides.tags import TagError, Tree


@dataclass(frozen=True, slots=True)
class Header:
    """Facts from a header.

    Attributes
    ----------
    height, width : pixels, at least 1.
    samples : channels as stored.
    bits : bits of one sample.
    step_um : µm from pixel to pixel (down, across) as the file states it, plausible or not; None where it is silent.
    orientation : EXIF orientation, 1 to 8.
    """

    height: int
    width: int
    samples: int = 3
    bits: int = 8
    step_um: tuple[float, float] | None = None
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class Exif:
    """The little of EXIF that matters here."""

    orientation: int = 1
    step_um: tuple[float, float] | None = None


def read_exif(data: bytes) -> Exif:
    """Orientation and resolution from an EXIF block (a small TIFF); broken EXIF is as good as none.

    Only two numbers are taken from it: names, dates and places stay where they are.
    """
    try:
        tree = Tree.of(MemorySource(data))
        directory = tree.directory(tree.first)
        orientation = directory.integer(274, 1)
        step = resolution_um(directory.number(283), directory.number(282), directory.integer(296, 2))
    except (TagError, ValueError, OverflowError):
        return Exif()
    return Exif(orientation if 1 <= orientation <= 8 else 1, step)


def resolution_um(down: float | None, across: float | None, unit: int) -> tuple[float, float] | None:
    """µm per pixel (down, across) from TIFF resolutions; ``unit`` 2 is inches, 3 centimetres."""
    length_um = {2: 25_400.0, 3: 10_000.0}.get(unit)
    if length_um is None or not down or not across or down <= 0 or across <= 0:
        return None
    return length_um / down, length_um / across
