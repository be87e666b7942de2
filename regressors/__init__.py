"""Learned predictors of body pose and shape."""

from .human2d import Human2D, Human2DConfig
from .pose_prior import PosePrior, PosePriorConfig
from .prediction import Prediction, Priors, load_priors, predict
from .shape_prior import ShapePrior, ShapePriorConfig
from .weights import load_human2d_network, load_pose_prior_network, load_shape_prior_network, save_prior

__all__ = [
    "Human2D",
    "Human2DConfig",
    "PosePrior",
    "PosePriorConfig",
    "Prediction",
    "Priors",
    "ShapePrior",
    "ShapePriorConfig",
    "load_human2d_network",
    "load_pose_prior_network",
    "load_priors",
    "load_shape_prior_network",
    "predict",
    "save_prior",
]
