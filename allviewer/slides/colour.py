"""Samples of any depth and ink → 8-bit RGB, and the sentences that say what was converted."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allviewer.vocab.arrays import RGB

Samples = NDArray[np.uint8] | NDArray[np.uint16]
"""(h, w, s) unsigned samples as they stand in a file."""


class Ink(StrEnum):
    """What the first samples of a pixel mean."""

    GREY = "grey"
    GREY_INVERTED = "grey, zero is white"
    RGB = "rgb"
    CMYK = "cmyk"
    CMYK_INVERTED = "cmyk, zero is full ink"
    PALETTE = "palette"

    @property
    def samples(self) -> int:
        """How many samples it takes."""
        return {Ink.RGB: 3, Ink.CMYK: 4, Ink.CMYK_INVERTED: 4}.get(self, 1)


class Alpha(StrEnum):
    """What the sample after the ink means."""

    NONE = "none"
    STRAIGHT = "straight"
    PREMULTIPLIED = "premultiplied"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """How samples become colours.

    Attributes
    ----------
    ink : see `Ink`.
    bits : significant bits of a sample, 1 to 16: the largest value is ``2**bits - 1``.
    alpha : see `Alpha`; samples after it are left out.
    palette : (n, 3) uint8 for `Ink.PALETTE`.
    """

    ink: Ink
    bits: int = 8
    alpha: Alpha = Alpha.NONE
    palette: NDArray[np.uint8] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what `to_rgb` converts."""
        said: list[str] = []
        if self.ink is Ink.PALETTE:
            said.append("Palette colours were looked up.")
        elif self.bits == 16:
            said.append("16-bit values were scaled by 1/257 to 8 bits.")
        elif self.bits != 8:
            said.append(f"{self.bits}-bit values were scaled by 255/{2**self.bits - 1} to 8 bits.")
        if self.ink is Ink.GREY:
            said.append("The picture is greyscale: it is shown as grey RGB, and colour-based findings do not apply.")
        if self.ink is Ink.GREY_INVERTED:
            said.append(
                "The greyscale picture stores white as zero and was inverted; colour-based findings do not apply."
            )
        if self.ink in (Ink.CMYK, Ink.CMYK_INVERTED):
            said.append("CMYK inks were converted to RGB without a colour profile.")
        if self.alpha in (Alpha.STRAIGHT, Alpha.PREMULTIPLIED):
            said.append("Alpha was laid on white.")
        if self.alpha is Alpha.UNSTATED:
            said.append("An extra channel of unstated meaning was left out.")
        return tuple(said)


@lru_cache(maxsize=16)
def _scale(bits: int, inverted: bool) -> NDArray[np.uint8]:
    """Table from a sample of some bits to 8 bits, rounded to nearest; beyond the largest value it stays white."""
    top = 2**bits - 1
    values = np.minimum(np.arange(256 if bits <= 8 else 65536), top)
    table: NDArray[np.uint8] = ((values * 510 + top) // (2 * top)).astype(np.uint8)
    return ~table if inverted else table


def _over_white(colour: NDArray[np.uint8], alpha: NDArray[np.uint8], premultiplied: bool) -> NDArray[np.uint8]:
    """Colours (h, w, 3) laid on white through alpha (h, w, 1), row block by row block to spare memory."""
    out = np.empty_like(colour)
    for top in range(0, len(colour), 256):
        block, a = colour[top : top + 256].astype(np.uint16), alpha[top : top + 256].astype(np.uint16)
        out[top : top + 256] = (
            np.minimum(block + (255 - a), 255) if premultiplied else (block * a + 255 * (255 - a) + 127) // 255
        )
    return out


def _uncmyk(inks: NDArray[np.uint8], inverted: bool) -> NDArray[np.uint8]:
    """Inks (h, w, 4) → (h, w, 3): each of red, green and blue is what its ink and black let through."""
    out = np.empty((*inks.shape[:2], 3), np.uint8)
    for top in range(0, len(inks), 256):
        block = inks[top : top + 256].astype(np.uint16)
        light = block if inverted else 255 - block
        out[top : top + 256] = (light[..., :3] * light[..., 3:] + 127) // 255
    return out


def _eight_bits(samples: NDArray[Any], bits: int, inverted: bool = False) -> NDArray[np.uint8]:
    if bits == 8 and samples.dtype == np.uint8 and not inverted:
        return np.asarray(samples, np.uint8)
    scaled: NDArray[np.uint8] = _scale(bits, inverted)[samples]
    return scaled


def to_rgb(samples: Samples, meaning: Meaning) -> RGB:
    """Convert samples to RGB.

    Parameters
    ----------
    samples : (h, w, s) uint8, or uint16 where ``meaning.bits`` > 8; s at least what the ink (and alpha) takes.
    meaning : how to read them.

    Returns
    -------
    (h, w, 3) uint8; the input itself where nothing had to be converted.
    """
    n = meaning.ink.samples
    ink = samples[..., :n]
    if meaning.ink is Ink.PALETTE:
        assert meaning.palette is not None
        rgb = meaning.palette[np.minimum(ink[..., 0], len(meaning.palette) - 1)]
    elif meaning.ink in (Ink.CMYK, Ink.CMYK_INVERTED):
        rgb = _uncmyk(_eight_bits(ink, meaning.bits), meaning.ink is Ink.CMYK_INVERTED)
    elif meaning.ink is Ink.RGB:
        rgb = _eight_bits(ink, meaning.bits)
    else:
        grey = _eight_bits(ink, meaning.bits, meaning.ink is Ink.GREY_INVERTED)
        rgb = np.repeat(grey, 3, axis=2)
    if meaning.alpha in (Alpha.STRAIGHT, Alpha.PREMULTIPLIED):
        alpha = _eight_bits(samples[..., n : n + 1], meaning.bits)
        rgb = _over_white(rgb, alpha, meaning.alpha is Alpha.PREMULTIPLIED)
    return np.ascontiguousarray(rgb)
