"""Pixel size from what a file states, where that can be a microscope's."""

import math
import re

from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE, PixelSize, PixelSizeSource

_MICROSCOPE_UM = (0.01, 20.0)
_SQUARE_WITHIN = 0.02

_UNITS_UM = {
    "pm": 1e-6, "nm": 1e-3, "nanometer": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "\\u00b5m": 1.0, "micron": 1.0,
    "microns": 1.0, "micrometer": 1.0, "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "m": 1e6, "inch": 25_400.0,
    "in": 25_400.0, "Å": 1e-4,
}  # fmt: skip


def unit_um(unit: str) -> float | None:
    """How many µm a unit of length has; None for units that are none (``pixel``) or unknown."""
    return _UNITS_UM.get(unit.strip()) or _UNITS_UM.get(unit.strip().lower())


def pixel_size(step_um: tuple[float, float] | None) -> PixelSize:
    """A stated step as a pixel size.

    Screens and printers write 72 to 1200 dots an inch (350 to 21 µm): no microscope's, so they count as silence;
    so do negative, infinite and clearly oblong ones.

    Parameters
    ----------
    step_um : µm per pixel (down, across), or None.
    """
    if step_um is None or not all(math.isfinite(s) and _MICROSCOPE_UM[0] <= s <= _MICROSCOPE_UM[1] for s in step_um):
        return UNKNOWN_PIXEL_SIZE
    down, across = step_um
    if abs(down - across) > _SQUARE_WITHIN * across:
        return UNKNOWN_PIXEL_SIZE
    return PixelSize((down + across) / 2, PixelSizeSource.FILE)


def aperio_step(description: str) -> tuple[float, float] | None:
    """µm per pixel from the ``MPP = …`` of an Aperio description."""
    found = re.search(r"\|\s*MPP\s*=\s*([-+.0-9eE]{1,32})\s*(?:\||$)", description)
    if not found or not description.startswith("Aperio"):
        return None
    try:
        return (float(found[1]),) * 2
    except ValueError:
        return None


def imagej_step(description: str, down: float | None, across: float | None) -> tuple[float, float] | None:
    """µm per pixel of a TIFF by ImageJ: resolutions are pixels per the unit that the description names."""
    if not description.startswith("ImageJ=") or not down or not across:
        return None
    found = re.search(r"^unit=(.{1,32})$", description, re.MULTILINE)
    um = unit_um(found[1]) if found else None
    return (um / down, um / across) if um else None
