"""What every cell looks like, as 256 states: colour says class, weight says state, contrast is arithmetic.

One byte a cell holds its class (low five bits) and three flags; a palette of 256 entries turns the byte into a
colour, a width, a casing and rings. Hiding a class or changing a width is a change of the palette alone.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.taxonomy import NOT_A_CELL, UNSURE, CellClass, Taxonomy

HIDDEN = 0
"""Class code of a cell that is not drawn."""

REVIEWED, DOUBTFUL, SELECTED = 32, 64, 128
"""Flag bits of the state byte."""

UNCLASSIFIED = CellClass("unclassified", "not classified", "#56B4E9", "·")
"""What a cell is shown as until a model has spoken."""

SMUDGE = CellClass("smudge", "smudge cell", "#009E73", "s")
"""A burst nucleus: outlined and counted apart, never classified."""

EXTRA = (UNSURE, NOT_A_CELL, UNCLASSIFIED, SMUDGE)
"""What every taxonomy is shown with beside its classes."""

GROUNDS = {"nucleus": "#4B2A7B", "cytoplasm": "#B9A3D3", "background": "#EFE6EA", "red cell": "#D9A3A8"}
"""Representative colours of a stained smear that an outline must stand out from."""

LIGHT, DARK = "#FFFFFF", "#101014"

ENOUGH = 3.0
"""Contrast that an outline has on every ground (WCAG 2.2, non-text contrast)."""

SOFTENED = 1.2
"""How much more the pure colours need, since the smoothed edge of a thin line is a mixture with its ground."""

THIN, WIDE, HALO, RIM = 1.5, 2.75, 3.0, 0.75
"""Logical pixels: the line of an unreviewed and of a reviewed cell, the selected one's band, a rim round the casing."""

WIDTH_UNIT = 16.0
"""The palette stores a width w (logical pixels) as ``w * WIDTH_UNIT`` in one byte."""


def rgb(colour: str) -> tuple[int, int, int]:
    """``#RRGGBB`` as three integers 0..255."""
    value = int(colour.lstrip("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance 0..1 of an sRGB colour 0..255 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: Sequence[float], b: Sequence[float]) -> float:
    """Contrast ratio 1..21 of two sRGB colours 0..255 (WCAG 2.2)."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def casing_of(colour: str) -> str:
    """The light or dark line that goes under a coloured one.

    The pair stands out from a ground where either of its two colours does; the better casing is the one whose worst
    ground, the coloured line itself among them, is best.
    """

    def worst(casing: str) -> float:
        grounds = [max(contrast(rgb(colour), rgb(g)), contrast(rgb(casing), rgb(g))) for g in GROUNDS.values()]
        return min(*grounds, contrast(rgb(colour), rgb(casing)))

    return max((LIGHT, DARK), key=worst)


def needs_rim(colour: str) -> bool:
    """Whether line and casing both come too near some ground, so that a thin rim of the other shade goes round them.

    Mid-grey violet cytoplasm is near to blue and to white alike; no ground is near to both black and white.
    """
    pair = rgb(colour), rgb(casing_of(colour))
    return any(max(contrast(one, rgb(ground)) for one in pair) < ENOUGH * SOFTENED for ground in GROUNDS.values())


def codes(taxonomy: Taxonomy) -> dict[str, int]:
    """Label key → class code 1..31: the taxonomy's classes in order, then `EXTRA`."""
    keys = [kind.key for kind in shown_classes(taxonomy)]
    if len(keys) > 31:
        raise ValueError(f"a taxonomy of {len(taxonomy.keys)} classes does not fit the palette: at most 27")
    return {key: i for i, key in enumerate(keys, start=1)}


def shown_classes(taxonomy: Taxonomy) -> tuple[CellClass, ...]:
    """Everything the legend lists, in the order of `codes`."""
    return (*taxonomy.classes, *EXTRA)


def build(taxonomy: Taxonomy, hidden: Collection[str] = ()) -> NDArray[np.uint8]:
    """The palette of a taxonomy.

    Parameters
    ----------
    taxonomy : whose classes are drawn.
    hidden : keys of classes that are switched off.

    Returns
    -------
    palette : (3, 256, 4) uint8. Row 0 is RGBA of the line, alpha 0 where nothing is drawn. Row 1 is
        (line width * `WIDTH_UNIT`, casing grey level, halo width * `WIDTH_UNIT`, 255 where a dashed ring goes round).
        Row 2 is (rim width * `WIDTH_UNIT`, rim grey level, 0, 0).
    """
    palette = np.zeros((3, 256, 4), np.uint8)
    for code, kind in enumerate(shown_classes(taxonomy), start=1):
        if kind.key in hidden:
            continue
        casing = casing_of(kind.colour)
        rim = RIM if needs_rim(kind.colour) else 0.0
        other = DARK if casing == LIGHT else LIGHT
        for flags in range(0, 256, 32):
            width = WIDE if flags & REVIEWED else THIN
            halo = HALO if flags & SELECTED else 0.0
            dashed = 255 if flags & DOUBTFUL and not flags & REVIEWED else 0
            palette[0, code | flags] = (*rgb(kind.colour), 255)
            palette[2, code | flags, :2] = round(rim * WIDTH_UNIT), rgb(other)[0]
            palette[1, code | flags] = (round(width * WIDTH_UNIT), rgb(casing)[0], round(halo * WIDTH_UNIT), dashed)
    return palette


def states(
    code: NDArray[np.integer],
    reviewed: NDArray[np.bool_],
    doubtful: NDArray[np.bool_],
    visible: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """(n,) uint8 state bytes from class codes 1..31 and flags; ``visible`` False draws nothing. Selection is apart."""
    flags = reviewed.astype(np.uint8) * REVIEWED | doubtful.astype(np.uint8) * DOUBTFUL
    return np.where(visible, code.astype(np.uint8) | flags, HIDDEN).astype(np.uint8)
