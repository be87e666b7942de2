"""Old public names: each goes on working, and warns once of its replacement and of its end (docs/versions.md)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

REMOVED_IN = "0.3.0"

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def renamed_arguments(**new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that also takes keywords under their old names.

    Args:
        new_names: by old name. Giving both names of one argument is a TypeError.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def renamed(*args: P.args, **kwargs: P.kwargs) -> R:
            for old, new in new_names.items():
                if old in kwargs:
                    if new in kwargs:
                        raise TypeError(f"{function.__name__}: {old} is the old name of {new}; give {new} alone")
                    kwargs[new] = kwargs.pop(old)
                    _warn(f"{function.__module__}.{function.__name__}: the argument {old}", new)
            return function(*args, **kwargs)

        return renamed

    return decorate


def removed_arguments(**instead: str) -> Callable[[type[T]], type[T]]:
    """Decorate a class that refuses keywords it once took, and says what is to be given in their place.

    Args:
        instead: by old name. Giving one is a TypeError.
    """

    def decorate(kind: type[T]) -> type[T]:
        make = kind.__init__

        @wraps(make)
        def checked(self: T, *args: Any, **kwargs: Any) -> None:
            gone = next((name for name in kwargs if name in instead), None)
            if gone is not None:
                raise TypeError(f"{kind.__name__}: there is no {gone} any more; use {instead[gone]}")
            make(self, *args, **kwargs)

        kind.__init__ = checked  # type: ignore[assignment]
        return kind

    return decorate


def renamed_names(module: str, **new_names: str) -> Callable[[str], Any]:
    """Make a module's ``__getattr__`` that finds old names; hidden from type checkers, which it would blind.

    Args:
        module: its ``__name__``.
        new_names: by old name; of another module, with the module's before it.
    """

    def find(name: str) -> Any:
        if name not in new_names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _warn(f"{module}.{name}", new_names[name])
        home, _, new = new_names[name].rpartition(".")
        return getattr(import_module(home or module), new)

    return find


@cache
def _warn(old: str, new: str) -> None:
    """Once a process; setup.cfg makes errors of these warnings by how they begin, with the package's name."""
    message = f"{old} is deprecated and goes in version {REMOVED_IN}; use {new}"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
