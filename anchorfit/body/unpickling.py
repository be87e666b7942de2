"""Reading old SMPL pickles without chumpy, and without running anything that a file asks for.

A pickle is a small program that may call whatever it can name. The reader here lets it name only what SMPL's files
and those of data sets name: numpy's arrays, dtypes and scalars, scipy's compressed sparse matrices, sets, ordered
dictionaries, and chumpy's two array types. Even these are stand-ins written here: they note what the file says, check
it, and build arrays from plain bytes at the end. No code of numpy, scipy or chumpy ever sees the file's own objects.
Any other name ends the reading with an error.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

MAX_BYTES = 2_000_000_000
"""Files beyond this size are refused unread; the largest SMPL-format files known are under 0.4 GB."""

_MAX_ENTRIES = 100_000_000  # of all unpacked arrays together; SMPL-X has some 35 million
_MAX_NESTING = 16
_DTYPE = re.compile(r"[<>|=]?(?:[?]|b1|[iu][1248]|f[248]|[SU]\d{0,6}|O\d?)")


class UnsafePickleError(ValueError):
    """A pickle names something that no body file needs, or builds something that no body file holds."""


class _StandIn:
    """Base of all that a file may name. State is refused unless a class says otherwise."""

    def __setstate__(self, state: object) -> None:
        raise UnsafePickleError(f"gives a state to {type(self).__name__}")


class _PlainObject(_StandIn):
    """``__builtin__.object``, the base that ``copy_reg._reconstructor`` is given."""


class _Attributes(_StandIn):
    """An object of which only the attributes in ``wanted`` are kept."""

    wanted: tuple[str, ...] = ()

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise UnsafePickleError(f"gives {type(self).__name__} a state of type {type(state).__name__}")
        self.__dict__.update({name: state[name] for name in self.wanted if name in state})

    def get(self, name: str) -> Any:
        if name not in self.__dict__:
            raise UnsafePickleError(f"holds a {type(self).__name__} without {name!r}")
        return self.__dict__[name]


class _ChumpyArray(_Attributes):
    """``chumpy.ch.Ch``: its array is attribute ``x``."""

    wanted = ("x",)


class _ChumpySelect(_Attributes):
    """``chumpy.reordering.Select``: entries ``idxs`` of ``a``, in shape ``preferred_shape``."""

    wanted = ("a", "idxs", "preferred_shape")


class _SparseColumns(_Attributes):
    """``scipy.sparse.csc_matrix``."""

    wanted = ("data", "indices", "indptr", "_shape")
    build = staticmethod(sparse.csc_matrix)


class _SparseRows(_SparseColumns):
    """``scipy.sparse.csr_matrix``."""

    build = staticmethod(sparse.csr_matrix)


class _Dtype(_StandIn):
    """``numpy.dtype`` of numbers, booleans, strings or objects; no records."""

    def __init__(self, name: object, *flags: object) -> None:
        del flags
        text = name.decode("latin1") if isinstance(name, bytes) else name
        if not isinstance(text, str) or not _DTYPE.fullmatch(text):
            raise UnsafePickleError(f"asks for the dtype {name!r}")
        self.name = text
        self.swapped = False

    def __setstate__(self, state: object) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) >= 5 else None
        order = order.decode("latin1") if isinstance(order, bytes) else order
        if not isinstance(state, tuple) or order not in ("<", ">", "|", "=") or any(x is not None for x in state[2:5]):
            raise UnsafePickleError(f"asks for a dtype with state {state!r}")
        self.swapped = order == ">"

    def plain(self) -> np.dtype[Any]:
        dtype = np.dtype(self.name)
        return dtype.newbyteorder(">") if self.swapped else dtype


class _Array(_StandIn):
    """``numpy.ndarray``: shape, dtype, memory order and bytes, checked against each other."""

    def __init__(self) -> None:
        self.parts: tuple[tuple[int, ...], _Dtype, bool, Any] | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise UnsafePickleError("gives an array a state of another form")
        shape, dtype, fortran, data = state[-4:]
        whole = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape) and len(shape) <= 8
        if not whole or not isinstance(dtype, _Dtype):
            raise UnsafePickleError("gives an array a state of another form")
        self.parts = (shape, dtype, bool(fortran), data)

    def values(self) -> np.ndarray | None:
        """The array; None where it holds objects (see ``objects``)."""
        if self.parts is None:
            return np.zeros(0)
        shape, stand_in, fortran, data = self.parts
        dtype = stand_in.plain()
        if dtype.hasobject:
            return None
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not isinstance(raw, (bytes, bytearray)) or len(raw) != math.prod(shape) * dtype.itemsize:
            raise UnsafePickleError(f"holds an array of shape {shape} and dtype {dtype} whose bytes do not fit")
        return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C").copy()

    def objects(self) -> list[Any]:
        """What an array of objects holds."""
        data = self.parts[3] if self.parts is not None else None
        return data if isinstance(data, list) else []


class _MakeArray(_StandIn):
    """``numpy.core.multiarray._reconstruct``: an empty array, filled by the state that follows."""

    def __new__(cls, kind: object, shape: object, code: object) -> Any:
        if kind is not _Array:
            raise UnsafePickleError(f"asks for an array of kind {kind!r}")
        return _Array()


class _MakeScalar(_StandIn):
    """``numpy.core.multiarray.scalar``."""

    def __new__(cls, dtype: object, data: object = b"") -> Any:
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not isinstance(dtype, _Dtype) or dtype.plain().hasobject or not isinstance(raw, bytes):
            raise UnsafePickleError("asks for a scalar that is no number")
        if len(raw) != dtype.plain().itemsize:
            raise UnsafePickleError("asks for a scalar whose bytes do not fit")
        return np.frombuffer(raw, dtype.plain())[0]


class _MakeObject(_StandIn):
    """``copy_reg._reconstructor``: an object of one of the stand-ins, before its attributes are set."""

    def __new__(cls, kind: object, base: object, state: object) -> Any:
        if not (isinstance(kind, type) and issubclass(kind, _Attributes)) or base is not _PlainObject:
            raise UnsafePickleError(f"asks copy_reg to make {kind!r}")
        return kind()


class _Encode(_StandIn):
    """``_codecs.encode``: how Python 3 writes bytes in protocol 2."""

    def __new__(cls, text: object, encoding: object = "latin1") -> Any:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise UnsafePickleError(f"asks for the encoding {encoding!r}")
        return text.encode("latin1")


class _MakeDict(_StandIn):
    """``collections.OrderedDict``: a plain dictionary, which keeps its order, too."""

    def __new__(cls, items: object = ()) -> Any:
        pairs: Any = items
        if not isinstance(pairs, (list, tuple)) or not all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
        ):
            raise UnsafePickleError("asks for a dictionary of something else than names and values")
        return {name: value for name, value in pairs}  # noqa: C416  # dict() would take anything


class _NoBytes(_StandIn):
    """``bytes()``: how Python 3 writes the data of an empty array in protocol 2."""

    def __new__(cls, *arguments: object) -> Any:
        if arguments:
            raise UnsafePickleError("asks for bytes made from something")
        return b""


_ADMITTED: dict[tuple[str, str], type] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _MakeArray for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _MakeScalar for core in ("core", "_core")},
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    **{(f"scipy.sparse.{module}", "csc_matrix"): _SparseColumns for module in ("csc", "_csc")},
    **{(f"scipy.sparse.{module}", "csr_matrix"): _SparseRows for module in ("csr", "_csr")},
    **{(module, "_reconstructor"): _MakeObject for module in ("copy_reg", "copyreg")},
    **{(module, "object"): _PlainObject for module in ("__builtin__", "builtins")},
    **{(module, "set"): set for module in ("__builtin__", "builtins")},
    **{(module, "bytes"): _NoBytes for module in ("__builtin__", "builtins")},
    ("_codecs", "encode"): _Encode,
    ("collections", "OrderedDict"): _MakeDict,
    ("chumpy.ch", "Ch"): _ChumpyArray,
    ("chumpy.reordering", "Select"): _ChumpySelect,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _ADMITTED:
            raise UnsafePickleError(f"names {module}.{name}, which no body file needs; nothing of it was run")
        return _ADMITTED[module, name]


def _check_sizes(content: bytes) -> None:
    """Walk over the opcodes without executing them: refuse memo numbers that would make the reader allocate at will."""
    limit = len(content)
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > limit:
            raise UnsafePickleError(f"numbers an object {argument} in a file of {limit} bytes")
        if opcode.name.startswith(("EXT", "PERSID", "BINPERSID", "NEXT_BUFFER")):
            raise UnsafePickleError(f"uses the opcode {opcode.name}, which no body file needs")


class _Converter:
    """Arrays, numbers, strings and containers in place of the stand-ins.

    What a file holds once but refers to often is converted once, so that nested references cannot multiply the work.
    """

    def __init__(self) -> None:
        self.done: dict[int, Any] = {}
        self.entries_left = _MAX_ENTRIES

    def plain(self, value: Any, depth: int = 0) -> Any:
        if not isinstance(value, (_StandIn, dict, list, tuple)):
            return value
        if depth > _MAX_NESTING:
            raise UnsafePickleError(f"nests objects more than {_MAX_NESTING} deep")
        if id(value) not in self.done:
            self.done[id(value)] = self._convert(value, depth + 1)
        return self.done[id(value)]

    def _convert(self, value: Any, depth: int) -> Any:
        if isinstance(value, _Array):
            array = value.values()
            return self.plain(value.objects(), depth) if array is None else array
        if isinstance(value, _Dtype):
            return value.plain()
        if isinstance(value, _ChumpyArray):
            return self.plain(value.get("x"), depth)
        if isinstance(value, _ChumpySelect):
            return self._selected(value, depth)
        if isinstance(value, _SparseColumns):
            return self._dense(value, depth)
        if isinstance(value, dict):
            return {key: self.plain(item, depth) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.plain(item, depth) for item in value)
        return None  # a bare object()

    def _dense(self, matrix: _SparseColumns, depth: int) -> np.ndarray:
        data, indices, indptr = (self.plain(matrix.get(name), depth) for name in ("data", "indices", "indptr"))
        shape = self.plain(matrix.get("_shape"), depth)
        if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(n, (int, np.integer)) for n in shape)):
            raise UnsafePickleError(f"holds a sparse matrix of shape {shape!r}")
        rows, columns = int(shape[0]), int(shape[1])
        self._take(rows, columns)
        built = matrix.build((data, indices, indptr), shape=(rows, columns))
        built.check_format(full_check=True)
        return np.asarray(built.toarray())

    def _selected(self, chosen: _ChumpySelect, depth: int) -> np.ndarray:
        entries = np.asarray(self.plain(chosen.get("a"), depth)).ravel()
        indices = np.asarray(self.plain(chosen.get("idxs"), depth), dtype=np.int64).ravel()
        self._take(indices.size, 1)
        shape = self.plain(chosen.__dict__.get("preferred_shape"), depth)
        return entries[indices] if shape is None else entries[indices].reshape([int(n) for n in shape])

    def _take(self, rows: int, columns: int) -> None:
        """Account for an array that may be larger than the bytes it came from."""
        if rows < 0 or columns < 0 or max(rows, columns, rows * columns) > self.entries_left:
            raise UnsafePickleError(f"holds a matrix of {rows} x {columns}: too large for a body file")
        self.entries_left -= rows * columns


def load_pickle_safely(path: str | Path) -> Any:
    """What a SMPL-format pickle holds, as plain dictionaries and dense arrays.

    Args:
        path: a file written by Python 2 or 3, any protocol up to 4.
    Returns:
        the pickled object; chumpy's and scipy's arrays come out as ``numpy.ndarray``, arrays of objects as lists.
    Raises:
        UnsafePickleError: the file names anything that no SMPL file names, or its parts do not fit each other.
        ValueError: the file is truncated, too large, or no pickle.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path}: {size} bytes is no body file; refused beyond {MAX_BYTES}")
    content = path.read_bytes()
    try:
        _check_sizes(content)
        loaded = _Reader(io.BytesIO(content), encoding="latin1").load()
        return _Converter().plain(loaded)
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{path}: not a body file that is safe to read: it {error}") from error
    except MemoryError as error:
        raise UnsafePickleError(f"{path}: not a body file that is safe to read: it asks for too much memory") from error
    except Exception as error:  # a broken pickle can end in nearly any exception
        raise ValueError(f"{path}: not a pickle, or a truncated one ({type(error).__name__}: {error})") from error
