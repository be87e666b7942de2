"""MkDocs' hooks: files of the repository's root as pages, and links between the two kinds that work in both places."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "NOTICE": "notice.md"}
"""Files of the root and the pages that they become."""

OTHERS = {"README.md": "index.md", "LICENSE": "licences.md"}
"""Files of the root, and the pages that stand for them."""


def on_files(files: Files, config: Any) -> Files:
    """Add the root's files as pages."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text()
        content = _for_the_site(text) if name.endswith(".md") else f"# Notice\n\n```text\n{text}\n```\n"
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links out of docs/ to the root's files lead to their pages."""
    return re.sub(r"\]\(\.\./([A-Za-z.]+)\)", lambda link: f"]({_page_of(link)})", markdown)


def _for_the_site(text: str) -> str:
    """A root file's links, as seen from docs/."""
    text = text.replace("](docs/", "](")
    return re.sub(r"\]\(([A-Z]+(?:\.md)?)\)", lambda link: f"]({_page_of(link)})", text)


def _page_of(link: re.Match[str]) -> str:
    name = link.group(1)
    return {**PAGES, **OTHERS}.get(name, name)
