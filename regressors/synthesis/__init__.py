"""Training data made on the fly: people in library poses before random cameras, as a detector would see them."""

from .cameras import camera_rotations
from .detector import Detections, Detector, detect, detector_hips
from .people import Synthesis, Synthesizer, SyntheticMasks, SyntheticPeople
from .poses import PoseSource, PoseVariation
from .silhouettes import CROP_SCALE, MASK_SIZE, MaskNoise

__all__ = [
    "CROP_SCALE",
    "MASK_SIZE",
    "Detections",
    "Detector",
    "MaskNoise",
    "PoseSource",
    "PoseVariation",
    "Synthesis",
    "Synthesizer",
    "SyntheticMasks",
    "SyntheticPeople",
    "camera_rotations",
    "detect",
    "detector_hips",
]
