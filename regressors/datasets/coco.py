"""COCO keypoints (Lin et al. 2014): ``person_keypoints_*.json`` and a folder of images; masks come along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...observations.coco import read_coco
from ...observations.people import Person


def coco_people(annotations: str | Path, images: str | Path, *, fewest_joints: int = 3) -> list[Person]:
    """The people with at least so many labelled joints, with the paths of their images.

    Crowds are left out. Masks, polygons or run lengths, are decoded when they are asked for.

    Raises:
        FileNotFoundError, KeypointFileError: as `observations.coco.read_coco`.
    """
    folder = Path(images)
    return [
        replace(person, image=folder / (person.image or ""))
        for person in read_coco(annotations)
        if (person.confidence > 0).sum() >= fewest_joints
    ]
