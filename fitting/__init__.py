"""Anchored SMPLify: energy terms, batched least squares, schedules."""

from .config import FitConfig, Stage, anchored_config, only_terms, parity_config
from .pose_prior import GaussianMixture, load_pose_prior
from .results import FitResult
from .schedules import anchored, smplify

__all__ = [
    "FitConfig",
    "FitResult",
    "GaussianMixture",
    "Stage",
    "anchored",
    "anchored_config",
    "load_pose_prior",
    "only_terms",
    "parity_config",
    "smplify",
]
