"""Covariances of joints in space: of fits, by the normal equations at the result and what the prediction was sure of;
of predictions, by what they were sure of alone.

Both are too sure of themselves, each in its way (keypoints are seen twice, by the network and by the fit; the mesh and
the camera are taken as they are), the more so the farther a body lies off its keypoints. So each way of getting a body
has factors, across the line of sight and along it, which grow with that distance, fitted on people kept aside
(`scripts/calibrate_covariance.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.joint_sets import SMPL_JOINTS, SMPL_PARENTS
from ..body.kinematics import compiled_points
from ..body.uncertainty import PoseUncertainty, inverse_3x3, joint_factors, turns_of
from .energy import Energy, Term

if TYPE_CHECKING:
    from .problem import FitProblem

POINTS = tuple(f"joint:{name}" for name in SMPL_JOINTS)
MILLIMETRES = 1000.0
_FLOOR = 1.0  # mm, added in every direction: no place is known better
_MOST, _PELVIS_MOST = 1e3, 1e5  # mm, mean deviation of one direction: joints hang on the pelvis, which is in the image
_ROUNDING = 8.0  # units in the last place of the largest variance: a covariance stays positive definite
_CHUNK_ROWS = 128  # of the batch at a time: intermediate results stay in the cache


@dataclass(frozen=True, kw_only=True)
class Trimming:
    """Factors of a way to get bodies, by which deviations are multiplied.

    across, along: across and along the line of sight, where a body lies on its keypoints.
    growth: what is added to 1 for each percent of a person's size that the body is off its keypoints.
    pelvis: factor of the pelvis's own place, on top of those.
    pelvis_growth: of the pelvis's place, instead of ``growth``.
    evidence: share of the energy's curvature that counts, one over square reference pixels.
    """

    across: float
    along: float
    growth: float = 0.0
    pelvis: float = 1.0
    pelvis_growth: float = 0.0
    evidence: float = 1.0

    def widening(self, off: Tensor) -> Tensor:
        """(B, 24) factors of joints, the pelvis first, of bodies that are off by (B,) shares of a person's size."""
        percent = (100.0 * off)[:, None]
        own = self.pelvis * (1.0 + self.pelvis_growth * percent)
        return torch.cat((own, (1.0 + self.growth * percent).expand(-1, len(SMPL_JOINTS) - 1)), 1)


PREDICTED = Trimming(across=0.794, along=0.846, growth=0.0781, pelvis=1.1, pelvis_growth=0.0591)
ANCHORED = Trimming(across=0.864, along=0.881, growth=0.108, pelvis=1.07, pelvis_growth=0.148, evidence=0.003)
HELD = Trimming(across=5.24, along=7.36, growth=0.291, pelvis=0.437, pelvis_growth=0.675)
FREE = Trimming(across=2.12, along=2.46, growth=1.35, pelvis=0.644, pelvis_growth=1.88)


class JointCovariance(NamedTuple):
    """joint_covariance_mm2 (B, 24, 3, 3) and joint_std_mm (B, 24, 2), see `Diagnostics`."""

    joint_covariance_mm2: Tensor
    joint_std_mm: Tensor

    @staticmethod
    def trimmed(factors: Tensor, joints: Tensor, by: Trimming, off: Tensor) -> JointCovariance:
        """Of factors F (B, 24, 3, N) in metres, F F^T the covariances, and the joints' places (B, 24, 3).

        Args:
            off: (B,) see `Trimming.widening`.
        """
        sight = torch.nn.functional.normalize(joints, dim=-1)[..., None]
        along = sight * (sight.mT @ factors)
        factors = MILLIMETRES * (by.across * (factors - along) + by.along * along)
        factors = _bounded(factors * by.widening(off.to(factors))[..., None, None])
        covariance = factors @ factors.mT
        covariance = (covariance + covariance.mT) / 2
        variances = torch.diagonal(covariance, dim1=-2, dim2=-1)
        rounding = _ROUNDING * torch.finfo(variances.dtype).eps
        variances.add_(_FLOOR**2 + rounding * variances.amax(-1, keepdim=True))
        depth = (sight.mT @ covariance @ sight)[..., 0, 0]
        across = (torch.diagonal(covariance, dim1=-2, dim2=-1).sum(-1) - depth) / 2
        return JointCovariance(covariance, torch.stack((across, depth), -1).clamp_min(0).sqrt())


def _bounded(factors: Tensor) -> Tensor:
    """Factors (B, 24, 3, N), mm, of which none says that a joint may be where it cannot."""
    most = factors.new_full(factors.shape[1:2], _MOST)
    most[0] = _PELVIS_MOST
    largest = factors.abs().amax((-2, -1)).clamp_min(1.0)[..., None, None]  # which may be too large to be squared
    deviation = largest[..., 0, 0] * ((factors / largest).square().sum((-2, -1)) / 3).sqrt()
    return factors * (most / deviation.clamp_min(1.0)).clamp_max(1.0)[..., None, None]


def of_prediction(
    body: BodyModel, params: Tensor, known: PoseUncertainty, off: Tensor, *, by: Trimming = PREDICTED
) -> JointCovariance:
    """Of predicted bodies (B, D): their rotations' errors along the skeleton.

    Args:
        known: how sure the network is.
        off: (B,) mean distance from the keypoints as a share of the person's size, `Evidence.reprojection`.
    """
    joints = compiled_points(body, POINTS).points(params)
    factors = joint_factors(body, params, known)
    factors[:, 0, :, :3] = known.pelvis
    return JointCovariance.trimmed(factors, joints, by, off)


