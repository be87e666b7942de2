"""AMASS-style npz files: a person's motion, as the SMPL add-on for Blender, aitviewer and many methods read it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from ..atomic import write_atomically
from ..body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ..body.parameters import Layout
from ..results import BodyEstimate

NUM_BETAS = 16
POSE_SIZE = 156  # SMPL-H: 22 joints of the body, 30 of the fingers
_BODY_SIZE = 66  # the root and 21 joints, which SMPL and SMPL-H share
_WORLD_FROM_CAM = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
"""The camera's frame (y down, z forward) with z up: people who face the camera look along -y, as AMASS's do."""


def amass_arrays(estimate: BodyEstimate, body: BodyModel, frames_per_second: float) -> dict[str, np.ndarray]:
    """B frames of one person as AMASS has them: ``poses`` (B, 156), ``trans`` (B, 3), ``betas`` (16,), ``gender``,
    ``mocap_framerate``.

    Angles are axis-angle; the fingers are flat and SMPL's two hand joints left out. The frame is the camera's, turned
    to z up, metres. A file has one shape: the mean of the frames'. Its betas are SMPL's; the open body's mean another
    thing and so are 0 there. They stand in ``body_betas`` (S,), with ``body`` naming whose they are, and are right for
    a reader that has this body (``anchorfit body export``).

    Args:
        estimate: rows in the order of time, at equal distances.
        body: the body that they were made with.
        frames_per_second: of the rows; the add-on cuts it to a whole number.
    Raises:
        ValueError: the rate is not positive.
    Source: ``x_world = R x_cam`` turns about the pelvis J of the rest pose: ``trans = R (transl + J) - J``.
    """
    if not frames_per_second > 0:
        raise ValueError(f"frames_per_second: expected more than 0, got {frames_per_second}")
    turn = torch.tensor(_WORLD_FROM_CAM, dtype=torch.float64)
    betas = estimate.betas.double().cpu().mean(0, keepdim=True)
    rest = body.to("cpu", torch.float64)(betas=body.layout.fit_betas(betas)).joints[:, 0]
    orient = matrix_to_axis_angle(turn @ axis_angle_to_matrix(estimate.global_orient.double().cpu()))
    poses = torch.zeros(len(estimate), POSE_SIZE, dtype=torch.float64)
    poses[:, :3] = orient
    poses[:, 3:_BODY_SIZE] = estimate.body_pose[:, : _BODY_SIZE - 3]
    trans = (estimate.transl.double().cpu() + rest) @ turn.T - rest
    theirs = torch.zeros_like(betas) if estimate.body == "open" else betas
    return {
        "poses": poses.numpy(),
        "trans": trans.numpy(),
        "betas": Layout(NUM_BETAS).fit_betas(theirs[:, :NUM_BETAS])[0].numpy(),
        "gender": np.array(estimate.gender),
        "mocap_framerate": np.array(float(frames_per_second)),
        "body": np.array(Path(estimate.body).name),
        "body_betas": betas[0].numpy(),
    }


def write_amass(path: str | Path, estimate: BodyEstimate, body: BodyModel, frames_per_second: float = 30.0) -> None:
    """Write `amass_arrays` as an ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **amass_arrays(estimate, body, frames_per_second))
    write_atomically(Path(path), buffer.getvalue())
