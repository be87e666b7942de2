"""The public docstrings, help texts and README are in the field's words (CONTRIBUTING.md, Words)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("anchorfit", "fitting", "regressors", "evaluation", "baselines")
FORBIDDEN = {
    r"\b(everybody|somebody|nobody|anybody)\b": "name the noun: each person, all people, no row",
    r"\bwhat they are\b|\bown affair\b": "name the noun",
    r"\belse[.;,]?$": "say otherwise, or name the other thing",
    r"\bstands? in for\b": "replaces, approximates",
    r"\blook(s|ed)? up\b": "reads, finds",
    r"\bdealt with\b": "finished, processed",
    r"\blet go\b": "eliminated, released",
    r"\([BN], 85\)": "(B, D): bodies may have any number of betas",
}


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Public docstrings and the ``help`` of options, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text and not getattr(node, "name", "").startswith("_"):
                yield getattr(node, "lineno", 1), text
        elif isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield node.value.lineno, str(node.value.value)


def found(text: str) -> list[str]:
    return [
        f"{match[0]!r}: {advice}"
        for pattern, advice in FORBIDDEN.items()
        for match in re.finditer(pattern, text, flags=re.IGNORECASE | re.MULTILINE)
    ]


def modules(folder: str) -> list[tuple[Path, ast.Module]]:
    """Without the links in ``anchorfit`` to the other folders."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    real = [path for path in paths if not any(parent.is_symlink() for parent in path.parents)]
    return [(path.relative_to(ROOT), ast.parse(path.read_text())) for path in real]


@pytest.mark.parametrize("folder", FOLDERS)
def test_public_texts_are_in_the_fields_words(folder):
    wrong = [
        f"{path}:{line} {problem}"
        for path, tree in modules(folder)
        for line, text in texts(tree)
        for problem in found(text)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_readme_is_in_the_fields_words():
    assert not found((ROOT / "README.md").read_text())


def test_the_search_finds_what_it_looks_for():
    assert len(found("Masks of everybody, for nothing else.\nTakes (B, 85).")) == 3
    assert not found("As `fit` otherwise: everything else (B, D) goes on.")


def test_a_public_name_has_one_home():
    """A command has the name of the function that it runs, in ``anchorfit/cli``."""
    homes: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path, tree in modules(folder):
            for node in tree.body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                    homes.setdefault(node.name, []).append(str(path))
    shared = {name: paths for name, paths in homes.items() if len(paths) > 1}
    commands = {name: ["anchorfit/cli/" + name + ".py", "anchorfit/pipeline.py"] for name in ("fit", "predict")}
    commands["run"] = ["anchorfit/cli/main.py", "anchorfit/runs/fitting.py"]  # the command line's, and a run's
    assert {name: sorted(paths) for name, paths in shared.items()} == commands
