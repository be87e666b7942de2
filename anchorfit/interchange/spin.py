"""SPIN-style npz files: one row a person, as SPIN and the many methods after it store bodies; the format, and a writer.

The readers are `anchorfit.evaluation.datasets.spin` (as truth) and `results.formats.spin` (as results).
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..atomic import write_atomically
from ..body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ..body.joint_sets import CANONICAL_JOINTS
from ..body.parameters import Layout
from ..camera import Crop, intrinsics_matrix, rotation_to_axis, unproject
from ..observations.conventions import BODY25, LSP14, Convention
from ..regressors.translation import translate_to_keypoints
from ..results import BodyEstimate
from .keypoint_files import fitted_joints, fitted_keypoints

CROP_PIXELS = 224  # side of the crops that SPIN-style methods predict on
CROP_FOCAL = 5000.0  # their focal length, in pixels of the crop
CROP_UNIT = 200.0  # their ``scale`` is the crop's side in units of so many pixels
NUM_BETAS = 10  # of their bodies

SPIN24: Convention = (
    *LSP14, "pelvis", "thorax", "spine", "jaw", None, "nose", "left_eye", "right_eye", "left_ear", "right_ear",
)  # fmt: skip
"""Joints of ``part`` and ``S``: LSP's 14, MPII's pelvis and thorax, Human3.6M's spine, jaw and head, then the face."""


def spin_crop(center: Tensor, scale: Tensor) -> Crop:
    """The crop of SPIN-style rows: 200 ``scale`` (...) pixels a side around ``center`` (..., 2), resampled to 224."""
    side = CROP_UNIT * scale
    return Crop(corner=center - side[..., None] / 2, side=side, out_size=CROP_PIXELS)


def weak_perspective_translation(camera: Tensor) -> Tensor:
    """(..., 3) metres from weak-perspective cameras (..., 3) = s, x, y on a crop: the depth at which a focal length of
    5000 pixels draws a metre s / 2 crops large, as SPIN and HMR place their bodies."""
    depth = 2 * CROP_FOCAL / (CROP_PIXELS * camera[..., 0])
    return torch.stack([camera[..., 1], camera[..., 2], depth], dim=-1)


def weak_perspective_camera(translation: Tensor) -> Tensor:
    """(..., 3) = s, x, y from translations (..., 3) before the crop's camera: the inverse of the former."""
    size = 2 * CROP_FOCAL / (CROP_PIXELS * translation[..., 2])
    return torch.stack([size, translation[..., 0], translation[..., 1]], dim=-1)


def crop_intrinsics() -> Tensor:
    """(3, 3) float64: the camera that SPIN-style methods have on their crops."""
    return intrinsics_matrix(CROP_FOCAL, (CROP_PIXELS / 2, CROP_PIXELS / 2)).double()


def spin_arrays(estimate: BodyEstimate, body: BodyModel) -> dict[str, np.ndarray]:
    """B rows as a SPIN-style file has them; bodies behind their camera, which have no crop, are left out.

    ``center`` and ``scale`` frame the fitted body's joints, 1.2 times their box. ``part`` and ``openpose`` are the
    keypoints that were observed. SPIN-style methods see a crop by a camera that looks at its middle, so ``pose`` and
    the fitted joints ``S`` (metres from the pelvis) are turned into that camera's frame, ``x = rotation @ x_cam``.
    ``camera`` (s, x, y) is made as SPIN makes its own: the translation that brings the joints onto their pixels on the
    crop at a focal length of 5000, by least squares. ``has_smpl`` and the confidence of ``S`` are 0 where a fit is not
    trusted. SPIN reads any ``gender`` but "m" as female: it is left out for neutral bodies. ``body`` says whose betas
    ``shape`` are: ten, of which those that the estimate does not have are 0.

    Args:
        estimate: B rows.
        body: the body that they were made with.
    Raises:
        ValueError: the estimate has more than ten betas, or no body before its camera.
    """
    if estimate.betas.shape[1] > NUM_BETAS:
        raise ValueError(
            f"{estimate.betas.shape[1]} betas, but SPIN's bodies have {NUM_BETAS}: fit with as many, or save npz"
        )
    pixels, before = (torch.from_numpy(values) for values in fitted_keypoints(estimate, body))
    framed = before.sum(dim=1) > 1
    if not bool(framed.any()):
        raise ValueError("no body is before its camera: there is nothing to frame")
    estimate, pixels, before = estimate.rows(framed), pixels[framed], before[framed]
    low = torch.where(before[..., None] > 0, pixels, torch.inf).amin(dim=1)
    high = torch.where(before[..., None] > 0, pixels, -torch.inf).amax(dim=1)
    crop = Crop.around_box(torch.cat([low, high - low], dim=-1), out_size=CROP_PIXELS)
    center = crop.corner + crop.side[:, None] / 2
    ray = unproject(center[:, None], pixels.new_ones(len(estimate), 1), estimate.intrinsics.double())[:, 0]
    rotation = rotation_to_axis(ray)
    orient = matrix_to_axis_angle(rotation @ axis_angle_to_matrix(estimate.global_orient.double()))
    turned = replace(
        estimate, global_orient=orient.to(estimate.transl), transl=torch.zeros_like(estimate.transl)
    )  # at the body's own origin
    joints = fitted_joints(turned, body)
    placed = translate_to_keypoints(
        joints, crop.to_crop(pixels), before, crop_intrinsics().expand(len(estimate), 3, 3)
    ).translation
    trusted = estimate.diagnostics.trusted.double()
    from_pelvis = joints - joints[:, [CANONICAL_JOINTS.index("pelvis")]]
    observed = torch.cat([estimate.keypoints, estimate.confidence[..., None]], dim=-1).double()
    observed = torch.where(observed[..., 2:] > 0, observed, 0)
    truth = torch.cat([from_pelvis, trusted[:, None, None].expand(*from_pelvis.shape[:2], 1)], dim=-1)
    arrays = {
        "imgname": np.array(estimate.image_labels, dtype=str),
        "center": center.numpy(),
        "scale": (crop.side / CROP_UNIT).numpy(),
        "part": _in_order(observed, SPIN24),
        "openpose": _in_order(observed, BODY25),
        "pose": turned.pose.double().numpy(),
        "shape": Layout(NUM_BETAS).fit_betas(estimate.betas).double().numpy(),
        "has_smpl": trusted.numpy().astype(np.uint8),
        "S": _in_order(truth, SPIN24),
        "camera": weak_perspective_camera(placed).numpy(),
        "rotation": rotation.numpy(),
        "body": np.array(Path(estimate.body).name),
    }
    if estimate.gender != "neutral":
        arrays["gender"] = np.array([estimate.gender[0]] * len(estimate))
    return arrays


def write_spin(path: str | Path, estimate: BodyEstimate, body: BodyModel) -> None:
    """Write `spin_arrays` as an ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **spin_arrays(estimate, body))
    write_atomically(Path(path), buffer.getvalue())


def _in_order(values: Tensor, joints: Convention) -> np.ndarray:
    """(B, J, N) of canonical (B, K, N); zeros where there is no counterpart."""
    result = values.new_zeros(len(values), len(joints), values.shape[-1])
    for slot, name in enumerate(joints):
        if name is not None:
            result[:, slot] = values[:, CANONICAL_JOINTS.index(name)]
    return result.numpy()
