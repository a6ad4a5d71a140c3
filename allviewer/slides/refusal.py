"""How this room says no: one sentence that names the file, what is wrong and what to do."""

import re
import struct
import zlib
from pathlib import Path

from allviewer.vocab.errors import ImageError

LIBRARY_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # every codec of imagecodecs derives its error from it
    SyntaxError,  # Pillow's word for a broken PNG, BMP or GIF
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow, imagecodecs and their decoders were seen to raise on damaged files."""

RESAVE = "Save the picture again as PNG, JPEG or TIFF (8 bits a channel, RGB) and open that."


def damaged(path: Path, what: str, *, expected: str = "", got: str = "") -> ImageError:
    """An ImageError for a file whose bytes contradict themselves."""
    todo = "Copy the file again from where it came, or export it anew."
    return ImageError(what, where=str(path), expected=expected, got=got, todo=todo)


def unsupported(path: Path, what: str, *, expected: str = "", got: str = "", todo: str = RESAVE) -> ImageError:
    """An ImageError for a file that may be right but that this program does not read."""
    return ImageError(what, where=str(path), expected=expected, got=got, todo=todo)


def undecodable(path: Path, error: Exception) -> ImageError:
    """An ImageError from what a codec said; only its first line, and never more than 120 characters of it."""
    said = re.sub(r"\s*<[^>]* at 0x[0-9a-f]+>", "", str(error)).strip().splitlines()
    reason = f"{type(error).__name__}: {said[0][:120]}" if said else type(error).__name__
    return damaged(path, "the picture data are damaged and cannot be decoded", got=reason)
