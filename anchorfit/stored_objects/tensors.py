"""Stand-ins for what torch writes into pickles: tensors as storages with offset, sizes and strides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..body.unpickling import Converter, Convertible, StandIn, UnsafePickleError

_BFLOAT16 = "bfloat16"
_KINDS = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": _BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


@dataclass(frozen=True)
class StorageKind:
    """``torch.FloatStorage`` and its like, by what one entry is."""

    dtype: str

    @property
    def plain(self) -> np.dtype:
        """The type of its entries; of bfloat16 their upper halves."""
        return np.dtype("<u2" if self.dtype == _BFLOAT16 else self.dtype)

    def __call__(self, *arguments: object) -> Any:
        raise UnsafePickleError("makes a storage by itself")


@dataclass
class Storage:
    """A flat array, and what its entries are."""

    kind: StorageKind
    entries: np.ndarray


class Tensor(Convertible):
    """``torch._utils._rebuild_tensor_v2``: a part of a storage."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any, *rest: object) -> None:
        whole = [offset, *(size if isinstance(size, tuple) else ()), *(stride if isinstance(stride, tuple) else ())]
        right = isinstance(storage, Storage) and isinstance(size, tuple) and isinstance(stride, tuple)
        if not right or len(size) != len(stride) or len(size) > 8 or any(type(n) is not int or n < 0 for n in whole):
            raise UnsafePickleError("makes a tensor of something else than a storage, sizes and strides")
        self._storage, self._offset, self._size, self._stride = storage, offset, size, stride

    def plain(self, converter: Converter, depth: int) -> np.ndarray:
        entries, kind = self._storage.entries, self._storage.kind
        last = self._offset + sum((n - 1) * step for n, step in zip(self._size, self._stride, strict=True))
        if 0 in self._size:
            return np.zeros(self._size, np.float32 if kind.dtype == _BFLOAT16 else kind.plain)
        if last >= len(entries):
            raise UnsafePickleError("makes a tensor that reaches beyond its storage")
        converter.take(math.prod(self._size), "tensors")
        steps = [step * entries.itemsize for step in self._stride]
        values = np.lib.stride_tricks.as_strided(entries[self._offset :], self._size, steps).copy()
        if kind.dtype == _BFLOAT16:  # the upper half of a float32
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values


class _Parameter(StandIn):
    """``torch._utils._rebuild_parameter``: its tensor."""

    def __new__(cls, data: object, *rest: object) -> Any:
        if not isinstance(data, Tensor):
            raise UnsafePickleError("makes a parameter of something else than a tensor")
        return data


class _Size(StandIn):
    """``torch.Size``: a tuple."""

    def __new__(cls, sizes: object = ()) -> Any:
        if not isinstance(sizes, tuple | list):
            raise UnsafePickleError("makes a size of something else than numbers")
        return tuple(sizes)


class LoadFromBytes(StandIn):
    """``torch.storage._load_from_bytes``: a storage inside an ordinary pickle, as torch.save wrote it before 1.6."""

    def __init__(self, content: object) -> None:
        if not isinstance(content, bytes | bytearray):
            raise UnsafePickleError("reads a storage of something else than bytes")
        self.content = bytes(content)


TENSORS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    ("torch._utils", "_rebuild_tensor"): Tensor,
    ("torch._utils", "_rebuild_parameter"): _Parameter,
    ("torch.storage", "_load_from_bytes"): LoadFromBytes,
    ("torch", "Size"): _Size,
    **{("torch", name): StorageKind(dtype) for name, dtype in _KINDS.items()},
}
