"""The silhouette's gradient with respect to a body's parameters against differences of a fine image.

benchmarks/check_silhouette_gradient.py does the same for fifty bodies.
"""

from __future__ import annotations

import pytest
import torch

from anchorfit.body import SMPL_JOINTS, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.rendering import silhouette

SIZE, BODIES, DISTANCE = 64, 8, 5.0
GROUPS = {
    "translation": range(82, 85),
    "scale": [85],
    "betas": range(72, 82),
    **{
        limb: [3 * SMPL_JOINTS.index(joint) + axis for joint in joints for axis in range(3)]
        for limb, joints in {
            "left leg": ("left_hip", "left_knee"),
            "right leg": ("right_hip", "right_knee"),
            "left arm": ("left_shoulder", "left_elbow"),
            "right arm": ("right_shoulder", "right_elbow"),
        }.items()
    },
}


@pytest.fixture(scope="module")
def derivatives():
    """Gradients (B, 86) of the loss against another body, and central differences of it with 8 x 8 samples a pixel."""
    body, generator = load_body(), torch.Generator().manual_seed(2)
    poses = load_pose_library(split="heldout").poses
    focal = 0.8 * SIZE * DISTANCE / 1.75
    camera = torch.tensor([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1]])

    def some_bodies():
        params = torch.zeros(BODIES, 86)
        params[:, 3:72] = poses[torch.randint(len(poses), (BODIES,), generator=generator), 3:]
        heading = torch.pi * torch.rand(BODIES, generator=generator)
        params[:, 0], params[:, 2] = torch.pi * heading.cos(), torch.pi * heading.sin()
        params[:, 72:82] = torch.randn(BODIES, 10, generator=generator)
        params[:, 83], params[:, 84], params[:, 85] = 0.2, DISTANCE, 1
        return params

    def cover(params, samples):
        output = body(
            global_orient=params[:, :3],
            body_pose=params[:, 3:72],
            betas=params[:, 72:82],
            transl=torch.zeros_like(params[:, 82:85]),
        )
        pelvis = output.joints[:, :1]
        vertices = (output.vertices - pelvis) * params[:, 85, None, None] + pelvis + params[:, None, 82:85]
        return silhouette(vertices, body.faces, camera, (SIZE, SIZE), samples=samples).mask

    params, target = some_bodies(), cover(some_bodies(), 8)

    def loss(params, samples):
        return ((cover(params, samples) - target) ** 2).flatten(1).sum(1)

    (ours,) = torch.autograd.grad(loss(params.requires_grad_(), None).sum(), params)
    steps = torch.full((86,), 0.02)
    steps[72:82], steps[82:84], steps[84], steps[85] = 0.2, 0.15 * DISTANCE / focal, 0.04, 0.01
    differences = torch.zeros_like(ours)
    with torch.inference_mode():
        for k in {k for columns in GROUPS.values() for k in columns}:
            step = torch.zeros(86)
            step[k] = steps[k]
            differences[:, k] = (loss(params + step, 8) - loss(params - step, 8)) / (2 * steps[k])
    return ours, differences


@pytest.mark.parametrize("group", GROUPS)
def test_it_points_and_measures_as_differences_do(derivatives, group):
    ours, differences = (values[:, list(GROUPS[group])] for values in derivatives)
    assert torch.nn.functional.cosine_similarity(ours.flatten(), differences.flatten(), dim=0) > 0.95
    assert 0.8 < ours.norm() / differences.norm() < 1.25
