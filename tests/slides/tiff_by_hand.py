"""TIFFs written tag by tag, so that any tag can lie."""

import struct
from collections.abc import Sequence
from pathlib import Path

Tag = tuple[int, int, Sequence[int] | bytes]
"""Code, type (2 text, 3 short, 4 long), values."""

_LETTERS = {3: "H", 4: "I"}


def write_tiff(
    path: Path, tags: Sequence[Tag], data: bytes = b"", *, following: int = 0, extra: dict[int, int] | None = None
) -> None:
    """A little-endian TIFF of one directory: header, ``data`` from byte 8, values, directory.

    Parameters
    ----------
    following : link to the next directory; -1 for the directory itself.
    extra : code → count to claim instead of the true one.
    """
    body = b"II*\0" + b"\0\0\0\0" + data
    entries = []
    for code, kind, values in sorted(tags):
        raw = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{_LETTERS[kind]}", *values)
        count = (extra or {}).get(code, len(values))
        if len(raw) > 4:
            place = struct.pack("<I", len(body))
            body += raw
        else:
            place = raw.ljust(4, b"\0")
        entries.append(struct.pack("<HHI", code, kind, count) + place)
    at = len(body)
    link = at if following == -1 else following
    path.write_bytes(
        body[:4] + struct.pack("<I", at) + body[8:] + struct.pack("<H", len(entries)) + b"".join(entries)
        + struct.pack("<I", link)
    )  # fmt: skip


def strip_tags(height: int, width: int, length: int, *, bits: int = 8, samples: int = 1, **more: int) -> list[Tag]:
    """Tags of an uncompressed picture in one strip that begins at byte 8; ``more``: ``t259=5`` sets tag 259."""
    tags: dict[int, Tag] = {
        256: (256, 4, [width]), 257: (257, 4, [height]), 258: (258, 3, [bits] * samples), 259: (259, 3, [1]),
        262: (262, 3, [2 if samples >= 3 else 1]), 273: (273, 4, [8]), 277: (277, 3, [samples]),
        278: (278, 4, [height]), 279: (279, 4, [length]),
    }  # fmt: skip
    for name, value in more.items():
        code = int(name[1:])
        tags[code] = (code, 4, [value])
    return list(tags.values())


def tile_tags(
    height: int, width: int, side: int, offsets: Sequence[int], counts: Sequence[int], **more: int
) -> list[Tag]:
    """Tags of an RGB picture in square tiles."""
    tags = [t for t in strip_tags(height, width, 0, samples=3) if t[0] not in (273, 278, 279)]
    tags += [(322, 4, [side]), (323, 4, [side]), (324, 4, list(offsets)), (325, 4, list(counts))]
    codes = {int(name[1:]): value for name, value in more.items()}
    return [t for t in tags if t[0] not in codes] + [(code, 4, [value]) for code, value in codes.items()]
