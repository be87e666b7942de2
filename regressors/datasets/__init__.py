"""Annotated photographs to train Human2D on, in the layouts they are published in; users bring the files."""

from .coco import coco_people
from .crops import Augmentation, PersonCrops, crop_person
from .lsp import lsp_people
from .mpii import mpii_people
from .photographs import AnnotatedPhotographs

__all__ = [
    "AnnotatedPhotographs",
    "Augmentation",
    "PersonCrops",
    "coco_people",
    "crop_person",
    "lsp_people",
    "mpii_people",
]
