"""Bodies from other programs' files of results, with their cameras; one file a program (`formats`)."""

from .cameras import (
    CropOfImage,
    FocalRule,
    GivenCamera,
    OwnCrop,
    PaddedImage,
    Pinhole,
    Placed,
    solve_pinhole,
    unknown_camera,
)
from .format import ResultFormat, StoredResult
from .reading import ENDINGS, GROUP, read_all_results, read_results, result_formats, results_as_stored
from .record import GivenBodies, ResultFile, ResultFileError, given_bodies
from .worlds import GivenWorld, Roots, motion_between

__all__ = [
    "ENDINGS",
    "GROUP",
    "CropOfImage",
    "FocalRule",
    "GivenBodies",
    "GivenCamera",
    "GivenWorld",
    "OwnCrop",
    "PaddedImage",
    "Pinhole",
    "Placed",
    "ResultFile",
    "ResultFileError",
    "ResultFormat",
    "Roots",
    "StoredResult",
    "given_bodies",
    "motion_between",
    "read_all_results",
    "read_results",
    "result_formats",
    "results_as_stored",
    "solve_pinhole",
    "unknown_camera",
]
