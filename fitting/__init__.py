"""Anchored SMPLify: energy terms, batched least squares, schedules."""

from .config import SCHEDULES, FitConfig, Stage, anchored_config, only_terms, parity_config
from .config_file import ConfigFileError, read_config
from .pose_prior import GaussianMixture, load_pose_prior
from .results import FitResult
from .schedules import anchored, smplify
from .terms import TermSpec

__all__ = [
    "SCHEDULES",
    "ConfigFileError",
    "FitConfig",
    "FitResult",
    "GaussianMixture",
    "Stage",
    "TermSpec",
    "anchored",
    "anchored_config",
    "load_pose_prior",
    "only_terms",
    "parity_config",
    "read_config",
    "smplify",
]
