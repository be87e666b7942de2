"""Any method's bodies refined: the same keypoints once more, in an anchored fit that begins with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch

from ...body import BodyModel
from ...observations import Observations
from ...pipeline import fit
from ..answers import Answer, answer_of
from ..estimates import what_is_wrong
from ..landmarks import without_landmarks
from ..storage import Store
from .variant import Method, Variant

SUFFIX = "+2d"
"""Of the names of refined methods."""


@dataclass(frozen=True)
class RefinedMethod:
    """A method, and after it an anchored fit to the keypoints, held near what it says.

    Attributes:
        start: the method.
        blind: whether it is given no keypoints itself.
    """

    start: Method
    blind: bool = False

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Refined bodies; what the method does not know is NaN, and so counts as failed.

        Raises:
            ValueError: the method gives no bodies, though it says that it does.
        """
        answer = self.start.estimate(without_keypoints(observations) if self.blind else observations, body)
        first, world = answer.params, getattr(answer, "world_from_camera", None)
        if first is None:
            raise ValueError("expected bodies to begin with, got joints alone; its Variant should say bodies=False")
        seen = replace(without_landmarks(observations), masks=())
        return anchored_to(body.own_params(first), seen, body)._replace(world_from_camera=world)


def anchored_to(params: torch.Tensor, observations: Observations, body: BodyModel) -> Answer:
    """Bodies (B, D) fitted to keypoints and held near where they are; rows that are not usable become NaN."""
    params = params.to(body.v_template).clone()
    known = [row for row, problem in enumerate(what_is_wrong(params)) if not problem]
    if known:
        params[known] = fit(observations.rows(known), body, init=params[known]).params.to(params)
    params[[row for row in range(len(params)) if row not in known]] = torch.nan
    return answer_of(params, body)


def without_keypoints(observations: Observations) -> Observations:
    """The same people, of whom nothing was seen but what else there is."""
    nothing = torch.zeros_like(observations.keypoints), torch.zeros_like(observations.confidence)
    unseen = torch.full_like(observations.world, torch.nan)
    return replace(observations, keypoints=nothing[0], confidence=nothing[1], world=unseen)


def refined(variant: Variant) -> Variant:
    """The same method with its bodies refined by the keypoints that all methods get.

    Raises:
        ValueError: it knows joints alone.
    """
    if not variant.bodies:
        raise ValueError("a method that knows joints alone cannot be refined: it gives no body to begin with")
    blind = variant.keypoints == "none"
    return replace(
        variant,
        make=partial(_make, variant, blind),
        about=f"{variant.about}; then anchored to the keypoints",
        keypoints="detected" if blind else variant.keypoints,
        on_crop=False,
    )


def _make(variant: Variant, blind: bool, body: BodyModel, store: Store | None) -> RefinedMethod:
    return RefinedMethod(variant.make(body, store), blind)
