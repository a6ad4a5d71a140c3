"""JPEG: markers read by hand, pixels by libjpeg-turbo. Sources: ITU T.81; JFIF 1.02; Adobe technical note 5116."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Ink, Meaning, Samples
from allviewer.slides.header import Header, read_exif, resolution_um
from allviewer.slides.refusal import damaged, unsupported

_SIZED = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # sequential and progressive, Huffman and arithmetic
_UNREAD = {
    0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical", 0xCB: "lossless",
    0xCD: "hierarchical", 0xCE: "hierarchical", 0xCF: "hierarchical",
}  # fmt: skip
_ALONE = (0x01, 0xD8, *range(0xD0, 0xD8))  # markers without a length
_MARKER = re.compile(rb"\xff[^\xff]", re.DOTALL)
MOST_MARKERS = 10_000
MOST_SCANS = 200
MOST_SCANNED_PIXELS = 4_000_000_000  # every scan of a progressive picture goes over all its blocks


@dataclass(frozen=True, slots=True)
class JpegHeader(Header):
    """A JPEG's header.

    Attributes
    ----------
    progressive, arithmetic : how it is coded.
    jfif, adobe : the JFIF marker is there; the Adobe marker's colour transform, or None.
    scans_at : where the first scan begins.
    blocks : 8 x 8 blocks of all components together.
    """

    progressive: bool = False
    arithmetic: bool = False
    jfif: bool = False
    adobe: int | None = None
    scans_at: int = 0
    blocks: int = 0


def read_header(data: bytes, path: Path) -> JpegHeader:
    """Walk the markers up to the first scan.

    Raises
    ------
    ImageError : no picture, a size of nothing, or a kind of JPEG that is not read.
    """
    frame: tuple[int, int, int, int, int] | None = None
    jfif, adobe = False, None
    factors: list[tuple[int, int]] = []
    orientation, step = 1, None
    at, seen_exif = 2, False
    for _ in range(MOST_MARKERS):
        found = _MARKER.search(data, at)
        if found is None or found.end() + 2 > len(data):
            raise damaged(path, "the JPEG ends before its picture begins")
        at = found.start()
        marker = data[at + 1]
        if marker in _ALONE or marker == 0:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == 0xD9 or length < 2 or len(body) < length - 2:
            raise damaged(path, "the JPEG ends before its picture begins")
        if marker in _UNREAD:
            raise unsupported(path, f"{_UNREAD[marker]} JPEG is not supported")
        if marker in _SIZED:
            if frame is not None or len(body) < 6 or len(body) < 6 + 3 * body[5]:
                raise damaged(path, "the JPEG's frame header is broken")
            frame = (marker, body[0], int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5])
            factors = [(f & 15, f >> 4) for f in body[7 : 6 + 3 * body[5] : 3]]
            if any(not (1 <= down <= 4 and 1 <= across <= 4) for down, across in factors):
                raise damaged(path, "the JPEG's sampling factors are outside 1 to 4")
        elif marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 12:
            jfif = True
            across, down = (int.from_bytes(body[i : i + 2], "big") for i in (8, 10))
            step = resolution_um(down, across, {1: 2, 2: 3}.get(body[7], 0))
        elif marker == 0xE1 and body[:6] == b"Exif\0\0" and not seen_exif:
            seen_exif = True
            exif = read_exif(body[6:])
            orientation, step = exif.orientation, step or exif.step_um
        elif marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        elif marker == 0xDA:
            break
        at += 2 + length
    else:
        raise damaged(path, "the JPEG holds too many markers", got=f"more than {MOST_MARKERS:,}")
    if frame is None:
        raise damaged(path, "the JPEG ends before its picture begins")
    kind, bits, height, width, samples = frame
    if not height or not width or not samples:
        raise damaged(path, "the JPEG states a size of nothing", got=f"{width} x {height} pixels")
    return JpegHeader(
        height, width, samples, bits, step, orientation,
        kind in (0xC2, 0xCA), kind in (0xC9, 0xCA), jfif, adobe, at, _blocks(height, width, factors),
    )  # fmt: skip


def _blocks(height: int, width: int, factors: list[tuple[int, int]]) -> int:
    """Blocks of all components; ``factors`` are their sampling factors (down, across)."""
    most_down, most_across = max(d for d, _ in factors), max(a for _, a in factors)
    return sum(-(-height * d // (8 * most_down)) * -(-width * a // (8 * most_across)) for d, a in factors)


def check_scans(data: bytes, header: JpegHeader, path: Path) -> None:
    """Refuse pictures that are cut off, claim more pixels than their data can hold, or have too many scans.

    libjpeg fills what is missing with grey and only warns, so this is asked beforehand.
    """
    end = data.find(b"\xff\xd9", header.scans_at)  # never inside entropy-coded data: there 0xFF is followed by 0
    if end < 0:
        raise damaged(path, "the file is cut off: the JPEG's end marker is missing")
    # the shortest Huffman code has one bit; a sequential block takes two codes, a progressive one begins with one
    least_bits = 0 if header.arithmetic else header.blocks if header.progressive else 2 * header.blocks
    if (len(data) - header.scans_at) * 8 < least_bits:
        raise damaged(
            path,
            "the JPEG claims more pixels than its data can hold",
            got=f"{header.width:,} x {header.height:,} pixels in {len(data) - header.scans_at:,} bytes",
        )
    scans = data.count(b"\xff\xda", header.scans_at)
    if scans > MOST_SCANS or scans * header.height * header.width > MOST_SCANNED_PIXELS:
        raise damaged(path, "the JPEG goes over its pixels too often", got=f"{scans:,} scans")


def decode(data: bytes, path: Path, budget: Budget) -> tuple[Header, Samples, Meaning]:
    """Decode a JPEG file.

    Returns
    -------
    header, samples (h, w, 1 | 3 | 4) uint8, meaning.

    Raises
    ------
    ImageError : damaged, too large, or of a kind that is not read. Codec errors pass through.
    """
    header = read_header(data, path)
    if header.bits != 8:
        raise unsupported(path, f"JPEG with {header.bits} bits a channel is not supported", expected="8 bits")
    if header.samples not in (1, 3, 4):
        raise unsupported(path, f"JPEG with {header.samples} channels is not supported", expected="1, 3 or 4 channels")
    # a progressive picture keeps all its coefficients, two bytes each
    each = header.samples * (3 if header.progressive else 1) + (0 if header.samples == 3 else 3)
    budget.check(path, header.height, header.width, each, len(data))
    check_scans(data, header, path)
    if header.samples == 4:
        # Adobe stores inks inverted; YCCK (transform 2) is turned into CMYK by libjpeg
        samples = _decode(data, outcolorspace="CMYK")
        return header, samples, Meaning(Ink.CMYK if header.adobe is None else Ink.CMYK_INVERTED)
    samples = _decode(data)
    return header, samples, Meaning(Ink.GREY if header.samples == 1 else Ink.RGB)


def _decode(data: bytes, **options: Any) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = imagecodecs.jpeg8_decode(data, **options)
    return pixels[..., None] if pixels.ndim == 2 else pixels
