"""What this package's benchmark data sets say of themselves, read from their files without importing these.

The command line's help names sets and their options; importing the sets would load PyTorch first. A set is one file of
``evaluation/benchmarks/`` whose ``BENCHMARK = BenchmarkSet(name="...", options=(...), ...)`` is written in literals.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = "anchorfit.evaluation.benchmarks"


class SetWords(NamedTuple):
    """The fields of a `BenchmarkSet` of the same names, as far as the help asks for them."""

    name: str
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    bodies: bool = True
    rootless: bool = False

    @property
    def people(self) -> bool:
        """Whether the gender that it is opened with is that of its people, not of the methods' body alone."""
        return self.bodies and "gender" in self.options


@cache
def sets_in_files() -> dict[str, SetWords]:
    """The sets by name, in the order of their files."""
    spec = find_spec(FOLDER)
    folders = spec.submodule_search_locations if spec is not None else None
    files = sorted(path for folder in folders or () for path in Path(folder).glob("*.py"))
    found = [words for path in files if (words := _words_of(path)) is not None]
    return {one.name: one for one in found}


def sets_that_read(option: str) -> tuple[str, ...]:
    """Names of the sets that read an option."""
    return tuple(name for name, one in sets_in_files().items() if option in one.options)


def _words_of(path: Path) -> SetWords | None:
    """Raises ValueError where what the help needs is not written in literals."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["BENCHMARK"]:
                given = {one.arg: one.value for one in node.value.keywords if one.arg in SetWords._fields}
                values: dict[str, Any] = {str(name): ast.literal_eval(value) for name, value in given.items()}
                return SetWords(**values)
    return None
