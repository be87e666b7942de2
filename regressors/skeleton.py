"""The canonical joints of a mean-shaped body, posed from rotations and seen by the camera that looks at the person.

PosePrior looks through this at what it has predicted. Landmarks of the surface move rigidly with one joint.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..body import BodyModel, compile_points
from ..body.joint_sets import CANONICAL_JOINTS, CANONICAL_SOURCES, SMPL_JOINTS, SMPL_PARENTS
from ..body.skinning import ancestor_rows
from .translation import Sightlines

_CARRIERS = (("toe", "foot"), ("heel", "ankle"), ("neck", "neck"))  # the joints that carry landmarks; others: the head


class Skeleton(nn.Module):
    """Buffers (24, 3) of bones, each joint relative to its parent, and (K, 3) of landmarks relative to their joints.

    They are saved with the network, which so needs no body to be loaded.
    """

    bones: Tensor
    offsets: Tensor
    ancestors: Tensor
    mixture: Tensor
    carried: Tensor
    parents: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bones", torch.zeros(len(SMPL_JOINTS), 3))
        self.register_buffer("offsets", torch.zeros(len(CANONICAL_JOINTS), 3))
        self.register_buffer("ancestors", torch.tensor(ancestor_rows(SMPL_PARENTS)).float(), persistent=False)
        mixture = torch.zeros(len(CANONICAL_JOINTS), len(SMPL_JOINTS))
        for row, name in enumerate(CANONICAL_JOINTS):
            for source, share in CANONICAL_SOURCES[name]:
                mixture[row, _carrier(source)] += share
        self.register_buffer("mixture", mixture, persistent=False)
        carried = nn.functional.one_hot(mixture.argmax(1), len(SMPL_JOINTS)).float()[..., None]
        self.register_buffer("carried", carried, persistent=False)  # (K, 24, 1): whose landmark a point is
        self.register_buffer("parents", torch.tensor(SMPL_PARENTS[1:]), persistent=False)

    def measure(self, body: BodyModel) -> None:
        """Take the lengths of a body of mean shape."""
        with torch.no_grad():
            joints = body.rest_joints_table[0]
            self.bones[1:] = (joints[1:] - joints[list(SMPL_PARENTS[1:])]).to(self.bones)
            points = compile_points(body).points(body.layout.zeros(1, body.v_template))[0]
            self.offsets.copy_(points - self.mixture.to(points) @ joints)

    def points(self, world: Tensor) -> Tensor:
        """(B, K, 3) metres relative to the pelvis joint, of rotations (B, 24, 3, 3) relative to the camera."""
        # Each coordinate is linear in the same row of all rotations: one product instead of one for each joint.
        return (world.transpose(1, 2).flatten(2) @ self._table().T).mT  # (B, 3, 72) @ (72, K)

    def seen(self, world: Tensor, sightlines: Sightlines) -> Tensor:
        """(B, K, 2) X/Z and Y/Z of the joints, from where they fit the rays to keypoints best."""
        points = self.points(world)
        moved = points + sightlines.place(points).translation[:, None]
        return moved[..., :2] / moved[..., 2:].clamp_min(0.1)

    def _table(self) -> Tensor:
        """(K, 72) how points add up from the columns of the rotations: bones down to the joints, and landmarks."""
        table = self.offsets[:, None] * self.carried
        bones = (self.mixture @ self.ancestors)[:, 1:, None] * self.bones[1:]
        return table.index_add(1, self.parents, bones).flatten(1)


def _carrier(source: str) -> int:
    kind, _, name = source.partition(":")
    if kind == "joint":
        return SMPL_JOINTS.index(name)
    side, _, part = name.rpartition("_")
    joint = next((joint for ending, joint in _CARRIERS if part == ending), None)
    if joint is None:
        return SMPL_JOINTS.index("head")
    side = side.partition("_")[0]
    return SMPL_JOINTS.index(f"{side}_{joint}" if side else joint)
