"""One reader for every container in which results come: npz and npy (also of objects), pickles, joblib, torch, JSON."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from numpy.lib import format as npy

from ..array_files import LIMIT_VARIABLE, ArrayFile, ArrayFileError, largest_bytes, read_npy
from ..body.unpickling import UnsafePickleError
from ..plain_text import told_by
from .pickles import ObjectReader, plain
from .streams import Limited, open_limited
from .torch_files import MAGIC, is_torch_archive, read_old_torch, read_torch_archive

_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_OLD_JOBLIB = b"ZF0x"
_OLD_TORCH = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little")
CONVERT = "python -c \"import joblib, numpy; numpy.savez('results.npz', results=joblib.load({name!r}))\""

OWN = "if the file is your own, load it yourself and save its arrays: numpy.savez('results.npz', pose=..., betas=...)"


class StoredObjectError(ValueError):
    """A file of objects that cannot be used; one line that names it and says what to do."""


def read_objects(path: str | Path) -> Any:
    """What a file of results holds, as plain dictionaries, lists, numbers, texts and ``numpy.ndarray``.

    The kind is told by the first bytes: .npz and .npy, also of pickled objects; pickles of protocols 0 to 5; joblib's
    (also compressed by zlib, gzip, bz2, xz or lzma); torch.save's, of all versions since 1.0; JSON. Nothing that a file
    names is run: it may name arrays, tensors and plain containers alone. A folder of .npy or .npz is not looked into.

    Raises:
        FileNotFoundError: no such file.
        StoredObjectError: it is none of these, damaged, too large (`array_files.LARGEST_ARRAY`), or names what is not
            admitted; one line.
    """
    path = Path(path)
    if path.is_dir() or not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    limit = int(largest_bytes())
    try:
        return plain(_opened(path, limit), limit)
    except ArrayFileError as error:
        raise StoredObjectError(str(error)) from error
    except UnsafePickleError as error:
        raise StoredObjectError(f"{path}: not safe to read: it {error}; {OWN}") from error
    except NotImplementedError as error:
        raise StoredObjectError(f"{path}: {error}; {_remedy(path)}") from error
    except MemoryError as error:
        raise StoredObjectError(f"{path}: asks for too much memory") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise StoredObjectError(f"{path}: damaged or cut short ({error}); write it again") from error
    except Exception as error:  # a broken file can end in nearly any exception
        raise StoredObjectError(
            f"{path}: no npz, npy, pickle, joblib, torch or JSON file that can be read, or cut short ({told_by(error)})"
        ) from error


def _remedy(path: Path) -> str:
    """The line that makes an npz of a file in a container that is not read."""
    return f"if the file is your own, {CONVERT.format(name=path.name)} writes one that is read"


def _opened(path: Path, limit: int) -> Any:
    with path.open("rb") as stream:
        head = stream.read(64)
    if not head:
        raise EOFError("the file is empty")
    if head.startswith(_OLD_JOBLIB):
        raise NotImplementedError("is of joblib before 0.10")
    if head.startswith(_NPY):
        return _npy(path, limit)
    if head.startswith(_ZIP):
        return _zip(path, limit)
    if head.lstrip()[:1] in (b"{", b"[") and not head.startswith(b"]\x00"):
        _check_size(path, path.stat().st_size, limit)
        return json.loads(path.read_text(encoding="utf-8-sig"))
    source = open_limited(path, limit)
    try:
        return read_old_torch(source) if head.startswith(_OLD_TORCH) else ObjectReader(source).load()
    finally:
        source.close()


def _zip(path: Path, limit: int) -> Any:
    with zipfile.ZipFile(path) as archive:
        if is_torch_archive(archive):
            return read_torch_archive(archive, path, limit)
        arrays = ArrayFile(path)
        headers = {name: arrays.header(name) for name in arrays}
        entries = {name.removesuffix(".npy"): name for name in archive.namelist()}
        objects = {name: archive.getinfo(entries[name]) for name, header in headers.items() if header.dtype.hasobject}
        packed = sum(entry.file_size for entry in objects.values())
        plain_bytes = sum(header.nbytes for name, header in headers.items() if name not in objects)
        _check_size(path, packed + plain_bytes, limit)
        return {
            name: _objects(io.BytesIO(archive.read(objects[name])), limit) if name in objects else arrays[name]
            for name in arrays
        }


def _check_size(path: Path, size: int, limit: int) -> None:
    """Raises ArrayFileError for a file of more bytes, unpacked, than are read."""
    if size > limit:
        raise ArrayFileError(
            f"{path}: {size / (1 << 30):.1f} GB in all, more than the {limit / (1 << 30):g} GB that are read; "
            f"set {LIMIT_VARIABLE} if that is meant"
        )


def _npy(path: Path, limit: int) -> Any:
    with path.open("rb") as stream:
        npy.read_magic(stream)
        stream.seek(0)
        try:
            return read_npy(path)
        except ArrayFileError as error:
            if "Python objects" not in str(error):
                raise
        stream.seek(0)
        return _objects(stream, min(limit, path.stat().st_size))


def _objects(stream: Any, limit: int) -> Any:
    """An array of objects behind its header: a plain list, or the object where there is one alone."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, _ = read(stream)  # type: ignore[no-untyped-call]
    found = plain(ObjectReader(Limited(stream, limit)).load(), limit)
    return found[0] if shape == () and isinstance(found, list) and len(found) == 1 else found
