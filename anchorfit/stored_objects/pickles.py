"""A reader of pickles of results: it lets them name numpy's arrays, joblib's, torch's tensors, and plain containers.

As in `anchorfit.body.unpickling`, each name stands for a stand-in written here: no code of numpy, joblib or torch sees
the file's own objects, and any other name ends the reading. Python's own reader written in Python is the base, for
joblib puts the bytes of arrays between the opcodes.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..body.unpickling import (
    ADMITTED,
    ArrayStandIn,
    Attributes,
    Converter,
    Convertible,
    DtypeStandIn,
    StandIn,
    UnsafePickleError,
)
from .streams import Limited
from .tensors import TENSORS, LoadFromBytes, Storage


class _JoblibArray(Attributes):
    """``joblib.numpy_pickle.NumpyArrayWrapper``: shape, order and dtype of an array whose bytes come next."""

    wanted = ("shape", "order", "dtype", "numpy_array_alignment_bytes")

    def array(self, reader: ObjectReader) -> ArrayStandIn:
        """The array, of the bytes behind the wrapper."""
        dtype = self.get("dtype")
        if not isinstance(dtype, DtypeStandIn):
            raise UnsafePickleError("gives an array no dtype")
        if dtype.plain().hasobject:
            found = ObjectReader(reader.source).load()
            if not isinstance(found, ArrayStandIn):
                raise UnsafePickleError("holds no array where one of objects belongs")
            return found
        array = ArrayStandIn()
        array.fill(self.get("shape"), dtype, self.get("order"), b"")
        if self.__dict__.get("numpy_array_alignment_bytes") is not None:
            padding = reader.exactly(1)[0]
            reader.exactly(padding)
        array.parts = (*array.parts[:3], reader.exactly(array.num_bytes))
        return array


class _OldJoblibArray(StandIn):
    """Arrays of joblib before 0.10, which lie in files of their own."""

    def __new__(cls, *arguments: object) -> Any:
        raise UnsafePickleError("is of joblib before 0.10, whose arrays lie in other files; write it again")


class _DefaultDict(dict, Convertible):
    """``collections.defaultdict``: what it makes of missing keys is left out."""

    def __init__(self, factory: object = None) -> None:
        super().__init__()

    def plain(self, converter: Converter, depth: int) -> Any:
        return {key: converter.plain(item, depth) for key, item in self.items()}


class _Factory(StandIn):
    """What a `_DefaultDict` may name and is never called."""

    def __new__(cls, *arguments: object) -> Any:
        raise UnsafePickleError("calls what only a defaultdict may name")


ADMITTED_IN_RESULTS: dict[tuple[str, str], Any] = {
    **ADMITTED,
    **TENSORS,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _JoblibArray,
    ("joblib.numpy_pickle", "NDArrayWrapper"): _OldJoblibArray,
    ("joblib.numpy_pickle", "ZNDArrayWrapper"): _OldJoblibArray,
    ("collections", "defaultdict"): _DefaultDict,
    **{(module, name): _Factory for module in ("builtins", "__builtin__") for name in ("dict", "list", "int", "float")},
}


_Reader: Any = pickle._Unpickler


class ObjectReader(_Reader):  # type: ignore[misc]
    """Reads one pickle of a stream, of which nothing is run.

    Args:
        source: the stream; it is left behind the pickle's last opcode.
        storage: from what torch notes of a storage to the storage; None: there are none.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_Reader.dispatch)

    def __init__(self, source: Limited, storage: Callable[[Any], Storage] | None = None) -> None:
        super().__init__(source, encoding="latin1")
        self.stack: list[Any]
        self.source = source
        self._storage = storage

    def exactly(self, size: int) -> bytes:
        """So many bytes of the stream.

        Raises:
            EOFError: there are fewer.
        """
        found = self.source.read(size)
        if len(found) != size:
            raise EOFError(f"{size} bytes of an array are cut short")
        return found

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED_IN_RESULTS:
            raise UnsafePickleError(f"names {module}.{name}, which no results need; nothing of it was run")
        return ADMITTED_IN_RESULTS[module, name]

    def persistent_load(self, pid: Any) -> Any:
        if self._storage is None:
            raise UnsafePickleError("refers to something outside the file")
        return self._storage(pid)

    def get_extension(self, code: int) -> None:
        raise UnsafePickleError(f"names the extension {code}, which no results need")

    def load_build(self) -> None:
        super().load_build()
        if isinstance(self.stack[-1], _JoblibArray):
            self.stack[-1] = self.stack[-1].array(self)

    dispatch[pickle.BUILD[0]] = load_build

    def load_reduce(self) -> None:
        super().load_reduce()
        if isinstance(self.stack[-1], LoadFromBytes):
            from .torch_files import old_storage  # which reads with this class

            self.stack[-1] = old_storage(self.stack[-1].content)

    dispatch[pickle.REDUCE[0]] = load_reduce

    def load_bytearray8(self) -> None:
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(size)))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


def plain(found: Any, limit: int) -> Any:
    """Arrays and plain containers in place of stand-ins, of so many bytes at most."""
    return Converter(math.ceil(limit / 8)).plain(found)


def array_of(content: bytes, dtype: np.dtype) -> np.ndarray:
    """A flat array of raw bytes; what is left over at the end is none of it."""
    size = dtype.itemsize
    return np.frombuffer(content[: len(content) // size * size], dtype)
