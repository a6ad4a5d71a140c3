"""How much memory one picture may take, asked before a single pixel is decoded."""

from dataclasses import dataclass
from pathlib import Path

from allviewer.vocab.errors import ImageError

MAX_PIXELS = 100_000_000
"""Default limit for a picture that has to be decoded whole (10,000 x 10,000); tiled pictures have none."""

BYTES_A_PIXEL = 8
"""Working memory allowed per pixel of the limit: 800 MB at the default, everything included."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits for what must be held in memory at once.

    Attributes
    ----------
    pixels : most pixels of a picture (or of one tile or strip) that is decoded in one go.
    """

    pixels: int = MAX_PIXELS

    @property
    def bytes(self) -> int:
        """Most bytes in use while decoding: the file's own bytes, the codec's buffers and the result."""
        return self.pixels * BYTES_A_PIXEL

    def check(self, path: Path, height: int, width: int, bytes_a_pixel: float, held: int = 0) -> None:
        """Refuse what would not fit.

        Parameters
        ----------
        height, width : what is to be decoded in one go, pixels.
        bytes_a_pixel : working memory its decoder needs.
        held : bytes already in memory (the file as read).

        Raises
        ------
        ImageError : too many pixels or bytes.
        """
        pixels = height * width
        if pixels <= self.pixels and pixels * bytes_a_pixel + held <= self.bytes:
            return
        raise ImageError(
            "the picture is too large to be decoded whole",
            where=str(path),
            expected=f"at most {self.pixels:,} pixels and {self.bytes / 1e6:,.0f} MB of memory",
            got=f"{width:,} x {height:,} pixels, {(pixels * bytes_a_pixel + held) / 1e6:,.0f} MB",
            todo="Save it as a tiled TIFF or OME-TIFF, which is read piece by piece, or crop it.",
        )
