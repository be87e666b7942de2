"""A body and its motion as animation programs hold them: a rest mesh, a tree of joints, and turns frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..body import SMPL_JOINTS, BodyModel, axis_angle_to_matrix
from ..results import BodyEstimate
from .correctives import RestShape, corrective_shapes

FILE_FROM_CAMERA = (1.0, -1.0, -1.0)
"""Diagonal of the half turn about x that takes the camera's frame to the files': x right, y up, looking along -z."""

_END_LANDMARKS = {
    "head": "head_top",
    "left_hand": "left_middle_tip",
    "right_hand": "right_middle_tip",
    "left_foot": "left_big_toe",
    "right_foot": "right_big_toe",
}


@dataclass(frozen=True, kw_only=True)
class Rig:
    """T frames of one person; float64, metres, y up.

    Attributes:
        vertices: (V, 3) rest mesh, body frame, without pose correctives.
        joints: (24, 3) rest joints, body frame.
        ends: (24, 3) where the bone of a joint without children ends at rest, body frame; NaN for other joints.
        rotations: (T, 24, 3, 3) relative to the parent; the pelvis's is relative to the file's frame.
        root: (T, 3) the pelvis joint, file's frame.
        correctives: (K, V, 3) shapes that are added to the rest mesh, K may be 0.
        corrective_weights: (T, K) how much of each, all within 0..1.
        weights: (V, 24) skinning weights, rows sum to 1.
    """

    vertices: Tensor
    joints: Tensor
    ends: Tensor
    rotations: Tensor
    root: Tensor
    correctives: Tensor
    corrective_weights: Tensor
    weights: Tensor


def rig(estimate: BodyEstimate, body: BodyModel, *, correctives: int = 16, weights: Tensor | None = None) -> Rig:
    """One person's rows, in the order of time, as a rig.

    A skin has one rest mesh, so all frames get the mean of the rows' betas; each pelvis stays where its row has it.
    Linear skinning knows no pose correctives. They become shapes (morph targets): the best few for these frames, which
    for one frame is its own, exactly. Where the skin has other weights than the body, the shapes make up for it, too.

    Args:
        estimate: T >= 1 rows of one person.
        body: the body that they were made with.
        correctives: the most shapes to make; 0: none.
        weights: (V, 24) of the skin; left out: the body's own.
    Raises:
        ValueError: there is no row, a row is not finite, or has more betas than the body keeps.
    """
    if not len(estimate):
        raise ValueError("rig: expected a row or more, got none")
    if not bool(torch.isfinite(estimate.params).all()):
        raise ValueError("rig: the estimate is not finite")
    body = body.to("cpu", torch.float64)
    params = body.layout.split(body.own_params(estimate.params.double()))
    betas = params.betas
    mean = betas.mean(0, keepdim=True)
    turn = torch.diag(torch.tensor(FILE_FROM_CAMERA, dtype=torch.float64))
    local = axis_angle_to_matrix(params.pose.unflatten(-1, (24, 3)))
    vertices = body.v_template + body.shapedirs @ mean[0]
    skin = body.weights if weights is None else weights.to("cpu", torch.float64)
    joints = body.rest_joints(mean)[0]
    shapes, shares = corrective_shapes(body, RestShape(vertices, joints), local, skin, correctives)
    return Rig(
        vertices=vertices,
        joints=joints,
        ends=_bone_ends(body, vertices, joints),
        rotations=torch.cat([turn @ local[:, :1], local[:, 1:]], dim=1),
        root=(body.rest_joints(betas)[:, 0] + params.transl) @ turn,
        correctives=shapes,
        corrective_weights=shares,
        weights=skin,
    )


def _bone_ends(body: BodyModel, vertices: Tensor, joints: Tensor) -> Tensor:
    ends = torch.full_like(joints, torch.nan)
    for name, landmark in _END_LANDMARKS.items():
        joint = SMPL_JOINTS.index(name)
        if landmark in body.landmark_names:
            ends[joint] = body.landmarks_from(vertices[None], [landmark])[0, 0]
        else:  # as long as the bone before it
            ends[joint] = 2 * joints[joint] - joints[body.parents[joint]]
    return ends
