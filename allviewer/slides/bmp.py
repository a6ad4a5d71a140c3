"""BMP: true-colour pixels by hand, every other kind by Pillow. Source: Microsoft's BITMAPV5HEADER documentation."""

import struct
from pathlib import Path

import cv2
import numpy as np

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Ink, Meaning, Samples
from allviewer.slides.framed import decode_framed
from allviewer.slides.header import Header
from allviewer.slides.refusal import damaged, unsupported

MOST_RUN_LENGTH_PIXELS = 16_000_000  # Pillow unpacks them in Python


def decode(data: bytes, path: Path, budget: Budget) -> tuple[Header, Samples, Meaning, tuple[str, ...]]:
    """Decode a BMP file.

    Returns
    -------
    header, samples (h, w, s) uint8, meaning, notes.

    Raises
    ------
    ImageError : damaged, too large, or of a kind that is not read. Codec errors pass through.
    """
    if len(data) < 26:
        raise damaged(path, "the file is cut off: the BMP's header is incomplete")
    start, size = struct.unpack("<II", data[10:18])
    old = size == 12
    if not old and (size not in (16, 40, 52, 56, 64, 108, 124) or len(data) < 14 + size):
        raise unsupported(path, "this kind of BMP header is not supported", got=f"{size:,} bytes")
    width, rows, _, bits = struct.unpack("<HHHH" if old else "<iiHH", data[18 : 26 if old else 30])
    packing = struct.unpack("<I", data[30:34])[0] if size >= 40 else 0
    height = abs(rows)
    if width <= 0 or height == 0:
        raise damaged(path, "the BMP states a size of nothing", got=f"{width} x {rows} pixels")
    if packing not in (0, 1, 2, 3, 6):
        raise unsupported(path, "this BMP compression is not supported", got=f"number {packing}")
    colours = struct.unpack("<I", data[46:50])[0] if size >= 40 else 0
    if bits not in (1, 4, 8, 16, 24, 32) or (bits <= 8 and colours > 2**bits):
        got = f"{bits} bits a pixel, {colours:,} palette colours"
        raise unsupported(path, "this kind of BMP is not supported", expected="1, 4, 8, 16, 24 or 32 bits", got=got)
    true_colour = bits == 24 and packing == 0
    budget.check(path, height, width, 6 if true_colour else 14, len(data))
    if packing in (1, 2) and height * width > MOST_RUN_LENGTH_PIXELS:
        raise unsupported(path, "run-length BMP of this size is not supported", got=f"{width:,} x {height:,} pixels")
    meaning, notes = Meaning(Ink.RGB), tuple[str, ...]()
    stride = -(-width * bits // 32) * 4
    if packing in (0, 3, 6) and (start > len(data) or stride * (height - 1) + width * bits // 8 > len(data) - start):
        raise damaged(
            path, "the file is cut off", expected=f"{stride * height:,} bytes of pixels", got=f"{len(data) - start:,}"
        )
    if true_colour:
        body = np.frombuffer(data, np.uint8, min(stride * height, len(data) - start), start)
        if len(body) < stride * height:  # the last row may lack its padding
            body = np.pad(body, (0, stride * height - len(body)))
        bgr = body.reshape(height, stride)[:, : 3 * width].reshape(height, width, 3)
        samples = cv2.cvtColor(np.ascontiguousarray(bgr if rows < 0 else bgr[::-1]), cv2.COLOR_BGR2RGB)
    else:
        samples, meaning, notes = decode_framed(data, path, "BMP", (height, width))
    return Header(height, width, step_um=_step(data, size)), np.asarray(samples, np.uint8), meaning, notes


def _step(data: bytes, size: int) -> tuple[float, float] | None:
    """µm per pixel (down, across)."""
    if size < 40:
        return None
    across, down = struct.unpack("<ii", data[38:46])
    return (1e6 / down, 1e6 / across) if down > 0 and across > 0 else None
