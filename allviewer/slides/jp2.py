"""JPEG 2000 (JP2 files and bare codestreams) by OpenJPEG. Source: ITU T.800, annexes A and I."""

import struct
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Alpha, Ink, Meaning, Samples
from allviewer.slides.header import Header
from allviewer.slides.refusal import damaged, unsupported

BYTES_A_SAMPLE = 12  # OpenJPEG holds int32 coefficients and int32 pixels beside the result
MOST_TILES = 65_535


@dataclass(frozen=True, slots=True)
class CodestreamHeader(Header):
    """Size marker of a codestream; ``tiles`` is how many tiles it is cut into."""

    tiles: int = 1


def read_header(data: bytes, path: Path) -> CodestreamHeader:
    """Find the codestream and read its SIZ marker.

    Raises
    ------
    ImageError : no codestream, a size of nothing, or components of different kinds.
    """
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 42 > len(data):
        raise damaged(path, "the file is cut off: the JPEG 2000 holds no picture")
    x1, y1, x0, y0, tile_w, tile_h, tile_x, tile_y, count = struct.unpack(">8IH", data[at + 8 : at + 42])
    parts = data[at + 42 : at + 42 + 3 * count]
    if not x0 < x1 or not y0 < y1 or not count or len(parts) < 3 * count or not tile_w or not tile_h:
        raise damaged(path, "the JPEG 2000 states a size of nothing")
    if tile_x > x0 or tile_y > y0:
        raise damaged(path, "the JPEG 2000's tiles begin outside it")
    tiles = -(-(x1 - tile_x) // tile_w) * -(-(y1 - tile_y) // tile_h)
    if tiles > MOST_TILES:
        raise damaged(path, "the JPEG 2000 is cut into too many tiles", got=f"{tiles:,}")
    if count > 4:
        raise unsupported(path, f"JPEG 2000 with {count:,} components is not supported", expected="1 to 4")
    depths = {parts[i] for i in range(0, 3 * count, 3)}
    steps = {parts[i + j] for i in range(0, 3 * count, 3) for j in (1, 2)}
    if len(depths) > 1 or steps != {1}:
        raise unsupported(path, "JPEG 2000 whose components differ in size or depth is not supported")
    depth = depths.pop()
    if depth & 0x80 or depth > 15:
        raise unsupported(path, "JPEG 2000 with signed samples or more than 16 bits is not supported")
    return CodestreamHeader(y1 - y0, x1 - x0, count, (depth & 0x7F) + 1, tiles=tiles)


def decode(data: bytes, path: Path, budget: Budget) -> tuple[Header, Samples, Meaning]:
    """Decode a JPEG 2000 file.

    Returns
    -------
    header, samples (h, w, s) uint8 or uint16, meaning.

    Raises
    ------
    ImageError : damaged, too large, or of a kind that is not read. Codec errors pass through.
    """
    header = read_header(data, path)
    budget.check(path, header.height, header.width, max(header.samples, 3) * BYTES_A_SAMPLE, len(data))
    if not data.rstrip(b"\0").endswith(b"\xff\xd9") and b"\xff\xd9" not in data[-4096:]:
        # OpenJPEG would paint what is missing
        raise damaged(path, "the file is cut off: the JPEG 2000's end marker is missing")
    samples = imagecodecs.jpeg2k_decode(data, numthreads=1)
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.dtype not in (np.uint8, np.uint16) or samples.shape[:2] != (header.height, header.width):
        raise unsupported(path, "this kind of JPEG 2000 is not supported", got=f"samples of type {samples.dtype}")
    n = samples.shape[2]
    # a palette widens one component to three of 8 bits
    bits = header.bits if n == header.samples else 8 * samples.dtype.itemsize
    alpha = Alpha.STRAIGHT if n in (2, 4) else Alpha.NONE
    return header, samples, Meaning(Ink.RGB if n > 2 else Ink.GREY, bits, alpha)
