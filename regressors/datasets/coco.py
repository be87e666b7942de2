"""COCO keypoints (Lin et al. 2014): ``person_keypoints_*.json`` and a folder of images; masks come along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...observations.formats.coco import read_coco
from ...observations.people import PeopleFile
from .usable import image_folder


def coco_people(annotations: str | Path, images: str | Path, *, fewest_joints: int = 3) -> PeopleFile:
    """The people with at least so many labelled joints, with the paths of their images; and who could not be read.

    Crowds are left out. Masks, polygons or run lengths, are decoded when they are asked for.

    Raises:
        FileNotFoundError, KeypointFileError: as `observations.formats.coco.read_coco`; or there is no such folder.
    """
    read, folder = read_coco(annotations), image_folder(images)
    labelled = [person for person in read if (person.confidence > 0).sum() >= fewest_joints]
    people = tuple(replace(person, image=folder / (person.image or "")) for person in labelled)
    return PeopleFile(people, read.problems)
