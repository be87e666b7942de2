"""People in pictures: detectors behind one protocol, none imported before it is asked for."""

from .detection import detect
from .protocol import Detector
from .registry import DETECTORS, INSTALL, installed_detectors, load_detector
from .search import Search

__all__ = ["DETECTORS", "INSTALL", "Detector", "Search", "detect", "installed_detectors", "load_detector"]
