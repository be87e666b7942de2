"""A file's bytes as a stream that gives out no more than it is told to, unpacked where the file is compressed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

_PIECE = 1 << 16
_ZLIB_HEADS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"]\x00": lzma.open,
}
LZ4 = b"\x04\x22\x4d\x18"
"""What lz4's files begin with; Python cannot unpack them by itself."""


class TooLarge(ValueError):
    """More bytes were asked for than the file may hold."""


class Limited:
    """A stream that is read forwards, and counts.

    Args:
        stream: the bytes.
        limit: bytes that may be read in all.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._left, self._limit = stream, limit, limit

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer where the file ends; all that are left by default."""
        if size > self._left:
            raise TooLarge(f"asks for {size} bytes, where {self._limit} are the most that are read")
        found = self._stream.read(self._left + 1 if size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise TooLarge(f"unpacks to more than {self._limit} bytes")
        return found

    def readline(self) -> bytes:
        """Up to the end of a line."""
        found = self._stream.readline(self._left + 1)
        self._left -= len(found)
        if self._left < 0:
            raise TooLarge(f"unpacks to more than {self._limit} bytes")
        return found

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill a buffer as far as there are bytes."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._stream.close()


class _Inflated(io.RawIOBase):
    """What a zlib file (joblib's usual compression) holds."""

    def __init__(self, path: Path) -> None:
        self._file, self._unpack, self._rest = path.open("rb"), zlib.decompressobj(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = b""
        while not found and not self._unpack.eof:
            packed = self._rest or self._file.read(_PIECE)
            if not packed:
                raise EOFError("the compressed data are cut short")
            found = self._unpack.decompress(packed, len(buffer))
            self._rest = self._unpack.unconsumed_tail
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_limited(path: Path, limit: int) -> Limited:
    """The bytes of a file, unpacked where it is compressed.

    Raises:
        OSError: the file cannot be opened.
        NotImplementedError: it is compressed by lz4.
    """
    with path.open("rb") as stream:
        head = stream.read(6)
    if head.startswith(LZ4):
        raise NotImplementedError("is compressed by lz4, which Python does not unpack")
    if head[:2] in _ZLIB_HEADS:
        return Limited(io.BufferedReader(_Inflated(path), 1 << 20), limit)
    opener = next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)
    if opener is not None:
        return Limited(opener(path), limit)
    return Limited(path.open("rb"), min(limit, path.stat().st_size))
