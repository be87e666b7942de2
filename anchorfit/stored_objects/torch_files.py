"""What ``torch.save`` writes: since 1.6 a zip of one pickle and raw storages, before (and in pickles) one stream."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..body.unpickling import UnsafePickleError
from .pickles import ObjectReader, array_of
from .streams import Limited
from .tensors import Storage, StorageKind

_PICKLE = "data.pkl"
MAGIC = 0x1950A86A20F9469CFC6C
"""The first number of what torch.save wrote before 1.6."""


def is_torch_archive(archive: zipfile.ZipFile) -> bool:
    """Whether a zip is one of torch.save's."""
    return any(name == _PICKLE or name.endswith("/" + _PICKLE) for name in archive.namelist())


def read_torch_archive(archive: zipfile.ZipFile, path: Path, limit: int) -> Any:
    """The objects of a zip of torch.save's, with stand-ins; nothing of torch is run.

    Raises:
        UnsafePickleError: it names something else than tensors, or what it says of a storage does not fit.
    """
    names = [name for name in archive.namelist() if name == _PICKLE or name.endswith("/" + _PICKLE)]
    folder = names[0].removesuffix(_PICKLE)
    total = sum(entry.file_size for entry in archive.infolist())
    if total > limit:
        raise UnsafePickleError(f"holds {total} bytes, more than the {limit} that are read")
    order = archive.read(folder + "byteorder") if folder + "byteorder" in archive.namelist() else b"little"
    kept: dict[str, Storage] = {}

    def storage(pid: Any) -> Storage:
        kind, key = _named_storage(pid)
        if key not in kept:
            entry = f"{folder}data/{key}"
            if entry not in archive.namelist():
                raise UnsafePickleError(f"refers to a storage {key!r} that is not there")
            dtype = kind.plain.newbyteorder(">") if order == b"big" else kind.plain
            kept[key] = Storage(kind, array_of(archive.read(entry), dtype).astype(kind.plain))
        return kept[key]

    content = archive.read(names[0])
    return ObjectReader(Limited(io.BytesIO(content), len(content)), storage).load()


def _named_storage(pid: Any) -> tuple[StorageKind, str]:
    """What ('storage', kind, key, device, count) says; the device does not matter."""
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], StorageKind):
        raise UnsafePickleError(f"refers to {pid!r:.80} outside the file")
    if not isinstance(pid[2], str) or "/" in pid[2]:
        raise UnsafePickleError("refers to a storage by something else than its key")
    return pid[1], pid[2]


def read_old_torch(source: Limited) -> Any:
    """The objects of torch.save before 1.6: three pickles that say so, the object's, the keys, then raw storages."""
    if ObjectReader(source).load() != MAGIC:
        raise UnsafePickleError("is no file of torch.save")
    ObjectReader(source).load()
    ObjectReader(source).load()
    kept: dict[str, Storage] = {}

    def storage(pid: Any) -> Storage:
        kind, key = _named_storage(pid)
        if len(pid) > 5 and pid[5] is not None:
            raise UnsafePickleError("refers to a part of a storage, as torch before 1.0 did; write it again")
        return kept.setdefault(key, Storage(kind, np.zeros(0, kind.plain)))

    found = ObjectReader(source, storage).load()
    keys = ObjectReader(source).load()
    for key in keys if isinstance(keys, list) else ():
        if key not in kept:
            raise UnsafePickleError("lists a storage that it does not refer to")
        (count,) = struct.unpack("<q", source.read(8))
        size = max(0, count) * kept[key].kind.plain.itemsize
        content = source.read(size)
        if len(content) != size:
            raise EOFError("a storage is cut short")
        kept[key].entries = array_of(content, kept[key].kind.plain)
    return found


def old_storage(content: bytes) -> Storage:
    """A storage that stands in an ordinary pickle."""
    found = read_old_torch(Limited(io.BytesIO(content), len(content)))
    if not isinstance(found, Storage):
        raise UnsafePickleError("holds no storage where one belongs")
    return found
