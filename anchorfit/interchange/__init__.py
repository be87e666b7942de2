"""Estimates in the file formats of other programs."""

from .keypoint_files import coco_results, openpose_people, write_coco_results, write_openpose
from .rerun_file import write_rerun
from .spin import spin_arrays, write_spin

__all__ = [
    "coco_results",
    "openpose_people",
    "spin_arrays",
    "write_coco_results",
    "write_openpose",
    "write_rerun",
    "write_spin",
]
