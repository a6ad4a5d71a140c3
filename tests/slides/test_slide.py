"""The door, the facts of a slide, and what is said of files that are not opened."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from allviewer.slides import EXTENSIONS, Slide, open_slide
from allviewer.slides.slide import ArraySlide, content_digest
from allviewer.vocab.errors import ImageError
from allviewer.vocab.optics import UNKNOWN_PIXEL_SIZE
from allviewer.vocab.region import Region


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "Im001_1.png"
    Image.fromarray(np.full((5, 7, 3), 9, np.uint8)).save(path)
    return path


def test_a_slide_states_its_facts(png: Path) -> None:
    slide: Slide = open_slide(str(png))
    assert (slide.path, slide.name, slide.shape, slide.levels) == (png, "Im001_1", (5, 7), ((5, 7),))
    assert slide.pixel_size == UNKNOWN_PIXEL_SIZE
    assert slide.digest == hashlib.sha256(png.read_bytes()).hexdigest()
    assert slide.pyramid()[0].shape == (5, 7, 3)
    slide.close()


def test_what_is_read_may_be_written_to(png: Path) -> None:
    slide = open_slide(png)
    slide.read(Region(0, 0, 5, 7))[:] = 200
    assert (slide.read(Region(0, 0, 5, 7)) == 9).all()
    assert not slide.pyramid()[0].flags.writeable


def test_the_digest_is_remembered(png: Path) -> None:
    slide = open_slide(png)
    before = slide.digest
    png.unlink()
    assert slide.digest == before


def test_the_digest_of_a_folder_is_over_its_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_bytes(b"22")
    (tmp_path / "a").write_bytes(b"1")
    assert content_digest(tmp_path) == hashlib.sha256(b"a\0001b/x\00022").hexdigest()


def test_the_digest_of_a_lost_file(tmp_path: Path) -> None:
    slide = ArraySlide(tmp_path / "lost.png", np.zeros((2, 2, 3), np.uint8), UNKNOWN_PIXEL_SIZE, ())
    with pytest.raises(ImageError, match="cannot be read"):
        _ = slide.digest


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        open_slide(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="folder"):
        open_slide(tmp_path)
    (tmp_path / "slide.zarr").mkdir()
    (tmp_path / "slide.zarr" / ".zgroup").write_text("{}")
    with pytest.raises(ImageError, match="OME-Zarr"):
        open_slide(tmp_path / "slide.zarr")
    with pytest.raises(ImageError):
        open_slide("nul\0name.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a matter of POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a regular file"):
        open_slide(tmp_path / "pipe.png")


def test_a_file_that_may_not_be_read(png: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(ImageError, match=r"cannot be read .got Permission denied"):
        open_slide(png)


@pytest.mark.parametrize(
    ("name", "head", "word"),
    [
        ("a.dcm", b"", "DICOM"), ("a", bytes(128) + b"DICM", "DICOM"), ("a.mrxs", b"\xff\xd8\xff", "MIRAX"),
        ("a.ndpi", b"II*\0", "NDPI"), ("a.czi", b"ZISRAWFILE", "CZI"), ("a.heic", b"\0\0\0\x18ftypheic", "HEIF"),
        ("a.pdf", b"%PDF-1.7", "PDF"), ("a.jpg", b"<html>", "web page"), ("a.xyz", b"hello world", "no known"),
    ],
)  # fmt: skip
def test_foreign_files_are_named(tmp_path: Path, name: str, head: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(head + bytes(200))
    with pytest.raises(ImageError, match=word):
        open_slide(tmp_path / name)


def test_a_wrong_name_is_noted_and_does_not_matter(png: Path) -> None:
    wrong = png.with_suffix(".jpg")
    png.rename(wrong)
    slide = open_slide(wrong)
    assert slide.notes == ("The file is named .jpg but holds PNG.",)
    odd = wrong.rename(wrong.with_suffix(""))
    assert open_slide(odd).notes == ()


def test_extensions_are_for_dialogs() -> None:
    assert {".png", ".jpg", ".bmp", ".tif", ".svs"} <= set(EXTENSIONS)
    assert all(e.startswith(".") and e == e.lower() for e in EXTENSIONS)


def test_importing_the_room_is_cheap() -> None:
    heavy = ("torch", "napari", "vispy", "PIL", "imagecodecs", "tifffile", "zarr", "cv2", "pydantic")
    code = f"import sys, allviewer.slides; print([m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
