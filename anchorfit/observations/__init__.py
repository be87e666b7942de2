"""What was seen: keypoints, masks, images."""

from .conventions import CONVENTIONS, Keypoints, convention_name, from_canonical, to_canonical
from .images import ImageFileError, image_size, read_image, write_image
from .masks import StoredMask, check_mask, decode_segmentation, find_mask, read_mask
from .people import Observations, PeopleFile, Person
from .reading import KeypointFileError

__all__ = [
    "CONVENTIONS",
    "ImageFileError",
    "KeypointFileError",
    "Keypoints",
    "Observations",
    "PeopleFile",
    "Person",
    "StoredMask",
    "check_mask",
    "convention_name",
    "decode_segmentation",
    "find_mask",
    "from_canonical",
    "image_size",
    "read_image",
    "read_mask",
    "to_canonical",
    "write_image",
]
