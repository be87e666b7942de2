"""Examples in docstrings, and the Python of the documentation's pages, run as they stand."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

from anchorfit.evaluation import methods
from anchorfit.observations import files

DOCS = Path(__file__).resolve().parents[1] / "docs"
MODULES = (
    "anchorfit.body.floor",
    "anchorfit.camera",
    "anchorfit.cameras.calibrated",
    "anchorfit.observations.files",
    "anchorfit.pipeline",
    "anchorfit.results",
    "anchorfit.views.fitting",
    "anchorfit.views.pairing",
    "anchorfit.world",
)
PAGES = ("quickstart.md", "migrating.md", "extending.md", "points.md", "cameras.md", "floor.md")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(import_module(name))
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("page", PAGES)
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "_registered", [])
    monkeypatch.setattr(methods, "VARIANTS", dict(methods.VARIANTS))
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)
    assert blocks
    exec(compile("\n".join(blocks), page, "exec"), {"__name__": page})
