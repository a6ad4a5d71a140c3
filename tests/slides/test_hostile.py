"""Files made here to lie, to be cut off, to burst or to run in circles: each ends in a sentence, soon and small."""

import lzma
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from allviewer.slides import open_slide
from allviewer.slides.door import Slide
from allviewer.vocab.errors import ImageError
from allviewer.vocab.region import Region
from tests.slides.conftest import Reader
from tests.slides.tiff_by_hand import strip_tags, tile_tags, write_tiff

PICTURE = np.random.default_rng(3).integers(0, 256, (96, 128, 3), np.uint8)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, packed: bytes, *more: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def jpeg_frame(width: int, height: int, samples: int = 3, precision: int = 8) -> bytes:
    body = struct.pack(">BHHB", precision, height, width, samples)
    body += b"".join(bytes([k + 1, 0x11, 0]) for k in range(samples))
    return b"\xff\xc0" + struct.pack(">H", len(body) + 2) + body


def a_jpeg(path: Path) -> bytes:
    Image.fromarray(PICTURE).save(path, "JPEG", quality=90)
    return path.read_bytes()


def lying_jpeg(path: Path, width: int, height: int) -> None:
    """A whole JPEG whose frame claims another size."""
    data = a_jpeg(path)
    at = data.index(b"\xff\xc0")
    path.write_bytes(data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :])


def lying_tile(path: Path) -> None:
    """A TIFF with one 32 x 32 tile, which is a JPEG that claims 60,000 x 60,000."""
    lying_jpeg(path, 60_000, 60_000)
    data = path.read_bytes()
    write_tiff(path, tile_tags(32, 32, 32, [8], [len(data)], t259=7, t262=6), data)


def strips(path: Path, data: bytes, height: int = 1000, width: int = 1000, **more: int) -> None:
    write_tiff(path, strip_tags(height, width, len(data), **more), data)


def many_pages(path: Path) -> None:
    """Directories that point to each other without end, by two."""
    write_tiff(path, strip_tags(4, 4, 16), bytes(16), following=-1)


def bomb_ome(path: Path) -> None:
    """Entities that unfold a thousandfold, nine times."""
    entities = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "lol"}">' for k in range(10))
    text = f'<?xml version="1.0"?><!DOCTYPE OME [{entities}]><OME xmlns="x"><Image><Pixels>&e9;</Pixels></Image></OME>'
    write_tiff(path, [*strip_tags(4, 4, 16), (270, 2, text.encode() + b"\0")], bytes(16))


def bmp(width: int, height: int, bits: int, packing: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, bits, packing, 0, 0, 0, 0, 0)


def codestream(width: int, height: int, cod: bytes = b"") -> bytes:
    """A JPEG 2000 header of one tile and three components, and no data."""
    size = struct.pack(">HIIIIIIIIH", 0, width, height, 0, 0, width, height, 0, 0, 3) + b"\7\1\1" * 3
    parts = [b"\xff\x4f\xff\x51", struct.pack(">H", len(size) + 2), size]
    if cod:
        parts += [b"\xff\x52", struct.pack(">H", len(cod) + 2), cod]
    return b"".join(parts) + b"\xff\xd9"


