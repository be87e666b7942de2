# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "bvhio==1.5.4", "pybvh==0.9.0", "bvhsdk==0.2.1", "bvh==0.3", "scipy"]
# ///
"""Four readers of BVH: joints of ten frames; names, frames and rate.

python counterparts/run.py bvh_readers
"""

import sys
from pathlib import Path

import bvh
import bvhio
import bvhsdk
import numpy as np
import pybvh
from scipy.spatial.transform import Rotation
from verdict import farthest_mm, say, truth


def by_bvhio(path, names):
    file = bvhio.readAsBvh(str(path))
    hierarchy = bvhio.readAsHierarchy(str(path))
    frames = []
    for frame in range(file.FrameCount):
        hierarchy.loadPose(frame)
        places = {joint.Name: list(joint.PositionWorld) for joint, _, _ in hierarchy.layout()}
        frames.append([places[name] for name in names])
    return np.array(frames), 1 / file.FrameTime


def by_pybvh(path, names):
    file = pybvh.read_bvh_file(str(path))
    places = np.asarray(file.node_positions())
    return places[:, [file.node_index[name] for name in names]], file.fps


def by_bvhsdk(path, names):
    file = bvhsdk.ReadFile(str(path))
    joints = {joint.name: joint for joint in file.getlistofjoints()}
    frames = [[joints[name].getPosition(frame) for name in names] for frame in range(file.frames)]
    return np.array(frames)[..., :3], 1 / file.frametime


def by_bvh(path, names):
    """The package parses alone: forward kinematics by scipy."""
    file = bvh.Bvh(path.read_text())
    frames = []
    for frame in range(file.nframes):
        turns, places = {}, {}
        for name in file.get_joints_names():
            parent = file.joint_parent(name)
            above = parent.name if parent else None
            channels = file.joint_channels(name)
            order = "".join(channel[0] for channel in channels if channel.endswith("rotation"))
            values = dict(zip(channels, file.frame_joint_channels(frame, name, channels), strict=True))
            own = Rotation.from_euler(order, [values[f"{axis}rotation"] for axis in order], degrees=True)
            moved = np.array(file.joint_offset(name)) + [values.get(f"{axis}position", 0.0) for axis in "XYZ"]
            places[name] = moved if above is None else places[above] + turns[above].apply(moved)
            turns[name] = own if above is None else turns[above] * own
        frames.append([places[name] for name in names])
    return np.array(frames), 1 / file.frame_time


def main(files):
    data = truth(files)
    for program, read in (("bvhio", by_bvhio), ("pybvh", by_pybvh), ("bvhsdk", by_bvhsdk), ("bvh", by_bvh)):
        joints, rate = read(files / "motion.bvh", data["joint_names"].tolist())
        say(program, "BVH, ten frames, joints", farthest_mm(joints, data["joints"]), 1.0)
        say(program, "BVH, frames and rate", f"{len(joints)} at {rate:.3g} a second", "10 at 25 a second")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
