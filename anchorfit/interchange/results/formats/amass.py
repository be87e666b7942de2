"""AMASS's npz: motion of SMPL-H or SMPL-X bodies in a world of z up, before no camera."""

from __future__ import annotations

import numpy as np
import torch

from ..arrays import gender_of, named_numbers, turns, whole_body
from ..cameras import unknown_camera
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, given_bodies

_SMPL = 72


def _read(stored: StoredResult) -> ResultFile:
    content = stored.content
    pose = turns(content, "poses")
    count = len(pose)
    smpl = np.asarray(content["poses"]).reshape(count, -1).shape[1] == _SMPL
    betas = torch.from_numpy(np.atleast_2d(np.asarray(content["betas"], np.float64))) if "betas" in content else None
    bodies = given_bodies(
        "AMASS",
        unknown_camera(count),
        whole_body(pose if smpl else pose[:, : min(pose.shape[1], 22)], "poses"),
        None if betas is None else betas[:1].expand(count, -1),
        model="smpl" if smpl else "smplh",
        gender=gender_of(content),
        oriented=False,
        tracks=["0"] * count,
        frames=torch.arange(count),
    )
    named_numbers(content, "trans", None, 3)
    return ResultFile(bodies, ("no camera is in it: directions are told by the keypoints",))


FORMAT = ResultFormat(name="AMASS", recognises=lambda s: s.has("poses", "trans"), read=_read)
