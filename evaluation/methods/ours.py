"""The package's own methods, by `anchorfit.fit` and `anchorfit.predict`: what is benchmarked is what users run."""

from __future__ import annotations

from torch import Tensor

from ...body import BodyModel
from ...fitting import GaussianMixture, load_pose_prior
from ...observations import Observations
from ...pipeline import fit, predict
from ...regressors import Networks, load_networks
from ..answers import Answer, answer_of
from ..storage import Store
from .variant import Variant


class DirectPrediction:
    """PosePrior and ShapePrior in one forward pass."""

    def __init__(self, networks: Networks | None = None) -> None:
        self.networks = networks or load_networks()

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        return _answer(predict(observations, body, networks=self.networks).params, body)


class FourStages:
    """SMPLify: four stages from keypoints alone."""

    def __init__(self, body: BodyModel) -> None:
        self.pose_prior: GaussianMixture = load_pose_prior(dtype=body.dtype, device=body.device)

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        return _answer(fit(observations, body, schedule="smplify", pose_prior=self.pose_prior).params, body)


class Anchored:
    """The last stage, from the direct prediction and held near it; its time includes the prediction's."""

    def __init__(self, body: BodyModel, networks: Networks | None = None) -> None:
        self.pose_prior: GaussianMixture = load_pose_prior(dtype=body.dtype, device=body.device)
        self.networks = networks or load_networks()

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        found = fit(observations, body, pose_prior=self.pose_prior, networks=self.networks)
        return _answer(found.params, body)


def _answer(params: Tensor, body: BodyModel) -> Answer:
    return answer_of(params.to(body.v_template), body)


def _direct(body: BodyModel, store: Store | None) -> DirectPrediction:
    return DirectPrediction()


def _smplify(body: BodyModel, store: Store | None) -> FourStages:
    return FourStages(body)


def _anchored(body: BodyModel, store: Store | None) -> Anchored:
    return Anchored(body)


OURS: dict[str, Variant] = {
    "direct": Variant(make=_direct, about="one forward pass", on_crop=True),
    "smplify": Variant(make=_smplify, about="SMPLify's four stages"),
    "anchored": Variant(make=_anchored, about="the last stage, anchored to the prediction"),
    "smplify-on-gt": Variant(make=_smplify, about="SMPLify on annotated keypoints", keypoints="annotated"),
    "direct+masks": Variant(make=_direct, about="shape from the mask", masks=True, on_crop=True),
    "smplify+masks": Variant(make=_smplify, about="outlines in the fit", masks=True),
    "anchored+masks": Variant(make=_anchored, about="shape and outlines from the mask", masks=True),
}
"""By name."""
