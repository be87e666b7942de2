"""A body file with SMPL's number of vertices, for tests of what is made for SMPL."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anchorfit.body import load_body
from anchorfit.evaluation.surface_landmarks import SMPL_VERTICES


def write_smpl_like(path: Path) -> Path:
    """The neutral open body without correctives, its last vertex repeated; no joint is regressed from the copies."""
    body = load_body()
    more = SMPL_VERTICES - body.num_vertices
    assert more > 0
    regressor = np.pad(body.joint_regressor.to_dense().numpy(), ((0, 0), (0, more)))
    repeated = {"v_template": body.v_template, "shapedirs": body.shapedirs, "weights": body.weights}
    arrays = {name: np.concatenate([v.numpy(), v[-1:].numpy().repeat(more, 0)]) for name, v in repeated.items()}
    arrays |= {
        "J_regressor": regressor,
        "f": body.faces.numpy(),
        "kintree_table": np.array([body.parents, range(24)]),
        "posedirs": np.zeros((SMPL_VERTICES, 3, 207), dtype=np.float16),
    }
    np.savez_compressed(path, **arrays)
    return path
