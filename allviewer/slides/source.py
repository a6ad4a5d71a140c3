"""Bytes of a file by position: from the disk, or from memory."""

import threading
from pathlib import Path
from typing import BinaryIO, Protocol


class ClosedError(ValueError):
    """A read came after the file was closed."""


class Source(Protocol):
    """Something with a size that gives bytes by position."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer at the end."""
        ...


class MemorySource:
    """Bytes already in memory."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``."""
        return self._data[max(offset, 0) : max(offset, 0) + max(length, 0)]


class FileSource:
    """An open file; reads from several threads take turns."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        self._lock = threading.Lock()
        self.size = self._file.seek(0, 2)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``, never asking for more than the file has."""
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        with self._lock:
            if self._file.closed:
                raise ClosedError("the file was closed")
            self._file.seek(offset)
            return self._file.read(length)

    def close(self) -> None:
        """Close the file; reads that are under way are finished first."""
        with self._lock:
            self._file.close()
