"""People who step on the spot before a level camera, 1.2 m above the floor, and what a detector sees of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, BodyModel
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.soles import soles
from anchorfit.camera import project
from anchorfit.observations import Observations
from anchorfit.observations.conventions import CONVENTIONS

RATE, HEIGHT = 30.0, 1.2
_HIDDEN = ("left_ankle", "left_foot", "left_big_toe", "left_small_toe", "left_heel", "left_knee")


def joint(name: str, axis: int = 0) -> int:
    """The column of one angle of a joint."""
    return 3 * SMPL_JOINTS.index(name) + axis


def stepper(body: BodyModel, frames: int = 45, *, jump: float = 0.0) -> Tensor:
    """(T, D) a person who lifts one leg after the other; ``jump``: or hops so many metres high every second."""
    params = body.layout.zeros(frames, body.v_template)
    phase = torch.arange(frames, dtype=params.dtype) / RATE
    params[:, 0] = math.pi
    for side, sign in (("left", -1.0), ("right", 1.0)):
        params[:, joint(f"{side}_shoulder", 2)] = sign * 1.1
        lifted = (-sign * torch.sin(2 * math.pi * phase)).clamp(min=0) * (jump == 0)
        params[:, joint(f"{side}_hip")] = -0.9 * lifted
        params[:, joint(f"{side}_knee")] = 1.4 * lifted
    params[:, body.layout.depth] = 4.0
    low = compiled_points(body, soles(body).names).points(params)[..., 1].amax(1)
    params[:, body.layout.transl.start + 1] += HEIGHT - low
    params[:, body.layout.transl.start + 1] -= jump * torch.sin(2 * math.pi * phase).clamp(min=0)
    return params


def watched(body: BodyModel, params: Tensor, *, noise: float = 3.0, feet: bool = True, seed: int = 0) -> Observations:
    """Keypoints of OpenPose's joints with noise, pixels; ``feet``: whether any of their joints are seen."""
    count = len(params)
    intrinsics = torch.tensor([[900.0, 0, 400], [0, 900, 300], [0, 0, 1]]).to(params).expand(count, 3, 3)
    pixels = project(compiled_points(body, CANONICAL_JOINTS).points(params), intrinsics)
    pixels = pixels + noise * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed)).to(pixels)
    known = [name in CONVENTIONS["body25"] for name in CANONICAL_JOINTS]
    hidden = [*_HIDDEN, *(name.replace("left", "right") for name in _HIDDEN)]
    seen = [k and (feet or name not in hidden) for k, name in zip(known, CANONICAL_JOINTS, strict=True)]
    return Observations(
        keypoints=pixels,
        confidence=torch.tensor(seen).to(params).expand(count, -1).clone(),
        intrinsics=intrinsics,
        image_size=torch.tensor([[800, 600]] * count),
        names=tuple(f"film@{row:06d}#0" for row in range(count)),
        time_s=torch.arange(count).to(params) / RATE,
    )


def slide_mm(body: BodyModel, params: Tensor, truth: Tensor) -> float:
    """Mean way a frame of sole points that truly stand."""
    points, true = (compiled_points(body, soles(body).names).points(values) for values in (params, truth))
    still = ((true[1:] - true[:-1]).norm(dim=-1) < 1e-3) & (true[1:, :, 1] > HEIGHT - 0.01)
    return 1000 * float((points[1:] - points[:-1]).norm(dim=-1)[still].mean())


def lowest_mm(body: BodyModel, params: Tensor, plane: Tensor) -> Tensor:
    """(T,) height of the lowest vertex above a floor (4,)."""
    return 1000 * (body.from_params(params).vertices @ plane[:3] + plane[3]).amin(1)
