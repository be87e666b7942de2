"""The scripts' helper modules are imported as ``scripts.motion...`` from the repository's root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
