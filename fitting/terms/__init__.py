"""The lines of the energy, one file each."""

from .anchor import AnchorTerm
from .hinge import HingeTerm
from .interpenetration import InterpenetrationTerm
from .keypoints import KeypointTerm
from .mixture import MixtureTerm
from .shape import ShapeTerm
from .silhouette import SilhouetteTerm
from .translation import TranslationTerm
from .upright import UprightTerm

__all__ = [
    "AnchorTerm",
    "HingeTerm",
    "InterpenetrationTerm",
    "KeypointTerm",
    "MixtureTerm",
    "ShapeTerm",
    "SilhouetteTerm",
    "TranslationTerm",
    "UprightTerm",
]
