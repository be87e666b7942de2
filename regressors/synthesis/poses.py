"""Training poses: the library's, balanced over subjects, with limbs exchanged, joints turned and bodies tilted.

A few dozen people moved for the library; what they did together is learned too well unless their limbs are mixed.
Source of the idea: Li et al. 2020, "Cascaded deep monocular 3D human pose estimation with evolutionary training data".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ...body import axis_angle_to_matrix, matrix_to_axis_angle
from ...body.joint_sets import SMPL_JOINTS
from ...body.parameters import NUM_BODY_POSE
from ...body.pose_library import PoseLibrary, Split, load_pose_library
from .acts import acting_poses
from .upright import stands, upright_poses

LIMBS: tuple[tuple[str, ...], ...] = (
    *(tuple(f"{side}_{part}" for part in ("hip", "knee", "ankle", "foot")) for side in ("left", "right")),
    *(
        tuple(f"{side}_{part}" for part in ("collar", "shoulder", "elbow", "wrist", "hand"))
        for side in ("left", "right")
    ),
    ("spine1", "spine2", "spine3"),
    ("neck", "head"),
)
"""Groups of joints that may come from another pose: each leg, each arm, the back, the head."""

FEWEST_STANDING = 20  # poses of a subject that share a whole subject's weight

RARITY = 2.5  # power by which PosePrior's training draws rare poses more often: a few dozen people mostly walk or climb
SOME, NEAREST = 1000, 5  # poses that each is compared with, and which of the nearest counts
MOST_GAINED = 2.0  # times that a subject's share may grow by its rare poses
FARTHEST = (0.3, 3.0)  # medians that a pose is taken to be away from its like
NUM_RECORDED = 22  # SMPL's joints but the hands, of which nothing was recorded

LIMIT_QUANTILE = 0.002  # of the library's axis-angle components; what turns joints by chance stays inside
LIMIT_MARGIN = 0.1  # radians beyond it


@dataclass(frozen=True, kw_only=True)
class PoseVariation:
    """Variation of training poses beyond the library.

    Raises:
        ValueError: the shares of ``recorded``, ``standing``, ``sitting`` and ``acting`` people sum to more than 1.
    """

    limbs: float = 0.8  # chance of each limb to come from another pose
    mixed: float = 0.5  # share of poses whose joints come from another pose one by one,
    joints: float = 0.5  # each with this chance
    turned: float = 0.9  # share of poses whose joints are turned
    turn_deg: float = 35.0  # largest standard deviation of that; each pose draws its own
    tilted: float = 0.3  # share of bodies that are tilted against gravity
    tilt_deg: float = 25.0  # standard deviation of that, forward and sideways
    tumbled: float = 0.03  # share of bodies turned in any way at all
    recorded: float = 0.0  # share of poses that stay as they were recorded,
    standing: float = 0.0  # of people who stand straight,
    sitting: float = 0.0  # of people who sit upright: see `upright`,
    acting: float = 0.0  # and of people at something that few were recorded at: see `acts`

    def __post_init__(self) -> None:
        total = self.recorded + self.standing + self.sitting + self.acting
        if total > 1 + 1e-9:
            raise ValueError(f"recorded, standing, sitting, acting: expected shares of 1 in all, got {total:g}")


@dataclass(frozen=True, kw_only=True)
class PoseSource:
    """Poses to draw from.

    Attributes:
        poses: (N, 72) axis-angle, orientation in a world with y up.
        cumulative: (N,) float64, running sum of the sampling weights.
        low, high: (69,) radians, the range of each component in the library.
        standing: (N,) float64, running sum of the weights of those who stand straight; of all where no row does.
    """

    poses: Tensor
    cumulative: Tensor
    low: Tensor
    high: Tensor
    standing: Tensor

    @staticmethod
    def from_library(library: PoseLibrary, *, cap: int = 1000, rarity: float = 0.0) -> PoseSource:
        """Poses of a library, no subject counting for more than ``cap`` of them; rare ones are drawn more often by
        that power of `rareness`."""
        poses = library.poses.float()
        columns = poses[:, 3:].t().contiguous()
        inside = int(LIMIT_QUANTILE * len(poses))  # so many values of each lie beyond either limit
        weights = library.subject_balanced_weights(cap).double()
        if rarity > 0:
            weights = _rare_weights(library, rareness(poses, weights) ** rarity, weights)
        upright = stands(poses)
        return PoseSource(
            poses=poses,
            cumulative=weights.cumsum(0),
            standing=_standing_weights(library, upright).cumsum(0) if upright.any() else weights.cumsum(0),
            low=columns.kthvalue(inside + 1).values - LIMIT_MARGIN,
            high=columns.kthvalue(len(poses) - inside).values + LIMIT_MARGIN,
        )

    def draw(self, count: int, generator: torch.Generator, variation: PoseVariation | None = None) -> Tensor:
        """(B, 72) poses; with a variation, of limbs exchanged and joints turned, but for its shares of others."""
        plain = self._draw(self.cumulative, count, generator)
        if variation is None:
            return plain
        pose = self._varied(plain, generator, variation)
        upright = variation.standing + variation.sitting
        if variation.recorded + upright + variation.acting == 0:
            return pose
        chance = torch.rand(count, generator=generator)
        seated = chance < variation.sitting
        standing, others = (self._draw(sums, count, generator) for sums in (self.standing, self.cumulative))
        composed = upright_poses(standing, others, seated, generator)
        pose = torch.where((chance < upright + variation.recorded)[:, None], plain, pose)
        if variation.acting > 0:
            pose = torch.where((chance > 1 - variation.acting)[:, None], acting_poses(count, generator), pose)
        return torch.where((chance < upright)[:, None], composed, pose)

    def _varied(self, pose: Tensor, generator: torch.Generator, variation: PoseVariation) -> Tensor:
        count = len(pose)

        def chance(share: float, *shape: int) -> Tensor:
            return torch.rand(count, *shape, generator=generator) < share

        joints = pose.view(count, 24, 3).clone()
        for limb in LIMBS:
            other = self._draw(self.cumulative, count, generator).view(count, 24, 3)
            index = [SMPL_JOINTS.index(name) for name in limb]
            joints[:, index] = torch.where(chance(variation.limbs, 1, 1), other[:, index], joints[:, index])
        other = self._draw(self.cumulative, count, generator).view(count, 24, 3)[:, 1:]
        alone = chance(variation.joints, 23, 1) & chance(variation.mixed, 1, 1)
        body_pose = torch.where(alone, other, joints[:, 1:]).flatten(1)
        spread = torch.deg2rad(torch.rand(count, 1, generator=generator) * variation.turn_deg)
        spread = spread * chance(variation.turned, 1)
        moving = (self.high - self.low) > 2 * LIMIT_MARGIN + 1e-3  # the library's hands never move: leave them
        turned = body_pose + torch.randn(count, NUM_BODY_POSE, generator=generator) * spread * moving
        turned = turned.clamp(torch.minimum(self.low, body_pose), torch.maximum(self.high, body_pose))
        tilt = (
            torch.randn(count, 3, generator=generator) * math.radians(variation.tilt_deg) * chance(variation.tilted, 1)
        )
        tilt[:, 1] = 0.0  # the heading is drawn with the camera
        axis = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=1)
        tumble = axis * math.pi * torch.rand(count, 1, generator=generator)
        change = torch.where(chance(variation.tumbled, 1), tumble, tilt)
        orientation = axis_angle_to_matrix(change) @ axis_angle_to_matrix(pose[:, :3])
        return torch.cat([matrix_to_axis_angle(orientation), turned], 1)

    def _draw(self, cumulative: Tensor, count: int, generator: torch.Generator) -> Tensor:
        chance = torch.rand(count, generator=generator, dtype=torch.float64) * cumulative[-1]
        return self.poses[torch.searchsorted(cumulative, chance).clamp_max(len(self.poses) - 1)]


@cache
def shipped_poses(split: Split, *, cap: int = 1000, rarity: float = 0.0) -> PoseSource:
    """Poses of a part of the library in the package: made once for all who ask, so none of its tensors is written to.

    Args:
        split: as `load_pose_library` takes it; mirror images are among them.
        cap, rarity: as `PoseSource.from_library` takes them.
    Raises:
        ValueError: an unknown split.
    """
    with torch.inference_mode(False):  # tensors that last
        return PoseSource.from_library(load_pose_library(split=split), cap=cap, rarity=rarity)


def training_poses() -> PoseSource:
    """What PosePrior draws from: the library's training subjects, rare poses more often than they were recorded."""
    return shipped_poses("train", rarity=RARITY)


