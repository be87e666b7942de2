"""The detector's networks: BlazePose (detection and landmarks) and MoveNet Thunder, each with its weights."""

from .movenet import MoveNet
from .pose_detection import PoseDetection
from .pose_landmarks import PoseLandmarks
from .weights import load_network

__all__ = ["MoveNet", "PoseDetection", "PoseLandmarks", "load_network"]
