"""GVHMR's ``hmr4d_results.pt``: SMPL-X bodies of one person in all frames, before the cameras ``K_fullimg``.

``smpl_params_global`` has the same bodies in a world of gravity, y up.
"""

from __future__ import annotations

import torch

from ..arrays import named_numbers, need_rows, root_and_body, stated_world
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies


def _read(stored: StoredResult) -> ResultFile:
    held = stored.content["smpl_params_incam"]
    if not isinstance(held, dict):
        raise ResultFileError("smpl_params_incam: expected body_pose, betas, global_orient and transl")
    rotations = root_and_body(held)
    count = len(rotations)
    need_rows(held, count, "betas", "transl")
    need_rows(stored.content, count, "K_fullimg")
    matrix = named_numbers(stored.content, "K_fullimg", None, 3, 3)
    world, wrong = stated_world(stored.content.get("smpl_params_global"), "global_orient", "transl", count)
    bodies = given_bodies(
        "GVHMR",
        Pinhole.of(named_numbers(held, "transl", None, 3), matrix[:, 0, 0], matrix[:, :2, 2]),
        rotations,
        named_numbers(held, "betas", None, None),
        model="smplx",
        gender="neutral",
        sizes=2 * matrix[:, :2, 2],
        tracks=["0"] * count,
        frames=torch.arange(count),
        world=world,
    )
    return ResultFile(bodies, problems=wrong)


FORMAT = ResultFormat(name="GVHMR", recognises=lambda s: s.has("smpl_params_incam", "K_fullimg"), read=_read)
