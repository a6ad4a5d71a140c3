"""TIFF directories as they stand in a file (also inside EXIF): tags, their values, the chain, no pixels.

Nothing is believed: every count is measured against the file before its value is read, the chain of directories
may neither run in a circle nor leave the file. Source: TIFF 6.0; BigTIFF (Aware Systems, 2007).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allviewer.slides.source import Source

# type code → numpy type of one number; rationals are two of them
_NUMBERS = {
    1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 10: "i4",
    11: "f4", 12: "f8", 13: "u4", 16: "u8", 17: "i8", 18: "u8",
}  # fmt: skip
_RATIONAL = (5, 10)
_PRIVATE = 32_768  # from here on tags belong to makers, who may do as they like
MOST_ENTRIES = 4096
MOST_DIRECTORIES = 20_000


class TagError(ValueError):
    """The directories contradict themselves or the file."""


@dataclass(frozen=True, slots=True)
class Tag:
    """Where a value lies: ``kind`` is TIFF's type code, ``at`` a position in the file."""

    kind: int
    count: int
    at: int

    @property
    def nbytes(self) -> int:
        """Bytes the value takes."""
        return np.dtype(_NUMBERS[self.kind]).itemsize * (2 if self.kind in _RATIONAL else 1) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory.

    Attributes
    ----------
    offset : where it lies; ``following`` : where the next one lies, 0 for the last.
    tags : code → `Tag`.
    """

    source: Source
    order: str
    offset: int
    following: int
    tags: Mapping[int, Tag]

    def __contains__(self, code: int) -> bool:
        return code in self.tags

    def _raw(self, code: int, most: int | None = None) -> tuple[Tag, bytes]:
        tag = self.tags[code]
        length = tag.nbytes
        if tag.at + length > self.source.size:
            raise TagError(f"tag {code} claims {tag.count:,} values, more than the file holds")
        if most is not None:
            length = min(length, most)
        return tag, self.source.read_at(tag.at, length)

    def integers(self, code: int, most: int | None = None) -> NDArray[np.int64]:
        """The values of a tag, (n,) int64, at most ``most`` of them; empty where it is missing.

        Raises
        ------
        TagError : the value is not of integers, or lies outside the file.
        """
        if code not in self.tags:
            return np.empty(0, np.int64)
        kind = _NUMBERS.get(self.tags[code].kind, "")
        tag, raw = self._raw(code, None if most is None else most * np.dtype(kind).itemsize)
        if tag.kind in (5, 10, 11, 12):
            raise TagError(f"tag {code} should hold integers")
        values = np.frombuffer(raw, self.order + _NUMBERS[tag.kind])
        if tag.kind in (16, 17, 18) and len(values) and int(values.max()) >= 2**62:
            raise TagError(f"tag {code} holds a number that no file reaches")
        return values.astype(np.int64)

    def integer(self, code: int, default: int) -> int:
        """The first value of a tag."""
        values = self.integers(code, 1)
        return int(values[0]) if len(values) else default

    def number(self, code: int) -> float | None:
        """The first value of a tag as a real number; None where it is missing or divides by zero."""
        if code not in self.tags or not self.tags[code].count:
            return None
        tag, raw = self._raw(code, 8)
        values = np.frombuffer(raw, self.order + _NUMBERS[tag.kind])
        if tag.kind in _RATIONAL:
            return float(values[0]) / float(values[1]) if values[1] else None
        return float(values[0])

    def bytes(self, code: int, most: int = 1 << 24) -> bytes:
        """A tag's bytes, at most ``most`` of them; empty where it is missing."""
        return self._raw(code, most)[1] if code in self.tags else b""

    def text(self, code: int, most: int = 1 << 24) -> str:
        """A tag as text up to its first NUL; bytes that are not UTF-8 are replaced."""
        return self.bytes(code, most).split(b"\0", 1)[0].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Tree:
    """A file's byte order (``<`` or ``>``), offset width, and the offset of its first directory."""

    source: Source
    order: str
    big: bool
    first: int

    @classmethod
    def of(cls, source: Source) -> "Tree":
        """Read the header.

        Raises
        ------
        TagError : it is not a TIFF header.
        """
        head = source.read_at(0, 16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            raise TagError("the TIFF header is cut off")
        version = struct.unpack(order + "H", head[2:4])[0]
        if version == 42:
            return cls(source, order, False, struct.unpack(order + "I", head[4:8])[0])
        if version == 43 and len(head) == 16 and struct.unpack(order + "HH", head[4:8]) == (8, 0):
            return cls(source, order, True, struct.unpack(order + "Q", head[8:16])[0])
        raise TagError("the TIFF header has an unknown version")

    def directory(self, offset: int) -> Directory:
        """The directory at an offset.

        Raises
        ------
        TagError : it leaves the file or claims an absurd number of entries.
        """
        counter, entry, link = ("Q", "HHQ8s", "Q") if self.big else ("H", "HHI4s", "I")
        counter_size, entry_size, link_size = (struct.calcsize("=" + f) for f in (counter, entry, link))
        if not 8 <= offset < self.source.size:
            raise TagError("a directory of the TIFF lies outside the file")
        head = self.source.read_at(offset, counter_size)
        if len(head) < counter_size:
            raise TagError("a directory of the TIFF is cut off")
        entries = struct.unpack(self.order + counter, head)[0]
        if not 0 < entries <= MOST_ENTRIES:
            raise TagError(f"a directory of the TIFF claims {entries:,} entries")
        body = self.source.read_at(offset + counter_size, entries * entry_size + link_size)
        if len(body) < entries * entry_size:
            raise TagError("a directory of the TIFF is cut off")
        tags: dict[int, Tag] = {}
        inline = 8 if self.big else 4
        for i in range(entries):
            code, kind, count, value = struct.unpack_from(self.order + entry, body, i * entry_size)
            if kind not in _NUMBERS or code in tags:
                continue  # TIFF 6.0: readers skip types they do not know
            tag = Tag(kind, count, offset + counter_size + (i + 1) * entry_size - inline)
            if tag.nbytes > inline:
                tag = Tag(kind, count, struct.unpack(self.order + link, value)[0])
                if code < _PRIVATE and tag.at + tag.nbytes > self.source.size:
                    raise TagError("the file is cut off: values of the TIFF lie outside it")
            tags[code] = tag
        tail = body[entries * entry_size :]
        # some writers leave the last link out
        following = struct.unpack(self.order + link, tail)[0] if len(tail) == link_size else 0
        return Directory(self.source, self.order, offset, following, tags)

    def chain(self) -> list[Directory]:
        """All directories of the main chain, in order.

        Raises
        ------
        TagError : there is none, one leaves the file, or the chain runs in a circle.
        """
        if self.first == 0:
            raise TagError("the TIFF holds no picture")
        found: list[Directory] = []
        seen: set[int] = set()
        offset = self.first
        while offset:
            if offset in seen:
                raise TagError("the TIFF's list of pictures runs in a circle")
            if len(found) == MOST_DIRECTORIES:
                raise TagError(f"the TIFF holds more than {MOST_DIRECTORIES:,} pictures")
            seen.add(offset)
            found.append(self.directory(offset))
            offset = found[-1].following
        return found
