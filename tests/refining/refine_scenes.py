"""Synthetic photographs of several people: a keypoint file, and other programs' files of them, a little off."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import torch

from anchorfit.body import BodyModel, axis_angle_to_matrix, compile_points, load_body, matrix_to_axis_angle
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import default_intrinsics, project
from anchorfit.observations.conventions import CONVENTIONS

WIDTH, HEIGHT = 640, 480
COCO = tuple(name for name in CONVENTIONS["coco17"] if name)


@dataclass
class Scene:
    """Images with two people each: the true parameters (B, 85), whose image each is in, and the keypoint file."""

    body: BodyModel
    params: torch.Tensor
    images: list[str]
    keypoints: Path


def make_scene(folder: Path, images: int = 2, *, body: BodyModel | None = None) -> Scene:
    """People in poses of the library, left and right in each image; COCO's file of their exact joints."""
    body = body or load_body()
    poses = load_pose_library(split="heldout").poses[[40, 900, 1700, 2500, 3300, 4100][: 2 * images]].clone()
    turn = axis_angle_to_matrix(torch.tensor([torch.pi, 0, 0]).to(poses))
    poses[:, :3] = matrix_to_axis_angle(turn @ axis_angle_to_matrix(poses[:, :3]))
    params = body.layout.zeros(2 * images, body.v_template)
    params[:, body.layout.pose] = poses.to(params)
    rest = body.rest_joints(params[:, body.layout.betas])[:, 0]
    place = torch.tensor([[-1.0, 0.0, 4.5], [1.0, 0.1, 5.0]]).to(params).repeat(images, 1)
    params[:, body.layout.transl] = place - rest
    names = [f"{1 + row // 2:06}.jpg" for row in range(2 * images)]
    pixels = project(compile_points(body, COCO).points(params), default_intrinsics(WIDTH, HEIGHT).to(params)).double()
    coco = {
        "images": [
            {"id": n, "file_name": f"{n:06}.jpg", "width": WIDTH, "height": HEIGHT} for n in range(1, images + 1)
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO)}],
        "annotations": [
            {
                "id": row + 1,
                "image_id": 1 + row // 2,
                "category_id": 1,
                "keypoints": torch.cat([pixels[row], torch.full((17, 1), 2.0)], 1).flatten().tolist(),
                "num_keypoints": 17,
            }
            for row in range(2 * images)
        ],
    }
    path = folder / "people.json"
    path.write_text(json.dumps(coco))
    return Scene(body, params, names, path)


def off(scene: Scene, degrees: float = 6.0, seed: int = 3) -> torch.Tensor:
    """(B, 24, 3, 3) true rotations, each turned a little."""
    generator = torch.Generator().manual_seed(seed)
    local = axis_angle_to_matrix(scene.params[:, scene.body.layout.pose].double().unflatten(1, (-1, 3)))
    noise = np.deg2rad(degrees) * torch.randn(len(local), 24, 3, generator=generator, dtype=torch.float64)
    return local @ axis_angle_to_matrix(noise)


def write_phalp(scene: Scene, path: Path, rotations: torch.Tensor, rows: list[int]) -> Path:
    """PHALP's file of some of the people, each image's in the order of ``rows``."""
    focal = 5000 / 256 * WIDTH
    transl = scene.params[:, scene.body.layout.transl].double().clone()
    rest = scene.body.rest_joints(scene.params[:, scene.body.layout.betas])[:, 0].double()
    depth = (transl + rest)[:, 2:]
    f0 = float(default_intrinsics(WIDTH, HEIGHT)[0, 0])
    transl = (transl + rest) * torch.cat([torch.ones_like(depth).expand(-1, 2), torch.full_like(depth, focal / f0)], 1)
    transl = transl - rest
    frames: dict[str, dict[str, object]] = {}
    for row in rows:
        frame = frames.setdefault(
            f"/data/{scene.images[row]}", {"tracked_ids": [], "img_path": f"/data/{scene.images[row]}"}
        )
        smpl = {
            "global_orient": rotations[row, :1].numpy(),
            "body_pose": rotations[row, 1:].numpy(),
            "betas": scene.params[row, scene.body.layout.betas].double().numpy(),
        }
        one = {
            "tid": row,
            "tracked_time": 0,
            "bbox": np.zeros(4),
            "smpl": smpl,
            "camera": transl[row].numpy(),
            "size": np.array([HEIGHT, WIDTH]),
            "center": np.array([0.0, 0.0]),
            "scale": np.array([1.0, 1.0]),
            "3d_joints": np.zeros((45, 3)),
            "2d_joints": np.zeros(90),
        }
        for key, value in one.items():
            frame.setdefault(key, []).append(value)  # type: ignore[attr-defined]
    joblib.dump(frames, path, compress=3)
    return path
