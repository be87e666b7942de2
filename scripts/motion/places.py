"""From places of joints to the rotations of a rig: recordings that hold points and no turns.

A bone's frame is made of two directions, the one along it and the one to the body's left. At legs that is the axis of
the knee, where the knee is nearly straight the one across the foot; upper arms are twisted until elbows bend about
SMPL's axis. Where trunk, neck and feet point when the person
stands is taken for the reference pose, whose legs hang straight down and whose arms go out to the sides.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from .recording import Recording
from .retarget import swings

SIDES = ("Left", "Right")
TRUNK = {"Hips": "Spine", "Spine": "Spine1", "Spine1": "Neck", "Neck": "Head"}
LIMBS = {"UpLeg": "Leg", "Leg": "Foot", "Foot": "ToeBase", "Arm": "ForeArm", "ForeArm": "Hand"}
BONES = {**TRUNK, **{side + start: side + end for side in SIDES for start, end in LIMBS.items()}}
"""Joints at the start of a bone, and at its end."""
NEEDED = tuple(dict.fromkeys([*BONES, *BONES.values()]))
"""Joints whose places are needed. Used where given: LeftShoulder and RightShoulder, inner ends of the collars, and
HeadTop, above Head, with LeftHead and RightHead (otherwise heads turn with the necks)."""

STANDING_DEG = 20.0  # of thighs, shins and trunk against the vertical
LEAST_STANDING = 5  # frames of standing that show how trunk and feet rest
KNEE_DEG = 25.0  # a knee or elbow bent by this much shows its axis; one bent by less, less so
UP = np.array([0.0, 1.0, 0.0])
LEFT = np.array([1.0, 0.0, 0.0])


def recording_of_places(name: str, places: Mapping[str, np.ndarray], frames: np.ndarray) -> Recording:
    """The recording of points in a world with y up; hands follow the forearms.

    Args:
        name: what messages call it.
        places: (T, 3) each, by the names of `NEEDED`.
        frames: (T,) places in the file.
    Raises:
        ValueError: joints are missing, numbers are none, or nobody stands for `LEAST_STANDING` frames.
    """
    missing = [joint for joint in NEEDED if joint not in places]
    if missing:
        raise ValueError(f"{name}: unknown joints: no {', '.join(missing)}")
    if not all(np.isfinite(places[joint]).all() for joint in NEEDED):
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    along = {start: unit(places[end] - places[start]) for start, end in BONES.items()}
    if "HeadTop" in places:
        along["Head"] = unit(places["HeadTop"] - places["Head"])
    lefts = _lefts(places, along)
    rest = _rest(name, along, lefts["Hips"], places)
    turns = {bone: bone_frames(along[bone], left) @ bone_frames(rest[bone], LEFT).T for bone, left in lefts.items()}
    turns.setdefault("Head", turns["Neck"])
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        upper, lower = along[side + "Arm"], along[side + "ForeArm"]
        swung = _swung(turns["Spine1"], rest[side + "Arm"], upper)
        turns[side + "Arm"] = _hinged(swung, upper, -sign * np.cross(upper, lower))
        turns[side + "ForeArm"] = _swung(turns[side + "Arm"], rest[side + "ForeArm"], lower)
    return _recording(name, places, rest, turns, frames)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Directions (..., 3) of the vectors (..., 3)."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def bone_frames(along: np.ndarray, left: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations with the second axis along the bone and the first as near to the left as it can be."""
    first = unit(left - along * (left * along).sum(-1, keepdims=True))
    return np.stack([first, along, np.cross(first, along)], axis=-1)


def leg_left(thigh: np.ndarray, shin: np.ndarray, foot: np.ndarray) -> np.ndarray:
    """(T, 3) the axis that thigh and shin turn about at the knee, to the body's left, from their directions (T, 3)."""
    axis = np.cross(thigh, shin)
    share = np.clip(np.linalg.norm(axis, axis=-1, keepdims=True) / np.sin(np.deg2rad(KNEE_DEG)), 0, 1)
    return unit(share * unit(axis) + (1 - share) * unit(np.cross(-shin, foot)))


def _swung(before: np.ndarray, rest: np.ndarray, along: np.ndarray) -> np.ndarray:
    """(T, 3, 3) the turns ``before``, swung until what points at ``rest`` in the reference pose points ``along``."""
    return before @ swings(rest, np.einsum("tji,tj->ti", before, along))


