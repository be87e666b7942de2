"""Learned predictors of body pose and shape."""

from typing import TYPE_CHECKING

from ..deprecation import renamed_names
from .balance import Lean
from .gravity import common_gravity
from .human2d import Human2D, Human2DConfig
from .pose_prior import PosePrior, PosePriorConfig
from .prediction import Networks, PosedPeople, Prediction, load_networks, pose_people, predict_lean, predict_params
from .shape_prior import ShapePrior, ShapePriorConfig
from .trunks import TrunkLean
from .weights import load_human2d_network, load_pose_prior_network, load_shape_prior_network, save_network

__all__ = [
    "Human2D",
    "Human2DConfig",
    "Lean",
    "Networks",
    "PosePrior",
    "PosePriorConfig",
    "PosedPeople",
    "Prediction",
    "ShapePrior",
    "ShapePriorConfig",
    "TrunkLean",
    "common_gravity",
    "load_human2d_network",
    "load_networks",
    "load_pose_prior_network",
    "load_shape_prior_network",
    "pose_people",
    "predict_lean",
    "predict_params",
    "save_network",
]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(
        __name__, Priors="Networks", load_priors="load_networks", predict="predict_params", save_prior="save_network"
    )
