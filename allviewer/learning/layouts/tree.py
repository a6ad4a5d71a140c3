"""What lies in a folder, looked up once for all layouts."""

import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from allviewer.vocab.errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder's files, as sorted posix paths relative to ``root``: images, CSV tables, and every other file."""

    root: Path
    images: tuple[str, ...]
    tables: tuple[str, ...]
    others: tuple[str, ...]


def look_into(root: Path) -> Tree:
    """Every file below a folder; hidden ones are passed over, and a linked folder is entered once."""
    images: list[str] = []
    tables: list[str] = []
    others: list[str] = []
    seen: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        below[:] = [] if real in seen else sorted(name for name in below if not name.startswith("."))
        if real in seen:
            continue
        seen.add(real)
        for name in names:
            if name.startswith("."):
                continue
            path = Path(folder, name)
            suffix = path.suffix.lower()
            kind = images if suffix in IMAGE_SUFFIXES else tables if suffix == ".csv" else others
            kind.append(path.relative_to(root).as_posix())
    return Tree(root, tuple(sorted(images)), tuple(sorted(tables)), tuple(sorted(others)))


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) from the header; DataError where the image is missing or unreadable."""
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError:
        raise DataError("an image that the data name is missing", where=str(path)) from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise DataError("this image cannot be read", where=str(path)) from error
