"""Pictures that are decoded whole: PNG, JPEG, BMP, GIF, WebP, JPEG 2000."""

from pathlib import Path

import numpy as np

from allviewer.slides import bmp, framed, jp2, jpeg, png
from allviewer.slides.budget import Budget
from allviewer.slides.colour import Alpha, Meaning, Samples, to_rgb
from allviewer.slides.header import Header
from allviewer.slides.pixelsize import pixel_size
from allviewer.slides.refusal import LIBRARY_ERRORS, damaged, undecodable
from allviewer.slides.slide import ArraySlide
from allviewer.slides.sniff import Kind
from allviewer.vocab.arrays import RGB
from allviewer.vocab.errors import AllviewerError

DARKEST_FIELD = 32  # of 255; the empty glass of a stained field is always brighter
MEANINGLESS_ALPHA = "Alpha is zero everywhere and was ignored."


def open_plain(path: Path, kind: Kind, budget: Budget, notes: tuple[str, ...]) -> ArraySlide:
    """Decode a picture.

    Pixels stay as stored, also where EXIF asks to turn them: outlines and tables then fit what QuPath, ImageJ and
    scikit-image show for the same file, and a smear has no upper end. A note says so.

    Raises
    ------
    ImageError : damaged, too large, or of a kind that is not read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size > budget.bytes // 2:
                raise damaged(path, "the file is too large for a picture of its kind", got=f"{size / 1e6:,.0f} MB")
            file.seek(0)
            data = file.read()
        header, samples, meaning, said = _decode(data, path, kind, budget)
        del data
        if samples.shape[:2] != (header.height, header.width):
            raise damaged(path, f"the {kind} contradicts its own header")
        notes += said
        if meaning.alpha is Alpha.STRAIGHT and not np.any(samples[..., meaning.ink.samples]):
            meaning = Meaning(meaning.ink, meaning.bits, Alpha.NONE, meaning.palette)
            notes += (MEANINGLESS_ALPHA,)
        rgb = to_rgb(samples, meaning)
    except AllviewerError:
        raise
    except LIBRARY_ERRORS as error:
        raise undecodable(path, error) from error
    notes += meaning.notes + dark(rgb, meaning) + turned(header.orientation)
    return ArraySlide(path, rgb, pixel_size(header.step_um), notes)


def _decode(data: bytes, path: Path, kind: Kind, budget: Budget) -> tuple[Header, Samples, Meaning, tuple[str, ...]]:
    match kind:
        case Kind.JPEG:
            return *jpeg.decode(data, path, budget), ()
        case Kind.JP2:
            return *jp2.decode(data, path, budget), ()
        case Kind.PNG:
            return png.decode(data, path, budget)
        case Kind.BMP:
            return bmp.decode(data, path, budget)
        case Kind.GIF:
            return framed.decode_gif(data, path, budget)
        case Kind.WEBP:
            return framed.decode_webp(data, path, budget)
        case Kind.TIFF:
            raise AssertionError("TIFF has its own reader")


def dark(rgb: RGB, meaning: Meaning) -> tuple[str, ...]:
    """A note where a deep picture comes out nearly black: 12-bit cameras often write 16-bit files and do not say so."""
    if meaning.bits <= 8 or int(rgb.max()) >= DARKEST_FIELD:
        return ()
    return (f"The values use only the lowest part of the {meaning.bits}-bit range: export the picture with 8 bits.",)


def turned(orientation: int) -> tuple[str, ...]:
    """A note where a file asks to be shown turned or mirrored."""
    if orientation in (0, 1):
        return ()
    return (f"The file asks to be shown turned (orientation {orientation}); its pixels are shown as they are stored.",)
