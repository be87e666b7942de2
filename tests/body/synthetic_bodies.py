"""Small bodies in SMPL's format with random entries: every test of a law holds for them as for a human."""

from __future__ import annotations

import numpy as np
import torch

from anchorfit.body import LANDMARKS, SMPL_JOINTS, SMPL_PARENTS, BodyModel, body_from_arrays


def synthetic_arrays(seed: int = 0, *, vertices: int = 60, correctives: float = 0.02) -> dict[str, np.ndarray]:
    """Entries of a body file: random surface, each vertex moved by up to four joints."""
    rng = np.random.default_rng(seed)
    weights = np.zeros((vertices, 24))
    for row in weights:
        row[rng.choice(24, 4, replace=False)] = rng.dirichlet(np.ones(4))
    regressor = rng.random((24, vertices)) ** 4
    parents = np.array([4294967295, *SMPL_PARENTS[1:]], dtype=np.uint32)
    return {
        "v_template": rng.normal(size=(vertices, 3)) * 0.5,
        "shapedirs": rng.normal(size=(vertices, 3, 10)) * 0.02,
        "posedirs": rng.normal(size=(vertices, 3, 207)) * correctives,
        "weights": weights,
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "kintree_table": np.stack((parents, np.arange(24, dtype=np.uint32))),
        "f": rng.integers(0, vertices, size=(40, 3)).astype(np.uint32),
        "landmark_names": np.array(LANDMARKS),
        "landmark_vertices": rng.integers(0, vertices, size=(len(LANDMARKS), 2)).astype(np.int32),
        "landmark_weights": np.tile([0.75, 0.25], (len(LANDMARKS), 1)),
    }


def synthetic_body(seed: int = 0, dtype: torch.dtype = torch.float64, **options: float) -> BodyModel:
    return body_from_arrays(synthetic_arrays(seed, **options), dtype=dtype)  # type: ignore[arg-type]


def random_params(batch: int, seed: int = 0, *, spread: float = 0.6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 85, generator=generator, dtype=torch.float64) * spread


NUM_JOINTS = len(SMPL_JOINTS)
