"""Objects that packages installed beside this one add to it, each under the name of its entry point."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, NamedTuple, TypeVar

from .plain_text import told_by

T = TypeVar("T")


class PluginError(ValueError):
    """Objects of other packages that cannot be used, all for one reason; one line that names them."""

    def __init__(self, group: str, names: Sequence[str], reason: str) -> None:
        super().__init__(f"{group}: {', '.join(names)} {reason}")
        self.reason = reason


class Plugins(NamedTuple, Generic[T]):
    """Objects of a group that could be loaded, by name; and why others could not."""

    found: dict[str, T]
    problems: tuple[PluginError, ...]


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}


def plugin_names(group: str) -> tuple[str, ...]:
    """Names of a group's entry points; nothing is imported."""
    return tuple(_entries(group))


def load_plugin(group: str, name: str, kind: type[T]) -> T:
    """Import the object of an entry point.

    Raises:
        PluginError: its package cannot be imported, or the object is of another kind.
    """
    entry = _entries(group)[name]
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:  # whatever another package raises
        said = told_by(error)
        raise PluginError(group, (name,), f"cannot be loaded ({said}); {_remedy(entry)}") from error
    if not isinstance(loaded, kind):
        raise PluginError(group, (name,), f"is no {kind.__name__}; {_remedy(entry)}")
    return loaded


def _remedy(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist else entry.module
    return f"reinstall or uninstall {package}"


@cache
def load_plugins(group: str, kind: type[T]) -> Plugins[T]:
    """Import the objects of a group; one that cannot be used costs no other."""
    found: dict[str, T] = {}
    failed: dict[str, list[str]] = {}  # names by reason: a package that is broken is one line
    for name in plugin_names(group):
        try:
            found[name] = load_plugin(group, name, kind)
        except PluginError as error:
            failed.setdefault(error.reason, []).append(name)
    return Plugins(found, tuple(PluginError(group, names, reason) for reason, names in failed.items()))
