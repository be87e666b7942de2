"""Reading old SMPL pickles without chumpy, and without running anything that a file asks for.

A pickle is a small program that may call whatever it can name. The reader here lets it name only what SMPL's files
and those of data sets name: numpy's arrays, dtypes and scalars, scipy's sparse matrices, sets, ordered dictionaries,
and chumpy's two array types. Even these are stand-ins written here: they note what the file says, check it, and build
arrays from plain bytes at the end, of no more entries in all than a body has. No code of numpy, scipy or chumpy ever
sees the file's own objects. Any other name ends the reading with an error.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from ..plain_text import told_by

MAX_BYTES = 2_000_000_000
"""Files beyond this size are refused unread; the largest SMPL-format files known are under 0.4 GB."""

_MAX_ENTRIES = 100_000_000  # of all unpacked arrays together; SMPL-X has some 35 million
_MAX_NESTING = 16
_MAX_SCALAR_BYTES = 256
_OPCODES = {opcode.code.encode("latin1"): opcode for opcode in pickletools.opcodes}
_COMPRESSED = (
    b"ZF0x",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"]\x00\x00",
)
"""Heads of joblib's compressed files."""
_HEADS = re.compile(rb"\x80|[(]d|[}]|c[\w.]+\n\w+\n")  # protocol 2 and later; dictionaries and objects of 0 and 1
_DTYPE = re.compile(r"[<>|=]?(?:[?]|b1|[iu][1248]|f[248]|[SU]\d{0,6}|O\d?)")


class UnsafePickleError(ValueError):
    """A pickle names something that no body file needs, or builds something that no body file holds."""


class StandIn:
    """Base of all that a file may name. State is refused unless a class says otherwise."""

    def __setstate__(self, state: object) -> None:
        raise UnsafePickleError(f"gives a state to {type(self).__name__}")


class Convertible(StandIn):
    """A stand-in that knows what it becomes at the end."""

    def plain(self, converter: Converter, depth: int) -> Any:
        raise NotImplementedError


class _PlainObject(StandIn):
    """``__builtin__.object``, the base that ``copy_reg._reconstructor`` is given."""


class Attributes(StandIn):
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


class _ChumpyArray(Attributes):
    """``chumpy.ch.Ch``: its array is attribute ``x``."""

    wanted = ("x",)


class _ChumpySelect(Attributes):
    """``chumpy.reordering.Select``: entries ``idxs`` of ``a``, in shape ``preferred_shape``."""

    wanted = ("a", "idxs", "preferred_shape")


class _SparseColumns(Attributes):
    """``scipy.sparse``'s ``csc_matrix`` and ``csc_array``: entries column by column."""

    wanted: tuple[str, ...] = ("data", "indices", "indptr", "_shape")
    kind = sparse.csc_matrix

    def parts(self) -> tuple[Any, Any, Any]:
        return self.get("data"), self.get("indices"), self.get("indptr")

    def dense(self, shape: tuple[int, int], data: np.ndarray, indices: np.ndarray, starts: np.ndarray) -> np.ndarray:
        matrix = self.kind((data, indices, starts), shape=shape)
        matrix.check_format(full_check=True)
        return np.asarray(matrix.toarray())


class _SparseRows(_SparseColumns):
    """``csr_matrix`` and ``csr_array``: entries row by row."""

    kind = sparse.csr_matrix


