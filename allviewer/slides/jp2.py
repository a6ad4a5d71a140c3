"""JPEG 2000 (JP2 files and bare codestreams) by OpenJPEG. Source: ITU T.800, annexes A and I."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np

from allviewer.slides.budget import Budget
from allviewer.slides.colour import Alpha, Ink, Meaning, Samples
from allviewer.slides.header import Header
from allviewer.slides.refusal import damaged, unsupported

MOST_BOXES = 10_000
BYTES_A_SAMPLE = 12  # OpenJPEG holds int32 coefficients and int32 pixels beside the result
MOST_TILES = 65_535
MOST_MARKERS = 200_000
MOST_LAYERS = 100


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


def check_codestream(data: bytes, tile_parts_at: int, path: Path) -> None:
    """Refuse coding styles whose bookkeeping dwarfs the picture: very many layers, tiny precincts or code-blocks.

    OpenJPEG sets its tables up before it decodes anything, so the sizes in the COD and COC markers (main header and
    tile-part headers) are asked first.

    Parameters
    ----------
    tile_parts_at : where the codestream begins (its SOC marker).
    """
    at, main = tile_parts_at + 2, True
    for _ in range(MOST_MARKERS):
        marker = data[at : at + 2]
        if marker == b"\xff\xd9" or len(marker) < 2:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == b"\xff\x90" and len(body) == 8:  # SOT: hop over the tile-part's data once its header is read
            main, tile_part_end = False, at + int.from_bytes(body[2:6], "big")
        elif marker == b"\xff\x93" and not main:  # SOD
            if tile_part_end <= at:  # a length of 0: the last tile-part
                return
            at = tile_part_end
            continue
        elif marker == b"\xff\x52" and not _sane_style(body[1:5], body[5:], bool(body[:1] and body[0] & 1)):
            raise unsupported(path, "JPEG 2000 with this coding style is not supported")
        elif marker == b"\xff\x53":
            raise unsupported(path, "JPEG 2000 with a coding style for each component is not supported")
        if length < 2:
            raise damaged(path, "the JPEG 2000's markers are broken")
        at += 2 + length
    raise damaged(path, "the JPEG 2000 holds too many markers")


def _sane_style(shared: bytes, each: bytes, precincts: bool) -> bool:
    """Whether layers, code-blocks and precincts of a COD marker are within reason."""
    if len(shared) < 4 or len(each) < 5:
        return False
    layers, levels = int.from_bytes(shared[1:3], "big"), each[0]
    block_y, block_x = (each[1] & 15) + 2, (each[2] & 15) + 2
    sizes = each[5 : 6 + levels] if precincts else b""
    return (
        0 < layers <= MOST_LAYERS
        and levels <= 32
        and block_x + block_y >= 8  # 16 x 16 coefficients
        and all((s & 15) >= 5 and s >> 4 >= 5 for s in sizes[1:])
    )


_SPACES = {12: "CMYK", 14: "CIELAB", 18: "sYCC", 20: "e-sRGB", 24: "e-sYCC"}


def _boxes(data: bytes, first: int, last: int) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the boxes of a stretch of a JP2 file, as far as they are whole."""
    for _ in range(MOST_BOXES):
        if first + 8 > last:
            return
        length, name, skip = int.from_bytes(data[first : first + 4], "big"), data[first + 4 : first + 8], 8
        if length == 1:
            length, skip = int.from_bytes(data[first + 8 : first + 16], "big"), 16
        end = last if length == 0 else first + length
        if end < first + skip or end > last:
            return
        yield name, data[first + skip : end] if name != b"jp2c" else b""
        first = end


def _alpha(data: bytes, samples: int, path: Path) -> Alpha:
    """What the sample after the colours is, from the channel definition box; refuses colours in another order or space.

    OpenJPEG's ways with reordered channels and with YCC differ between versions.
    """
    alpha = Alpha.UNSTATED if samples in (2, 4) else Alpha.NONE
    head = next((body for name, body in _boxes(data, 0, len(data)) if name == b"jp2h"), b"")
    for name, body in _boxes(head, 0, len(head)):
        if name == b"colr" and body[:1] == b"\1":
            space = int.from_bytes(body[3:7], "big")
            if space not in (16, 17):
                named = _SPACES.get(space, f"number {space}")
                raise unsupported(path, f"JPEG 2000 with the colour space {named} is not supported")
        elif name == b"cdef":
            entries = struct.iter_unpack(">3H", body[2 : 2 + (len(body) - 2) // 6 * 6])
            for channel, kind, colour in entries:
                if kind == 0 and colour not in (0, channel + 1):
                    raise unsupported(path, "JPEG 2000 with reordered channels is not supported")
                if kind in (1, 2) and alpha is not Alpha.NONE:
                    alpha = Alpha.STRAIGHT if kind == 1 else Alpha.PREMULTIPLIED
    return alpha


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
    check_codestream(data, data.find(b"\xff\x4f\xff\x51"), path)
    alpha = _alpha(data, header.samples, path)
    samples = imagecodecs.jpeg2k_decode(data, numthreads=1)
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.dtype not in (np.uint8, np.uint16) or samples.shape[:2] != (header.height, header.width):
        raise unsupported(path, "this kind of JPEG 2000 is not supported", got=f"samples of type {samples.dtype}")
    n = samples.shape[2]
    # a palette widens one component to three of 8 bits
    bits = header.bits if n == header.samples else 8 * samples.dtype.itemsize
    return header, samples, Meaning(Ink.RGB if n > 2 else Ink.GREY, bits, alpha)
