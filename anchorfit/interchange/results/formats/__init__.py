"""Formats of other programs' results, one a module: each names its `ResultFormat` ``FORMAT``."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from ..format import ResultFormat

__all__ = ["shipped_result_formats"]


@lru_cache(maxsize=1)
def shipped_result_formats() -> tuple[ResultFormat, ...]:
    """The package's own formats by name, general ones last: the order in which they are asked."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    formats = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return tuple(sorted(formats, key=lambda format: (format.general, format.name)))
