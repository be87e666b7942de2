"""Compare a pose library with another conversion of the same takes, frame by frame, and both with the raw files.

    python scripts/compare_pose_library.py ARCHIVE REFERENCE [--library FILE]

REFERENCE is an npz with pose (N, 72), sequence (N,), frame (N,) and sequence_names. Printed are, for each joint, the
angle between the two conversions, and for limbs the angle between the recorded and the converted direction.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from motion.archive import read_takes
from motion.retarget import REST_DIRECTIONS
from scipy.spatial.transform import Rotation

from anchorfit.body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from anchorfit.body.pose_library import load_pose_library

LEG = np.array([np.sin(np.deg2rad(20)), -np.cos(np.deg2rad(20)), 0.0])
ARM = np.array([1.0, 0.0, 0.0])
LIMBS = {"thigh": (1, "femur", LEG), "shin": (4, "tibia", LEG), "upper_arm": (16, "humerus", ARM)}
LIMBS["forearm"] = (18, "radius", ARM)


def globals_of(poses: np.ndarray) -> np.ndarray:
    """Axis-angles (N, 24, 3) -> rotations in the world (N, 24, 3, 3)."""
    local = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(len(poses), 24, 3, 3)
    world = [local[:, 0]]
    for joint in range(1, 24):
        world.append(world[SMPL_PARENTS[joint]] @ local[:, joint])
    return np.stack(world, axis=1)


def angles_deg(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    turns = Rotation.from_rotvec(first.reshape(-1, 3)).inv() * Rotation.from_rotvec(second.reshape(-1, 3))
    return np.rad2deg(turns.magnitude()).reshape(first.shape[:2])


def direction_errors(poses: np.ndarray, bones: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Degrees between the recorded and the converted limb, both sides: limb -> (2 n,)."""
    world = globals_of(poses)
    errors = {}
    for limb, (joint, bone, zero) in LIMBS.items():
        rest = np.array(REST_DIRECTIONS[limb]) / np.linalg.norm(REST_DIRECTIONS[limb])
        sides = []
        for side, flip in enumerate(np.array([[1.0, 1, 1], [-1, 1, 1]])):
            recorded = bones["lr"[side] + bone][rows] @ (zero * flip)
            converted = world[:, joint + side] @ (rest * flip)
            sine = np.linalg.norm(np.cross(recorded, converted), axis=1)
            sides.append(np.rad2deg(np.arctan2(sine, (recorded * converted).sum(axis=1))))
        errors[limb] = np.concatenate(sides)
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--library", type=Path, help="a pose library; the shipped one if left out")
    arguments = parser.parse_args()

    library = load_pose_library(arguments.library, "all", mirrored=False)
    ours = {
        (take, int(frame)): pose.reshape(24, 3)
        for take, frame, pose in zip(library.takes, library.frames, library.poses.double().numpy(), strict=True)
    }
    data = np.load(arguments.reference, allow_pickle=False)
    theirs = {
        (data["sequence_names"][sequence], int(frame)): pose.reshape(24, 3).astype(np.float64)
        for sequence, frame, pose in zip(data["sequence"], data["frame"], data["pose"], strict=True)
    }
    differences: dict[str, list[np.ndarray]] = defaultdict(list)
    limbs: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    common = ours.keys() & theirs.keys()
    for take in read_takes(arguments.archive, stride=4):
        kind = "exponential maps" if take.subject == "exp38" else "AMC"
        rows = np.array([i for i, f in enumerate(take.frames) if (take.name, int(f)) in common])
        if len(rows) == 0:
            continue
        keys = [(take.name, int(frame)) for frame in take.frames[rows]]
        pair = {"ours": np.stack([ours[key] for key in keys]), "reference": np.stack([theirs[key] for key in keys])}
        differences[kind].append(angles_deg(pair["ours"], pair["reference"]))
        for name, poses in pair.items():
            for limb, errors in direction_errors(poses, take.bones, rows).items():
                limbs[name, limb].append(errors)
    for kind, parts in differences.items():
        table = np.concatenate(parts)
        print(f"{kind}: {len(table)} common frames; degrees between the conversions: median, 95 %, most")
        for joint, name in enumerate(SMPL_JOINTS):
            median, most_of_them, most = np.percentile(table[:, joint], (50, 95, 100))
            print(f"  {joint:2d} {name:15s} {median:7.2f} {most_of_them:7.2f} {most:7.2f}")
    for (name, limb), parts in limbs.items():
        errors = np.concatenate(parts)
        print(f"{name:10s} {limb:10s} direction error, degrees: mean {errors.mean():.3f}, most {errors.max():.3f}")


if __name__ == "__main__":
    main()
