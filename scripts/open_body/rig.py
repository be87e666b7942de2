"""Anny's bones in SMPL's hands: its A-pose turned into a T-pose, and its deformation driven by SMPL's 24 rotations.

Anny rests with the arms low and bent, the legs apart. ``t_pose`` turns its bones so that the limbs lie as SMPL's do;
``driven`` says how far each Anny bone follows each SMPL joint: the forearm's twist is spread over ``lowerarm01``,
``lowerarm02`` and the hand, and so on. Both only say how bones move; the skin follows by Anny's own dual-quaternion
skinning (Kavan et al. 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .rotations import exponential, frame, partial, shortest

Array = np.ndarray

PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
X, Y, Z = np.eye(3)

CLAVICLE_RAISE_DEG = 10.0  # of the lift from the A-pose to the T-pose, the collar bone's share
LEG_SPREAD_DEG = 3.0  # hip to ankle, outwards from the vertical: thighs of heavy bodies stay apart
FINGER_CURL_LEFT, FINGER_SPREAD_LEFT = 0.35, 0.6  # shares of Anny's relaxed fingers that stay in the T-pose
HIP_SEPARATION_M = 0.173
"""Between the hip centres of the average adult: Harrington et al. 2007, 2 * (0.33 * PW + 7.3 mm), with PW = 240 mm
between the anterior superior iliac spines (Bell et al. 1990, 0.72 * PW, gives 173 mm too). Anny's lie 22 cm apart."""

FOLLOWS: dict[str, tuple[int, float, float]] = {
    # Anny bone: SMPL joint (left side), share of its swing, share of its twist
    "root": (0, 1, 1),
    "pelvis": (0, 1, 1),
    "upperleg01": (1, 1, 0.5),
    "upperleg02": (1, 1, 1),
    "lowerleg01": (4, 1, 1),
    "lowerleg02": (7, 0, 0.5),
    "foot": (7, 1, 1),
    "toe": (10, 1, 1),
    "spine05": (0, 1, 1),
    "spine04": (3, 0.5, 0.5),
    "spine03": (3, 1, 1),
    "spine02": (6, 1, 1),
    "spine01": (9, 1, 1),
    "neck01": (12, 0.5, 0.5),
    "neck02": (12, 1, 1),
    "neck03": (15, 0.5, 0.5),
    "head": (15, 1, 1),
    "eye": (15, 1, 1),
    "clavicle": (13, 1, 1),
    "shoulder01": (16, 0.35, 0),
    "upperarm01": (16, 1, 0.4),
    "upperarm02": (16, 1, 1),
    "lowerarm01": (18, 1, 0.5),
    "lowerarm02": (20, 0, 0.5),
    "wrist": (20, 1, 1),
    "metacarpal": (20, 1, 1),
    "finger1": (20, 1, 1),
    "finger": (22, 1, 1),
}
WEIGHT_SHARE: dict[str, float] = {"spine04": 0.5, "neck01": 0.5, "neck03": 0.5, "shoulder01": 0.35}
"""Share of a bone's skin weight that goes to the joint it follows; the rest goes to that joint's parent. 1 where not
named, 0 where it follows a twist alone (the forearm's skin belongs to the elbow, its twist to the pose correctives)."""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Bones of Anny by name and how they follow SMPL's joints."""

    labels: tuple[str, ...]
    parents: tuple[int, ...]
    follows: tuple[tuple[int, float, float], ...]
    twist_axes: Array  # (24, 3) along each joint's bone in the T-pose

    def index(self, label: str) -> int:
        return self.labels.index(label)


def make_rig(labels: tuple[str, ...], parents: tuple[int, ...]) -> Rig:
    """The table ``FOLLOWS`` for both sides."""
    mirrored = {1: 2, 4: 5, 7: 8, 10: 11, 13: 14, 16: 17, 18: 19, 20: 21, 22: 23}
    follows = []
    for label in labels:
        stem, _, side = label.partition(".")
        key = max((k for k in FOLLOWS if stem.startswith(k)), key=len)
        joint, swing, twist = FOLLOWS[key]
        follows.append((mirrored.get(joint, joint) if side == "R" else joint, swing, twist))
    axes = np.tile(Y, (24, 1))
    for joint in (13, 14, 16, 17, 18, 19, 20, 21, 22, 23):
        axes[joint] = X
    return Rig(labels=labels, parents=parents, follows=tuple(follows), twist_axes=axes)


