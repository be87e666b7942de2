"""Estimates in the file formats of other programs."""

from .amass import amass_arrays, write_amass
from .keypoint_files import coco_results, openpose_people, write_coco_results, write_openpose
from .rerun_file import write_rerun
from .smplx_body import smplx_arrays, write_smplx
from .spin import spin_arrays, write_spin
from .spreadsheet import spreadsheet_rows, write_spreadsheet

__all__ = [
    "amass_arrays",
    "coco_results",
    "openpose_people",
    "smplx_arrays",
    "spin_arrays",
    "spreadsheet_rows",
    "write_amass",
    "write_coco_results",
    "write_openpose",
    "write_rerun",
    "write_smplx",
    "write_spin",
    "write_spreadsheet",
]
