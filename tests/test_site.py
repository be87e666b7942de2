"""The documentation: built as a site, without warnings and without the network; files that it names are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def test_links_and_anchors_lead_somewhere(site):
    assert {path.name for path in site.glob("*.html")} >= {"index.html", "quickstart.html", "paper.html", "notice.html"}


def test_pages_fetch_nothing_from_the_network(site):
    sources = re.compile(r"<(?:script|img|iframe|source)[^>]+src=\"?(?:https?:)?//")
    links = re.compile(r"<link[^>]+rel=\"?(?:stylesheet|preconnect|preload)[^>]+href=\"?(?:https?:)?//")
    for page in site.glob("*.html"):
        text = page.read_text()
        assert not sources.search(text), page.name
        assert not links.search(text), page.name


def test_the_papers_page_names_files_and_tests_that_are_there():
    text = (DOCS / "paper.md").read_text()
    named = set(
        re.findall(r"`(?:python )?((?:anchorfit|fitting|regressors|evaluation|scripts|benchmarks|tests)/[^`\s]+)", text)
    )
    assert len(named) > 40
    for name in named:
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), name
        assert not test or f"def {test}(" in (ROOT / path).read_text(), name
