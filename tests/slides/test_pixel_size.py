"""Pixel size is read where a file states a microscope's, and nowhere else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from allviewer.slides import open_slide
from allviewer.slides.ome import read_ome
from allviewer.slides.pixelsize import aperio_step, imagej_step, pixel_size, unit_um
from allviewer.vocab.optics import PixelSizeSource

FIELD = np.zeros((16, 24, 3), np.uint8)


def um(path: Path) -> float | None:
    slide = open_slide(path)
    size = slide.pixel_size
    slide.close()
    assert (size.um is None) == (size.source is PixelSizeSource.UNKNOWN)
    assert size.um is None or size.source is PixelSizeSource.FILE
    return size.um


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}, 0.25),
        ({"resolution": (254_000, 254_000), "resolutionunit": "INCH"}, 0.1),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (96, 96), "resolutionunit": "INCH"}, None),
        ({"resolution": (40_000, 40_000), "resolutionunit": "NONE"}, None),
        ({"resolution": (40_000, 10_000), "resolutionunit": "CENTIMETER"}, None),
        ({"resolution": (2, 2), "imagej": True, "metadata": {"unit": "um"}}, 0.5),
        ({"resolution": (2, 2), "imagej": True, "metadata": {"unit": "pixel"}}, None),
        ({"resolution": (4000, 4000), "imagej": True, "metadata": {"unit": "mm"}}, 0.25),
        ({"ome": True, "metadata": {"axes": "YXS", "PhysicalSizeX": 0.3, "PhysicalSizeY": 0.3}}, 0.3),
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "YXS",
                    "PhysicalSizeX": 220.0,
                    "PhysicalSizeXUnit": "nm",
                    "PhysicalSizeY": 220.0,
                    "PhysicalSizeYUnit": "nm",
                },
            },
            0.22,
        ),
        ({"ome": True, "metadata": {"axes": "YXS"}}, None),
        ({"description": "Aperio Image Library v1\n16x24 |AppMag = 20|MPP = 0.4990|Left = 1", "metadata": None}, 0.499),
        ({"description": "Aperio Image Library v1\n16x24 |AppMag = 20|MPP = -0.5", "metadata": None}, None),
        ({"description": "Aperio Image Library v1\n16x24 |AppMag = 20|MPP = 1e300", "metadata": None}, None),
    ],
)
def test_tiff(tmp_path: Path, options: dict[str, Any], meant: float | None) -> None:
    path = tmp_path / ("field.ome.tif" if options.get("ome") else "field.tif")
    tifffile.imwrite(path, FIELD, photometric="rgb", **options)
    assert um(path) == (meant if meant is None else pytest.approx(meant, rel=1e-4))


@pytest.mark.parametrize(("dots_an_inch", "meant"), [(72, None), (300, None), (1200, None), (63_500, 0.4)])
@pytest.mark.parametrize("ending", ["jpg", "png", "bmp"])
def test_plain_pictures(tmp_path: Path, ending: str, dots_an_inch: int, meant: float | None) -> None:
    path = tmp_path / f"field.{ending}"
    Image.fromarray(FIELD).save(path, dpi=(dots_an_inch, dots_an_inch))
    assert um(path) == (meant if meant is None else pytest.approx(meant, rel=1e-3))


def test_exif_resolution(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 20_000.0, 20_000.0, 3
    Image.fromarray(FIELD).save(tmp_path / "field.jpg", exif=exif)
    data = (tmp_path / "field.jpg").read_bytes()
    assert data[6:11] != b"JFIF\0" or data[13] == 0
    assert um(tmp_path / "field.jpg") == pytest.approx(0.5)


@pytest.mark.parametrize(
    "step", [None, (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0), (-1.0, -1.0), (25.0, 25.0)]
)
def test_steps_that_are_no_microscope_s(step: tuple[float, float] | None) -> None:
    assert pixel_size(step).um is None


def test_words() -> None:
    assert unit_um("µm") == unit_um("\u03bcm") == unit_um("\\u00B5m") == unit_um("micron") == 1
    assert unit_um("pixel") is None
    assert aperio_step("Aperio |MPP = not a number|") is None
    assert aperio_step("Other |MPP = 0.25") is None
    assert imagej_step("ImageJ=1.53\nunit=inch\n", 50_800.0, 50_800.0) == (0.5, 0.5)
    assert imagej_step("ImageJ=1.53\n", 2.0, 2.0) is None


@pytest.mark.parametrize(
    "text", ["", "<OME>", "<OME><Image/></OME>", "<OME><Image><Pixels SizeX='-1'/></Image></OME>", "<!DOCTYPE x><OME/>"]
)
def test_an_ome_xml_without_a_picture(text: str) -> None:
    assert read_ome(text) is None
