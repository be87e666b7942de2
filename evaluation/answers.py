"""Answers of methods: bodies, or joints alone."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..body import BodyModel


class Answer(NamedTuple):
    """B people; rows are in the order of the observations and finite.

    Attributes:
        params: (B, D), see `anchorfit.body.parameters.Layout`; camera frame; None for methods that know no body.
        joints_cam: (B, 24, 3) metres, camera frame, SMPL's joints. Where ``params`` is None their size and distance are
            guessed from the mean body: compare after a similarity alignment.
    """

    params: Tensor | None
    joints_cam: Tensor


def answer_of(params: Tensor, body: BodyModel) -> Answer:
    """Bodies (B, D) and their joints, without the mesh."""
    params = body.own_params(params)
    global_orient, body_pose, betas, transl = body.layout.split(params)
    joints = body.skeleton(betas=betas, body_pose=body_pose, global_orient=global_orient).joints
    return Answer(params, joints + transl[:, None])