class _SparsePlaces(_SparseColumns):
    """``coo_matrix`` and ``coo_array``: entries with their places (``coords`` since scipy 1.13)."""

    wanted = ("data", "row", "col", "coords", "_shape")

    def parts(self) -> tuple[Any, Any, Any]:
        if "coords" not in self.__dict__:
            return self.get("data"), self.get("row"), self.get("col")
        coords = self.get("coords")
        return self.get("data"), *(coords if isinstance(coords, tuple) else ())

    def dense(self, shape: tuple[int, int], data: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return np.asarray(sparse.coo_matrix((data, (rows, columns)), shape=shape).toarray())


class DtypeStandIn(StandIn):
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


class _Bytes(StandIn):
    """``_codecs.encode``: how Python 3 writes bytes in protocols 0 to 2."""

    def __init__(self, text: object, encoding: object = "latin1") -> None:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise UnsafePickleError(f"asks for the encoding {encoding!r}")
        self.text = text


def raw_bytes(data: object) -> bytes | bytearray:
    """Bytes in any of the forms in which pickles hold them."""
    text = data.text if isinstance(data, _Bytes) else data
    raw = text.encode("latin1") if isinstance(text, str) else text
    if not isinstance(raw, (bytes, bytearray)):
        raise UnsafePickleError(f"holds {type(data).__name__} where bytes belong")
    return raw


class ArrayStandIn(StandIn):
    """``numpy.ndarray``: shape, dtype, memory order and bytes, checked against each other."""

    def __init__(self) -> None:
        self.parts: tuple[tuple[int, ...], DtypeStandIn, tuple[int, ...], Any] = ((0,), DtypeStandIn("f8"), (0,), b"")

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise UnsafePickleError("gives an array a state of another form")
        shape, dtype, fortran, data = state[-4:]
        self.fill(shape, dtype, "F" if fortran else "C", data)

    def fill(self, shape: Any, dtype: Any, order: Any, data: Any, axes: Any = None) -> None:
        """Note what the array holds. Order "K": ``shape`` is that of the bytes, whose ``axes`` are then permuted."""
        whole = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape) and len(shape) <= 8
        if not whole or not isinstance(dtype, DtypeStandIn) or order not in ("C", "F", "K"):
            raise UnsafePickleError("gives an array a state of another form")
        if order == "K":
            if not isinstance(axes, tuple) or sorted(axes) != list(range(len(shape))):
                raise UnsafePickleError(f"turns an array of shape {shape} to the axes {axes!r}")
        elif order == "F":
            shape, axes = shape[::-1], tuple(reversed(range(len(shape))))
        else:
            axes = tuple(range(len(shape)))
        self.parts = (shape, dtype, axes, data)

    @property
    def num_bytes(self) -> int:
        """What the array takes up, as the file says."""
        return math.prod(self.parts[0]) * self.parts[1].plain().itemsize

    def values(self) -> np.ndarray | None:
        """The array; None where it holds objects (see ``objects``)."""
        shape, stand_in, axes, data = self.parts
        dtype = stand_in.plain()
        if dtype.hasobject:
            return None
        raw = raw_bytes(data)
        if len(raw) != self.num_bytes:
            raise UnsafePickleError(f"holds an array of shape {shape} and dtype {dtype} whose bytes do not fit")
        return np.frombuffer(raw, dtype).reshape(shape).transpose(axes).copy()

    def objects(self) -> list[Any]:
        """What an array of objects holds."""
        return self.parts[3] if isinstance(self.parts[3], list) else []


class _MakeArray(StandIn):
    """``numpy.core.multiarray._reconstruct``: an empty array, filled by the state that follows."""

    def __new__(cls, kind: object, shape: object, code: object) -> Any:
        if kind is not ArrayStandIn:
            raise UnsafePickleError(f"asks for an array of kind {kind!r}")
        return ArrayStandIn()


class _MakeArrayFromBuffer(StandIn):
    """``numpy.core.numeric._frombuffer``: how protocol 5 writes arrays."""

    def __new__(cls, data: object, dtype: object, shape: object, order: object, axes: object = None) -> Any:
        array = ArrayStandIn()
        array.fill(shape, dtype, order, data, axes)
        return array


class _MakeScalar(StandIn):
    """``numpy.core.multiarray.scalar``."""

    def __new__(cls, dtype: object, data: object = b"") -> Any:
        raw = raw_bytes(data)
        if not isinstance(dtype, DtypeStandIn) or dtype.plain().hasobject:
            raise UnsafePickleError("asks for a scalar that is no number")
        if len(raw) != dtype.plain().itemsize or len(raw) > _MAX_SCALAR_BYTES:
            raise UnsafePickleError("asks for a scalar whose bytes do not fit")
        return np.frombuffer(raw, dtype.plain())[0]


class _MakeObject(StandIn):
    """``copy_reg._reconstructor``: an object of one of the stand-ins, before its attributes are set."""

    def __new__(cls, kind: object, base: object, state: object) -> Any:
        if not (isinstance(kind, type) and issubclass(kind, Attributes)) or base is not _PlainObject:
            raise UnsafePickleError(f"asks copy_reg to make {kind!r}")
        return kind()


class _Set(StandIn):
    """``set``, made of a list at the end."""

    def __init__(self, items: object = ()) -> None:
        self.items = items


class _Dict(dict, StandIn):  # a dictionary, for what follows it in the file may be put into it
    """``collections.OrderedDict``: a plain dictionary, which keeps its order, too, made at the end."""

    def __init__(self, pairs: object = ()) -> None:
        self.pairs = pairs


