"""Training data made on the fly: people in library poses before random cameras, as a detector would see them."""

from typing import TYPE_CHECKING

from ...deprecation import renamed_names
from .cameras import camera_rotations
from .detector import Detections, DetectorNoise, detector_hips, simulate_detections
from .people import Synthesis, Synthesizer, SyntheticMasks, SyntheticPeople
from .poses import PoseSource, PoseVariation, shipped_poses
from .silhouettes import CROP_SCALE, MASK_SIZE, MaskNoise

__all__ = [
    "CROP_SCALE",
    "MASK_SIZE",
    "Detections",
    "DetectorNoise",
    "MaskNoise",
    "PoseSource",
    "PoseVariation",
    "Synthesis",
    "Synthesizer",
    "SyntheticMasks",
    "SyntheticPeople",
    "camera_rotations",
    "detector_hips",
    "shipped_poses",
    "simulate_detections",
]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(__name__, Detector="DetectorNoise", detect="simulate_detections")