NO_SCAN = b"\xff\xda\0\2\xff\xd9"
HOSTILE: dict[str, Callable[[Path], bytes | None]] = {
    "empty": lambda p: b"",
    "one byte": lambda p: b"\xff",
    "png bomb 1 bit": lambda p: png(200_000, 200_000, 1, 0, zlib.compress(bytes(25_001 * 100))),
    "png of 2**31": lambda p: png(2**31, 2**31, 16, 6, b""),
    "png without data": lambda p: png(10, 10, 8, 2, b""),
    "png that holds too little": lambda p: png(9000, 9000, 8, 2, zlib.compress(b"\0")),
    "jpeg of 65,500": lambda p: b"\xff\xd8" + jpeg_frame(65_500, 65_500) + NO_SCAN,
    "jpeg that lies": lambda p: lying_jpeg(p, 9000, 9000),
    "jpeg of 12 bits": lambda p: b"\xff\xd8" + jpeg_frame(9, 9, 3, 12) + NO_SCAN,
    "jpeg of fill bytes": lambda p: b"\xff\xd8" + b"\xff" * 20_000_000,
    "jpeg of empty markers": lambda p: b"\xff\xd8" + b"\xff\xe5\0\2" * 1_000_000,
    "bmp of 60,000": lambda p: bmp(60_000, 60_000, 24, 0),
    "bmp of -2**31": lambda p: bmp(-(2**31), -(2**31), 8, 1),
    "bmp run lengths of 7,000": lambda p: bmp(7000, 7000, 8, 1),
    "gif of 65,535": lambda p: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2\x4c\1\0;",
    "webp cut": lambda p: b"RIFF\x99\0\0\0WEBPVP8L\x10\0\0\0/\xff\xff\xff\x0f",
    "jp2 of 2**32": lambda p: codestream(2**32 - 1, 2**32 - 1),
    "jp2 of 65,535 layers": lambda p: codestream(64, 64, cod=bytes([0, 0, 255, 255, 0, 5, 4, 4, 0, 0])),
    "jp2 of tiny precincts": lambda p: codestream(4000, 4000, cod=bytes([1, 0, 0, 1, 0, 1, 4, 4, 0, 0, 0, 0])),
    "tiff header only": lambda p: b"II*\0\x08\0\0\0",
    "tiff in a circle": many_pages,
    "tiff of nothing": lambda p: strips(p, b"", 0, 0),
    "tiff of 2**32": lambda p: strips(p, bytes(64), 2**32 - 1, 2**32 - 1),
    "tiff without rows": lambda p: strips(p, bytes(64), 8, 8, t278=0),
    "tiff of 65,535 channels": lambda p: strips(p, bytes(64), 8, 8, t277=65_535),
    "tiff of 0 bits": lambda p: strips(p, bytes(64), 8, 8, t258=0),
    "tiff of 64 bits": lambda p: strips(p, bytes(512), 8, 8, t258=64),
    "tiff tile of 0": lambda p: write_tiff(p, tile_tags(64, 64, 0, [8], [10]), bytes(10)),
    "tiff tile of 2**31": lambda p: write_tiff(p, tile_tags(64, 64, 2**31, [8], [10]), bytes(10)),
    "tiff tile of a gigapixel": lambda p: write_tiff(p, tile_tags(64, 64, 32_768, [8], [10], t259=8), bytes(10)),
    "tiff tiles of one pixel": lambda p: write_tiff(
        p, tile_tags(300, 300, 1, [8] * 90_000, [3] * 90_000), bytes(16)
    ),
    "tiff tile outside": lambda p: write_tiff(p, tile_tags(64, 64, 64, [2**31], [100]), bytes(10)),
    "tiff tile of 4 GB": lambda p: write_tiff(p, tile_tags(64, 64, 64, [8], [2**32 - 1]), bytes(10)),
    "tiff too few tiles": lambda p: write_tiff(p, tile_tags(640, 640, 64, [8], [10]), bytes(10)),
    "tiff tag count": lambda p: write_tiff(p, strip_tags(8, 8, 64), bytes(64), extra={273: 2**31}),
    "tiff tile is a huge jpeg": lying_tile,
    "tiff deflate bomb": lambda p: strips(p, zlib.compress(bytes(200_000_000)), t259=8),
    "tiff strip too short": lambda p: strips(p, zlib.compress(bytes(1000)), t259=8),
    "tiff packbits nonsense": lambda p: strips(p, b"\x81\x00" * 10, t259=32773),
    "tiff unknown codec": lambda p: strips(p, bytes(64), 8, 8, t259=65_000),
    "tiff fax": lambda p: strips(p, bytes(64), 8, 8, t259=4),
    "tiff predictor": lambda p: strips(p, zlib.compress(bytes(64)), 8, 8, t259=8, t317=77),
    "web page": lambda p: b"<!DOCTYPE html><html><body>404</body></html>",
    "svg": lambda p: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "zip": lambda p: b"PK\3\4" + bytes(100),
    "noise": lambda p: np.random.default_rng(0).bytes(5000),
}  # fmt: skip


