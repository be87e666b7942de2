"""From bones to SMPL poses: directions, signs, mirror images, thinning."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anchorfit.body.joint_sets import SMPL_PARENTS
from scripts.motion.archive import Take, split_of
from scripts.motion.library import Novelty, calibrate_hands, plausible
from scripts.motion.retarget import MIRROR_JOINTS, REST_DIRECTIONS, mirror, smpl_poses

CHAINS = {
    "lowerback": "root",
    "upperback": "lowerback",
    "thorax": "upperback",
    "lowerneck": "thorax",
    "upperneck": "lowerneck",
    "head": "upperneck",
    **{f"{side}{bone}": parent for side in "lr" for bone, parent in (("femur", "root"), ("humerus", "thorax"))},
    **{
        f"{side}{bone}": f"{side}{parent}"
        for side in "lr"
        for bone, parent in (
            ("tibia", "femur"),
            ("foot", "tibia"),
            ("toes", "foot"),
            ("radius", "humerus"),
            ("wrist", "radius"),
            ("hand", "wrist"),
        )
    },
}
LEG = np.array([np.sin(np.deg2rad(20)), -np.cos(np.deg2rad(20)), 0])
LIMBS = {"thigh": (1, "femur"), "shin": (4, "tibia"), "upper_arm": (16, "humerus"), "forearm": (18, "radius")}
STRAIGHT = {"l": np.zeros(3), "r": np.zeros(3)}


def _bones(rng: np.random.Generator, count: int, scale: float) -> dict[str, np.ndarray]:
    def turns() -> np.ndarray:
        return Rotation.from_rotvec(rng.normal(scale=scale, size=(count, 3))).as_matrix()

    bones = {"root": turns()}
    for name, parent in CHAINS.items():
        bones[name] = bones[parent] @ turns()
    return bones


def _mirrored(bones: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    flip = np.diag([-1.0, 1.0, 1.0])
    swap = {"l": "r", "r": "l"}
    sided = {name for name in bones if f"{swap.get(name[0], '')}{name[1:]}" in bones and name[0] in swap}
    return {name: flip @ bones[swap[name[0]] + name[1:] if name in sided else name] @ flip for name in bones}


def _globals(poses: np.ndarray) -> np.ndarray:
    local = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape[:2], 3, 3)
    result = local.copy()
    for joint in range(1, 24):
        result[:, joint] = result[:, SMPL_PARENTS[joint]] @ local[:, joint]
    return result


@pytest.mark.parametrize("limb", LIMBS)
def test_limbs_point_where_the_recorded_ones_point(limb):
    bones = _bones(np.random.default_rng(1), 50, 0.5)
    rotations = _globals(smpl_poses(bones, STRAIGHT))
    joint, bone = LIMBS[limb]
    for side, sign in enumerate((1, -1)):
        flip = np.array([sign, 1, 1])
        zero = LEG if limb in ("thigh", "shin") else np.array([1.0, 0, 0])
        recorded = bones["lr"[side] + bone] @ (zero * flip)
        rest = np.array(REST_DIRECTIONS[limb]) / np.linalg.norm(REST_DIRECTIONS[limb])
        np.testing.assert_allclose(rotations[:, joint + side] @ (rest * flip), recorded, atol=1e-10)


def test_the_mirror_image_of_the_bones_gives_the_mirror_image_of_the_pose():
    bones = _bones(np.random.default_rng(2), 20, 0.4)
    poses = smpl_poses(bones, STRAIGHT)
    np.testing.assert_allclose(smpl_poses(_mirrored(bones), STRAIGHT), mirror(poses), atol=1e-9)
    np.testing.assert_allclose(mirror(mirror(poses)), poses)
    assert [MIRROR_JOINTS[joint] for joint in MIRROR_JOINTS] == list(range(24))


def test_bent_knees_and_elbows_have_smpls_signs():
    bones = {name: np.eye(3)[None] for name in ("root", *CHAINS)}
    bend = np.deg2rad(90)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        for name in ("tibia", "foot", "toes"):
            bones[side + name] = Rotation.from_rotvec([[bend, 0, 0]]).as_matrix()
        elbow = bend * np.array([0, -sign * np.cos(np.deg2rad(30)), sign * np.sin(np.deg2rad(30))])
        for name in ("radius", "wrist", "hand"):
            bones[side + name] = Rotation.from_rotvec(elbow[None]).as_matrix()
    pose = smpl_poses(bones, STRAIGHT)[0]
    assert (pose[[4, 5], 0] > 1).all()
    assert pose[18, 1] < -1.4
    assert pose[19, 1] > 1.4


def test_a_hand_that_always_hangs_bent_counts_as_straight():
    rng = np.random.default_rng(3)
    bent = np.array([0.3, -0.2, 0.1])
    bones = _bones(rng, 40, 0.0)
    for side, angle in (("l", -90), ("r", 90)):
        down = Rotation.from_euler("z", angle, degrees=True).as_matrix()
        for name in ("humerus", "radius", "wrist"):
            bones[side + name] = np.broadcast_to(down, (40, 3, 3))
        bones[side + "hand"] = bones[side + "wrist"] @ Rotation.from_rotvec(bent).as_matrix()
    rest = calibrate_hands([Take(subject="1", name="1_1", frames=np.arange(40), bones=bones)], 10)["1"]
    np.testing.assert_allclose(rest["l"], bent, atol=1e-12)
    wrist = _globals(smpl_poses(bones, rest))[:, 20]
    np.testing.assert_allclose(wrist, bones["lwrist"], atol=1e-12)


def test_near_duplicates_are_dropped_whatever_the_heading():
    pose = np.zeros((1, 24, 3))
    nudged, turned, leaning, raised = (pose.copy() for _ in range(4))
    nudged[0, 5, 0] = 0.05
    turned[0, 0, 1] = 2.0
    leaning[0, 0, 0] = 0.2
    raised[0, 16, 2] = 0.2
    kept = Novelty(0.1).select(np.concatenate([pose, nudged, turned, leaning, raised, leaning]))
    assert kept.tolist() == [0, 3, 4]


def test_tracking_failures_are_seen():
    poses = np.zeros((2, 24, 3))
    poses[1, 7, 0] = 3.0
    assert plausible(poses).tolist() == [True, False]


def test_the_people_of_the_heldout_part_are_not_in_the_training_part():
    held_out = ("13", "14", "131", "135", "r-backflip", "r-charleston", "r-lambada", "r-pirouette")
    assert {split_of(subject) for subject in held_out} == {"heldout"}
    assert {split_of(subject) for subject in ("exp38", "05", "55")} == {"aside"}
    assert split_of("01") == "train"