class _NoBytes(StandIn):
    """``bytes()``: how Python 3 writes the data of an empty array in protocol 2."""

    def __new__(cls, *arguments: object) -> Any:
        if arguments:
            raise UnsafePickleError("asks for bytes made from something")
        return b""


_SPARSE = {"csc": _SparseColumns, "csr": _SparseRows, "coo": _SparsePlaces}
ADMITTED: dict[tuple[str, str], type] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _MakeArray for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _MakeScalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _MakeArrayFromBuffer for core in ("core", "_core")},
    ("numpy", "ndarray"): ArrayStandIn,
    **{(module, "matrix"): ArrayStandIn for module in ("numpy", "numpy.matrixlib.defmatrix")},
    ("numpy", "dtype"): DtypeStandIn,
    **{  # scipy's module names before 1.8, since then, and for the arrays of 1.8 to 1.10
        (f"scipy.sparse.{module}", f"{form}_{kind}"): stand_in
        for form, stand_in in _SPARSE.items()
        for module in (form, f"_{form}", "_arrays")
        for kind in ("matrix", "array")
    },
    **{(module, "_reconstructor"): _MakeObject for module in ("copy_reg", "copyreg")},
    **{(module, "object"): _PlainObject for module in ("__builtin__", "builtins")},
    **{(module, "set"): _Set for module in ("__builtin__", "builtins")},
    **{(module, "bytes"): _NoBytes for module in ("__builtin__", "builtins")},
    ("_codecs", "encode"): _Bytes,
    ("collections", "OrderedDict"): _Dict,
    ("chumpy.ch", "Ch"): _ChumpyArray,
    ("chumpy.reordering", "Select"): _ChumpySelect,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in ADMITTED:
            raise UnsafePickleError(f"names {module}.{name}, which no body file needs; nothing of it was run")
        return ADMITTED[module, name]


def _opcodes(content: bytes) -> Iterator[tuple[str, Any]]:
    """Names and arguments of the opcodes, none of them executed.

    The texts of protocol 0, in which Python 2 wrote whole arrays, are passed over: ``pickletools`` would decode them,
    and Python 2's as ASCII alone.
    """
    stream = io.BytesIO(content)
    while (code := stream.read(1)) != pickle.STOP:
        opcode = _OPCODES.get(code)
        if opcode is None:
            raise ValueError(f"no opcode {code!r}" if code else "it ends before its last opcode")
        if code in (pickle.STRING, pickle.UNICODE):
            yield opcode.name, stream.readline()
        else:
            yield opcode.name, opcode.arg.reader(stream) if opcode.arg is not None else None


