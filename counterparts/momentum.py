# /// script
# requires-python = "==3.12.*"
# dependencies = ["numpy", "pymomentum-core==0.1.114.post0"]
# [tool.counterpart]
# pip = ["--no-deps"]
# ///
"""pymomentum: the skinned motion by its own reader and skinning; torch and scipy, which it names, are not needed here.

It takes the nodes' pose for the bind pose: in a motion of ours the two are one.

    python counterparts/run.py momentum
"""

import sys
from pathlib import Path

import numpy as np
import pymomentum.geometry
from verdict import farthest_mm, say, truth

PROGRAM = "pymomentum-core"


def loaded(path):
    """The character, its joints' states (F, J, 8) in centimetres, and their times in seconds."""
    character, states, times = pymomentum.geometry.Character.load_gltf_with_skel_states(str(path))
    return character, np.asarray(states), np.asarray(times)


def main(files):
    data = truth(files)
    character, states, times = loaded(files / "plain_rigged.glb")
    places = {name: states[:, number, :3] / 100 for number, name in enumerate(character.skeleton.joint_names)}
    joints = np.stack([places[name] for name in data["joint_names"].tolist()], axis=1)
    say(PROGRAM, "skinned GLB, motion of ten frames, joints by name", farthest_mm(joints, data["joints"]), 0.1)
    note = "without morph targets, which it does not apply: four weights alone"
    vertices = np.asarray(character.skin_points(states)) / 100
    compared = "skinned GLB, motion of ten frames, vertices"
    say(PROGRAM, compared, farthest_mm(vertices, data["plain_vertices"]), 0.1, note=note)
    rate = f"{len(times)} at {(len(times) - 1) / (times[-1] - times[0]):.3g} a second"
    say(PROGRAM, "skinned GLB, frames and rate", rate, "10 at 25 a second")
    character, _, _ = loaded(files / "motion_rigged.glb")
    shapes = 0 if character.blend_shape is None else character.blend_shape.shape_vectors.shape[0]
    say(PROGRAM, "skinned GLB, morph targets read", f"{shapes}", None, note="it does not pose with them")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
