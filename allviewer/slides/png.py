"""PNG: chunks read by hand, pixels by libpng. Source: PNG specification, third edition (W3C, 2025)."""

import zlib
from pathlib import Path

import imagecodecs

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Alpha, Ink, Meaning, Samples
from allviewer.slides.header import Exif, Header, read_exif
from allviewer.slides.refusal import damaged

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
MOST_CHUNKS = 1_000_000


def decode(data: bytes, path: Path, budget: Budget) -> tuple[Header, Samples, Meaning, tuple[str, ...]]:
    """Decode a PNG file: of an animated one its still picture.

    Returns
    -------
    header, samples (h, w, s) uint8 or uint16, meaning, notes.

    Raises
    ------
    ImageError : damaged or too large. Codec errors pass through.
    """
    chunks = _chunks(data, path)
    if not chunks or chunks[0][0] != b"IHDR" or chunks[0][2] - chunks[0][1] != 13:
        raise damaged(path, "the PNG does not begin with its header")
    at = chunks[0][1]
    width, height = (int.from_bytes(data[at + i : at + i + 4], "big") for i in (0, 4))
    depth, colour, packing, filtering, interlace = data[at + 8 : at + 13]
    if zlib.crc32(data[at - 4 : at + 13]) != int.from_bytes(data[at + 13 : at + 17], "big"):
        raise damaged(path, "the PNG's header does not match its checksum")
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise damaged(path, "the PNG states a size of nothing", got=f"{width} x {height} pixels")
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or interlace > 1:
        raise damaged(path, "the PNG's header is not a legal one", got=f"colour type {colour}, {depth} bits")
    channels = _CHANNELS[colour] if colour != 3 else 4
    budget.check(path, height, width, channels * (2 if depth == 16 else 1) + 3, 2 * len(data))
    if chunks[-1][0] != b"IEND":
        raise damaged(path, "the file is cut off: the PNG's end is missing")
    names = [name for name, _, _ in chunks]
    if b"IDAT" not in names:
        raise damaged(path, "the file is cut off: the PNG holds no picture data")
    samples = imagecodecs.png_decode(_still(data, chunks))
    if samples.ndim == 2:
        samples = samples[..., None]
    bits = 16 if samples.dtype == "u2" else 8
    ink = Ink.RGB if samples.shape[2] > 2 else Ink.GREY
    notes: tuple[str, ...] = ("The PNG is animated; its still picture is shown.",) if b"acTL" in names else ()
    if colour == 3:
        notes += ("Palette colours were looked up.",)
    alpha = Alpha.STRAIGHT if samples.shape[2] in (2, 4) else Alpha.NONE
    exif, step = _facts(data, chunks)
    header = Header(height, width, channels, depth, step, exif.orientation)
    return header, samples, Meaning(ink, bits, alpha), notes


def _chunks(data: bytes, path: Path) -> list[tuple[bytes, int, int]]:
    """Name, first byte and last-plus-one of every chunk's content, up to the end chunk or the end of the file."""
    found: list[tuple[bytes, int, int]] = []
    at = 8
    while at + 8 <= len(data):
        if len(found) == MOST_CHUNKS:
            raise damaged(path, "the PNG is cut into too many chunks", got=f"more than {MOST_CHUNKS:,}")
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            break
        found.append((name, at + 8, at + 8 + length))
        at += 12 + length
        if name == b"IEND":
            break
    return found


def _still(data: bytes, chunks: list[tuple[bytes, int, int]]) -> bytes:
    """The same PNG with only the chunks that pixels come from, so that nothing else can go wrong."""
    parts = [data[first - 8 : last + 4] for name, first, last in chunks if name in (b"IHDR", b"PLTE", b"IDAT")]
    clear = [data[first:last] for name, first, last in chunks if name == b"tRNS"]
    depth, colour = data[24], data[25]
    if clear and colour in (0, 2, 3):
        # of each 16-bit value only the low bits count; libpng grumbles on stderr about the others
        top = 2**depth - 1
        values = [int.from_bytes(clear[0][i : i + 2], "big") & top for i in range(0, len(clear[0]) - 1, 2)]
        body = b"tRNS" + (clear[0] if colour == 3 else b"".join(v.to_bytes(2, "big") for v in values))
        at = next(i for i, part in enumerate(parts) if part[4:8] == b"IDAT")
        parts.insert(at, (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big"))
    return b"".join([b"\x89PNG\r\n\x1a\n", *parts, b"\0\0\0\0IEND\xaeB`\x82"])


def _facts(data: bytes, chunks: list[tuple[bytes, int, int]]) -> tuple[Exif, tuple[float, float] | None]:
    """EXIF, and µm per pixel (down, across) from ``pHYs``."""
    exif, step = Exif(), None
    for name, first, last in chunks:
        if name == b"pHYs" and last - first == 9 and data[last - 1] == 1:
            across, down = (int.from_bytes(data[i : i + 4], "big") for i in (first, first + 4))
            step = (1e6 / down, 1e6 / across) if down and across else None
        elif name == b"eXIf":
            exif = read_exif(data[first:last])
            break  # one is allowed, before the picture data
    return exif, step or exif.step_um
