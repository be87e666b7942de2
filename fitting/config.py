"""What a schedule can be told: stages, terms, constants, each with its unit and origin."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from ..deprecation import removed_arguments
from .camera_stage import TORSO, CameraStage
from .least_squares import Dogleg, LevenbergMarquardt, StepRule, Stopping
from .terms import (
    Anchor,
    Balance,
    Depth,
    Hinge,
    Interpenetration,
    Keypoints,
    LimbDirections,
    Mixture,
    OnFloor,
    Shape,
    SharedShape,
    Silhouette,
    Smoothness,
    TermSpec,
    Upright,
    WeighedAnchor,
)
from .terms.keypoints import smplify_joint_weights
from .trust import Limits


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the body fit: the weights of the pose and shape priors, and when it is over."""

    name: str
    pose_weight: float
    shape_weight: float
    stopping: Stopping = Stopping()
    holds_camera: bool = False  # whether the translation stays where it is
    rounds: int = 1  # times that terms are refreshed and the energy is minimised
    only_evidence: bool = False  # only rows that have evidence of a term that begins here; the others stay as they are
    couples: bool = False  # rows of one person or video look at each other: all rows are fitted together


_EARLY = Stopping(rtol=1e-3, max_steps=30)  # stages that only lead the way
_LAST = Stage(name="last", pose_weight=4.78, shape_weight=5.0, stopping=Stopping(rtol=1e-4, max_steps=100))


def _followed(last: Stage) -> tuple[Stage, ...]:
    """The last stage, and what goes on from it where there is evidence: masks, several rows of a person, videos, a
    floor."""
    further = replace(last, only_evidence=True)
    return (
        last,
        replace(further, name="outlines", rounds=4, stopping=Stopping(rtol=1e-3, max_steps=6)),
        replace(further, name="shared shape", couples=True),
        replace(further, name="smoothness", couples=True, rounds=8),
        replace(further, name="floor", couples=True, rounds=10),
    )


SMPLIFY_STAGES = (
    Stage(name="first", pose_weight=404.0, shape_weight=100.0, stopping=_EARLY, holds_camera=True),
    Stage(name="second", pose_weight=404.0, shape_weight=50.0, stopping=_EARLY, holds_camera=True),
    Stage(name="third", pose_weight=57.4, shape_weight=10.0, stopping=_EARLY, holds_camera=True),
    *_followed(_LAST),
)
"""Weights of the public code (Bogo et al. 2016)."""

TERMS: tuple[TermSpec, ...] = (
    Keypoints(),
    LimbDirections(),
    Mixture(),
    Hinge(),
    Shape(),
    Depth(),
    Upright(),
    Anchor(),
    Anchor(name="anchor_orient", part="global_orient", weight=100.0),
    Anchor(name="anchor_betas", part="betas", weight=1.0, sigma=2.0),
    Balance(),
    WeighedAnchor(),
    Interpenetration(),
    Silhouette(),
    SharedShape(),
    Smoothness(),
    OnFloor(),
)
"""Every term that the package has, with its usual constants."""

ESSENTIAL = ("keypoints", "pose_prior", "shape")
"""Terms without which nothing is fitted: they are on, whichever terms are asked for."""


def default_term(name: str) -> TermSpec:
    """The term of that name with its usual constants.

    Raises:
        ValueError: the package has no term of that name.
    """
    for spec in TERMS:
        if spec.name == name:
            return spec
    raise ValueError(f"terms: expected some of {', '.join(spec.name for spec in TERMS)}; got {name}")


def _spec(term: object) -> TermSpec:
    if not isinstance(term, TermSpec):
        raise TypeError(f"terms: expected values of kinds of TermSpec, got {term!r} (docs/extending.md)")
    return term


def _usual(*left_out: str) -> tuple[TermSpec, ...]:
    return tuple(spec for spec in TERMS if spec.name not in left_out)


def _by_term(**terms: str) -> dict[str, str]:
    return {old: f"with_term({term})" for old, term in terms.items()}


