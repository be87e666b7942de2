"""Adapting the networks to a user's own annotated photographs, and saying by held-out people whether it helped."""

from .comparison import Comparison, Verdict, compare, judge
from .human2d import Human2DAdaptation, adapt_human2d
from .people import FEWEST_IMAGES, FEWEST_PEOPLE, Gathered, Split, gather, split_by_image
from .pose_prior import PoseAdaptation, adapt_pose_prior

__all__ = [
    "FEWEST_IMAGES",
    "FEWEST_PEOPLE",
    "Comparison",
    "Gathered",
    "Human2DAdaptation",
    "PoseAdaptation",
    "Split",
    "Verdict",
    "adapt_human2d",
    "adapt_pose_prior",
    "compare",
    "gather",
    "judge",
    "split_by_image",
]
