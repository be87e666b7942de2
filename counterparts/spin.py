# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.13.0", "numpy", "smplx==0.1.28"]
# ///
"""SPIN's evaluation, written again from its description, on our npz, with smplx as the body.

Errors: root-aligned mean distance, and the same after the similarity of least squares. Projection: focal length 5000
on a crop of 224 pixels, depth 2 * 5000 / (224 s).

    python counterparts/run.py spin
"""

import sys
from pathlib import Path

import numpy as np
import smplx
import torch
from verdict import say, truth

JOINTS = {
    "right_ankle": (0, 8),
    "right_knee": (1, 5),
    "left_knee": (4, 4),
    "left_ankle": (5, 7),
    "right_wrist": (6, 21),
    "right_elbow": (7, 19),
    "left_elbow": (10, 18),
    "left_wrist": (11, 20),
}
"""Rows in ``S`` and in SMPL's 24, where both mean the same point."""


def errors(files):
    with np.load(files / "errors.npz") as file:
        data = dict(file)
    predicted, target = data["predicted"], data["target"]
    centred = (predicted - predicted[:, :1]) - (target - target[:, :1])
    mpjpe = 1000 * np.sqrt((centred**2).sum(-1)).mean(-1)
    rebuilt = []
    for one, other in zip(predicted, target, strict=True):
        rebuilt.append(1000 * np.linalg.norm(similar(one, other) - other, axis=-1).mean())
    say("SPIN's formulas", "mean joint error, ten pairs", float(np.abs(mpjpe - data["mpjpe"]).max()), 0.01, version="")
    apart = float(np.abs(np.array(rebuilt) - data["reconstruction"]).max())
    say("SPIN's formulas", "reconstruction error, ten pairs", apart, 0.01, version="")


def similar(points, goal):
    """Points (N, 3) under the rotation, scale and shift of least squares; no reflection."""
    centre, middle = points.mean(0), goal.mean(0)
    left, sizes, right = np.linalg.svd((goal - middle).T @ (points - centre))
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    scale = (sizes * signs).sum() / ((points - centre) ** 2).sum()
    return middle + scale * (points - centre) @ (left * signs @ right).T


def file(files):
    with np.load(files / "spin.npz") as content:
        data = dict(content)
    model = smplx.SMPL(str(files / "body.pkl"), batch_size=len(data["pose"]))
    pose, shape = (torch.from_numpy(data[name]).float() for name in ("pose", "shape"))
    out = model(betas=shape, global_orient=pose[:, :3], body_pose=pose[:, 3:])
    joints = out.joints[:, :24].detach().numpy()
    rows, numbers = np.array(list(JOINTS.values())).T
    stored = data["S"][:, rows, :3]
    from_root = joints[:, numbers] - joints[:, 1:3].mean(1, keepdims=True)  # MPII's pelvis: between the hips
    apart = np.linalg.norm(stored - from_root, axis=-1)
    say("smplx", "SPIN npz, limb joints of S from pose and shape", float(1000 * apart.max()), 1.0)
    s, x, y = data["camera"].T
    place = np.stack([x, y, 2 * 5000 / (224 * s)], axis=-1)
    seen = joints + place[:, None]
    crop = 5000 * seen[..., :2] / seen[..., 2:] + 112
    corner = data["center"] - 100 * data["scale"][:, None]
    pixels = corner[:, None] + crop * (200 * data["scale"] / 224)[:, None, None]
    known = truth(files)
    frame = known["joints"] * [1, -1, -1]  # the camera's again
    matrix = known["intrinsics"]
    ours = frame @ np.swapaxes(matrix, 1, 2)
    ours = ours[..., :2] / ours[..., 2:]
    share = np.linalg.norm(pixels - ours, axis=-1) / (200 * data["scale"] / 1.2)[:, None]
    note = "weak perspective: our exact camera is lost, as docs/formats.md says"
    say(
        "SPIN's camera",
        "joints in pixels, mean share of the person's size",
        float(100 * share.mean()),
        3.0,
        "%",
        version="",
        note=note,
    )


if __name__ == "__main__":
    errors(Path(sys.argv[1]))
    file(Path(sys.argv[1]))
