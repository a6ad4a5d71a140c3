"""Any region of any file, however it is stored, equals the same slice of the whole picture."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from allviewer.slides import Slide, open_slide
from allviewer.slides.tiff import TiffSlide
from allviewer.vocab.errors import ImageError
from allviewer.vocab.region import Region

HEIGHT, WIDTH = 203, 317


@cache
def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


WAYS: dict[str, dict[str, Any]] = {
    "tiles": {"tile": (32, 48)},
    "tiles-lzw-predictor": {"tile": (64, 16), "compression": "lzw", "predictor": True},
    "tiles-deflate-planar": {"tile": (48, 64), "compression": "zlib", "planarconfig": "separate"},
    "tiles-zstd-bigtiff": {"tile": (32, 32), "compression": "zstd", "bigtiff": True},
    "tiles-big-endian": {"tile": (32, 32), "byteorder": ">"},
    "strips": {"rowsperstrip": 7},
    "strips-packbits": {"rowsperstrip": 16, "compression": "packbits"},
    "strips-lzma": {"rowsperstrip": 50, "compression": "lzma"},
    "strips-planar-deflate": {"rowsperstrip": 9, "compression": "zlib", "planarconfig": "separate", "predictor": True},
    "one-strip": {},
    "ome": {"ome": True, "tile": (64, 64)},
    "jpeg2000": {"tile": (64, 64), "compression": "jpeg2000"},
    "webp": {"tile": (64, 64), "compression": "webp", "compressionargs": {"lossless": True}},
    "tiles-16-bit": {"tile": (32, 48), "compression": "zlib", "predictor": True},
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Slide]:
    """The same noise, stored in every way; TIFFs both as opened and as they are read when they are large."""
    folder = tmp_path_factory.mktemp("stored")
    Image.fromarray(noise()).save(folder / "plain.png")
    slides: dict[str, Slide] = {"png": open_slide(folder / "plain.png")}
    for name, options in WAYS.items():
        path = folder / f"{name}.tif"
        pixels = noise().astype(np.uint16) * 257 if "16" in name else noise()
        pixels = np.moveaxis(pixels, 2, 0) if "planar" in name else pixels
        tifffile.imwrite(path, pixels, photometric="rgb", **options)
        slides[name] = open_slide(path)
    return slides


@pytest.fixture(scope="module")
def lazy(stored: dict[str, Slide], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Slide]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("allviewer.slides.tiff.WHOLE_PIXELS", 0)
        slides = {name: open_slide(slide.path) for name, slide in stored.items() if name != "png"}
    assert all(isinstance(slide, TiffSlide) for slide in slides.values())
    return slides


def test_whole_pictures(stored: dict[str, Slide], lazy: dict[str, Slide]) -> None:
    for name, slide in [*stored.items(), *lazy.items()]:
        assert np.array_equal(slide.read(Region(0, 0, HEIGHT, WIDTH)), noise()), name


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_region_is_the_slice(stored: dict[str, Slide], lazy: dict[str, Slide], data: st.DataObject) -> None:
    y0, y1 = sorted(data.draw(st.tuples(*[st.integers(0, HEIGHT)] * 2)))
    x0, x1 = sorted(data.draw(st.tuples(*[st.integers(0, WIDTH)] * 2)))
    meant = noise()[y0:y1, x0:x1]
    for slides in (stored, lazy):
        name = data.draw(st.sampled_from(sorted(slides)))
        got = slides[name].read(Region(y0, x0, y1, x1))
        assert got.dtype == np.uint8
        assert got.flags.writeable
        assert got.flags.c_contiguous
        assert np.array_equal(got, meant)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_level_slices_as_numpy_does(lazy: dict[str, Slide], data: st.DataObject) -> None:
    def index(size: int) -> st.SearchStrategy[Any]:
        numbers = st.integers(-size - 5, size + 5) | st.none()
        return st.integers(-size, size - 1) | st.builds(slice, numbers, numbers, st.integers(1, 7) | st.none())

    level = lazy[data.draw(st.sampled_from(sorted(lazy)))].pyramid()[0]
    key = data.draw(st.one_of(index(HEIGHT), st.tuples(index(HEIGHT), index(WIDTH)), st.just(Ellipsis)))
    full = (*key, data.draw(index(3))) if isinstance(key, tuple) and data.draw(st.booleans()) else key
    assert np.array_equal(level[full], noise()[full])


def test_levels_look_like_arrays(lazy: dict[str, Slide]) -> None:
    level = lazy["tiles"].pyramid()[0]
    assert (level.shape, level.ndim, level.dtype, len(level)) == ((HEIGHT, WIDTH, 3), 3, np.uint8, HEIGHT)
    assert np.array_equal(np.asarray(level), noise())
    with pytest.raises(IndexError):
        level[0, 0, 0, 0]
    with pytest.raises(IndexError):
        level[HEIGHT]


def test_a_region_outside_is_the_caller_s_mistake(stored: dict[str, Slide]) -> None:
    for box in (Region(0, 0, HEIGHT + 1, 5), Region(-1, 0, 5, 5), Region(0, 300, 5, WIDTH + 1)):
        with pytest.raises(ValueError, match="leaves"):
            stored["png"].read(box)
    with pytest.raises(ValueError, match="levels 0 to 0"):
        stored["png"].read(Region(0, 0, 1, 1), level=1)


def write_pyramid(path: Path, way: str) -> list[NDArray[np.uint8]]:
    """Three levels as SubIFDs or as reduced pages, odd sizes rounded up or down, then a label and a macro."""
    levels = [noise(), noise()[::2, ::2], noise()[:200:4, :316:4]]
    options: dict[str, Any] = {"photometric": "rgb", "tile": (32, 32), "compression": "zlib"}
    with tifffile.TiffWriter(path, ome=way == "ome") as writer:
        if way in ("subifds", "ome"):
            writer.write(levels[0], subifds=2, resolution=(20_000, 20_000), resolutionunit="CENTIMETER", **options)
            for level in levels[1:]:
                writer.write(level, subfiletype=1, **options)
        else:
            writer.write(levels[0], metadata=None, **options)
            if way == "aperio":  # its thumbnail has the proportions of the picture, but lies in strips
                writer.write(noise()[::3, ::3], photometric="rgb", metadata=None)
            for level in levels[1:]:
                writer.write(level, subfiletype=1 if way == "pages" else 0, metadata=None, **options)
            for word, kind in (("label", 1), ("macro", 9)):
                writer.write(
                    noise()[:90, :80], photometric="rgb", subfiletype=kind, description=f"{word} 80x90", metadata=None
                )
    return levels


@pytest.mark.parametrize("way", ["subifds", "ome", "pages", "aperio"])
def test_pyramids(tmp_path: Path, way: str) -> None:
    path = tmp_path / ("p.ome.tif" if way == "ome" else "p.tif")
    levels = write_pyramid(path, way)
    slide = open_slide(path)
    assert slide.levels == tuple(level.shape[:2] for level in levels)
    arrays = slide.pyramid()
    for k, level in enumerate(levels):
        assert np.array_equal(np.asarray(arrays[k]), level)
        got = slide.read(Region(0, 0, HEIGHT, WIDTH), k)
        assert np.array_equal(got, level)
    part = slide.read(Region(40, 80, 101, 161), 1)
    step_y, step_x = HEIGHT / slide.levels[1][0], WIDTH / slide.levels[1][1]
    assert part.shape[:2] == (-(-61 // step_y), -(-81 // step_x))
    y, x = int(40 / step_y), int(80 / step_x)
    assert np.array_equal(part, levels[1][y : y + part.shape[0], x : x + part.shape[1]])
    slide.close()


def test_large_strips_are_read_piece_by_piece(tmp_path: Path) -> None:
    """6,000 x 6,000 RGB in strips: only the strips asked for are decoded."""
    rows = np.random.default_rng(1).integers(0, 256, (6000, 1, 3), np.uint8)
    tifffile.imwrite(tmp_path / "large.tif", np.repeat(rows, 6000, axis=1), photometric="rgb", rowsperstrip=64,
                     compression="zlib")  # fmt: skip
    slide = open_slide(tmp_path / "large.tif")
    assert isinstance(slide, TiffSlide)
    got = slide.read(Region(3000, 5990, 3100, 6000))
    assert np.array_equal(got, np.repeat(rows[3000:3100], 10, axis=1))
    assert len(slide._cache) == 3
    slide.close()


def test_missing_tiles_are_white(tmp_path: Path) -> None:
    from tests.slides.tiff_by_hand import tile_tags, write_tiff

    tile = noise()[:32, :32].tobytes()
    write_tiff(tmp_path / "sparse.tif", tile_tags(32, 64, 32, [8, 0], [len(tile), 0]), tile)
    slide = open_slide(tmp_path / "sparse.tif")
    pixels = slide.read(Region(0, 0, 32, 64))
    assert np.array_equal(pixels[:, :32], noise()[:32, :32])
    assert (pixels[:, 32:] == 255).all()
    assert any("white" in note for note in slide.notes)


def test_a_damaged_tile_is_told_when_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "damaged.tif"
    tifffile.imwrite(path, noise(), photometric="rgb", tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(path) as file:
        last = file.pages[0].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[last : last + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ImageError, match="damaged"):
        open_slide(path)
    monkeypatch.setattr("allviewer.slides.tiff.WHOLE_PIXELS", 0)
    slide = open_slide(path)
    assert np.array_equal(slide.read(Region(0, 0, 32, 32)), noise()[:32, :32])
    with pytest.raises(ImageError, match="damaged"):
        slide.read(Region(HEIGHT - 1, WIDTH - 1, HEIGHT, WIDTH))


def test_threads_read_one_slide_together(lazy: dict[str, Slide]) -> None:
    boxes = [Region(y, x, y + 60, x + 90) for y in range(0, 140, 20) for x in range(0, 220, 20)]
    for name in ("tiles", "strips-lzma", "tiles-16-bit"):
        with ThreadPoolExecutor(4) as pool:
            for box, got in zip(boxes, pool.map(lazy[name].read, boxes), strict=True):
                assert np.array_equal(got, noise()[box.y0 : box.y1, box.x0 : box.x1]), name


def test_a_closed_slide_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allviewer.slides.tiff.WHOLE_PIXELS", 0)
    tifffile.imwrite(tmp_path / "s.tif", noise(), photometric="rgb", tile=(32, 32))
    slide = open_slide(tmp_path / "s.tif")
    slide.close()
    with pytest.raises(ImageError, match="closed"):
        slide.read(Region(0, 0, 10, 10))