@removed_arguments(
    **_by_term(
        sigma="Keypoints(sigma=...)",
        joint_weights="Keypoints(joint_weights=...)",
        hinge_gain="Hinge(weight=...)",
        hinge_steepness="Hinge(steepness=...)",
        depth_weight="Depth(weight=...)",
        upright_weight="Upright(weight=...)",
        upright_sigma="Upright(sigma=...)",
        anchor_pose="Anchor(weight=...)",
        anchor_pose_sigma="Anchor(sigma=...)",
        anchor_orient='Anchor(name="anchor_orient", part="global_orient", weight=...)',
        anchor_betas='Anchor(name="anchor_betas", part="betas", weight=...)',
        anchor_betas_sigma='Anchor(name="anchor_betas", part="betas", sigma=...)',
        interpenetration="Interpenetration(weight=...)",
        interpenetration_from="Interpenetration(from_stage=...)",
        silhouette="Silhouette(weight=...)",
        silhouette_sigma="Silhouette(sigma=...)",
        silhouette_points="Silhouette(points=...)",
    ),
    silhouette_rounds="rounds of the stage outlines",
    silhouette_stopping="stopping of the stage outlines",
    camera_moves_from="holds_camera of the stages before it",
)
@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything a schedule can be told; the defaults are those of `smplify`. Pixels are those of the reference frame.

    Constants in pixels are those of a person ``reference_height`` pixels high: each person's errors are scaled to that
    frame by the depth that the camera stage found, so neither resolution nor distance changes how terms weigh.
    """

    stages: tuple[Stage, ...] = SMPLIFY_STAGES
    terms: tuple[TermSpec, ...] = _usual(
        "limb_directions", "anchor", "anchor_orient", "anchor_betas", "weighed_anchor", "balance", "floor"
    )
    reference_height: float | None = 300.0  # pixels of a 1.7 m person in the reference frame; None: image pixels
    camera: CameraStage = CameraStage()
    candidates: int = 2  # orientations that may enter the body stages, as extra rows,
    candidate_margin: float = 50.0  # where the camera stage's cost is by so many square pixels above the best's at most
    candidate_stages: int = 4  # after so many stages the better candidate goes on alone
    only_side_views: float | None = None  # pixels: the second candidate counts only where shoulders look narrower
    rule: StepRule = LevenbergMarquardt()
    limits: Limits = Limits()
    covariance: bool = False  # whether results have covariances of the joints

    def __post_init__(self) -> None:
        names = [_spec(term).name for term in self.terms]
        if len(set(names)) < len(names):
            raise ValueError(f"terms: expected each name once, got {', '.join(names)}")

    def term(self, name: str) -> TermSpec | None:
        """The term of that name, or None where it is off."""
        return next((spec for spec in self.terms if spec.name == name), None)

    @property
    def keypoints(self) -> Keypoints:
        """The data term.

        Raises:
            ValueError: it is off, or another kind of term has its name.
        """
        found = self.term("keypoints")
        if not isinstance(found, Keypoints):
            raise ValueError("terms: expected one of the kind Keypoints and the name keypoints")
        return found

    def check(self) -> None:
        """Look whether stages and terms go together, so that none of them is passed over without a word.

        Raises:
            ValueError: the first stage is not for all rows, or a term that couples rows begins where they are apart.
        """
        if not self.stages or self.stages[0].only_evidence or self.stages[0].couples:
            raise ValueError("stages: expected the first to be for all rows (not only_evidence, not couples)")
        self.terms_of(self.stages[0])
        coupled = [one.name for one in self.stages if one.couples]
        early = next((spec for spec in self.terms if spec.couples and spec.from_stage not in coupled), None)
        if early is not None:
            raise ValueError(
                f"terms: {early.name} is to begin in stage {early.from_stage!r}, where rows are apart; "
                f"it can in {', '.join(coupled) or 'none of this schedule'}"
            )

    def with_term(self, spec: TermSpec) -> FitConfig:
        """The same with a term more, or with another one in the place of that name."""
        if self.term(_spec(spec).name) is None:
            return replace(self, terms=(*self.terms, spec))
        return replace(self, terms=tuple(spec if one.name == spec.name else one for one in self.terms))

    def without(self, *names: str) -> FitConfig:
        """The same with those terms off.

        Raises:
            ValueError: one is not on.
        """
        on = [spec.name for spec in self.terms]
        unknown = [name for name in names if name not in on]
        if unknown:
            raise ValueError(f"terms: expected some of {', '.join(on)}; got {', '.join(unknown)}")
        return replace(self, terms=tuple(spec for spec in self.terms if spec.name not in names))

    def terms_of(self, stage: Stage) -> tuple[TermSpec, ...]:
        """The terms that are on in one of the stages.

        Raises:
            ValueError: a term is to begin in a stage that this schedule does not have.
        """
        places = {one.name: place for place, one in enumerate(self.stages)}
        unknown = next((spec for spec in self.terms if spec.from_stage and spec.from_stage not in places), None)
        if unknown is not None:
            raise ValueError(
                f"terms: {unknown.name} is to begin in stage {unknown.from_stage!r}; there are {', '.join(places)}; "
                "give it another from_stage, or leave it out"
            )
        now = places[stage.name]
        return tuple(spec for spec in self.terms if not spec.from_stage or places[spec.from_stage] <= now)


def only_terms(config: FitConfig, terms: Collection[str | TermSpec]) -> FitConfig:
    """The configuration with the given terms alone, beside the `ESSENTIAL` ones, which are always on.

    A name stands for the configuration's term or, where that is off, the package's with its usual constants; one
    anchor to whoever names it. A spec is taken as it is.

    Raises:
        ValueError: a name is none of a term.
        TypeError: what is given is neither a name nor a spec.
    """
    if isinstance(terms, str):
        raise TypeError(f"terms: expected a list of names and specs, got {terms!r}")
    given = [_spec(term) for term in terms if not isinstance(term, str)]
    names = [term for term in terms if isinstance(term, str)]
    names += ["anchor_orient"] if "anchor" in names else []
    wanted = {name: config.term(name) or default_term(name) for name in (*ESSENTIAL, *names)}
    wanted.update({spec.name: spec for spec in given})
    order = {spec.name: place for place, spec in enumerate(TERMS)}
    return replace(config, terms=tuple(sorted(wanted.values(), key=lambda spec: order.get(spec.name, len(order)))))


def anchored_config() -> FitConfig:
    """The default of `anchored`: the last stage alone, and the anchor; no interpenetration term, to be quick."""
    # Ten times SMPLify's tolerance: no accuracy is lost, a quarter of the steps is saved.
    last = replace(_LAST, stopping=Stopping(rtol=1e-3, max_steps=60))
    terms = _usual("upright", "anchor_betas", "weighed_anchor", "interpenetration", "floor")
    # The camera stage only begins what the last stage ends: more steps change no error, and cost a fifth of the time.
    camera = CameraStage(stopping=Stopping(rtol=1e-2, max_steps=5))
    config = FitConfig(stages=_followed(last), terms=terms, camera=camera, candidates=1)
    return config.with_term(Keypoints(sigma=20.0))  # a good start allows a kernel that is blind to far-off keypoints


def parity_config() -> FitConfig:
    """The public SMPLify code's frame and constants: image pixels, frozen camera, torso depth, dogleg, 1e-4.

    Give it intrinsics of focal length 5000 and keypoints of an image in which people are about 300 pixels high.
    """
    stopping = Stopping(rtol=1e-4, max_steps=100)
    camera = CameraStage(
        weights=dict.fromkeys(TORSO, 1.0),
        depth_from="torso",
        yaws_deg=(0.0, 180.0),
        pitches_deg=(0.0,),
        sigma=1e6,  # plain least squares
        depth_weight=100.0,
        depth_absolute=True,
        upright_weight=0.0,
        stopping=stopping,
    )
    body_stages = [stage for stage in SMPLIFY_STAGES if not stage.only_evidence]
    further = [stage for stage in SMPLIFY_STAGES if stage.only_evidence]
    config = FitConfig(
        stages=(
            *(replace(stage, stopping=stopping, holds_camera=True) for stage in body_stages),
            *(replace(stage, holds_camera=True) for stage in further),
        ),
        terms=_usual(
            "limb_directions",
            "depth",
            "upright",
            "anchor",
            "anchor_orient",
            "anchor_betas",
            "weighed_anchor",
            "balance",
            "floor",
        ),
        reference_height=None,
        camera=camera,
        candidate_margin=math.inf,
        candidate_stages=len(body_stages),
        only_side_views=25.0,
        rule=Dogleg(),
    )
    for spec in (
        Keypoints(joint_weights=smplify_joint_weights()),
        Mixture(temperature=0.0),
        Hinge(weight=10.0, steepness=1.0),
        Interpenetration(from_stage="first"),
    ):
        config = config.with_term(spec)
    return config


SCHEDULES: dict[str, Callable[[], FitConfig]] = {"smplify": FitConfig, "anchored": anchored_config}
"""Name of a schedule -> its usual constants."""
