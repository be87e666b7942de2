"""The lines of the energy, one file each: a frozen spec, and the term that it builds."""

from typing import TYPE_CHECKING

from ...deprecation import renamed_names
from .anchor import Anchor, AnchorTerm
from .autograd import AutogradTerm
from .balance import Balance, BalanceTerm
from .floor import FloorTerm, OnFloor
from .hinge import Hinge, HingeTerm
from .interpenetration import Interpenetration, InterpenetrationTerm
from .joint_anchor import JointAnchor
from .keypoints import Keypoints, KeypointTerm
from .known_size import KnownSize, KnownSizeTerm, known_size
from .limb_directions import LimbDirections, LimbDirectionTerm
from .mixture import Mixture, MixtureTerm
from .placed_points import PlacedPointTerm
from .points import Points, PointTerm
from .robust import Robust
from .shape import Shape, ShapeTerm
from .shared_shape import SharedShape, SharedShapeTerm
from .silhouette import Silhouette, SilhouetteTerm
from .smoothness import Smoothness, SmoothnessTerm
from .spec import TermSpec
from .translation import Depth, TranslationTerm
from .upright import Upright, UprightTerm
from .views import InView, SeenFrom, View, Views, ViewTerm
from .weighed_anchor import WeighedAnchor, WeighedAnchorTerm

__all__ = [
    "Anchor",
    "AnchorTerm",
    "AutogradTerm",
    "Balance",
    "BalanceTerm",
    "Depth",
    "FloorTerm",
    "Hinge",
    "HingeTerm",
    "InView",
    "Interpenetration",
    "InterpenetrationTerm",
    "JointAnchor",
    "KeypointTerm",
    "Keypoints",
    "KnownSize",
    "KnownSizeTerm",
    "LimbDirectionTerm",
    "LimbDirections",
    "Mixture",
    "MixtureTerm",
    "OnFloor",
    "PlacedPointTerm",
    "PointTerm",
    "Points",
    "Robust",
    "SeenFrom",
    "Shape",
    "ShapeTerm",
    "SharedShape",
    "SharedShapeTerm",
    "Silhouette",
    "SilhouetteTerm",
    "Smoothness",
    "SmoothnessTerm",
    "TermSpec",
    "TranslationTerm",
    "Upright",
    "UprightTerm",
    "View",
    "ViewTerm",
    "Views",
    "WeighedAnchor",
    "WeighedAnchorTerm",
    "known_size",
]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(__name__, PosePrior="Mixture")
