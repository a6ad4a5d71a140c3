"""Every file of formats/good opens to its manifest's pixels, or is refused in a sentence that says why."""

import csv
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from allviewer.slides import open_slide
from allviewer.vocab.errors import ImageError
from allviewer.vocab.region import Region

REFUSED = {
    "wsi/dicom_boxes/": "DICOM files",
    "dicom/": "DICOM files",
    "zarr/": "OME-Zarr images",
    "made_here/pyramid_3ch_uint16_v0.4.ome.zarr/": "OME-Zarr images",
    "ome/multi-channel.ome.tif": "signed samples",
    "ome/avivator/multi-channel.ome.tif": "signed samples",
    "tiff/tiled-oversize-gray-i8.tif": "signed samples",
    "tiff/int8.tif": "signed samples",
    "tiff/subsampled.tif": "YCbCr colour outside JPEG",
    "tiff/ojpeg-tile.tif": "old-style JPEG",
    "tiff/hopper.Lab.tif": "CIELAB colour",
    "tiff/10ct_32bit_128.tiff": "floating-point samples",
    "tiff/g4_orientation_6.tif": "CCITT fax",
    "tiff/zero_gi.tif": "impossible size",
    "jp2/issue412.jp2": "reordered channels",
}
"""Beginning of a path → what the refusal must name. Whatever is not listed here must open."""


def reason(name: str) -> str | None:
    return next((why for start, why in REFUSED.items() if name.startswith(start)), None)


@pytest.fixture(scope="module")
def rows(data: Path) -> dict[str, dict[str, str]]:
    with (data / "formats" / "good" / "manifest.csv").open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def expected(row: dict[str, str], corner: str, path: Path) -> NDArray[np.float64]:
    """The manifest's corner pixel as RGB, by means other than the program's."""
    notes = row["notes"]
    values = np.array([float(v) for v in row[corner].split()])
    if "mode=P" in notes or "photometric=PALETTE" in notes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(path).convert("RGBA")
        y, x = (0, 0) if corner == "first_pixel" else (picture.height - 1, picture.width - 1)
        *colour, alpha = picture.getpixel((x, y))
        return np.array(colour) * alpha / 255 + 255 - alpha
    bits = re.search(r"\bbits=(\d+)", notes)
    depth = int(bits[1]) if bits else {"bool": 1, "uint8": 8, "uint16": 16}[row["dtype"]]
    values = values * 255 / (2**depth - 1)
    if "mode=CMYK" in notes:
        return (255 - values[:3]) * (255 - values[3]) / 255
    if len(values) in (2, 4):
        alpha = values[-1]
        values = values[:-1] * alpha / 255 + 255 - alpha
    return np.repeat(values, 3) if len(values) == 1 else values


def test_the_manifest_is_here(rows: dict[str, dict[str, str]]) -> None:
    assert len(rows) > 100
    unknown = [start for start in REFUSED if not any(name.startswith(start) for name in rows)]
    assert unknown == []


def test_pixels_are_the_manifest_s(rows: dict[str, dict[str, str]], data: Path) -> None:
    wrong = []
    for name, row in rows.items():
        if reason(name):
            continue
        path = data / "formats" / "good" / name
        slide = open_slide(path)
        if slide.shape != (int(row["height"]), int(row["width"])):
            wrong.append(f"{name}: shape {slide.shape}")
            continue
        height, width = slide.shape
        tolerance = 2 if "jpeg" in row["notes"].lower() or name.endswith((".jpg", ".jp2", ".webp")) else 1
        for corner, box in (
            ("first_pixel", Region(0, 0, 1, 1)),
            ("last_pixel", Region(height - 1, width - 1, height, width)),
        ):
            got, meant = slide.read(box)[0, 0], expected(row, corner, path)
            if np.abs(got - meant).max() > tolerance:
                wrong.append(f"{name}: {corner} {got} instead of {meant}")
        slide.close()
    assert wrong == []


def test_refusals_name_what_is_not_supported(rows: dict[str, dict[str, str]], data: Path) -> None:
    for name in rows:
        why = reason(name)
        if why:
            with pytest.raises(ImageError, match=re.escape(why)) as caught:
                open_slide(data / "formats" / "good" / name.rstrip("/"))
            assert "supported" in str(caught.value) or name == "tiff/zero_gi.tif"


@pytest.mark.parametrize(
    ("name", "levels", "um"),
    [
        ("wsi/CMU-1-Small-Region.svs", 1, 0.499),
        ("made_here/pyramid_3ch_uint16_deflate.ome.tif", 3, 0.499),
        ("tiff/usda_naip_256_webp_z3.tif", 3, None),
        ("ome/cells.ome.tif", 1, 0.25),
    ],
)
def test_levels_and_pixel_size(data: Path, name: str, levels: int, um: float | None) -> None:
    slide = open_slide(data / "formats" / "good" / name)
    assert len(slide.levels) == levels
    assert slide.pixel_size.um == (um if um is None else pytest.approx(um, abs=1e-3))
    slide.close()


def test_levels_show_the_same_picture(data: Path) -> None:
    """A level is level 0 made smaller: their mean colours agree."""
    slide = open_slide(data / "formats" / "good" / "made_here/pyramid_3ch_uint16_deflate.ome.tif")
    whole = Region(0, 0, *slide.shape)
    means = [slide.read(whole, level).mean(axis=(0, 1)) for level in range(3)]
    assert np.abs(means[0] - means[1]).max() < 3
    assert np.abs(means[0] - means[2]).max() < 3
    slide.close()
