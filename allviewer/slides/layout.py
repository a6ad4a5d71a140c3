"""How one picture lies in a TIFF: checked in full before a byte of it is decoded.

Everything that makes decoders crash, hang or eat memory is refused here: sizes of nothing, tiles of nothing or of
gigabytes, missing or displaced tiles, absurd sample counts, unknown codecs. Source: TIFF 6.0; Adobe TechNote 2.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allviewer.slides.budget import Budget
from allviewer.slides.refusal import damaged, unsupported
from allviewer.slides.tags import Directory

CODECS = {
    1: "none", 5: "LZW", 7: "JPEG", 8: "deflate", 32946: "deflate", 32773: "PackBits", 34925: "LZMA",
    50000: "Zstandard", 34926: "Zstandard", 50001: "WebP", 33005: "JPEG 2000", 34712: "JPEG 2000",
}  # fmt: skip
_UNREAD_CODECS = {
    2: "CCITT fax", 3: "CCITT fax", 4: "CCITT fax", 6: "old-style JPEG", 33003: "Aperio JPEG 2000 in YCbCr",
    32809: "ThunderScan", 34661: "JBIG", 34676: "SGI LogLuv", 34677: "SGI LogLuv", 34887: "LERC", 34892: "lossy DNG",
    34933: "PNG", 34934: "JPEG XR", 22610: "JPEG XR", 50002: "JPEG XL",
}  # fmt: skip
_UNREAD_PHOTOMETRICS = {
    4: "a transparency mask", 8: "CIELAB colour", 9: "ICCLAB colour", 10: "ITULAB colour",
    32803: "a raw colour filter array", 32844: "LogL", 32845: "LogLuv", 34892: "linear raw colour",
}  # fmt: skip
PICTURE_CODECS = ("JPEG", "WebP", "JPEG 2000")
LARGEST_SIDE = 2**24
MOST_SEGMENTS = 65_536  # more are believed only where they are of a sensible size
LEAST_SEGMENT_PIXELS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One picture's checked facts.

    Attributes
    ----------
    height, width : pixels.
    samples, bits : channels, bits of each (1 to 16).
    photometric : 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr.
    planar : whether each channel has tiles or strips of its own.
    codec : a value of `CODECS`; ``predictor`` : 1 none, 2 horizontal differences; ``reversed_bits`` : fill order 2.
    order : byte order, ``<`` or ``>``.
    tiled : tiles, or else strips; ``tile_height, tile_width`` : of one tile or full strip, pixels.
    offsets, counts : (n,) int64, where each tile's or strip's bytes lie; count 0 marks one that was left out.
    extra : meaning of the samples after the ink, as TIFF numbers them.
    palette : (n, 3) uint8 or None.
    jpeg_tables : tables shared by all JPEG tiles, or empty.
    """

    height: int
    width: int
    samples: int
    bits: int
    photometric: int
    planar: bool
    codec: str
    predictor: int
    reversed_bits: bool
    order: str
    tiled: bool
    tile_height: int
    tile_width: int
    offsets: NDArray[np.int64] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    extra: tuple[int, ...] = ()
    palette: NDArray[np.uint8] | None = None
    jpeg_tables: bytes = b""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.height // self.tile_height), -(-self.width // self.tile_width)

    @property
    def tile_samples(self) -> int:
        """Samples of one pixel within one tile."""
        return 1 if self.planar else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes of one unpacked row of a tile; rows begin on a whole byte."""
        return -(-self.tile_width * self.tile_samples * self.bits // 8)


def read_layout(directory: Directory, path: Path, budget: Budget) -> Layout:
    """Read and check the layout of a directory.

    Raises
    ------
    ImageError : a kind that is not read, or a directory that contradicts itself or the file.
    TagError : a tag does not fit into the file.
    """
    d = directory
    width, height = d.integer(256, 0), d.integer(257, 0)
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        raise damaged(path, "the TIFF states an impossible size", got=f"{width:,} x {height:,} pixels")
    codec, photometric = _kind(d, path)
    samples, bits = _depth(d, photometric, path)
    planar = d.integer(284, 1) == 2 and samples > 1
    tiled, tile_height, tile_width = _tile_size(d, height, width, path)
    budget.check(path, tile_height, tile_width, samples * (1 if bits <= 8 else 2) + 3)
    predictor = d.integer(317, 1) if codec not in ("none", *PICTURE_CODECS) else 1
    if predictor not in (1, 2) or (predictor == 2 and bits not in (8, 16)):
        raise unsupported(path, "this TIFF predictor is not supported", got=f"number {predictor} with {bits} bits")
    layout = Layout(
        height, width, samples, bits, photometric, planar, codec, predictor, d.integer(266, 1) == 2, d.order,
        tiled, tile_height, tile_width, *_places(d, tiled),
        tuple(int(v) for v in d.integers(338, 8)), _palette(d, photometric, bits, path), d.bytes(347, 1 << 20),
    )  # fmt: skip
    return _check_places(layout, d.source.size, path)


def _kind(d: Directory, path: Path) -> tuple[str, int]:
    """Codec and photometric interpretation."""
    compression = d.integer(259, 1)
    photometric = d.integer(262, 2 if d.integer(277, 1) >= 3 else 1)
    if compression in _UNREAD_CODECS:
        raise unsupported(path, f"TIFF with {_UNREAD_CODECS[compression]} compression is not supported")
    if compression not in CODECS:
        raise unsupported(path, "this TIFF compression is not supported", got=f"number {compression}")
    if photometric in _UNREAD_PHOTOMETRICS:
        raise unsupported(path, f"TIFF with {_UNREAD_PHOTOMETRICS[photometric]} is not supported")
    if photometric not in (0, 1, 2, 3, 5, 6):
        raise unsupported(path, "this TIFF colour space is not supported", got=f"number {photometric}")
    if photometric == 6 and CODECS[compression] not in ("JPEG", "WebP"):
        raise unsupported(path, "TIFF with YCbCr colour outside JPEG is not supported")
    return CODECS[compression], photometric


def _depth(d: Directory, photometric: int, path: Path) -> tuple[int, int]:
    """Samples a pixel and bits a sample."""
    samples = d.integer(277, 1)
    least = {2: 3, 5: 4, 6: 3}.get(photometric, 1)
    if not least <= samples <= 8:
        words = f"{least} to 8 channels for this colour space"
        raise damaged(path, "the TIFF states an impossible number of channels", expected=words, got=f"{samples:,}")
    depths = {int(b) for b in d.integers(258, samples)} or {1}
    formats = {int(f) for f in d.integers(339, samples)} or {1}
    if not formats <= {1, 4}:
        kind = "signed" if 2 in formats else "floating-point" if 3 in formats else "complex"
        raise unsupported(path, f"TIFF with {kind} samples is not supported", expected="unsigned integers")
    if len(depths) > 1 or not 1 <= min(depths) <= 16:
        got = f"{', '.join(str(b) for b in sorted(depths))} bits"
        raise unsupported(path, "TIFF with samples of this depth is not supported", expected="1 to 16 bits", got=got)
    return samples, depths.pop()


def _tile_size(d: Directory, height: int, width: int, path: Path) -> tuple[bool, int, int]:
    """Whether tiled, and a tile's (or full strip's) height and width."""
    if 322 in d or 324 in d:
        tile_width, tile_height = d.integer(322, 0), d.integer(323, 0)
        if not (0 < tile_width <= LARGEST_SIDE and 0 < tile_height <= LARGEST_SIDE):
            raise damaged(path, "the TIFF states an impossible tile size", got=f"{tile_width:,} x {tile_height:,}")
        return True, tile_height, tile_width
    rows = d.integer(278, height)
    if rows <= 0:
        raise damaged(path, "the TIFF states strips without rows")
    return False, min(rows, height), width


def _places(d: Directory, tiled: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Offsets and byte counts as the file has them."""
    return (d.integers(324), d.integers(325)) if tiled else (d.integers(273), d.integers(279))