def _check_sizes(content: bytes) -> None:
    """Refuse memo numbers that would make the reader allocate at will, and opcodes that reach outside the file."""
    limit = len(content)
    for name, argument in _opcodes(content):
        if name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > limit:
            raise UnsafePickleError(f"numbers an object {argument} in a file of {limit} bytes")
        if name.startswith(("EXT", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER")):
            raise UnsafePickleError(f"uses the opcode {name}, which no body file needs")


class Converter:
    """Arrays, numbers, strings and containers in place of the stand-ins.

    What a file holds once but refers to often is converted once, so that nested references cannot multiply the work.

    Args:
        entries: of all unpacked arrays together, at most; None: as many as bodies have.
    """

    def __init__(self, entries: int | None = None) -> None:
        self.done: dict[int, Any] = {}
        self.entries_left = _MAX_ENTRIES if entries is None else entries

    def plain(self, value: Any, depth: int = 0) -> Any:
        if not isinstance(value, (StandIn, dict, list, tuple)):
            return value
        if depth > _MAX_NESTING:
            raise UnsafePickleError(f"nests objects more than {_MAX_NESTING} deep")
        if id(value) not in self.done:
            self.done[id(value)] = self._convert(value, depth + 1)
        return self.done[id(value)]

    def _convert(self, value: Any, depth: int) -> Any:
        if isinstance(value, Convertible):
            return value.plain(self, depth)
        if isinstance(value, ArrayStandIn):
            return self._array(value, depth)
        if isinstance(value, DtypeStandIn):
            return value.plain()
        if isinstance(value, _Bytes):
            return self._bytes(value)
        if isinstance(value, _ChumpyArray):
            return self.plain(value.get("x"), depth)
        if isinstance(value, _ChumpySelect):
            return self._selected(value, depth)
        if isinstance(value, _SparseColumns):
            return self._dense(value, depth)
        if isinstance(value, _Set):
            return {self.plain(item, depth) for item in self._items(value.items)}
        if isinstance(value, _Dict):
            return self._pairs(value, depth) | {key: self.plain(item, depth) for key, item in value.items()}
        if isinstance(value, dict):
            return {key: self.plain(item, depth) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.plain(item, depth) for item in value)
        return None  # a bare object()

    def _array(self, array: ArrayStandIn, depth: int) -> Any:
        self.take(array.num_bytes // 8, "arrays")
        values = array.values()
        return self.plain(array.objects(), depth) if values is None else values

    def _bytes(self, value: _Bytes) -> bytes:
        self.take(len(value.text) // 8, "bytes")
        return bytes(raw_bytes(value))

    def _items(self, items: Any) -> Any:
        if not isinstance(items, (list, tuple)):
            raise UnsafePickleError(f"asks for a set or dictionary made of {type(items).__name__}")
        self.take(len(items), "sets and dictionaries")
        return items

    def _pairs(self, value: _Dict, depth: int) -> dict[str, Any]:
        pairs = self._items(value.pairs)
        if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
            raise UnsafePickleError("asks for a dictionary of something else than names and values")
        return {name: self.plain(item, depth) for name, item in pairs}

    def _numbers(self, value: Any, depth: int) -> np.ndarray:
        """An array: where a list stood instead, it could hold itself many times over."""
        values = self.plain(value, depth)
        if not isinstance(values, np.ndarray):
            raise UnsafePickleError(f"holds {type(values).__name__} where an array belongs")
        return values

    def _dense(self, matrix: _SparseColumns, depth: int) -> np.ndarray:
        shape = self.plain(matrix.get("_shape"), depth)
        if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(n, (int, np.integer)) for n in shape)):
            raise UnsafePickleError(f"holds a sparse matrix of shape {shape!r}")
        rows, columns = int(shape[0]), int(shape[1])
        if min(rows, columns) < 0:
            raise UnsafePickleError(f"holds a sparse matrix of shape {shape!r}")
        self.take(max(rows, columns, rows * columns), f"a matrix of {rows} x {columns}")
        parts = [self._numbers(part, depth) for part in matrix.parts()]
        return matrix.dense((rows, columns), *parts)

    def _selected(self, chosen: _ChumpySelect, depth: int) -> np.ndarray:
        entries = self._numbers(chosen.get("a"), depth).ravel()
        indices = self._numbers(chosen.get("idxs"), depth).ravel().astype(np.int64)
        self.take(indices.size, "selected entries")
        shape = self.plain(chosen.__dict__.get("preferred_shape"), depth)
        return entries[indices] if shape is None else entries[indices].reshape([int(n) for n in shape])

    def take(self, entries: int, what: str) -> None:
        """Account for what may be larger than the bytes it came from, which a file may name again and again."""
        if entries > self.entries_left:
            raise UnsafePickleError(f"holds {what}: too large for a body file")
        self.entries_left -= entries


def load_pickle_safely(path: str | Path) -> Any:
    """What a SMPL-format pickle holds, as plain dictionaries and dense arrays.

    Args:
        path: a file written by Python 2 or 3, any protocol.
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
        return Converter().plain(loaded)
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{path}: not a body file that is safe to read: it {error}") from error
    except MemoryError as error:
        raise UnsafePickleError(f"{path}: not a body file that is safe to read: it asks for too much memory") from error
    except Exception as error:  # a broken pickle can end in nearly any exception
        if _is_joblib(content):
            raise ValueError(
                f"{path}: is a joblib file, not a pickle alone; if it is your own, write a pickle: python -c "
                f"\"import joblib, pickle; pickle.dump(joblib.load({path.name!r}), open('plain.pkl', 'wb'))\""
            ) from error
        raise ValueError(f"{path}: not a pickle, or a truncated one ({told_by(error)})") from error


def _is_joblib(content: bytes) -> bool:
    """Whether a file is of joblib: it names joblib's wrapper of arrays, or is compressed, as no pickle is."""
    return b"joblib.numpy_pickle" in content or content.startswith(_COMPRESSED)


def is_pickle(path: Path) -> bool:
    """Whether a file is a pickle: by its first bytes, and by its name where they do not say it is an archive."""
    with path.open("rb") as stream:
        head = stream.read(256)
    return not head.startswith(b"PK") and (path.suffix == ".pkl" or _HEADS.match(head) is not None)
