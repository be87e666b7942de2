"""Observations of people: keypoints, masks, images."""

from typing import TYPE_CHECKING

from ..deprecation import renamed_names
from .batching import observe
from .checks import sanitise, sanitise_all, size_problem, too_little
from .conventions import CONVENTIONS, KeypointSet, convention_name, from_canonical, to_canonical
from .files import FORMATS, known_formats, read_people, register_format, write_people
from .formats.format import Content, Format
from .images import ImageFileError, image_size, read_image, write_image
from .masks import StoredMask, decode_segmentation, find_mask, mask_box, read_mask
from .matching import Matched, list_images, match_people
from .people import Observations, PeopleFile, Person
from .reading import KeypointFileError

__all__ = [
    "CONVENTIONS",
    "FORMATS",
    "Content",
    "Format",
    "ImageFileError",
    "KeypointFileError",
    "KeypointSet",
    "Matched",
    "Observations",
    "PeopleFile",
    "Person",
    "StoredMask",
    "convention_name",
    "decode_segmentation",
    "find_mask",
    "from_canonical",
    "image_size",
    "known_formats",
    "list_images",
    "mask_box",
    "match_people",
    "observe",
    "read_image",
    "read_mask",
    "read_people",
    "register_format",
    "sanitise",
    "sanitise_all",
    "size_problem",
    "to_canonical",
    "too_little",
    "write_image",
    "write_people",
]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(__name__, Keypoints="KeypointSet")
