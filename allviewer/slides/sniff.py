"""What kind of file it is, told by its first bytes; the name is asked only where the bytes cannot know."""

from enum import StrEnum
from pathlib import Path

from allviewer.slides.refusal import unsupported
from allviewer.vocab.errors import ImageError


class Kind(StrEnum):
    """Kinds that are read."""

    PNG = "PNG"
    JPEG = "JPEG"
    BMP = "BMP"
    GIF = "GIF"
    WEBP = "WebP"
    JP2 = "JPEG 2000"
    TIFF = "TIFF"


EXTENSIONS = (
    ".tif", ".tiff", ".svs", ".btf", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2", ".j2k",
)  # fmt: skip
"""File name endings for dialogs, lower case, with the dot (``.ome.tif`` ends in ``.tif``)."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG), (b"\xff\xd8", Kind.JPEG), (b"BM", Kind.BMP), (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF), (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.JP2), (b"\xff\x4f\xff\x51", Kind.JP2),
    (b"II*\0", Kind.TIFF), (b"MM\0*", Kind.TIFF), (b"II+\0", Kind.TIFF), (b"MM\0+", Kind.TIFF),
)  # fmt: skip

# read by other programs of the laboratory; named so that a person knows what to convert
_FOREIGN_STARTS = (
    (b"\0\0\1\0", "Windows icons"), (b"DDS ", "DirectDraw surfaces"), (b"8BPS", "Photoshop documents"),
    (b"%PDF", "PDF documents"), (b"PK\3\4", "ZIP archives"), (b"ZISRAWFILE", "Zeiss CZI slides"),
    (b"\xda\xce\xbe\n", "Nikon ND2 files"), (b"p\0\0\0", "Leica LIF files"), (b"\x89HDF", "HDF5 files"),
    (b"\x1f\x8b", "gzip archives"), (b"7z\xbc\xaf", "7z archives"), (b"Rar!", "RAR archives"), (b"icns", "Apple icons"),
    (b"\1\xda", "SGI images"), (b"BLP", "BLP textures"), (b"\0\0\0\x0cJXL ", "JPEG XL"), (b"\xff\x0a", "JPEG XL"),
    (b"BA", "OS/2 bitmap arrays"), (b"SQLite format 3", "SQLite databases"), (b"\x7fELF", "programs"),
)  # fmt: skip
_FOREIGN_NAMES = {
    ".mrxs": "MIRAX slides", ".ndpi": "Hamamatsu NDPI slides", ".vms": "Hamamatsu VMS slides",
    ".scn": "Leica SCN slides",
    ".bif": "Ventana BIF slides", ".vsi": "Olympus VSI slides", ".dcm": "DICOM files", ".dzi": "Deep Zoom pyramids",
    ".isyntax": "Philips iSyntax slides", ".fli": "FLI animations", ".flc": "FLC animations",
}  # fmt: skip
_READ = "PNG, JPEG, BMP, GIF, WebP, JPEG 2000, TIFF, OME-TIFF or SVS"


def sniff(head: bytes, path: Path) -> Kind:
    """Tell the kind of a file.

    Parameters
    ----------
    head : its first 512 bytes.
    path : for its name.

    Raises
    ------
    ImageError : empty, no image, or an image of a kind that is not read; it says which.
    """
    if not head:
        raise ImageError("the file is empty", where=str(path), todo="Copy it again from where it came.")
    foreign = _FOREIGN_NAMES.get(path.suffix.lower())
    if foreign:
        raise _not_read(path, foreign)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[128:132] == b"DICM":
        raise _not_read(path, "DICOM files")
    if head[4:8] == b"ftyp":
        raise _not_read(path, "HEIF and AVIF pictures")
    for start, name in _FOREIGN_STARTS:
        if head.startswith(start):
            raise _not_read(path, name)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
    got = "a web page or another text" if text else "bytes of no known image format"
    raise unsupported(path, "this is not an image that can be read", expected=_READ, got=got)


def _not_read(path: Path, name: str) -> ImageError:
    return unsupported(path, f"{name} are not supported", expected=_READ)


def refuse_folder(path: Path) -> ImageError:
    """What to say of a folder."""
    if any((path / mark).exists() for mark in (".zgroup", ".zattrs", "zarr.json", "METADATA.ome.xml")):
        return _not_read(path, "OME-Zarr images")
    todo = "Open the image files in it."
    return unsupported(path, "this is a folder, not an image", expected=_READ, todo=todo)


def misnamed(kind: Kind, path: Path) -> tuple[str, ...]:
    """A note where the name's ending promises another kind than the bytes hold."""
    endings = {
        Kind.PNG: (".png", ".apng"), Kind.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), Kind.BMP: (".bmp", ".dib"),
        Kind.GIF: (".gif",), Kind.WEBP: (".webp",), Kind.JP2: (".jp2", ".j2k", ".jpx", ".j2c", ".jpc", ".jpf"),
        Kind.TIFF: (".tif", ".tiff", ".svs", ".btf", ".btf", ".tf8", ".tf2"),
    }  # fmt: skip
    ending = path.suffix.lower()
    promised = [k for k, names in endings.items() if ending in names]
    return (f"The file is named {ending} but holds {kind}.",) if promised and promised != [kind] else ()
