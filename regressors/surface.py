"""A sample of the body's surface, posed from rotation matrices: what the per-vertex loss looks at on a CPU.

A hundred vertices, spread evenly, stand for seven thousand: the loss is a mean over the surface either way. Pose
correctives are left out, of the prediction and of the truth alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.skinning import ancestor_rows


@dataclass(frozen=True, kw_only=True)
class SurfaceSample:
    """M vertices and the 24 joints of one body.

    Attributes:
        rest: (M, 3) metres; shape: (M, 3, S) metres for each unit of betas; weights: (M, 24) of skinning.
        joints: (24, 3) at rest; joints_shape: (24, 3, S).
        ancestors: (24, 24) of 0 and 1; parents: (23,).
    """

    rest: Tensor
    shape: Tensor
    weights: Tensor
    joints: Tensor
    joints_shape: Tensor
    ancestors: Tensor
    parents: Tensor

    @staticmethod
    def of(body: BodyModel, count: int = 96) -> SurfaceSample:
        """``count`` vertices, each the farthest from those before it."""
        vertices = body.v_template
        chosen = [int(vertices[:, 1].argmax())]
        distance = torch.full_like(vertices[:, 0], torch.inf)
        while len(chosen) < count:
            distance = torch.minimum(distance, (vertices - vertices[chosen[-1]]).square().sum(-1))
            chosen.append(int(distance.argmax()))
        mean, change = body.rest_joints_table
        return SurfaceSample(
            rest=vertices[chosen],
            shape=body.shapedirs[chosen],
            weights=body.weights[chosen],
            joints=mean,
            joints_shape=change,
            ancestors=torch.tensor(ancestor_rows(body.parents), dtype=body.dtype, device=body.device),
            parents=torch.tensor(body.parents[1:], device=body.device),
        )

    def pose(self, world: Tensor, betas: Tensor) -> Tensor:
        """Joints, then vertices: (B, 24 + M, 3) metres relative to the pelvis joint.

        Args:
            world: (B, 24, 3, 3) rotations of the joints, all relative to the frame of the result.
            betas: (B, S).
        """
        rest_joints = self.joints + (betas @ self.joints_shape.flatten(0, 1).mT).unflatten(1, (-1, 3))
        rest = self.rest + (betas @ self.shape.flatten(0, 1).mT).unflatten(1, (-1, 3))
        offsets = rest_joints[:, 1:] - rest_joints.index_select(1, self.parents)
        turned = (world.index_select(1, self.parents) @ offsets[..., None])[..., 0]
        joints = self.ancestors @ torch.cat((torch.zeros_like(turned[:, :1]), turned), 1)
        moved = joints - (world @ rest_joints[..., None])[..., 0]
        transforms = torch.cat((world, moved[..., None]), -1).flatten(2)  # (B, 24, 12)
        blended = (self.weights @ transforms).unflatten(-1, (3, 4))  # (B, M, 3, 4)
        surface = (blended[..., :3] @ rest[..., None])[..., 0] + blended[..., 3]
        return torch.cat((joints, surface), 1)
