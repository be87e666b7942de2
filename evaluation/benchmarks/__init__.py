"""Benchmark data sets, one a module: each names its `BenchmarkSet` ``BENCHMARK``, and needs no other mention."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from ...plugins import Plugins, load_plugins
from .benchmark import OPTIONS, BenchmarkSet, OpenedSet, SetOptions

ENTRY_POINTS = "anchorfit.benchmarks"
"""Where packages that are installed beside this one name their own `BenchmarkSet`."""

__all__ = [
    "ENTRY_POINTS",
    "OPTIONS",
    "BenchmarkSet",
    "OpenedSet",
    "SetOptions",
    "all_benchmarks",
    "benchmark_of",
    "shipped_benchmarks",
]


@lru_cache(maxsize=1)
def shipped_benchmarks() -> dict[str, BenchmarkSet]:
    """The package's own, by name."""
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return {module.BENCHMARK.name: module.BENCHMARK for module in modules if hasattr(module, "BENCHMARK")}


def all_benchmarks() -> Plugins[BenchmarkSet]:
    """All benchmark data sets by name, those of other packages last; and which of these cannot be used."""
    plugins = load_plugins(ENTRY_POINTS, BenchmarkSet)
    others = {one.name: one for one in plugins.found.values()}
    return Plugins({**others, **shipped_benchmarks()}, plugins.problems)  # none replaces the package's own


def benchmark_of(name: str) -> BenchmarkSet:
    """The benchmark data set of a name.

    Raises:
        ValueError: there is none.
    """
    known = all_benchmarks().found
    if name not in known:
        raise ValueError(f"benchmark: expected one of {', '.join(known)}; got {name!r}")
    return known[name]