def with_hip_centres(rig: Rig, heads: Array, scale: float) -> Array:
    """Bone heads (S, B, 3) with the thighs' heads moved to ``scale`` times their distance from the middle."""
    heads = heads.copy()
    for side in "LR":
        heads[:, rig.index(f"upperleg01.{side}"), 0] *= scale
    return heads


def t_pose(rig: Rig, heads: Array) -> Array:
    """Bone transforms (S, B, 4, 4) from Anny's rest pose to the T-pose, for rest bone heads (S, B, 3)."""
    count = len(heads)
    turn = np.tile(np.eye(3), (count, len(rig.labels), 1, 1))
    for side, sign in (("L", 1.0), ("R", -1.0)):
        turned = _arm(rig, heads, side, sign) | _leg(rig, heads, side, sign)
        for label, matrix in turned.items():
            turn[:, rig.index(label)] = matrix
    return _chain(rig, heads, turn)


def _arm(rig: Rig, heads: Array, side: str, sign: float) -> dict[str, Array]:
    def at(label: str) -> Array:
        return heads[:, rig.index(f"{label}.{side}")]

    out = sign * X
    upper, fore = at("lowerarm01") - at("upperarm01"), at("wrist") - at("lowerarm01")
    hinge = np.cross(upper, fore)  # the elbow bends forwards about -y on the left, +y on the right
    goal = frame(out, -sign * Y)
    upper_turn = goal @ np.swapaxes(frame(upper, hinge), -1, -2)
    fore_turn = goal @ np.swapaxes(frame(fore, hinge), -1, -2)
    hand, thumb_side = at("finger3-1") - at("wrist"), at("finger2-1") - at("finger5-1")
    hand_turn = frame(out, Z) @ np.swapaxes(frame(hand, thumb_side), -1, -2)
    clavicle = np.broadcast_to(exponential(sign * np.deg2rad(CLAVICLE_RAISE_DEG) * Z), upper_turn.shape)
    turns = {
        f"clavicle.{side}": clavicle,
        f"shoulder01.{side}": partial(upper_turn @ np.swapaxes(clavicle, -1, -2), X, 0.35, 0.35) @ clavicle,
        f"upperarm01.{side}": _spread_twist(upper_turn, upper, out, 0.5),
        f"upperarm02.{side}": upper_turn,
        f"lowerarm01.{side}": fore_turn,
        f"lowerarm02.{side}": partial(hand_turn @ np.swapaxes(fore_turn, -1, -2), X, 0.0, 0.5) @ fore_turn,
    }
    for label in rig.labels:
        stem, _, label_side = label.partition(".")
        if label_side == side and stem.startswith(("wrist", "metacarpal", "finger1")):
            turns[label] = hand_turn
    for finger in "2345":
        phalanges = [at(f"finger{finger}-{k}") for k in (1, 2, 3)]
        for k in (1, 2):
            bone = np.einsum("sij,sj->si", hand_turn, phalanges[k] - phalanges[k - 1])
            turns[f"finger{finger}-{k}.{side}"] = (
                shortest(bone, bone * [1, FINGER_CURL_LEFT, FINGER_SPREAD_LEFT]) @ hand_turn
            )
        turns[f"finger{finger}-3.{side}"] = turns[f"finger{finger}-2.{side}"]
    return turns


def _spread_twist(turn: Array, bone: Array, out: Array, share: float) -> Array:
    """The turn of ``bone`` onto ``out`` with only a share of its roll about ``out``."""
    swing = shortest(bone, out)
    return partial(turn @ np.swapaxes(swing, -1, -2), X, 0.0, share) @ swing


