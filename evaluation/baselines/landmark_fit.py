"""Lassner et al. 2017, "Unite the people": SMPLify's fit with 91 landmarks in place of LSP's joints.

The camera stage, the four stages and their terms are those of `fitting.smplify`; the data term looks at `landmarks`.

Assumed: every landmark weighs 1, as LSP's joints do, and constants stay as they are, so that 91 landmarks outweigh the
priors as they did in theirs; the camera is found from the 12 joints among the landmarks. The silhouette term of their
improved fit is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...body import CANONICAL_JOINTS, BodyModel
from ...fitting import FitConfig, GaussianMixture, camera_stage, load_pose_prior
from ...fitting.energy import NUM_PARAMS
from ...fitting.schedules import run_stage, sanitised, stage_terms
from ...fitting.terms import KeypointTerm
from ...fitting.terms.interpenetration import interpenetration_term
from ...observations.people import Observations
from ..answers import Answer, answer_of
from .landmarks import LIMB_JOINTS, LandmarkObservations, landmark_names, landmarks_of, without_landmarks


@dataclass(frozen=True, kw_only=True)
class LandmarkFit:
    """The method. The pose prior is what is learned; ``train`` takes the one that was fitted to training subjects."""

    prior: GaussianMixture
    config: FitConfig = FitConfig()
    name: str = "Lassner 2017, fit, 91 landmarks"

    @staticmethod
    def train(body: BodyModel, *, config: FitConfig | None = None, seed: int = 0) -> LandmarkFit:
        """Nothing random is drawn: ``seed`` is here because every baseline takes one."""
        return LandmarkFit(prior=load_pose_prior(), config=config or FitConfig())

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Bodies; see `Answer`.

        Raises:
            ValueError: the observations have no landmarks.
        """
        with torch.no_grad():
            return answer_of(self._fitted(landmarks_of(observations), body), body)

    def _fitted(self, seen: LandmarkObservations, body: BodyModel) -> Tensor:
        """(B, 85) after all stages."""
        config, like = self.config, body.v_template
        prior = self.prior.to(like.device, like.dtype)
        start = torch.zeros(len(seen), NUM_PARAMS).to(like)
        observations, start, whole = sanitised(_joints_as_keypoints(seen).to(like.device, like.dtype), start)
        placed = camera_stage.place(body, observations, start, config.camera, reference_height=config.reference_height)
        landmarks, confidence = seen.landmarks.to(like), seen.landmark_confidence.to(like)
        sane = torch.isfinite(landmarks).all(-1) & torch.isfinite(confidence) & whole[:, None]
        data = KeypointTerm(
            landmark_names(body),
            landmarks.nan_to_num(0.0, 0.0, 0.0),
            torch.where(sane, confidence, 0.0),
            observations.intrinsics,
            zoom=placed.zoom,
            sigma=config.sigma,
        )
        params = depths = camera_stage.apply(start, placed.params[:, 0])
        rows = torch.arange(len(start), device=start.device)
        for number, stage in enumerate(config.stages):
            terms = stage_terms(stage, prior, data, depths, start, config)
            if config.interpenetration > 0 and number >= config.interpenetration_from:
                terms.append(interpenetration_term(body, config.interpenetration))
            held = number < config.camera_moves_from
            params = run_stage(body, terms, params, rows, stage, config, hold_camera=held).params
        return params


def _joints_as_keypoints(seen: LandmarkObservations) -> Observations:
    """The joints among the landmarks, as keypoints, and nothing else."""
    index = [CANONICAL_JOINTS.index(name) for name in LIMB_JOINTS]
    keypoints, confidence = torch.zeros_like(seen.keypoints), torch.zeros_like(seen.confidence)
    keypoints[:, index] = seen.landmarks[:, : len(index)]
    confidence[:, index] = seen.landmark_confidence[:, : len(index)]
    return replace(without_landmarks(seen), keypoints=keypoints, confidence=confidence)
