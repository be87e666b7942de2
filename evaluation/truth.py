"""The truth about people, and errors of a method's answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, SMPL_JOINTS, BodyModel
from .answers import MethodResult
from .body_errors import body_errors
from .joint_regressor import JointRegressor
from .marks import Marks
from .metrics.pose import named_point_error, reconstruction_error
from .records import ERRORS
from .surface_landmarks import SurfaceLandmarks

_STAND_INS = {"head_top": "head", "jaw": "head", "nose": "head", "thorax": "spine3", "spine": "spine2"}
"""SMPL's joints for canonical ones that lie on the surface, for methods that know no surface."""


class TrueJoints(NamedTuple):
    """True joints, where no body is known: positions (B, J, 3) metres, the pelvis first, of named canonical joints,
    those among them that are judged, and what takes surfaces to the same joints; None: the body's own joints."""

    positions: Tensor
    names: tuple[str, ...]
    judged: tuple[str, ...]
    regressor: JointRegressor | None = None


class Truth(NamedTuple):
    """B people: their bodies (B, D), or else their joints; or marks in the image; or nothing.

    landmarks: surface points of bodies that are judged, too.
    regressed: what takes the surfaces of bodies to the joints that are judged, and those joints; None: SMPL's 24.
    """

    bodies: Tensor | None = None
    joints: TrueJoints | None = None
    landmarks: SurfaceLandmarks | None = None
    regressed: tuple[JointRegressor, tuple[str, ...]] | None = None
    marks: Marks | None = None


def errors_against(
    truth: Truth, result: MethodResult, body: BodyModel, true_body: BodyModel | None = None
) -> dict[str, Tensor]:
    """Columns of a record by name, (B,) millimetres each; those that cannot be had are missing.

    Args:
        truth: of B people.
        result: of the same.
        body: of the result.
        true_body: that the truth is of; None: the same.
    """
    errors: dict[str, Tensor] = {}
    if truth.bodies is not None:
        columns = errors_of(body, result.params, result.joints_cam, truth.bodies, true_body)
        errors = dict(zip(ERRORS, columns, strict=False))
        if truth.regressed is not None:
            joints = _regressed(truth.bodies, *truth.regressed, true_body or body)
            errors |= zip(ERRORS[1:], _errors_of_joints(result, joints, body), strict=False)
        if truth.landmarks is not None and result.params is not None:
            errors["landmarks_mm"] = truth.landmarks.errors_mm(body, result.params, true_body or body, truth.bodies)
    elif truth.joints is not None:
        errors = dict(zip(ERRORS[1:], _errors_of_joints(result, truth.joints, body), strict=False))
    return errors


def _regressed(bodies: Tensor, regressor: JointRegressor, judged: tuple[str, ...], body: BodyModel) -> TrueJoints:
    """Joints of bodies (B, D) by a regressor."""
    names = ("pelvis", *judged)
    vertices = body.from_params(bodies.to(body.v_template)).vertices
    return TrueJoints(regressor.joints(vertices, names), names, judged, regressor)


def _errors_of_joints(result: MethodResult, truth: TrueJoints, body: BodyModel) -> tuple[Tensor, Tensor]:
    """Errors over canonical joints: by the regressor or of the body where there is a body, else of SMPL's joints."""
    if result.params is None:
        sources = [_STAND_INS.get(name, name) for name in truth.names]
        ours = result.joints_cam[:, [SMPL_JOINTS.index(name) for name in sources]]
        hips = [SMPL_JOINTS.index(name) for name in ("left_hip", "right_hip")]
        ours[:, 0] = result.joints_cam[:, hips].mean(1)
    else:
        posed = body.from_params(result.params.to(body.v_template))
        if truth.regressor is None:
            ours = body.canonical_joints(posed)[:, [CANONICAL_JOINTS.index(name) for name in truth.names]]
        else:
            ours = truth.regressor.joints(posed.vertices, truth.names)
    return joint_errors(ours, truth.positions.to(ours), truth.names, truth.judged)


def errors_of(
    body: BodyModel, params: Tensor | None, joints_cam: Tensor, truth: Tensor, true_body: BodyModel | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Per-vertex, joint and reconstruction errors, millimetres, (B,) each; NaN where they cannot be had.

    Args:
        params: (B, D), or None for methods that give joints alone: their per-vertex errors are NaN.
        joints_cam: (B, 24, 3) metres.
        truth: (B, any).
        true_body: that the truth is of; None: the same.
    """
    true_body = true_body or body
    if params is not None:
        finite = torch.isfinite(params).all(1)
        errors = body_errors(body, torch.where(finite[:, None], params, 0.0).to(truth), truth, true_body=true_body)
        surface, joints, reconstruction = (torch.where(finite, error, torch.nan) for error in errors)
        return surface, joints, reconstruction
    true_joints = true_body.from_params(truth).joints
    return torch.full((len(truth),), torch.nan), *joint_errors(joints_cam.to(true_joints), true_joints)


def joint_errors(
    joints: Tensor, truth: Tensor, names: Sequence[str] = SMPL_JOINTS, subset: Sequence[str] | None = None
) -> tuple[Tensor, Tensor]:
    """MPJPE with the pelvis laid together, and reconstruction error, millimetres, (B,) each.

    Args:
        joints, truth: (B, J, 3) metres; the first is the pelvis.
        names: of the J joints.
        subset: which to judge; None: all.
    """
    chosen = [names.index(name) for name in subset or names]
    rooted = named_point_error(joints - joints[:, :1], truth - truth[:, :1], names, subset)
    return 1000 * rooted, 1000 * reconstruction_error(joints[:, chosen], truth[:, chosen])
