"""Lassner et al. 2017, "Unite the people": SMPLify's fit with 91 landmarks in place of LSP's joints.

The camera stage, the four stages and their terms are those of `fitting.smplify`; the data term looks at `landmarks`.

Assumed: every landmark weighs 1, as LSP's joints do, and constants stay as they are, so that 91 landmarks outweigh the
priors as they did in theirs; the camera is found from the 12 joints among the landmarks. The silhouette term of their
improved fit is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from anchorfit.body import CANONICAL_JOINTS, BodyModel
from anchorfit.evaluation.answers import Answer, answer_of
from anchorfit.evaluation.landmarks import LIMB_JOINTS, LandmarkObservations, landmark_names, landmarks_of
from anchorfit.fitting import FitConfig, GaussianMixture, Stage, load_pose_prior, smplify
from anchorfit.fitting.problem import FitProblem
from anchorfit.fitting.terms import Keypoints, KeypointTerm
from anchorfit.observations.people import Observations


@dataclass(frozen=True, kw_only=True)
class LandmarkKeypoints(Keypoints):
    """The data term over 91 landmarks instead of the joints among them."""

    def build(self, problem: FitProblem, stage: Stage) -> KeypointTerm:
        seen = problem.observations
        assert isinstance(seen, LandmarkObservations)
        sane = torch.isfinite(seen.landmarks).all(-1) & torch.isfinite(seen.landmark_confidence)
        return KeypointTerm(
            landmark_names(problem.body),
            problem.frame.pixels(seen.landmarks.nan_to_num(0.0, 0.0, 0.0)),
            torch.where(sane & problem.whole[:, None], seen.landmark_confidence, 0.0),
            problem.reference_intrinsics,
            sigma=self.sigma,
        )


@dataclass(frozen=True, kw_only=True)
class LandmarkFit:
    """The method. The pose prior is what is learned; ``train`` takes the one that was fitted to training subjects."""

    pose_prior: GaussianMixture
    config: FitConfig = FitConfig()
    name: str = "Lassner 2017, fit, 91 landmarks"

    @staticmethod
    def train(body: BodyModel, *, config: FitConfig | None = None, seed: int = 0) -> LandmarkFit:
        """Nothing random is drawn: ``seed`` is here because every baseline takes one."""
        return LandmarkFit(pose_prior=load_pose_prior(), config=config or FitConfig())

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Bodies; see `Answer`.

        Raises:
            ValueError: the observations have no landmarks.
        """
        with torch.no_grad():
            config = self.config.with_term(LandmarkKeypoints(sigma=self.config.keypoints.sigma)).without("silhouette")
            found = smplify(body, _joints_as_keypoints(landmarks_of(observations)), self.pose_prior, config=config)
            return answer_of(found.params, body)


def _joints_as_keypoints(seen: LandmarkObservations) -> LandmarkObservations:
    """The joints among the landmarks, as keypoints: the camera stage uses these alone."""
    index = [CANONICAL_JOINTS.index(name) for name in LIMB_JOINTS]
    keypoints, confidence = torch.zeros_like(seen.keypoints), torch.zeros_like(seen.confidence)
    keypoints[:, index] = seen.landmarks[:, : len(index)]
    confidence[:, index] = seen.landmark_confidence[:, : len(index)]
    return replace(seen, keypoints=keypoints, confidence=confidence)
