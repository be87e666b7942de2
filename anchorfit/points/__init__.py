"""From points in space (triangulated joints, depth cameras, motion capture) to bodies."""

from .conventions import POINT_CONVENTIONS, body_points, point_convention
from .fitting import PointFit, fit_points
from .frames import UNITS, PointFrame
from .recording import PointFileError, Recording, read_points

__all__ = [
    "POINT_CONVENTIONS",
    "UNITS",
    "PointFileError",
    "PointFit",
    "PointFrame",
    "Recording",
    "body_points",
    "fit_points",
    "point_convention",
    "read_points",
]
