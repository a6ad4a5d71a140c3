"""Pictures of every mode, made here, come out as the colours they were made from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from allviewer.slides import Slide, open_slide
from allviewer.vocab.errors import ImageError
from allviewer.vocab.region import Region
from tests.slides.tiff_by_hand import strip_tags, write_tiff


def whole(slide: Slide) -> NDArray[np.uint8]:
    return slide.read(Region(0, 0, *slide.shape))


@pytest.fixture(scope="module")
def field() -> NDArray[np.uint8]:
    """A smooth colourful picture of odd size, (61, 83, 3)."""
    y, x = np.mgrid[:61, :83]
    return np.stack([(3 * x) % 256, (4 * y) % 256, (x + 2 * y) % 256], axis=2).astype(np.uint8)


def grey_of(field: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return field[..., 0]


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp", "jp2"])
def test_rgb_without_loss(tmp_path: Path, field: NDArray[np.uint8], ending: str) -> None:
    path = tmp_path / f"field.{ending}"
    Image.fromarray(field).save(path, **({"lossless": True} if ending == "webp" else {}))
    slide = open_slide(path)
    assert slide.shape == field.shape[:2]
    assert slide.levels == (field.shape[:2],)
    assert slide.notes == ()
    assert np.array_equal(whole(slide), field)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 2, "quality": 60}])
def test_jpeg_as_pillow_decodes_it(tmp_path: Path, field: NDArray[np.uint8], options: dict[str, Any]) -> None:
    path = tmp_path / "field.jpg"
    Image.fromarray(field).save(path, **options)
    meant = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert np.abs(whole(open_slide(path)) - meant).max() <= 1


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "jpg", "jp2"])
def test_grey_is_shown_as_grey_and_said(tmp_path: Path, field: NDArray[np.uint8], ending: str) -> None:
    path = tmp_path / f"grey.{ending}"
    Image.fromarray(grey_of(field)).save(path)
    slide = open_slide(path)
    pixels = whole(slide)
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.abs(pixels[..., 0].astype(int) - grey_of(field)).max() <= (12 if ending == "jpg" else 0)
    assert any("greyscale" in note or "Palette" in note for note in slide.notes)


def save_png16(path: Path, pixels: NDArray[np.uint16]) -> None:
    import imagecodecs

    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))


@pytest.mark.parametrize("save", [save_png16, tifffile.imwrite], ids=["png", "tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_scaled(
    tmp_path: Path, field: NDArray[np.uint8], save: Callable[[Path, Any], None], channels: int
) -> None:
    deep = field.astype(np.uint16) * np.uint16(257)
    deep[0, 0] = [128, 129, 65535]  # below a half, above a half, white
    save(tmp_path / "deep.x", deep[..., 0] if channels == 1 else deep)
    slide = open_slide(tmp_path / "deep.x")
    pixels = whole(slide)
    assert "16-bit values were scaled by 1/257 to 8 bits." in slide.notes
    if channels == 3:
        assert pixels[0, 0].tolist() == [0, 1, 255]
        assert np.array_equal(pixels[1:], field[1:])
    else:
        assert np.array_equal(pixels[1:, :, 1], field[1:, :, 0])


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_packed_bits_of_tiff(tmp_path: Path, bits: int) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, (32, 48), np.uint16)
    digits = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    data = np.packbits(digits.reshape(32, -1).astype(np.uint8), axis=1).tobytes()
    write_tiff(tmp_path / "packed.tif", strip_tags(32, 48, len(data), bits=bits), data)
    slide = open_slide(tmp_path / "packed.tif")
    meant = values * (255 / (2**bits - 1))
    assert np.abs(whole(slide)[..., 0] - meant).max() <= 0.5
    assert any(f"{bits}-bit" in note for note in slide.notes)


def test_white_is_zero(tmp_path: Path, field: NDArray[np.uint8]) -> None:
    tifffile.imwrite(tmp_path / "ink.tif", grey_of(field), photometric="miniswhite")
    slide = open_slide(tmp_path / "ink.tif")
    assert np.array_equal(whole(slide)[..., 2], 255 - grey_of(field))
    assert any("inverted" in note for note in slide.notes)


@pytest.mark.parametrize("ending", ["png", "gif", "bmp", "tif"])
def test_palette_is_looked_up(tmp_path: Path, field: NDArray[np.uint8], ending: str) -> None:
    picture = Image.fromarray(field).quantize(200)
    picture.save(tmp_path / f"palette.{ending}")
    slide = open_slide(tmp_path / f"palette.{ending}")
    assert np.array_equal(whole(slide), np.asarray(picture.convert("RGB")))
    assert "Palette colours were looked up." in slide.notes


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_alpha_is_laid_on_white(tmp_path: Path, field: NDArray[np.uint8], ending: str) -> None:
    alpha = np.linspace(0, 255, field.shape[1]).astype(np.uint8) * np.ones((61, 1), np.uint8)
    path = tmp_path / f"alpha.{ending}"
    options = {"lossless": True, "exact": True} if ending == "webp" else {}
    Image.fromarray(np.dstack([field, alpha])).save(path, **options)
    part = alpha[..., None] / 255
    slide = open_slide(path)
    assert np.abs(whole(slide) - (field * part + 255 * (1 - part))).max() <= 1
    assert "Alpha was laid on white." in slide.notes


def test_premultiplied_alpha(tmp_path: Path) -> None:
    pixel = np.full((16, 16, 4), [100, 50, 0, 128], np.uint8)
    tifffile.imwrite(tmp_path / "pre.tif", pixel, photometric="rgb", extrasamples=["assocalpha"])
    assert whole(open_slide(tmp_path / "pre.tif"))[3, 3].tolist() == [227, 177, 127]


def test_an_extra_channel_is_left_out(tmp_path: Path, field: NDArray[np.uint8]) -> None:
    four = np.dstack([field, 255 - grey_of(field)])
    tifffile.imwrite(tmp_path / "four.tif", four, photometric="rgb", extrasamples=["unspecified"])
    slide = open_slide(tmp_path / "four.tif")
    assert np.array_equal(whole(slide), field)
    assert any("left out" in note for note in slide.notes)


def test_alpha_of_zero_everywhere_is_ignored(tmp_path: Path, field: NDArray[np.uint8]) -> None:
    Image.fromarray(np.dstack([field, np.zeros_like(grey_of(field))])).save(tmp_path / "clear.png")
    slide = open_slide(tmp_path / "clear.png")
    assert np.array_equal(whole(slide), field)
    assert any("ignored" in note for note in slide.notes)


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_is_converted(tmp_path: Path, ending: str) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:8] = [0, 200, 100, 0]
    inks[8:] = [0, 0, 0, 255]
    Image.fromarray(inks, "CMYK").save(tmp_path / f"inks.{ending}", **({"quality": 100} if ending == "jpg" else {}))
    slide = open_slide(tmp_path / f"inks.{ending}")
    pixels = whole(slide).astype(int)
    assert np.abs(pixels[2, 2] - [255, 55, 155]).max() <= 3
    assert pixels[12, 12].max() <= 3
    assert any("CMYK" in note for note in slide.notes)


@pytest.mark.parametrize("value", [3, 6, 8])
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_turned_pictures_stay_as_stored_and_say_so(
    tmp_path: Path, field: NDArray[np.uint8], ending: str, value: int
) -> None:
    exif = Image.Exif()
    exif[274] = value
    options = {"quality": 95} if ending == "jpg" else {}
    Image.fromarray(field).save(tmp_path / f"turned.{ending}", exif=exif, **options)
    slide = open_slide(tmp_path / f"turned.{ending}")
    assert slide.shape == field.shape[:2]
    assert np.abs(whole(slide).astype(int) - field).mean() < 10
    assert any(f"orientation {value}" in note for note in slide.notes)


@pytest.mark.parametrize(
    ("dtype", "word"), [(np.int8, "signed"), (np.int16, "signed"), (np.float32, "floating"), (np.uint32, "depth")]
)
def test_other_samples_are_refused(tmp_path: Path, dtype: type, word: str) -> None:
    tifffile.imwrite(tmp_path / "odd.tif", np.zeros((16, 16, 3), dtype), photometric="rgb")
    with pytest.raises(ImageError, match=word):
        open_slide(tmp_path / "odd.tif")


def test_two_and_five_channels_are_refused(tmp_path: Path) -> None:
    for channels in (2, 5):
        tifffile.imwrite(tmp_path / "c.ome.tif", np.zeros((channels, 16, 16), np.uint8), metadata={"axes": "CYX"})
        with pytest.raises(ImageError, match=f"{channels} channels"):
            open_slide(tmp_path / "c.ome.tif")


def test_fluorescence_is_refused(tmp_path: Path) -> None:
    axes = {"axes": "CYX", "Channel": {"Fluor": ["DAPI", "FITC", "Cy3"]}}
    tifffile.imwrite(tmp_path / "dyes.ome.tif", np.zeros((3, 16, 16), np.uint8), metadata=axes)
    with pytest.raises(ImageError, match="fluorescence"):
        open_slide(tmp_path / "dyes.ome.tif")


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_three_channel_pages_are_red_green_and_blue(tmp_path: Path, field: NDArray[np.uint8], kind: str) -> None:
    options: dict[str, Any] = {"imagej": True} if kind == "imagej" else {"ome": True}
    path = tmp_path / f"channels.{kind}.tif"
    tifffile.imwrite(path, np.moveaxis(field, 2, 0), metadata={"axes": "CYX"}, photometric="minisblack", **options)
    slide = open_slide(path)
    assert np.array_equal(whole(slide), field)
    assert any("red, green and blue" in note for note in slide.notes)


def test_the_first_of_several_frames_is_shown(tmp_path: Path, field: NDArray[np.uint8]) -> None:
    frames = [Image.fromarray(f) for f in (field, 255 - field)]
    for ending in ("tif", "png"):
        path = tmp_path / f"frames.{ending}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        slide = open_slide(path)
        assert np.array_equal(whole(slide), field)
        assert any("first" in note or "still" in note for note in slide.notes)


@pytest.mark.parametrize("way", ["ome", "tag"])
def test_twelve_bits_in_sixteen(tmp_path: Path, field: NDArray[np.uint8], way: str) -> None:
    deep = (field.astype(np.uint32) * 4095 // 255).astype(np.uint16)
    path = tmp_path / "camera.ome.tif"
    options: dict[str, Any] = (
        {"ome": True, "metadata": {"axes": "YXS", "SignificantBits": 12}}
        if way == "ome"
        else {"extratags": [(281, 3, 3, (4095, 4095, 4095), True)], "metadata": None}
    )
    tifffile.imwrite(path, deep, photometric="rgb", **options)
    slide = open_slide(path)
    assert np.abs(whole(slide).astype(int) - field).max() <= 1
    assert "12-bit values were scaled by 255/4095 to 8 bits." in slide.notes


def test_a_dark_deep_picture_is_noted(tmp_path: Path, field: NDArray[np.uint8]) -> None:
    tifffile.imwrite(tmp_path / "dark.tif", field.astype(np.uint16) * 16, photometric="rgb")
    assert any("lowest part of the 16-bit range" in note for note in open_slide(tmp_path / "dark.tif").notes)


def test_a_thumbnail_in_front_is_passed_over(tmp_path: Path, field: NDArray[np.uint8]) -> None:
    with tifffile.TiffWriter(tmp_path / "behind.tif") as writer:
        writer.write(field[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        writer.write(field, photometric="rgb", metadata=None)
    assert np.array_equal(whole(open_slide(tmp_path / "behind.tif")), field)


@pytest.mark.parametrize("word", ["label 387x463", "macro 1280x431"])
def test_a_label_is_never_shown(tmp_path: Path, field: NDArray[np.uint8], word: str) -> None:
    tifffile.imwrite(tmp_path / "label.svs", field, photometric="rgb", description=word, metadata=None)
    with pytest.raises(ImageError, match="label"):
        open_slide(tmp_path / "label.svs")
    name = {"axes": "YXS", "Name": word.split()[0] + " image"}
    tifffile.imwrite(tmp_path / "label.ome.tif", field, photometric="rgb", metadata=name)
    with pytest.raises(ImageError, match="label"):
        open_slide(tmp_path / "label.ome.tif")