def rareness(poses: Tensor, weights: Tensor) -> Tensor:
    """(N,) float64 how far each pose (N, 72) is from its like: the distance to the few nearest of a thousand poses
    drawn by ``weights`` (N,), between the rotation matrices of all recorded joints, over its median; 0.3 to 3."""
    moving = poses[:, 3 : 3 * NUM_RECORDED].unflatten(1, (-1, 3))
    places = axis_angle_to_matrix(moving).flatten(1)
    like = places[torch.multinomial(weights, SOME, generator=torch.Generator().manual_seed(0))]
    near = torch.cat(
        [torch.cdist(some, like).topk(NEAREST, largest=False).values[:, -1] for some in places.split(4096)]
    )
    return (near / near.median()).clamp(*FARTHEST).double()


def _rare_weights(library: PoseLibrary, factors: Tensor, plain: Tensor) -> Tensor:
    """(N,) plain weights times factors, no subject counting for more than ``MOST_GAINED`` times its plain share."""
    _, who = np.unique(library.subjects, return_inverse=True)
    weights = (plain * factors / (plain * factors).sum()).numpy()
    share, before = np.bincount(who, weights), np.bincount(who, (plain / plain.sum()).numpy())
    return torch.from_numpy(weights * np.minimum(1, MOST_GAINED * before / share)[who])


def _standing_weights(library: PoseLibrary, upright: Tensor) -> Tensor:
    """(N,) float64 sampling weights of those who stand straight, every subject's the same in sum but for the few who
    hardly do."""
    _, inverse = np.unique(library.subjects, return_inverse=True)
    counts = np.bincount(inverse, upright.numpy())[inverse]
    return upright.double() / torch.from_numpy(np.maximum(counts, FEWEST_STANDING))