def _hinged(turns: np.ndarray, along: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Turns of upper arms, twisted until the outside of the elbow, up in the reference pose, is where it is seen.

    Args:
        turns: (T, 3, 3) of upper arms that point ``along`` (T, 3).
        outside: (T, 3) across the bent elbow, as long as the sine of its angle; a straighter one counts less.
    """
    upwards = turns[..., 1]
    twist = np.arctan2((np.cross(upwards, outside) * along).sum(-1), (upwards * outside).sum(-1))
    share = np.clip(np.linalg.norm(outside, axis=-1) / np.sin(np.deg2rad(KNEE_DEG)), 0, 1)
    return Rotation.from_rotvec((twist * share)[:, None] * along).as_matrix() @ turns


def _lefts(places: Mapping[str, np.ndarray], along: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """(T, 3) to the body's left, for the bones of trunk and legs."""
    pelvis = unit(places["LeftUpLeg"] - places["RightUpLeg"])
    ends = "Shoulder" if all(side + "Shoulder" in places for side in SIDES) else "Arm"
    chest = unit(places["Left" + ends] - places["Right" + ends])
    lefts = {"Hips": pelvis, "Spine": unit(pelvis + chest), "Spine1": chest, "Neck": chest}
    if "Head" in along:
        lefts["Head"] = unit(places["LeftHead"] - places["RightHead"])
        lefts["Neck"] = unit(chest + lefts["Head"])
    for side in SIDES:
        legs = [side + part for part in ("UpLeg", "Leg", "Foot")]
        lefts.update(dict.fromkeys(legs, leg_left(*(along[bone] for bone in legs))))
    return lefts


def _rest(
    name: str, along: Mapping[str, np.ndarray], across: np.ndarray, places: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """(3,) where bones point in the reference pose, the person facing +z."""
    least = np.cos(np.deg2rad(STANDING_DEG))
    standing = unit(places["Neck"] - places["Hips"])[:, 1] > least
    for side in SIDES:
        for part in ("UpLeg", "Leg"):
            standing &= along[side + part][:, 1] < -least
    if standing.sum() < LEAST_STANDING:
        raise ValueError(f"{name}: expected {LEAST_STANDING} frames of upright standing, got {standing.sum()}")
    ahead = unit(np.cross(across[standing], UP))
    rest = {}
    for bone, direction in along.items():
        if bone in (*TRUNK, "Head") or bone.endswith("Foot"):
            seen = direction[standing]
            forward = float(np.median((seen * ahead).sum(-1)))
            rest[bone] = unit(np.array([0.0, float(np.median(seen[:, 1])), forward]))
        elif bone.endswith("Arm"):
            rest[bone] = LEFT if bone.startswith("Left") else -LEFT
        else:
            rest[bone] = -UP
    return rest


def _recording(
    name: str,
    places: Mapping[str, np.ndarray],
    rest: Mapping[str, np.ndarray],
    turns: Mapping[str, np.ndarray],
    frames: np.ndarray,
) -> Recording:
    """The rig of the reference pose, turned: feet and forearms end in tips."""
    joints, parents, offsets = ["Hips"], [-1], [np.zeros(3)]

    def add(joint: str, parent: str, offset: np.ndarray) -> None:
        joints.append(joint)
        parents.append(joints.index(parent))
        offsets.append(offset)

    def bone(start: str) -> np.ndarray:
        return rest[start] * float(np.median(np.linalg.norm(places[BONES[start]] - places[start], axis=-1)))

    for start, end in TRUNK.items():
        add(end, start, bone(start))
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        for first, parent, base in (("UpLeg", "Hips", np.zeros(3)), ("Arm", "Spine1", bone("Spine1"))):
            width = float(np.median(np.linalg.norm(places["Left" + first] - places["Right" + first], axis=-1)))
            add(side + first, parent, base + sign * width / 2 * LEFT)
        for start, tip in (("UpLeg", "Leg"), ("Leg", "Foot"), ("Foot", "Foot end"), ("Arm", "ForeArm")):
            add(side + tip, side + start, bone(side + start))
        add(side + "ForeArm end", side + "ForeArm", bone(side + "ForeArm"))
    rotations = np.stack([turns[joint.removesuffix(" end")] for joint in joints], axis=1)
    return Recording(
        name=name,
        joints=tuple(joints),
        parents=np.array(parents),
        offsets=np.array(offsets),
        rest=np.tile(np.eye(3), (len(joints), 1, 1)),
        rotations=rotations,
        frames=frames,
    )
