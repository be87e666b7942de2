"""The six photographs with bodies in them, as they looked when a person last looked at them.

When a change of the renderer is meant to change the picture: look at the new one (the failure says where it lies) and
copy it over `golden_overlays.png`.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from anchorfit.body import SMPL_JOINTS, SMPL_PARENTS, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.rendering import overlay, side_view

GOLDEN = Path(__file__).with_name("golden_overlays.png")
SHRINK = 4  # of the photographs: small files, and edges that must be antialiased to look right


def people_in(boxes, size, body, poses):
    """One body of the pose library upright in each box (left, top, width, height; pixels): vertices, joints, camera."""
    focal = 1.2 * max(size)
    intrinsics = torch.tensor([[focal, 0, size[1] / 2], [0, focal, size[0] / 2], [0, 0, 1]])
    count = len(boxes)
    output = body(
        body_pose=poses[:count, 3:],
        global_orient=torch.tensor([[torch.pi, 0.0, 0.0]]).expand(count, 3),
        betas=torch.zeros(count, 10),
        transl=torch.zeros(count, 3),
    )
    low, high = output.vertices.amin(1), output.vertices.amax(1)
    left, top, width, height = torch.tensor(boxes).unbind(1)
    depth = focal * (high - low)[:, 1] / height
    centre = torch.stack([left + width / 2 - size[1] / 2, top + height / 2 - size[0] / 2, torch.full((count,), focal)])
    shift = (centre / focal * depth).T - (low + high) / 2
    return output.vertices + shift[:, None], output.joints + shift[:, None], intrinsics


def pictures():
    body, poses = load_body(), load_pose_library(split="heldout").poses[::997]
    folder = resources.files("anchorfit") / "assets" / "demo"
    annotations = json.loads((folder / "person_keypoints.json").read_text())
    tiles = []
    for number, image in enumerate(sorted(annotations["images"], key=lambda entry: entry["file_name"])):
        with Image.open(folder / image["file_name"]) as photograph:
            small = np.asarray(photograph.convert("RGB").resize((160, 107), Image.Resampling.BOX))
        found = [
            a["bbox"] for a in annotations["annotations"] if a["image_id"] == image["id"] and a["num_keypoints"] > 4
        ]
        boxes = [[side / SHRINK for side in box] for box in sorted(found, key=lambda box: -box[3])[:3]]
        vertices, joints, matrix = people_in(boxes, small.shape[:2], body, poses[number:])
        bones = [(joint, parent) for joint, parent in enumerate(SMPL_PARENTS) if parent >= 0]
        pixels = (joints @ matrix.T)[:, : len(SMPL_JOINTS)]
        pixels = pixels[..., :2] / pixels[..., 2:]
        shown = [{}, {"alpha": 0.5}, {"keypoints": pixels[:1], "bones": bones}][number % 3]
        shown = {"alpha": 0.9} | shown
        values = (vertices - vertices[:, :1]).norm(dim=-1) if number == 3 else None
        tiles.append(overlay(small, vertices, body.faces, matrix, values=values, **shown))
        tiles.append(side_view(vertices, body.faces, (107, 80), azimuth_deg=90.0 if number % 2 else 30.0))
    return np.concatenate([np.concatenate(tiles[row : row + 6], 1) for row in (0, 6)])


def test_overlays_of_the_six_photographs_look_as_they_did(tmp_path):
    now = pictures()
    Image.fromarray(now).save(tmp_path / "overlays.png")
    with Image.open(GOLDEN) as picture:
        then = np.asarray(picture.convert("RGB"))
    assert now.shape == then.shape
    off = np.abs(now.astype(int) - then).max(-1)
    if (off > 24).mean() > 0.002 or off.mean() > 0.5:  # float rounding moves a sample of an edge here and there
        pytest.fail(f"the overlays changed: compare {tmp_path / 'overlays.png'} with {GOLDEN}")
