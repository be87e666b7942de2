"""People in pictures: detectors behind one protocol, none imported before it is asked for."""

from .detection import detect
from .mediapipe_package import INSTALL
from .protocol import FEWEST_JOINTS, Detector
from .registry import DETECTORS, find_other, installed_detectors, load_detector
from .search import Search

__all__ = [
    "DETECTORS",
    "FEWEST_JOINTS",
    "INSTALL",
    "Detector",
    "Search",
    "detect",
    "find_other",
    "installed_detectors",
    "load_detector",
]
