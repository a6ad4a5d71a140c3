"""GIF, WebP and the rarer BMP by Pillow: the first frame."""

import io
import threading
import warnings
from pathlib import Path

import numpy as np

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Alpha, Ink, Meaning, Samples
from allviewer.slides.header import Header
from allviewer.slides.refusal import damaged, unsupported

_ONE_AT_A_TIME = threading.Lock()  # filters of the warnings module belong to the whole process
BYTES_A_PIXEL = {"GIF": 16, "WebP": 26}  # measured peaks of Pillow with alpha, rounded up


def decode_framed(
    data: bytes, path: Path, kind: str, shape: tuple[int, int]
) -> tuple[Samples, Meaning, tuple[str, ...]]:
    """Decode the first frame with one of Pillow's readers and no other.

    Parameters
    ----------
    kind : ``GIF``, ``WEBP`` or ``BMP``.
    shape : (height, width) that the header promised.

    Returns
    -------
    samples (h, w, s) uint8, meaning, notes.

    Raises
    ------
    ImageError : the picture is not what the header promised. Pillow's errors pass through.
    """
    from PIL import Image

    notes: tuple[str, ...] = ()
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
                if picture.size != shape[::-1]:
                    raise damaged(path, f"the {kind} contradicts its own header")
                frames = getattr(picture, "n_frames", 1) if kind != "BMP" else 1
                if frames > 1:
                    notes += (f"The picture has {frames:,} frames; the first is shown.",)
                    picture.seek(0)
                if picture.mode == "P":
                    notes += ("Palette colours were looked up.",)
                grey = picture.mode in ("1", "L", "LA")
                clear = picture.has_transparency_data
                mode = ("LA" if clear else "L") if grey else ("RGBA" if clear else "RGB")
                samples = np.asarray(picture.convert(mode))
        except Image.DecompressionBombError as error:
            raise unsupported(path, f"a {kind} of this size is not supported") from error
    meaning = Meaning(Ink.GREY if grey else Ink.RGB, alpha=Alpha.STRAIGHT if clear else Alpha.NONE)
    return samples.reshape(*samples.shape[:2], -1), meaning, notes


def decode_gif(data: bytes, path: Path, budget: Budget) -> tuple[Header, Samples, Meaning, tuple[str, ...]]:
    """Decode a GIF's first frame; returns and raises as `decode_framed`, with the header first."""
    if len(data) < 13:
        raise damaged(path, "the file is cut off: the GIF's header is incomplete")
    width, height = (int.from_bytes(data[i : i + 2], "little") for i in (6, 8))
    if not width or not height:
        raise damaged(path, "the GIF states a size of nothing", got=f"{width} x {height} pixels")
    budget.check(path, height, width, BYTES_A_PIXEL["GIF"], len(data))
    return Header(height, width), *decode_framed(data, path, "GIF", (height, width))


def webp_size(data: bytes, path: Path) -> tuple[int, int]:
    """Height and width from a WebP header (RFC 9649).

    Raises
    ------
    ImageError : the header is incomplete.
    """
    kind, body = data[12:16], data[20:30]
    if len(body) == 10 and kind == b"VP8X":
        width, height = (int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7))
    elif len(body) == 10 and kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    elif len(body) == 10 and kind == b"VP8L" and body[0] == 0x2F:
        packed = int.from_bytes(body[1:5], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        raise damaged(path, "the file is cut off: the WebP's header is incomplete")
    if not width or not height:
        raise damaged(path, "the WebP states a size of nothing", got=f"{width} x {height} pixels")
    return height, width


def decode_webp(data: bytes, path: Path, budget: Budget) -> tuple[Header, Samples, Meaning, tuple[str, ...]]:
    """Decode a WebP's first frame; returns and raises as `decode_framed`, with the header first."""
    height, width = webp_size(data, path)
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise damaged(path, "the file is cut off", expected="the length its header states", got=f"{len(data):,} bytes")
    budget.check(path, height, width, BYTES_A_PIXEL["WebP"], len(data))
    return Header(height, width), *decode_framed(data, path, "WEBP", (height, width))
