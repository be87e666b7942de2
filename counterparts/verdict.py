"""One line of a comparison: which program, what was compared, how far it is from ours, and how far it may be.

Only the standard library: this runs in the environments of other programs.
"""

import json
import math
from importlib.metadata import version as installed
from pathlib import Path


def say(program, compared, difference, bar=None, unit="mm", version=None, note=""):
    """Print a verdict; with a bar, whether it is kept.

    Args:
        program: its name; as a distribution's, its version is asked for.
        compared: what, in a few words.
        difference: a number in `unit`, or a text.
        bar: the most that the number may be; a text must be equal to it; None: nothing is asked.
        note: what is to be known, or which page explains the difference.
    """
    version = installed(program) if version is None else version
    number = isinstance(difference, int | float)
    kept = bar is None or (difference <= bar if number else difference == bar)
    if number and not math.isfinite(difference):
        kept = False
    shown = f"{difference:.3g} {unit}".strip() if number else str(difference)
    line = {"program": f"{program} {version}".strip(), "compared": compared, "difference": shown, "kept": bool(kept)}
    line |= {"bar": "" if bar is None else f"{bar:g} {unit}".strip() if number else str(bar), "note": note}
    print("VERDICT " + json.dumps(line), flush=True)


def truth(folder):
    """Arrays of ``truth.npz``: what the files of `files.py` hold, in their frame (metres, y up)."""
    import numpy as np

    with np.load(Path(folder) / "truth.npz") as file:
        return dict(file)


def farthest_mm(points, others):
    """The largest distance between rows of (..., 3) points in metres, in millimetres."""
    import numpy as np

    return float(1000 * np.linalg.norm(np.asarray(points) - np.asarray(others), axis=-1).max())


def nearest_mm(points, others):
    """The largest distance of (N, 3) points to the nearest of others (M, 3), for programs that reorder vertices."""
    import numpy as np

    points, others = np.asarray(points), np.asarray(others)
    rows = [np.linalg.norm(others - point, axis=1).min() for point in points]
    return float(1000 * max(rows))
