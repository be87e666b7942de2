"""Files that ship with the package: bodies, priors, poses, demo photographs. Their notices are in NOTICE."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parent
