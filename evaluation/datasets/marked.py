"""People of photographs whose keypoints are annotated, one by one; and what a detector saw of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...body import BodyModel
from ...observations import Person, read_people
from ..detection import match_detections
from .roots import DatasetError
from .samples import Sample


@dataclass(frozen=True)
class MarkedPeople:
    """Annotated people.

    Attributes:
        people: with their images, whose sizes are known.
        given: what methods are given of each: what was detected, or the annotated keypoints themselves.
        files: that both are read from.
        judged: canonical joints that bodies are judged by.
    """

    people: tuple[Person, ...]
    given: tuple[Person, ...]
    files: tuple[Path, ...]
    judged: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """IMAGE#PERSON."""
        return [person.name for person in self.people]

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """FOLDER/IMAGE#PERSON; the image alone where one person alone is annotated in it."""
        images = [Path(str(person.image)) for person in self.people]
        count = Counter(images)
        plain = [str(image.with_suffix("")) for image in images]
        alone = [[name] if count[image] == 1 else [] for name, image in zip(plain, images, strict=True)]
        return [
            (f"{name}#{person.person_id}", *also) for person, name, also in zip(self.people, plain, alone, strict=True)
        ]

    def sample(self, index: int, body: BodyModel) -> Sample:
        """What was seen of a person, and the marks; no camera, and nothing in space."""
        return Sample(self.given[index], marks=self.people[index])


def marked_people(
    people: Sequence[Person], file: Path, judged: tuple[str, ...], detections: Path | None = None
) -> MarkedPeople:
    """People who have annotated joints, with what was detected of them.

    Args:
        people: annotated, with images and their sizes.
        file: that they are from.
        judged: canonical joints that bodies are judged by.
        detections: a keypoint file of any format, whose people go by the image's name and in it by place; None: methods
            are given the annotated keypoints.
    Raises:
        DatasetError: no person has an annotated joint, or not one detection is of any image.
    """
    chosen = tuple(person for person in people if (person.confidence > 0).any())
    if not chosen:
        raise DatasetError(f"{file}: not one person has an annotated joint")
    if detections is None:
        return MarkedPeople(chosen, chosen, (file,), judged)
    return MarkedPeople(chosen, _detected(chosen, detections), (file, detections), judged)


def _detected(people: tuple[Person, ...], path: Path) -> tuple[Person, ...]:
    """What was detected of each: nothing where no detection of the image is like the person."""
    detected: dict[str, list[Person]] = {}
    for person in read_people(path):
        if person.image is not None:
            detected.setdefault(person.image.stem, []).append(person)
    annotated: dict[str, list[int]] = {}
    for index, person in enumerate(people):
        annotated.setdefault(Path(str(person.image)).stem, []).append(index)
    if not annotated.keys() & detected.keys():
        raise DatasetError(f"{path}: of other images ({', '.join(list(detected)[:3])} ...) than the annotated ones")
    given = [replace(one, confidence=np.zeros_like(one.confidence), mask=None) for one in people]
    for image, indices in annotated.items():
        there = detected.get(image, [])
        for index, found in zip(indices, match_detections(there, [people[i] for i in indices]), strict=True):
            if found is not None:
                one = there[found]
                given[index] = replace(people[index], keypoints=one.keypoints, confidence=one.confidence, mask=None)
    return tuple(given)
