"""The SMPL-format body model."""

from ..options import AGES, GENDERS
from .description import BodyDescription, describe, mesh_volume
from .exporting import body_arrays, write_body
from .floor import Floor, Floors, parse_floor
from .joint_sets import CANONICAL_JOINTS, LANDMARKS, SMPL_JOINTS, SMPL_PARENTS
from .kinematics import PointSet, compile_points
from .loading import body_from_arrays, chosen_body, load_body
from .measurements import Measurements, assumed_size, measure
from .model import BodyModel, BodyOutput
from .module import BodyModule
from .parameters import Layout, Parameters
from .parts import SEGMENTS, SIX_PARTS
from .rotations import (
    axis_angle_to_matrix,
    axis_angle_to_matrix_with_derivative,
    left_jacobian,
    matrix_to_axis_angle,
    mirror_pose,
    right_jacobian,
    rotation_from_6d,
    wrap_axis_angle,
)
from .standing import Gravity

__all__ = [
    "AGES",
    "CANONICAL_JOINTS",
    "GENDERS",
    "LANDMARKS",
    "SEGMENTS",
    "SIX_PARTS",
    "SMPL_JOINTS",
    "SMPL_PARENTS",
    "BodyDescription",
    "BodyModel",
    "BodyModule",
    "BodyOutput",
    "Floor",
    "Floors",
    "Gravity",
    "Layout",
    "Measurements",
    "Parameters",
    "PointSet",
    "assumed_size",
    "axis_angle_to_matrix",
    "axis_angle_to_matrix_with_derivative",
    "body_arrays",
    "body_from_arrays",
    "chosen_body",
    "compile_points",
    "describe",
    "left_jacobian",
    "load_body",
    "matrix_to_axis_angle",
    "measure",
    "mesh_volume",
    "mirror_pose",
    "parse_floor",
    "right_jacobian",
    "rotation_from_6d",
    "wrap_axis_angle",
    "write_body",
]