def _leg(rig: Rig, heads: Array, side: str, sign: float) -> dict[str, Array]:
    spread = np.deg2rad(LEG_SPREAD_DEG)
    down = np.array([sign * np.sin(spread), -np.cos(spread), 0.0])
    leg = heads[:, rig.index(f"foot.{side}")] - heads[:, rig.index(f"upperleg01.{side}")]
    turn = shortest(leg, down)
    return {f"{stem}.{side}": turn for stem in ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02")}


def _chain(rig: Rig, heads: Array, turn: Array) -> Array:
    """Transforms (S, B, 4, 4) of bones with global turns (S, B, 3, 3), each joined to its parent at its head."""
    transforms = np.zeros((*turn.shape[:2], 4, 4))
    transforms[..., :3, :3] = turn
    transforms[..., 3, 3] = 1
    placed = heads.copy()
    for bone, parent in enumerate(rig.parents):
        if parent >= 0:
            placed[:, bone] = placed[:, parent] + np.einsum(
                "sij,sj->si", turn[:, parent], heads[:, bone] - heads[:, parent]
            )
    transforms[..., :3, 3] = placed - np.einsum("sbij,sbj->sbi", turn, heads)
    return transforms


def joint_transforms(rotations: Array, joints: Array) -> Array:
    """SMPL's kinematics: rotations (S, 24, 3, 3), rest joints (24, 3) -> transforms of the rest pose (S, 24, 4, 4)."""
    transforms = np.zeros((*rotations.shape[:2], 4, 4))
    for joint, parent in enumerate(PARENTS):
        local = _about(rotations[:, joint], joints[joint])
        transforms[:, joint] = local if parent < 0 else transforms[:, parent] @ local
    return transforms


def _about(rotations: Array, point: Array) -> Array:
    transform = np.zeros((*rotations.shape[:-2], 4, 4))
    transform[..., :3, :3] = rotations
    transform[..., :3, 3] = point - rotations @ point
    transform[..., 3, 3] = 1
    return transform


def driven(rig: Rig, rotations: Array, joints: Array) -> Array:
    """Transforms (S, B, 4, 4) of Anny's bones from the T-pose to the pose of SMPL rotations (S, 24, 3, 3)."""
    whole = joint_transforms(rotations, joints)
    parts: dict[tuple[int, float, float], Array] = {}
    for joint, swing, twist in sorted(set(rig.follows)):
        if swing == 1 and twist == 1:
            parts[joint, swing, twist] = whole[:, joint]
        else:
            share = partial(rotations[:, joint], rig.twist_axes[joint], swing, twist)
            parts[joint, swing, twist] = whole[:, PARENTS[joint]] @ _about(share, joints[joint])
    return np.stack([parts[key] for key in rig.follows], axis=1)


def smpl_weights(rig: Rig, bone_weights: Array) -> Array:
    """Anny's skin weights (V, B) merged into SMPL's 24 joints (V, 24)."""
    weights = np.zeros((len(bone_weights), 24))
    for bone, (joint, swing, _) in enumerate(rig.follows):
        share = WEIGHT_SHARE.get(rig.labels[bone].partition(".")[0], 1.0 if swing == 1 else 0.0)
        weights[:, joint] += share * bone_weights[:, bone]
        if share < 1:
            weights[:, PARENTS[joint]] += (1 - share) * bone_weights[:, bone]
    return weights


def dual_quaternion_skinning(vertices: Array, bone_weights: Array, transforms: Array) -> Array:
    """Anny's own skinning: vertices (S or 1, V, 3), weights (V, B), transforms (S, B, 4, 4) -> (S, V, 3)."""
    from anny.skinning.skinning import dual_quaternion_skinning as anny_skinning

    widest = int((bone_weights > 0).sum(1).max())
    indices = np.argsort(-bone_weights, axis=1, kind="stable")[:, :widest]  # the heaviest bone settles the signs
    weights = np.take_along_axis(bone_weights, indices, axis=1)
    with torch.no_grad():
        return np.concatenate(
            [
                anny_skinning(
                    torch.as_tensor(vertices if len(vertices) == 1 else vertices[i : i + 8]),
                    torch.as_tensor(weights)[None],
                    torch.as_tensor(indices)[None].expand(len(transforms[i : i + 8]), -1, -1),
                    torch.as_tensor(transforms[i : i + 8]),
                ).numpy()
                for i in range(0, len(transforms), 8)
            ]
        )


def linear_blend_skinning(vertices: Array, weights: Array, transforms: Array) -> Array:
    """Vertices (S or 1, V, 3), weights (V, 24), transforms (S, 24, 4, 4) -> (S, V, 3)."""
    blend = np.einsum("vj,sjab->svab", weights, transforms[:, :, :3])
    return np.einsum("svab,svb->sva", blend[..., :3], vertices) + blend[..., 3]


def enclosed_volume(vertices: Array, faces: Array) -> Array:
    """Signed volume (S,) of closed meshes (S, V, 3), cubic metres; of a half mesh open at x = 0 alone, half of it."""
    a, b, c = (vertices[:, faces[:, k]] for k in range(3))
    area_x = (np.cross(b - a, c - a)[..., 0]) / 2
    return ((a + b + c)[..., 0] / 3 * area_x).sum(1)
