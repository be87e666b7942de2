"""Arrays from .npy and .npz files: nothing is unpickled, only what is asked for is read, up to a limit."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
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


class ArrayFileError(ValueError):
    """A file of arrays that cannot be used; one line that names it and says what to do."""


class ArrayHeader(NamedTuple):
    """Shape and type of an array, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype

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
        try:
            with self.path.open("rb") as stream:
                if stream.read(len(_MAGIC)) == _MAGIC:
                    raise ArrayFileError(
                        f"{self.path}: expected an .npz file, got a single array; save it with numpy.savez"
                    )
            with zipfile.ZipFile(self.path) as archive:
                entries = {name.removesuffix(_ENDING): name for name in archive.namelist()}
        except _BROKEN as error:
            raise _damaged(self.path, error) from error
        self._entries = entries

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._read:
            self._read[name] = self._opened(name, whole=True)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries  # without reading it

    def header(self, name: str) -> ArrayHeader:
        """Shape and type of an array that need not be read for it; of Python objects, too."""
        found = self._opened(name, whole=False)
        return ArrayHeader(found.shape, found.dtype)

    def _opened(self, name: str, *, whole: bool) -> np.ndarray:
        """An array; not ``whole``, one of its shape and type that takes no memory."""
        entry = self._entries[name]
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(entry) as stream:
                where = f"{self.path}: {name}"
                return _read_array(stream, where) if whole else _hollow(_read_header(stream, where))
        except _BROKEN as error:
            raise _damaged(self.path, error) from error


def read_npy(path: str | Path) -> np.ndarray:
    """The array of an .npy file.

    Raises:
        FileNotFoundError: no such file.
        ArrayFileError: not an .npy file, cut short, of Python objects, or larger than `LARGEST_ARRAY`.
    """
    with Path(path).open("rb") as stream:
        return _read_array(stream, str(path))


def _read_array(stream: IO[bytes], where: str) -> np.ndarray:
    header = _read_header(stream, where)
    if header.dtype.hasobject:
        raise ArrayFileError(f"{where}: holds Python objects, which are not opened; save plain arrays")
    largest = largest_bytes()
    if header.nbytes > largest:
        raise ArrayFileError(
            f"{where}: {header.shape} of {header.dtype} are {header.nbytes / (1 << 30):.1f} GB, more than the "
            f"{largest / (1 << 30):g} GB that are read; set {LIMIT_VARIABLE} if that is meant"
        )
    stream.seek(0)
    try:
        return np.asarray(npy.read_array(stream, allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise ArrayFileError(f"{where}: the array is damaged or cut short ({error}); write it again") from error


def _read_header(stream: IO[bytes], where: str) -> ArrayHeader:
    try:
        version = npy.read_magic(stream)
        shape, _, dtype = _HEADERS.get(version, npy.read_array_header_2_0)(stream)  # type: ignore[no-untyped-call]
    except (ValueError, EOFError, SyntaxError, RecursionError, TokenError) as error:
        raise ArrayFileError(f"{where}: not an array as numpy writes it ({error}); write it again") from error
    return ArrayHeader(tuple(shape), dtype)


def _hollow(header: ArrayHeader) -> np.ndarray:
    return np.broadcast_to(np.empty((), header.dtype), header.shape)


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
