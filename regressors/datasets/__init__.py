"""Annotated photographs to train Human2D on, in the layouts they are published in; users bring the files."""

from .coco import coco_people
from .crops import Augmentation, PersonCrops, crop_person
from .kept import KeptPictures, load_kept
from .lsp import lsp_people
from .mpii import mpii_people
from .photographs import AnnotatedPhotographs
from .usable import usable_people

__all__ = [
    "AnnotatedPhotographs",
    "Augmentation",
    "KeptPictures",
    "PersonCrops",
    "coco_people",
    "crop_person",
    "load_kept",
    "lsp_people",
    "mpii_people",
    "usable_people",
]
