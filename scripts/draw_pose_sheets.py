"""Draw the pictures of docs/pose_library.md: poses of the library, means and samples of the prior, acts.

python scripts/draw_pose_sheets.py -o docs/images
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from anchorfit.body import load_body
from anchorfit.body.model import BodyModel
from anchorfit.body.parameters import NUM_BODY_POSE
from anchorfit.body.pose_library import load_pose_library
from anchorfit.fitting.pose_prior import load_pose_prior
from anchorfit.regressors.synthesis.acts import ACTS, pose_of, row_of
from anchorfit.rendering import overlay

CELL = (150, 120)  # height, width in pixels
TURN = 0.45  # rad: bodies are seen a little from their left


def facing(poses: Tensor, body: BodyModel) -> Tensor:
    """Vertices (N, V, 3) in the camera frame, pelvis at the origin, the heading taken out, gravity kept."""
    vertices, joints = body.forward(body_pose=poses[:, 3:], global_orient=poses[:, :3])
    centred = vertices - joints[:, :1]
    left = joints[:, 1] - joints[:, 2]
    heading = torch.atan2(-left[:, 2], left[:, 0]) - TURN
    cos, sin = torch.cos(-heading), torch.sin(-heading)
    x = cos[:, None] * centred[..., 0] + sin[:, None] * centred[..., 2]
    z = -sin[:, None] * centred[..., 0] + cos[:, None] * centred[..., 2]
    return torch.stack([x, -centred[..., 1], -z], dim=-1)


def sheet(poses: Tensor, labels: list[str], columns: int, body: BodyModel) -> np.ndarray:
    """One cell a pose; the body's left is blue, its right red."""
    height, width = CELL
    intrinsics = torch.tensor([[380.0, 0, width / 2], [0, 380.0, height / 2], [0, 0, 1]])
    side = (body.v_template[:, :1] / 0.02).tanh() / 2 + 0.5
    colors = side * torch.tensor([0.35, 0.55, 0.85]) + (1 - side) * torch.tensor([0.88, 0.48, 0.38])
    cells = []
    for vertices, label in zip(facing(poses, body), labels, strict=True):
        cell = overlay(
            np.full((height, width, 3), 255, dtype=np.uint8),
            (vertices + torch.tensor([0.0, 0.0, 5.0]))[None],
            body.faces,
            intrinsics,
            colors=colors[None],
            alpha=1.0,
            samples=2,
        )
        cells.append(cv2.putText(cell, label, (3, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (60, 60, 60), 1, cv2.LINE_AA))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[start : start + columns], axis=1) for start in range(0, len(cells), columns)]
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    body = load_body()

    library = load_pose_library(split="all", mirrored=False)
    chosen = torch.multinomial(library.subject_balanced_weights(), 32).tolist()
    labels = [f"{library.takes[row].replace('exp38-', '')[:18]} {library.frames[row]}" for row in chosen]
    pictures = {"pose_library.png": sheet(library.poses[chosen], labels, 8, body)}

    prior = load_pose_prior(dtype=torch.float64)
    components = torch.multinomial(prior.weights, 16, replacement=True)
    noise = torch.randn(16, NUM_BODY_POSE, 1, dtype=torch.float64)
    spread = torch.linalg.solve_triangular(prior.precisions_cholesky[components].mT, noise, upper=True)[..., 0]
    body_poses = torch.cat([prior.means, prior.means[components] + spread]).float()
    poses = torch.cat([torch.zeros(len(body_poses), 3), body_poses], dim=1)
    labels = [f"mean {k} ({weight:.2f})" for k, weight in enumerate(prior.weights.tolist())]
    labels += [f"sample of {k}" for k in components.tolist()]
    pictures["pose_prior.png"] = sheet(poses, labels, 8, body)
    poses = pose_of(torch.tensor([row_of(act) for act in ACTS.values()]))
    pictures["acts.jpg"] = sheet(poses, list(ACTS), 12, body)
    for name, picture in pictures.items():
        settings = [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_JPEG_QUALITY, 75]
        cv2.imwrite(str(arguments.output / name), picture[..., ::-1], settings)
        print(arguments.output / name, (arguments.output / name).stat().st_size // 1000, "kB")


if __name__ == "__main__":
    main()