def test_each_is_refused_soon_and_small(tmp_path: Path, read_safely: Reader) -> None:
    paths = []
    for number, make in enumerate(HOSTILE.values()):
        paths.append(tmp_path / f"{number}.tif")
        content = make(paths[-1])
        if content is not None:
            paths[-1].write_bytes(content)
    outcomes = dict(zip(HOSTILE, read_safely(paths), strict=True))
    assert {name: (o.outcome, o.said) for name, o in outcomes.items() if o.outcome != "refused"} == {}
    assert {name: (o.seconds, o.mib) for name, o in outcomes.items() if o.seconds > 3 or o.mib > 400} == {}
    assert {name: o.said for name, o in outcomes.items() if "\n" in o.said or len(o.said) > 500} == {}


def test_a_strip_that_bursts_is_unpacked_no_further_than_its_size(tmp_path: Path, read_safely: Reader) -> None:
    strips(tmp_path / "burst.tif", lzma.compress(bytes(200_000_000)), t259=34925)
    outcome = read_safely([tmp_path / "burst.tif"])[0]
    assert outcome.outcome in ("opened", "refused")
    assert outcome.seconds < 3
    assert outcome.mib < 200


def test_entities_of_an_ome_xml_are_not_unfolded(tmp_path: Path) -> None:
    bomb_ome(tmp_path / "bomb.ome.tif")
    slide = open_slide(tmp_path / "bomb.ome.tif")
    assert slide.shape == (4, 4)
    assert any("entities" in note for note in slide.notes)


def save_tiled(path: Path) -> None:
    tifffile.imwrite(path, PICTURE, photometric="rgb", tile=(32, 32), compression="zlib")


CUT: dict[str, Callable[[Path], object]] = {
    "png": lambda p: Image.fromarray(PICTURE).save(p),
    "jpg": lambda p: Image.fromarray(PICTURE).save(p),
    "bmp": lambda p: Image.fromarray(PICTURE).save(p),
    "gif": lambda p: Image.fromarray(PICTURE).quantize(64).save(p),
    "webp": lambda p: Image.fromarray(PICTURE).save(p),
    "jp2": lambda p: Image.fromarray(PICTURE).save(p),
    "tif": lambda p: tifffile.imwrite(p, PICTURE, photometric="rgb"),
    "tiled.tif": save_tiled,
    "ome.tif": lambda p: tifffile.imwrite(p, PICTURE, photometric="rgb", ome=True, compression="lzw"),
}


@pytest.mark.parametrize("ending", CUT)
def test_whatever_is_cut_off_is_refused(tmp_path: Path, ending: str) -> None:
    """At every tenth of its length, and (but for GIF) two bytes short of it."""
    path = tmp_path / f"whole.{ending}"
    CUT[ending](path)
    whole = path.read_bytes()
    open_slide(path).close()
    lengths = [len(whole) * k // 10 for k in range(10)]
    if ending != "gif":  # whose first frame may be whole without the trailer
        lengths.append(len(whole) - 2)
    for length in lengths:
        path.write_bytes(whole[:length])
        with pytest.raises(ImageError) as caught:
            open_slide(path)
        assert str(path) in str(caught.value)


def test_a_tiled_giant_is_read_where_a_whole_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "giant.tif"
    tile = np.full((512, 512), 77, np.uint8)
    tiles = (tile for _ in range(80 * 80))
    tifffile.imwrite(path, tiles, shape=(40_960, 40_960), dtype=np.uint8, tile=(512, 512), compression="zlib",
                     photometric="minisblack")  # fmt: skip
    slide: Slide = open_slide(path)
    assert slide.shape == (40_960, 40_960)
    assert (slide.read(Region(40_000, 40_000, 40_100, 40_300)) == 77).all()
    slide.close()
    Image.fromarray(np.zeros((3000, 3000), np.uint8)).save(tmp_path / "whole.png")
    with pytest.raises(ImageError, match="too large"):
        open_slide(tmp_path / "whole.png", max_pixels=8_000_000)
