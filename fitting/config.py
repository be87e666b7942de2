"""What a schedule can be told: stages, weights, constants, each with its unit and origin."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..body import CANONICAL_JOINTS
from .camera_stage import CameraStage
from .diagnostics import Limits
from .least_squares import Dogleg, LevenbergMarquardt, StepRule, Stopping


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the body fit: the weights of the pose and shape priors, and when it is over."""

    pose_weight: float
    shape_weight: float
    stopping: Stopping = Stopping()


_EARLY = Stopping(rtol=1e-3, max_steps=30)  # stages that only lead the way

SMPLIFY_STAGES = (
    Stage(pose_weight=404.0, shape_weight=100.0, stopping=_EARLY),
    Stage(pose_weight=404.0, shape_weight=50.0, stopping=_EARLY),
    Stage(pose_weight=57.4, shape_weight=10.0, stopping=_EARLY),
    Stage(pose_weight=4.78, shape_weight=5.0, stopping=Stopping(rtol=1e-4, max_steps=100)),
)
"""Weights of the public code (Bogo et al. 2016)."""


def default_joint_weights() -> dict[str, float]:
    """Base weight of each canonical joint that is used; `docs/fitting.md` has what was measured.

    Limbs weigh 1 as in SMPLify. Points that a detector gives several of for one rigid part (face, feet) share a weight.
    Detectors' hips lie higher and wider than SMPL's hip joints, so they and what is made from them weigh less.
    """
    weights = {name: 1.0 for name in CANONICAL_JOINTS if name.split("_")[-1] in ("knee", "ankle", "elbow", "wrist")}
    weights.update(left_shoulder=1.0, right_shoulder=1.0, neck=0.5, head_top=0.7, thorax=0.3, jaw=0.3)
    weights.update(nose=0.7, left_eye=0.5, right_eye=0.5, left_ear=0.7, right_ear=0.7)
    weights.update(left_hip=0.7, right_hip=0.7, pelvis=0.4, spine=0.1)
    weights.update({f"{side}_{toe}": 0.4 for side in ("left", "right") for toe in ("big_toe", "small_toe", "heel")})
    weights.update(dict.fromkeys(("left_hand", "right_hand", "left_foot", "right_foot"), 0.3))
    return weights


