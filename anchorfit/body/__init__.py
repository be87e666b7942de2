"""The SMPL-format body model."""

from .joint_sets import CANONICAL_JOINTS, LANDMARKS, SMPL_JOINTS, SMPL_PARENTS
from .kinematics import PointSet, compile_points
from .loading import load_body
from .model import BodyModel, BodyOutput
from .rotations import (
    axis_angle_to_matrix,
    axis_angle_to_matrix_with_derivative,
    left_jacobian,
    matrix_to_axis_angle,
    mirror_pose,
    right_jacobian,
    wrap_axis_angle,
)

__all__ = [
    "CANONICAL_JOINTS",
    "LANDMARKS",
    "SMPL_JOINTS",
    "SMPL_PARENTS",
    "BodyModel",
    "BodyOutput",
    "PointSet",
    "axis_angle_to_matrix",
    "axis_angle_to_matrix_with_derivative",
    "compile_points",
    "left_jacobian",
    "load_body",
    "matrix_to_axis_angle",
    "mirror_pose",
    "right_jacobian",
    "wrap_axis_angle",
]
