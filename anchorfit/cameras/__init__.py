"""Calibrated cameras: intrinsics, lens and place, their files, and points in space from several views."""

from .calibrated import CalibratedCamera
from .reading import CameraFileError, CameraRig, read_cameras

__all__ = ["CalibratedCamera", "CameraFileError", "CameraRig", "read_cameras"]
