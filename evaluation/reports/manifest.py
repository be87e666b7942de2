"""Manifest of a run, to reproduce its numbers: commit, versions, settings, checksums."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..._version import __version__
from ...assets import ASSETS
from ...atomic import write_atomically
from ..records import checksum


def checksums(body: str, beside: Sequence[str] = ("poses", "priors", "weights")) -> dict[str, str]:
    """SHA-256 of the files that a run depends on: the body, the poses, the pose prior and the networks.

    Args:
        body: "open" or a path, as `load_body` takes it.
        beside: which of the package's files matter, too.
    """
    groups = {
        "body": sorted((ASSETS / "bodies").glob("open_*.npz")) if body == "open" else [Path(body).expanduser()],
        **{name: sorted((ASSETS / name).glob("*.*")) for name in beside},
    }
    return {f"sha256 of the {name}": checksum(paths) for name, paths in groups.items()}


def manifest(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a run: its settings and checksums (JSON values), and what it ran on."""
    return {
        "anchorfit": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "settings": dict(settings),
    }


def write_manifest(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write ``manifest.json``."""
    path = folder / "manifest.json"
    write_atomically(path, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    return path


def commit() -> str | None:
    """The commit of the source tree that runs, with "+" where it has been changed since; None where it is installed."""
    here = Path(__file__).resolve().parent
    try:
        head = _git(here, "rev-parse", "HEAD")
        return head + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