def smplify_joint_weights() -> dict[str, float]:
    """The public code's: 1 for LSP's joints but the hips 0 and the neck 0; the head top is a surface point."""
    limbs = ("ankle", "knee", "wrist", "elbow", "shoulder")
    weights = {f"{side}_{limb}": 1.0 for side in ("left", "right") for limb in limbs}
    return {**weights, "head_top": 1.0}


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything a schedule can be told. Pixels are those of the reference frame (see `reference_height`)."""

    stages: tuple[Stage, ...] = SMPLIFY_STAGES
    joint_weights: Mapping[str, float] = field(default_factory=default_joint_weights)  # by canonical joint
    pose_prior_temperature: float = 20.0  # see `terms.mixture`; 0: one component to a pose, as in the public code
    sigma: float = 100.0  # pixels, Geman-McClure of the data term
    reference_height: float | None = 300.0  # pixels of a 1.7 m person in the reference frame; None: image pixels
    camera: CameraStage = CameraStage()
    camera_moves_from: int = 3  # the first body stage that moves the translation too; beyond the last: frozen
    depth_weight: float = 60.0  # pixels for a relative change of depth by 1
    upright_weight: float = 40.0  # pixels; see `terms.upright`
    upright_sigma: float = 0.5
    candidates: int = 2  # orientations that may enter the body stages, as extra rows,
    candidate_margin: float = (
        50.0  # square pixels by which the camera stage's cost of the others may be above the best's
    )
    candidate_stages: int = 4  # after so many stages the better candidate goes on alone
    only_side_views: float | None = None  # pixels: the second candidate counts only where shoulders look narrower
    hinge_gain: float = 2.0  # see `terms.hinge`; the public code: 10
    hinge_steepness: float = 4.0  # the public code: 1
    anchor_pose: float = 0.0  # weight of the anchor on the body pose
    anchor_pose_sigma: float = 0.7  # radians
    anchor_orient: float = 0.0  # weight of the anchor on the global orientation; same sigma
    anchor_betas: float = 0.0  # weight of the anchor on betas
    anchor_betas_sigma: float = 2.0
    interpenetration: float = 1e3  # weight of the term that keeps the body from passing through itself; 0: off
    interpenetration_from: int = 3  # the first body stage it is on in
    silhouette: float = 4.0  # weight of outlines, where a row has a mask; 0: off. See `docs/fitting.md`
    silhouette_sigma: float = 30.0  # pixels, Geman-McClure
    silhouette_rounds: int = 4  # times that outlines are matched anew
    silhouette_points: int = 96  # matches each way
    silhouette_stopping: Stopping = Stopping(rtol=1e-3, max_steps=6)  # of a round
    rule: StepRule = LevenbergMarquardt()
    limits: Limits = Limits()


SWITCHES = {
    "hinge": "hinge_gain",
    "depth": "depth_weight",
    "upright": "upright_weight",
    "anchor": "anchor_pose",
    "anchor_orient": "anchor_orient",
    "anchor_betas": "anchor_betas",
    "interpenetration": "interpenetration",
    "silhouette": "silhouette",
}
"""Terms of the energy that can be left out, and which weight is then 0."""


def only_terms(config: FitConfig, names: Collection[str]) -> FitConfig:
    """The configuration with those `SWITCHES` off that are not named; keypoints, pose prior and shape are always on.

    A named term that is off in ``config`` comes on with the weight that the defaults of either schedule have for it.

    Raises:
        ValueError: a name is none of a term, or no default has a weight for it.
    """
    always = ("keypoints", "pose_prior", "shape")
    unknown = sorted(set(names) - set(SWITCHES) - set(always))
    if unknown:
        raise ValueError(f"terms: expected some of {', '.join((*always, *SWITCHES))}; got {', '.join(unknown)}")
    names = {*names, "anchor_orient"} if "anchor" in names else names  # one anchor to whoever names it
    weights: dict[str, Any] = {}
    for name, weight in SWITCHES.items():
        sources = (config, FitConfig(), anchored_config()) if name in names else ()
        weights[weight] = next((w for source in sources if (w := getattr(source, weight)) > 0), 0.0)
        if name in names and weights[weight] == 0:
            raise ValueError(f"terms: no default has a weight for {name}; give a config with {weight} set")
    return replace(config, **weights)


def anchored_config() -> FitConfig:
    """The default of `anchored`: the last stage alone, and the anchor; no interpenetration term, to be quick."""
    return FitConfig(
        # Ten times SMPLify's tolerance: no accuracy is lost, a quarter of the steps is saved.
        stages=(replace(SMPLIFY_STAGES[-1], stopping=Stopping(rtol=1e-3, max_steps=60)),),
        camera_moves_from=0,
        candidates=1,
        upright_weight=0.0,
        sigma=20.0,  # a good start allows a kernel that is blind to far-off keypoints; see `docs/fitting.md`
        anchor_pose=60.0,
        anchor_orient=100.0,
        interpenetration=0.0,
    )


def parity_config() -> FitConfig:
    """The public SMPLify code's frame and constants: image pixels, frozen camera, torso depth, dogleg, 1e-4.

    Give it intrinsics of focal length 5000 and keypoints of an image in which people are about 300 pixels high.
    """
    torso = dict.fromkeys(("left_shoulder", "right_shoulder", "left_hip", "right_hip"), 1.0)
    stopping = Stopping(rtol=1e-4, max_steps=100)
    camera = CameraStage(
        weights=torso,
        depth_from="torso",
        yaws_deg=(0.0, 180.0),
        pitches_deg=(0.0,),
        sigma=1e6,  # plain least squares
        depth_weight=100.0,
        depth_absolute=True,
        upright_weight=0.0,
        stopping=stopping,
    )
    return FitConfig(
        stages=tuple(
            Stage(pose_weight=stage.pose_weight, shape_weight=stage.shape_weight, stopping=stopping)
            for stage in SMPLIFY_STAGES
        ),
        joint_weights=smplify_joint_weights(),
        pose_prior_temperature=0.0,
        reference_height=None,
        camera=camera,
        camera_moves_from=len(SMPLIFY_STAGES),
        depth_weight=0.0,
        interpenetration_from=0,
        upright_weight=0.0,
        candidates=2,
        candidate_margin=math.inf,
        candidate_stages=len(SMPLIFY_STAGES),
        hinge_gain=10.0,
        hinge_steepness=1.0,
        only_side_views=25.0,
        rule=Dogleg(),
    )
