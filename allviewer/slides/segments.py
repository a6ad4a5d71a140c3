"""One tile or strip of a TIFF: bytes → samples, never more than its own size."""

from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from allviewer.slides import jp2, jpeg
from allviewer.slides.colour import Samples
from allviewer.slides.framed import webp_size
from allviewer.slides.layout import PICTURE_CODECS, Layout
from allviewer.slides.refusal import damaged

_UNPACK = {
    "LZW": imagecodecs.lzw_decode, "deflate": imagecodecs.deflate_decode, "PackBits": imagecodecs.packbits_decode,
    "LZMA": imagecodecs.lzma_decode, "Zstandard": imagecodecs.zstd_decode,
}  # fmt: skip


def decode_segment(layout: Layout, data: bytes, rows: int, columns: int, path: Path) -> Samples:
    """Decode one tile or strip.

    Parameters
    ----------
    data : its bytes in the file.
    rows, columns : the part of it that lies inside the picture (what is beyond may be missing).

    Returns
    -------
    (rows, columns, s) uint8 (bits ≤ 8) or uint16, in the machine's byte order; s is ``layout.tile_samples``.

    Raises
    ------
    ImageError : it does not hold what the layout promises. Codec errors pass through.
    """
    if layout.codec in PICTURE_CODECS:
        samples = _picture(layout, data, path)
    else:
        samples = _packed(layout, data, rows, path)
    height, width, channels = samples.shape
    if height < rows or width < columns or channels != layout.tile_samples or samples.dtype != _dtype(layout):
        raise damaged(path, "a tile or strip of the TIFF holds less than its pixels")
    return samples[:rows, :columns]


def _dtype(layout: Layout) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
    return np.dtype(np.uint8) if layout.bits <= 8 else np.dtype(np.uint16)


def _packed(layout: Layout, data: bytes, rows: int, path: Path) -> Samples:
    """A segment of rows of numbers, compressed or not. Tiles are stored whole, a last strip may be short."""
    rows = layout.tile_height if layout.tiled else rows
    length = rows * layout.row_bytes
    body: bytes | bytearray = imagecodecs.bitorder_decode(data) if layout.reversed_bits else data
    if layout.codec != "none":
        # writers may pad the last strip to full height; nothing may be longer
        body = _UNPACK[layout.codec](body, out=layout.tile_height * layout.row_bytes)
    if len(body) < length:
        raise damaged(
            path, "a tile or strip of the TIFF ends too soon", expected=f"{length:,} bytes", got=f"{len(body):,}"
        )
    across = layout.tile_width * layout.tile_samples
    if layout.bits in (8, 16):
        kind = np.dtype(np.uint8) if layout.bits == 8 else np.dtype(layout.order + "u2")
        samples: NDArray[np.unsignedinteger] = np.frombuffer(body, kind, rows * across)
        samples = samples.astype(_dtype(layout), copy=False)
    else:
        samples = imagecodecs.packints_decode(bytes(body[:length]), _dtype(layout), layout.bits, runlen=across)
    samples = samples[: rows * across].reshape(rows, layout.tile_width, layout.tile_samples)
    if layout.predictor == 2:
        samples = imagecodecs.delta_decode(samples, axis=-2)
    return samples


def _picture(layout: Layout, data: bytes, path: Path) -> Samples:
    """A segment that is a small picture of its own; its header is asked for its size first."""
    if layout.codec == "JPEG":
        header = jpeg.read_header(data, path)
        jpeg.check_scans(data, header, path)
        height, width = header.height, header.width
    elif layout.codec == "WebP":
        height, width = webp_size(data, path)
    else:
        codestream = jp2.read_header(data, path)
        jp2.check_codestream(data, data.find(b"\xff\x4f\xff\x51"), path)
        height, width = codestream.height, codestream.width
    if height * width > 2 * layout.tile_height * layout.tile_width:
        raise damaged(
            path, "a tile of the TIFF is larger than it should be",
            expected=f"{layout.tile_width:,} x {layout.tile_height:,} pixels", got=f"{width:,} x {height:,}",
        )  # fmt: skip
    if layout.codec == "JPEG":
        samples = _jpeg(layout, data, header)
    elif layout.codec == "WebP":
        samples = imagecodecs.webp_decode(data, hasalpha=layout.samples == 4)
    else:
        samples = imagecodecs.jpeg2k_decode(data, numthreads=1)
    return samples[..., None] if samples.ndim == 2 else samples


def _jpeg(layout: Layout, data: bytes, header: jpeg.JpegHeader) -> NDArray[np.uint8]:
    """TIFF says which colours the JPEG holds (TIFF TechNote 2; Aperio stores plain RGB); the JPEG only if JFIF."""
    stored, wanted = None, None
    if layout.tile_samples == 1:
        wanted = "GRAYSCALE"
    elif layout.photometric == 6:
        stored, wanted = "YCBCR", "RGB"
    elif layout.photometric == 2 and layout.samples == 3:
        says_ycc = header.jfif or header.adobe == 1
        stored, wanted = None if says_ycc else "RGB", "RGB"
    elif layout.photometric == 5:
        wanted = "CMYK"
    pixels: NDArray[np.uint8] = imagecodecs.jpeg8_decode(
        data, tables=layout.jpeg_tables or None, colorspace=stored, outcolorspace=wanted
    )
    return pixels
