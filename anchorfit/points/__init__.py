"""From points in space (triangulated joints, depth cameras, motion capture) to bodies."""

from .conventions import POINT_CONVENTIONS, body_points, point_convention
from .fitting import PointFit, fit_points
from .frames import UNITS, PointFrame

__all__ = ["POINT_CONVENTIONS", "UNITS", "PointFit", "PointFrame", "body_points", "fit_points", "point_convention"]
