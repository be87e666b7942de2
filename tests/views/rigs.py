"""Rigs and people of tests: bodies whose truth is known before four cameras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.rig_people import RigPeople, people_in_rig, ring_of_cameras
from anchorfit.evaluation.synthetic import SyntheticConfig

EXACT = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)


def some_bodies(body: BodyModel, count: int, *, seed: int = 3) -> Tensor:
    """(B, D) people in held-out poses, in the middle of the rig."""
    poses = load_pose_library(split="heldout").poses
    generator = torch.Generator().manual_seed(seed)
    params = body.layout.zeros(count, body.v_template)
    params[:, body.layout.pose] = poses[torch.randint(len(poses), (count,), generator=generator)].to(params)
    params[:, body.layout.betas] = torch.randn(count, body.num_betas, generator=generator).to(params)
    middle = torch.tensor([0.0, 0.9, 0.0]).to(params)
    params[:, body.layout.transl] = middle - body.from_params(params).joints[:, 0]
    return params


def rig_and_people(body: BodyModel, count: int, config: SyntheticConfig | None = None, **rig):
    """Cameras, and what they see of some bodies."""
    cameras = ring_of_cameras(**rig)
    return cameras, people_in_rig(body, some_bodies(body, count), cameras, seed=1, config=config)


def pa_mm(body: BodyModel, found: Tensor, truth: Tensor) -> Tensor:
    """(B,) mean distance of joints after similarity alignment, mm."""
    one, other = (body.from_params(params).joints.double() for params in (found, truth))
    one, other = one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True)
    left, size, right = torch.linalg.svd(one.mT @ other)
    sign = torch.ones_like(size)
    sign[:, 2] = torch.det(left @ right).sign()
    scale = (size * sign).sum(-1) / one.square().sum((1, 2))
    aligned = scale[:, None, None] * one @ (left * sign[:, None]) @ right
    return 1000 * (aligned - other).norm(dim=-1).mean(1)


def named(people: RigPeople) -> dict[str, list]:
    """The views with images' names, CAMERA_NUMBER.jpg."""
    return {
        camera: [replace(one, image=Path(f"{camera}_{row:04d}.jpg")) for row, one in enumerate(some)]
        for camera, some in people.views.items()
    }