def _palette(d: Directory, photometric: int, bits: int, path: Path) -> NDArray[np.uint8] | None:
    if photometric != 3:
        return None
    if bits > 8:
        raise unsupported(path, "TIFF palettes of more than 256 colours are not supported")
    colours = d.integers(320, 3 * 2**bits)
    if len(colours) < 3 * 2**bits:
        raise damaged(path, "the TIFF's palette is incomplete")
    colours = colours.reshape(3, -1).T
    # some writers put 8-bit values where 16-bit ones belong
    return (colours if colours.max() < 256 else colours >> 8).astype(np.uint8)


def _check_places(layout: Layout, size: int, path: Path) -> Layout:
    """Every tile must lie within the file; one whose bytes are not compressed must have all of them."""
    rows, columns = layout.grid
    expected = rows * columns * (layout.samples if layout.planar else 1)
    word = "tiles" if layout.tiled else "strips"
    offsets, counts = layout.offsets[:expected], layout.counts[:expected]
    if not len(counts) and len(offsets) == 1 == expected:
        counts = np.array([size - offsets[0]])  # TIFF 5: a single strip may leave its length out
    if len(offsets) < expected or len(counts) < expected:
        got = f"{min(len(offsets), len(counts)):,}"
        raise damaged(path, f"the TIFF lists too few {word}", expected=f"{expected:,}", got=got)
    here = counts > 0
    if not here.any():
        raise damaged(path, f"all {word} of the TIFF are empty")
    if not layout.tiled and not here.all():
        raise damaged(path, "strips of the TIFF are empty")
    first, last = int(offsets[here].min()), int((offsets + counts)[here].max())
    if first < 8 or last > size:
        raise damaged(
            path,
            f"{word} of the TIFF lie outside the file",
            expected=f"the file to reach byte {last:,}",
            got=f"{size:,}",
        )
    if expected > MOST_SEGMENTS and layout.height * layout.width < LEAST_SEGMENT_PIXELS * expected:
        raise damaged(path, f"the TIFF is cut into too many {word}", got=f"{expected:,}")
    full = layout.tile_height * layout.row_bytes
    if layout.codec != "none" and int(counts.max()) > 4 * full + (1 << 20):
        raise damaged(path, f"{word} of the TIFF claim more bytes than their pixels", got=f"{int(counts.max()):,}")
    if layout.codec == "none":
        heights = np.full((layout.samples if layout.planar else 1, rows, columns), layout.tile_height)
        if not layout.tiled:
            heights[:, -1] = layout.height - (rows - 1) * layout.tile_height
        if (counts < heights.ravel() * layout.row_bytes)[here].any():
            raise damaged(path, f"{word} of the TIFF are shorter than their pixels")
        counts = np.minimum(counts, full)
    return replace(layout, offsets=offsets, counts=counts)