def of_fit(
    problem: FitProblem, terms: Sequence[Term], params: Tensor, off: Tensor, *, by: Trimming | None = None
) -> JointCovariance:
    """Of fitted bodies (B, D).

    With J the joints' Jacobian and H the energy's Gauss-Newton curvature, J H^-1 J^T. Where a prediction says how sure
    it is, its covariance T T^T takes the place of the terms that hold on to it: J T (I + a T^T H T)^-1 T^T J^T.

    Args:
        problem: as fitted.
        terms: of the last stage.
        params: finite.
        off: (B,) as for `of_prediction`.
        by: None for `ANCHORED`, `HELD` or `FREE`.
    """
    body, known = problem.body, problem.uncertainty
    by = by or (ANCHORED if known is not None else HELD if problem.predicted else FREE)
    if known is not None:
        terms = [term for term in terms if not term.name.startswith(("anchor", "weighed_anchor"))]
    energy = Energy(body, terms)
    rows = torch.arange(len(params), device=params.device)
    parts = []
    for some in rows.tensor_split(max(1, len(rows) // _CHUNK_ROWS)):
        own, points = params[some], compiled_points(body, POINTS)
        hessian = energy.normal_equations(own, some).hessian
        joints, jacobian = points.points_and_jacobian(own)
        jacobian[:, 1:] -= jacobian[:, :1]
        if known is None:
            factors = free_factors(hessian, jacobian.flatten(1, 2))
        else:
            factor = prior_factor(body, own, known.rows(some))
            factors = posterior_factors(by.evidence * hessian, jacobian.flatten(1, 2), factor)
        parts.append(JointCovariance.trimmed(factors, joints, by, off[some]))
    return JointCovariance(*(torch.cat(values) for values in zip(*parts, strict=True)))


def prior_factor(body: BodyModel, params: Tensor, known: PoseUncertainty) -> Tensor:
    """(B, D, D) T: what is known of parameters (B, D) without the fit has the covariance T T^T, betas that of people.

    A joint's axis-angle vector changes by rates^-1 (e - e of its parent), e the turns in the camera's frame.
    """
    layout = body.layout
    turned = inverse_3x3(known.whitening) @ known.correlation.root.to(params).unflatten(0, (-1, 3))  # (B, 24, 3, 72)
    parents = torch.tensor(SMPL_PARENTS[1:], device=params.device)
    apart = torch.cat((turned[:, :1], turned[:, 1:] - turned.index_select(1, parents)), 1)
    factor = params.new_zeros(len(params), layout.size, layout.size)
    factor[:, layout.pose, layout.pose] = (inverse_3x3(turns_of(params[:, layout.pose]).rates) @ apart).flatten(1, 2)
    torch.diagonal(factor, dim1=-2, dim2=-1)[:, layout.betas] = 1
    factor[:, layout.transl, layout.transl] = known.pelvis
    return factor


def posterior_factors(hessian: Tensor, jacobian: Tensor, factor: Tensor) -> Tensor:
    """(B, 24, 3, D) F with F F^T = J T (I + T^T H T)^-1 T^T J^T.

    Args:
        hessian: (B, D, D) H of the evidence.
        jacobian: (B, 72, D) J of the joints.
        factor: (B, D, D) T of what is known without.
    """
    inner = factor.mT @ hessian @ factor
    torch.diagonal(inner, dim1=-2, dim2=-1).add_(1)
    return _solved(inner, jacobian @ factor)


def free_factors(hessian: Tensor, jacobian: Tensor) -> Tensor:
    """(B, 24, 3, D) F with F F^T = J H^-1 J^T, for H (B, D, D) and J (B, 72, D)."""
    scale = torch.diagonal(hessian, dim1=-2, dim2=-1).clamp_min(1e-6).rsqrt()
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    torch.diagonal(scaled, dim1=-2, dim2=-1).add_(1e-6)
    return _solved(scaled, jacobian * scale[:, None])


def in_space(body: BodyModel, params: Tensor, hessian: Tensor, *, by: Trimming) -> JointCovariance:
    """Of bodies (B, D) fitted to points in space: J H^-1 J^T, where the energy's curvature H (B, D, D) is that of minus
    twice the logarithm of the posterior."""
    joints, jacobian = compiled_points(body, POINTS).points_and_jacobian(params)
    jacobian[:, 1:] -= jacobian[:, :1]
    factors = free_factors(hessian, jacobian.flatten(1, 2))
    return JointCovariance.trimmed(factors, joints, by, joints.new_zeros(len(joints)))  # noise is in the curvature


def _solved(matrix: Tensor, right: Tensor) -> Tensor:
    """(B, 24, 3, D) right (B, 72, D) times the inverse root of a positive definite matrix (B, D, D).

    Filled up to sizes that lie alike in memory: see `least_squares`.
    """
    room = -matrix.shape[-1] % 8
    matrix = torch.nn.functional.pad(matrix, (0, room, 0, room))
    torch.diagonal(matrix, dim1=-2, dim2=-1)[:, matrix.shape[-1] - room :] = 1
    root, _ = torch.linalg.cholesky_ex(matrix)
    right = torch.nn.functional.pad(right, (0, room))
    return torch.linalg.solve_triangular(root, right.mT, upper=False).mT.unflatten(1, (-1, 3))
