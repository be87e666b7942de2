"""Methods that benchmarks compare: what one has to offer, and the register that commands look names up in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from torch import Tensor

from ..body import BodyModel
from ..fitting import GaussianMixture, anchored, load_pose_prior, smplify
from ..observations import Observations
from ..regressors import Priors, load_priors, predict


class MethodResult(Protocol):
    """What a method answers for B people; any object with these attributes will do."""

    @property
    def params(self) -> Tensor | None:
        """(B, 85) = [pose 72 | betas 10 | transl 3], camera frame; None for methods that know no body. A row that is
        not finite counts as failed."""

    @property
    def joints_cam(self) -> Tensor:
        """(B, 24, 3) metres, camera frame, SMPL's joints."""


class Method(Protocol):
    """Takes people to bodies, B at once; rows do not influence each other."""

    def estimate(self, observations: Observations, body: BodyModel) -> MethodResult: ...


class Bodies(NamedTuple):
    """A `MethodResult` of bodies."""

    params: Tensor
    joints_cam: Tensor


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A method, and what it is given and judged by.

    Attributes:
        make: makes the method for a body: loads or trains it.
        about: one line for the help.
        keypoints: "detected", or "annotated": without a detector's noise and gaps.
        masks: whether it is given masks.
        on_crop: on LSP its body is drawn in the crop around the person and taken back to the image, as published
            crop-based predictions are.
    """

    make: Callable[[BodyModel], Method]
    about: str
    keypoints: Literal["detected", "annotated"] = "detected"
    masks: bool = False
    on_crop: bool = False


def register(name: str, variant: Variant) -> None:
    """Add a method, so that ``anchorfit benchmark --variants NAME`` finds it.

    Raises:
        ValueError: there is one of this name.
    """
    if name in VARIANTS:
        raise ValueError(f"{name}: there is a method of this name already")
    VARIANTS[name] = variant


def variants_of(names: Sequence[str]) -> dict[str, Variant]:
    """The methods of these names, in their order.

    Raises:
        ValueError: there is no such method, or none is named.
    """
    unknown = [name for name in names if name not in VARIANTS]
    if unknown or not names:
        raise ValueError(f"variants: expected some of {', '.join(VARIANTS)}; got {', '.join(unknown) or 'none'}")
    return {name: VARIANTS[name] for name in names}


class DirectPrediction:
    """PosePrior and ShapePrior in one forward pass."""

    def __init__(self, priors: Priors | None = None) -> None:
        self.priors = priors or load_priors()

    def estimate(self, observations: Observations, body: BodyModel) -> Bodies:
        return _bodies(predict(observations, body, priors=self.priors).params, body)


class FourStages:
    """SMPLify: four stages from keypoints alone."""

    def __init__(self, body: BodyModel) -> None:
        self.prior: GaussianMixture = load_pose_prior(dtype=body.dtype, device=body.device)

    def estimate(self, observations: Observations, body: BodyModel) -> Bodies:
        return _bodies(smplify(body, observations, self.prior).params, body)


class Anchored:
    """The last stage, from the direct prediction and held near it; its time includes the prediction's."""

    def __init__(self, body: BodyModel, priors: Priors | None = None) -> None:
        self.prior: GaussianMixture = load_pose_prior(dtype=body.dtype, device=body.device)
        self.priors = priors or load_priors()

    def estimate(self, observations: Observations, body: BodyModel) -> Bodies:
        start = predict(observations, body, priors=self.priors).params
        return _bodies(anchored(body, observations, self.prior, start).params, body)


def _bodies(params: Tensor, body: BodyModel) -> Bodies:
    """Parameters with their joints, which need no mesh."""
    global_orient, body_pose, betas, transl = params.to(body.v_template).split((3, 69, body.num_betas, 3), dim=1)
    skeleton = body.skeleton(betas=betas, body_pose=body_pose, global_orient=global_orient)
    return Bodies(params, skeleton.joints + transl[:, None])


VARIANTS: dict[str, Variant] = {
    "direct": Variant(make=lambda body: DirectPrediction(), about="one forward pass", on_crop=True),
    "smplify": Variant(make=FourStages, about="SMPLify's four stages"),
    "anchored": Variant(make=Anchored, about="the last stage, anchored to the prediction"),
    "smplify-on-gt": Variant(make=FourStages, about="SMPLify on annotated keypoints", keypoints="annotated"),
    "direct+masks": Variant(
        make=lambda body: DirectPrediction(), about="shape from the mask", masks=True, on_crop=True
    ),
    "smplify+masks": Variant(make=FourStages, about="outlines in the fit", masks=True),
    "anchored+masks": Variant(make=Anchored, about="shape and outlines from the mask", masks=True),
}
"""By name. Further methods join with `register`."""
