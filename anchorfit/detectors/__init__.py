"""People in pictures: detectors behind one protocol, none imported before it is asked for."""

from .boxes import see_in_boxes
from .detection import detect
from .embedded import EmbeddedDetector, load_embedded_detector
from .mediapipe_package import INSTALL
from .protocol import FEWEST_JOINTS, Detector
from .registry import DETECTORS, Kind, Wanted, chosen_detector, installed_detectors, known_detectors, load_detector
from .search import Search

__all__ = [
    "DETECTORS",
    "FEWEST_JOINTS",
    "INSTALL",
    "Detector",
    "EmbeddedDetector",
    "Kind",
    "Search",
    "Wanted",
    "chosen_detector",
    "detect",
    "installed_detectors",
    "known_detectors",
    "load_detector",
    "load_embedded_detector",
    "see_in_boxes",
]
