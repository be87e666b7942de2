"""Formats of keypoint files, one a module: each names its `Format` ``FORMAT``, and needs no other mention."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from .format import Content, Format

__all__ = ["Content", "Format", "shipped_formats"]


@lru_cache(maxsize=1)
def shipped_formats() -> tuple[Format, ...]:
    """The package's own formats by name, general ones last: the order in which they are asked."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    formats = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return tuple(sorted(formats, key=lambda format: (format.general, format.name)))
