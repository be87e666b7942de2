"""Pose-conditioned joint limits (Akhter & Black 2015), learned from poses: where a bone may point, given its parent.

Directions are taken in the trunk's frame for upper arms, thighs and the head. A lower bone's are taken in that frame
carried along with its parent, by the smallest rotation from the parent's direction at rest: so they depend on joints
alone, not on how bones are twisted. The sphere is cut into bins. A direction is allowed where training poses, with the
parent's bin near the same, have come near.

Assumed: about 400 bins of equal area, each 10 degrees wide, and 12 degrees as "near"; the paper cuts the sphere by two
angles and bounds a lower bone's directions by a plane and a box. Bounds of hands and feet beyond the ankles' are left
out: the library's hands do not move.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from anchorfit.body import SMPL_JOINTS, SMPL_PARENTS
from anchorfit.body.rotations import cross_matrix
from anchorfit.body.skinning import ancestor_rows

BINS = 400
NEAR_DEG = 12.0


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Bones between joints one after the other; ``sides``: the pair whose line is the trunk's x axis for them."""

    joints: tuple[str, ...]
    sides: tuple[str, str]

    @property
    def rows(self) -> list[int]:
        return [SMPL_JOINTS.index(name) for name in self.joints]


CHAINS: tuple[Chain, ...] = (
    Chain(joints=("neck", "head"), sides=("left_shoulder", "right_shoulder")),
    *(
        Chain(joints=tuple(f"{side}_{part}" for part in parts), sides=(f"left_{parts[0]}", f"right_{parts[0]}"))
        for parts in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle", "foot"))
        for side in ("left", "right")
    ),
)
BONE_NAMES: tuple[str, ...] = tuple(f"{first}-{second}" for chain in CHAINS for first, second in pairwise(chain.joints))


@dataclass(frozen=True, kw_only=True)
class JointLimits:
    """Tables of allowed directions.

    Attributes:
        bins: (D, 3) unit vectors, the middles of the bins.
        rest: (N, 3) directions of the bones of ``BONE_NAMES`` at rest, each in its own frame.
        first: by chain, (D,) bool: directions of its first bone.
        following: by chain, for its further bones, (D, D) bool: [parent's bin, own bin].
    """

    bins: Tensor
    rest: Tensor
    first: tuple[Tensor, ...]
    following: tuple[tuple[Tensor, ...], ...]

    @staticmethod
    def learn(joints: Tensor, rest: Tensor, *, bins: int = BINS, near_deg: float = NEAR_DEG) -> JointLimits:
        """Limits that poses ``joints`` (N, 24, 3) are within; ``rest`` (24, 3): the rest pose of the same body.

        Raises:
            ValueError: not 24 joints.
        """
        if joints.ndim != 3 or joints.shape[1:] != (24, 3):
            raise ValueError(f"joints: expected (N, 24, 3), got {tuple(joints.shape)}")
        middles = sphere_bins(bins).to(joints)
        near = ((middles @ middles.mT).clamp(-1, 1) >= math.cos(math.radians(near_deg))).to(torch.float32)
        at_rest = torch.cat([_rest_directions(rest, chain) for chain in CHAINS])
        blank = JointLimits(bins=middles, rest=at_rest, first=(), following=())
        first, following = [], []
        for number in range(len(CHAINS)):
            index = [blank.bin_of(direction) for direction in blank._directions(joints, number)]
            seen = torch.zeros(bins)
            seen[index[0]] = 1.0
            first.append(near @ seen > 0)
            tables = []
            for parent, child in pairwise(index):
                table = torch.zeros(bins, bins)
                table[parent, child] = 1.0
                tables.append(near @ table @ near > 0)
            following.append(tuple(tables))
        return JointLimits(bins=middles, rest=at_rest, first=tuple(first), following=tuple(following))

    def state(self) -> dict[str, Tensor]:
        """All tables by name, for files."""
        tables = {f"first/{chain}": table for chain, table in enumerate(self.first)}
        for chain, row in enumerate(self.following):
            tables |= {f"following/{chain}/{place}": table for place, table in enumerate(row)}
        return {"bins": self.bins, "rest": self.rest, **tables}

    @staticmethod
    def restored(state: Mapping[str, Tensor]) -> JointLimits:
        """The inverse of `state`."""
        return JointLimits(
            bins=state["bins"],
            rest=state["rest"],
            first=tuple(state[f"first/{chain}"] for chain in range(len(CHAINS))),
            following=tuple(
                tuple(state[f"following/{number}/{place}"] for place in range(len(chain.joints) - 2))
                for number, chain in enumerate(CHAINS)
            ),
        )

    def bin_of(self, directions: Tensor) -> Tensor:
        """(...) bin of unit vectors (..., 3)."""
        return (directions @ self.bins.mT).argmax(-1)

    def allowed(self, joints: Tensor) -> Tensor:
        """(B, N) bool for each bone of ``BONE_NAMES``, of poses (B, P, 3) whose first 24 points are SMPL's joints."""
        columns = []
        for number in range(len(CHAINS)):
            index = [self.bin_of(direction) for direction in self._directions(joints, number)]
            columns.append(self.first[number][index[0]])
            for table, parent, child in zip(self.following[number], index, index[1:], strict=False):
                columns.append(table[parent, child])
        return torch.stack(columns, -1)

    def moved_inside(self, joints: Tensor) -> Tensor:
        """Poses (B, P, 3) with each bone that is not allowed turned to the nearest direction that is.

        What hangs on a bone moves along; points beyond the 24 joints hang on the head.
        """
        joints = joints.clone()
        for number, chain in enumerate(CHAINS):
            frame = _trunk_frame(joints, chain)
            parent: Tensor | None = None
            for place, (start, end) in enumerate(pairwise(chain.rows)):
                bone = joints[:, end] - joints[:, start]
                length = bone.norm(dim=-1, keepdim=True)
                local = (frame @ (bone / length.clamp_min(1e-9))[..., None])[..., 0]
                table = self.first[number] if parent is None else self.following[number][place - 1][parent]
                inside = table.expand(len(joints), -1)
                own = inside.gather(1, self.bin_of(local)[:, None])[:, 0] | ~inside.any(1)
                best = torch.where(inside, local @ self.bins.mT, -2.0).argmax(1)
                turned = torch.where(own[:, None], local, self.bins[best])
                shift = (frame.mT @ turned[..., None])[..., 0] * length - bone
                joints[:, _hanging(end, joints.shape[1])] += shift[:, None]
                parent = self.bin_of(turned)
                frame = _carried(turned, self.rest[_bone_row(number) + place]) @ frame
        return joints

    def _directions(self, joints: Tensor, number: int) -> list[Tensor]:
        """For each bone of a chain its (B, 3) direction in its own frame."""
        chain, first = CHAINS[number], _bone_row(number)
        frame = _trunk_frame(joints, chain)
        directions = []
        for place, (start, end) in enumerate(pairwise(chain.rows)):
            local = (frame @ torch.nn.functional.normalize(joints[:, end] - joints[:, start], dim=-1)[..., None])[
                ..., 0
            ]
            directions.append(local)
            frame = _carried(local, self.rest[first + place]) @ frame
        return directions


