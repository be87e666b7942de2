"""Arrays from .npy and .npz files: nothing is unpickled, only what is asked for is read, up to a limit."""

from __future__ import annotations

import math
import os
import weakref
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, NamedTuple

import numpy as np
from numpy.lib import format as npy

LARGEST_ARRAY = 4 << 30
"""Bytes of one array of a file, unpacked (a million people of 133 keypoints: 3.2 GB); beyond it the file is refused."""

LIMIT_VARIABLE = "ANCHORFIT_LARGEST_ARRAY_GB"
"""Environment variable that sets another limit, in GB of 2**30 bytes; a few packed kilobytes can claim any size."""

_MAGIC = b"\x93NUMPY"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}  # 3.0: as 2.0, names in UTF-8
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, SyntaxError, RuntimeError)
_ENDING = ".npy"
_PART = 1 << 24  # bytes that are unpacked at a time


class ArrayFileError(ValueError):
    """A file of arrays that cannot be used; one line that names it and says what to do."""


class ArrayHeader(NamedTuple):
    """Shape, type and order (Fortran's or C's) of an array, before it is read, and the bytes before its values."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool = False
    length: int = 0

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class ArrayFile(Mapping[str, np.ndarray]):
    """The arrays of an .npz file, each read when it is asked for, and once.

    Args:
        path: of the file.
    Raises:
        FileNotFoundError: no such file.
        ArrayFileError: not an .npz file, or cut short; later, where an array is damaged, holds Python objects, or is
            larger than `LARGEST_ARRAY`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._read: dict[str, np.ndarray] = {}
        self._headers: dict[str, ArrayHeader] = {}
        try:
            with self.path.open("rb") as stream:
                if stream.read(len(_MAGIC)) == _MAGIC:
                    raise ArrayFileError(
                        f"{self.path}: expected an .npz file, got a single array; save it with numpy.savez"
                    )
            # Open for as long as this object lives: its table of contents takes as long to read as its arrays.
            self._archive = zipfile.ZipFile(self.path)
            weakref.finalize(self, self._archive.close)  # also of those that are kept until the process ends
        except _BROKEN as error:
            raise _damaged(self.path, error) from error
        self._entries = {name.removesuffix(_ENDING): name for name in self._archive.namelist()}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._read:
            header = self.header(name)
            with self._opened(name) as stream:
                stream.read(header.length)
                self._read[name] = _read_values(stream, header, f"{self.path}: {name}")
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries  # without reading it

    def header(self, name: str) -> ArrayHeader:
        """Shape and type of an array that need not be read for it; of Python objects, too."""
        if name not in self._headers:
            with self._opened(name) as stream:
                self._headers[name] = _read_header(stream, f"{self.path}: {name}")
        return self._headers[name]

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        entry = self._entries[name]
        try:
            with self._archive.open(entry) as stream:
                yield stream
        except _BROKEN as error:
            raise _damaged(self.path, error) from error


def read_npy(path: str | Path) -> np.ndarray:
    """The array of an .npy file.

    Raises:
        FileNotFoundError: no such file.
        ArrayFileError: not an .npy file, cut short, of Python objects, or larger than `LARGEST_ARRAY`.
    """
    with Path(path).open("rb") as stream:
        return _read_values(stream, _read_header(stream, str(path)), str(path))


def _read_values(stream: IO[bytes], header: ArrayHeader, where: str) -> np.ndarray:
    """The values behind a header, a part at a time."""
    if header.dtype.hasobject:
        raise ArrayFileError(f"{where}: holds Python objects, which are not opened; save plain arrays")
    largest = largest_bytes()
    if header.nbytes > largest:
        raise ArrayFileError(
            f"{where}: {header.shape} of {header.dtype} are {header.nbytes / (1 << 30):.1f} GB, more than the "
            f"{largest / (1 << 30):g} GB that are read; set {LIMIT_VARIABLE} if that is meant"
        )
    array = np.empty(math.prod(header.shape), header.dtype)
    values = array.view(np.uint8) if header.nbytes else np.empty(0, np.uint8)
    for start in range(0, header.nbytes, _PART):
        part = values[start : start + _PART]
        data = stream.read(len(part))
        if len(data) < len(part):
            raise ArrayFileError(f"{where}: the array is damaged or cut short; write it again")
        part[:] = np.frombuffer(data, np.uint8)
    return array.reshape(header.shape, order="F" if header.fortran else "C")


def _read_header(stream: IO[bytes], where: str) -> ArrayHeader:
    try:
        version = npy.read_magic(stream)
        shape, fortran, dtype = _HEADERS.get(version, npy.read_array_header_2_0)(stream)  # type: ignore[no-untyped-call]
        if any(side < 0 for side in shape):
            raise ValueError(f"a shape of {shape}")
    except (ValueError, EOFError, SyntaxError, RecursionError, TokenError) as error:
        raise ArrayFileError(f"{where}: not an array as numpy writes it ({error}); write it again") from error
    return ArrayHeader(tuple(shape), dtype, fortran, stream.tell())


def largest_bytes() -> float:
    """Bytes that an array of a file may have, as the environment or the package says; raises ArrayFileError."""
    stated = os.environ.get(LIMIT_VARIABLE)
    if stated is None:
        return LARGEST_ARRAY
    try:
        return float(stated) * (1 << 30)
    except ValueError:
        raise ArrayFileError(f"{LIMIT_VARIABLE}: expected a number of GB, got {stated!r}") from None


def _damaged(path: Path, error: Exception) -> ArrayFileError:
    return ArrayFileError(f"{path}: the .npz file is damaged or cut short ({error}); write it again")
