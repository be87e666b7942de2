"""Pickles as Python 2 wrote SMPL's, with look-alikes of chumpy's classes inside."""

from __future__ import annotations

import pickle
import types
from pathlib import Path
from typing import Any

_RENAMED = {
    "numpy._core.multiarray": "numpy.core.multiarray",
    "scipy.sparse._csc": "scipy.sparse.csc",
    "scipy.sparse._csr": "scipy.sparse.csr",
    "copyreg": "copy_reg",
    "builtins": "__builtin__",
}

_Pickler: Any = pickle._Pickler  # type: ignore[attr-defined, unused-ignore]  # pure Python: it can be taught


class Python2Pickler(_Pickler):
    """Protocol 2 with the module names that Python 2, old numpy and old scipy wrote."""

    dispatch = dict(_Pickler.dispatch)  # noqa: RUF012

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module, name = obj.__module__, name or obj.__qualname__
        self.write(pickle.GLOBAL + f"{_RENAMED.get(module, module)}\n{name}\n".encode())
        self.memoize(obj)


for _kind in (type, types.FunctionType, types.BuiltinFunctionType):
    Python2Pickler.dispatch[_kind] = Python2Pickler.save_global


class Ch:
    """Looks like chumpy's array to the pickler."""

    def __init__(self, x: object) -> None:
        self.x = x
        self._dirty_vars: set[str] = set()


class Select:
    """Looks like chumpy's reordering to the pickler."""

    def __init__(self, a: object, idxs: object, preferred_shape: object) -> None:
        self.a, self.idxs, self.preferred_shape = a, idxs, preferred_shape


Ch.__module__ = "chumpy.ch"
Select.__module__ = "chumpy.reordering"


def write_old_pickle(path: Path, content: object) -> Path:
    with path.open("wb") as stream:
        Python2Pickler(stream, protocol=2).dump(content)
    return path
