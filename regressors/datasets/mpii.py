"""MPII Human Pose's people with the paths of their images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...observations.formats.mpii_mat import read_mpii
from ...observations.people import PeopleFile
from .usable import image_folder


def mpii_people(annotations: str | Path, images: str | Path, *, training_only: bool = True) -> PeopleFile:
    """The people with at least one annotated joint, with the paths of their images; ids count within an image.

    Args:
        annotations: the .mat file.
        images: the folder of images.
        training_only: leave out what MPII set aside for testing.
    Raises:
        FileNotFoundError: no such file, or no such folder.
        KeypointFileError: it is no MATLAB file, or holds no such struct.
    """
    folder = image_folder(images)
    file = read_mpii(annotations, training_only=training_only)
    named = (replace(person, image=folder / (person.image or "")) for person in file)
    return PeopleFile(tuple(named), file.problems)
