"""Joints of the surface by a third party's regressor: Human3.6M's, which published errors on Human3.6M are over.

Where SMPL's own joints lie is a matter of its regressor, and Human3.6M's markers put hips, neck and head elsewhere. The
file ``J_regressor_h36m.npy`` of SPIN's data is not part of this package; its rows are in another order than Human3.6M's
usual 17, with the left leg first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..array_files import read_npy

ROWS = (
    *("pelvis", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle"),
    *("spine", "neck", "jaw", "head_top"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
)
"""What the rows of ``J_regressor_h36m.npy`` are, by canonical joints; the head is Human3.6M's."""

ORIGIN = "SPIN's data has it: https://github.com/nkolot/SPIN, fetch_data.sh; for research purposes"


class RegressorError(ValueError):
    """A file that is no such regressor; one line."""


@dataclass(frozen=True, eq=False)
class JointRegressor:
    """weights: (17, V), rows as `ROWS`; each joint is a weighted mean of vertices."""

    weights: Tensor

    def joints(self, vertices: Tensor, names: tuple[str, ...]) -> Tensor:
        """(B, J, 3) of named joints from vertices (B, V, 3)."""
        rows = [ROWS.index(name) for name in names]
        return self.weights.to(vertices)[rows] @ vertices


def load_joint_regressor(path: str | Path, num_vertices: int) -> JointRegressor:
    """Read ``J_regressor_h36m.npy``; nothing in it is unpickled.

    Args:
        path: of the file.
        num_vertices: V of the body that it is for.
    Raises:
        FileNotFoundError: no such file.
        RegressorError: not an array of 17 weighted means of V vertices.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such joint regressor; {ORIGIN}")
    try:
        weights = read_npy(path)
    except (ValueError, OSError) as error:
        raise RegressorError(f"{path}: not a plain .npy array ({error}); {ORIGIN}") from error
    if weights.dtype.kind != "f":
        raise RegressorError(f"{path}: expected one array of floating-point numbers; {ORIGIN}")
    if weights.shape != (len(ROWS), num_vertices):
        raise RegressorError(
            f"{path}: expected ({len(ROWS)}, {num_vertices}), joints by vertices of this body, got {weights.shape}; "
            "one made for SMPL (6890 vertices) fits SMPL's files alone"
        )
    if not np.isfinite(weights).all() or np.abs(weights.sum(1) - 1).max() > 1e-3:
        raise RegressorError(f"{path}: rows that do not sum to 1 are no joints; {ORIGIN}")
    return JointRegressor(torch.from_numpy(weights.astype(np.float64)))