def sphere_bins(count: int) -> Tensor:
    """(D, 3) points spread evenly over the unit sphere, on a Fibonacci spiral (Gonzalez 2010)."""
    index = torch.arange(count, dtype=torch.float64) + 0.5
    z = 1 - 2 * index / count
    angle = math.pi * (3 - math.sqrt(5)) * index
    radius = (1 - z * z).sqrt()
    return torch.stack((radius * angle.cos(), radius * angle.sin(), z), -1)


def _bone_row(number: int) -> int:
    return sum(len(chain.joints) - 1 for chain in CHAINS[:number])


def _hanging(joint: int, points: int) -> list[int]:
    """The joint, those below it, and with the head all points beyond the 24 joints."""
    below = [row for row, above in enumerate(ancestor_rows(SMPL_PARENTS)) if above[joint]]
    return [*below, *(range(24, points) if SMPL_JOINTS[joint] == "head" else ())]


def _trunk_frame(joints: Tensor, chain: Chain) -> Tensor:
    """(B, 3, 3) whose rows are the trunk's axes: y up the spine, x to the body's left, z forward."""
    neck, pelvis = SMPL_JOINTS.index("neck"), SMPL_JOINTS.index("pelvis")
    left, right = (SMPL_JOINTS.index(name) for name in chain.sides)
    y = torch.nn.functional.normalize(joints[:, neck] - joints[:, pelvis], dim=-1)
    across = joints[:, left] - joints[:, right]
    x = torch.nn.functional.normalize(across - (across * y).sum(-1, keepdim=True) * y, dim=-1)
    return torch.stack((x, y, torch.linalg.cross(x, y)), 1)


def _rest_directions(rest: Tensor, chain: Chain) -> Tensor:
    """(N, 3) directions of a chain's bones at rest: in the trunk's frame, which nothing has turned yet."""
    frame = _trunk_frame(rest[None], chain)[0]
    bones = rest[chain.rows[1:]] - rest[chain.rows[:-1]]
    return torch.nn.functional.normalize(bones, dim=-1) @ frame.mT


def _carried(direction: Tensor, rest: Tensor) -> Tensor:
    """(B, 3, 3) the smallest rotations that take directions (B, 3) to one at rest (3,).

    Source: R = I + [v]x + [v]x^2 / (1 + c), v = d x r, c = d . r; at c = -1 any half turn will do.
    """
    cosine = direction @ rest
    opposite = cosine < -1 + 1e-6
    skew = cross_matrix(torch.linalg.cross(direction, rest.expand_as(direction)))
    eye = torch.eye(3, dtype=direction.dtype, device=direction.device)
    factor = 1 / torch.where(opposite, 1.0, 1 + cosine)
    turned = eye + skew + factor[:, None, None] * (skew @ skew)
    side = torch.nn.functional.normalize(torch.linalg.cross(rest, rest.roll(1)), dim=-1)
    half_turn = 2 * side[:, None] * side[None] - eye
    return torch.where(opposite[:, None, None], half_turn, turned)
