"""The annotated people of a folder of photographs, and their split into those to learn from and those to test on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..observations import Person, list_images, match_people, read_people, sanitise, size_problem
from ..observations.images import read_image

FEWEST_JOINTS = 6  # annotated ones, of a person who is learned from or tested on
FEWEST_PEOPLE = FEWEST_IMAGES = 10
FEWEST_HELDOUT = 6  # images: an interval of fewer says nothing


class Gathered(NamedTuple):
    """The people that can be used, each with the path of an image that can be read, and a line for what cannot."""

    people: list[Person]
    problems: list[str]


class Split(NamedTuple):
    """No image is in both."""

    learned: list[Person]
    heldout: list[Person]


def gather(
    folder: Path,
    annotations: Path,
    *,
    visit: Callable[[np.ndarray, Sequence[Person]], None] = lambda image, people: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Gathered:
    """The annotated people whose images are in a folder.

    Args:
        folder: of images.
        annotations: COCO keypoint annotations, or any other keypoint file.
        visit: called with each image that could be read, (H, W, 3) uint8 RGB, and the people in it.
        progress: called with the numbers of images read, and of all.
    Raises:
        FileNotFoundError: no such folder, an empty one, or no such file.
        ValueError: the file is no keypoint file; or too few people or images are left to learn and to test.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; give the folder that the annotated images are in")
    read = read_people(annotations)
    problems = list(read.problems)
    if not read.people:
        raise ValueError(f"{annotations}: no person with keypoints in it; COCO keypoint annotations are needed")
    there = list_images([folder])
    named = {person.image.name for person in read.people if person.image is not None}
    matched = match_people(
        read.people, [image for image in there if image.name in named or image.stem in named], annotations
    )
    problems += [*matched.problems, *_missing(read.people, matched.people, folder, annotations)]
    sparse = sum((person.confidence > 0).sum() < FEWEST_JOINTS for person in matched.people)
    if sparse:
        problems.append(f"{annotations}: {sparse} people with fewer than {FEWEST_JOINTS} annotated joints are left out")
    in_image: dict[Path, list[Person]] = {}
    for person in matched.people:
        if person.image is not None and (person.confidence > 0).sum() >= FEWEST_JOINTS:
            in_image.setdefault(person.image, []).append(person)
    people: list[Person] = []
    for number, (path, theirs) in enumerate(in_image.items(), 1):
        try:
            image = read_image(path)
        except (OSError, ValueError) as error:
            problems.append(f"{error}; its {len(theirs)} people are left out")
        else:
            fitting = _fitting(theirs, (image.shape[1], image.shape[0]))
            problems += fitting.problems
            people += fitting.people
            visit(image, fitting.people)
        progress(number, len(in_image))
    _check_enough(people, annotations, problems)
    return Gathered(people, problems)


def _fitting(people: Sequence[Person], size: tuple[int, int]) -> Gathered:
    """Those who are annotated in an image of that size, without what cannot be believed of them."""
    fitting, problems = [], []
    for person in people:
        wrong = size_problem(person, size)
        if wrong is not None:
            problems.append(f"{person.name}: {wrong}; left out")
            continue
        clean = sanitise(replace(person, image_size=size))
        problems += [f"{person.name}: {change}" for change in clean.changes]
        if (clean.person.confidence > 0).sum() >= FEWEST_JOINTS:
            fitting.append(clean.person)
        else:
            problems.append(f"{person.name}: fewer than {FEWEST_JOINTS} joints are left; left out")
    return Gathered(fitting, problems)


def _missing(people: Sequence[Person], matched: Sequence[Person], folder: Path, annotations: Path) -> list[str]:
    """One line for all images that the file names and the folder lacks."""
    found = {name for person in matched if person.image for name in (person.image.name, person.image.stem)}
    lacking = list(dict.fromkeys(p.image.name for p in people if p.image and p.image.name not in found))
    if not lacking:
        return []
    shown = ", ".join(lacking[:3]) + (" ..." if len(lacking) > 3 else "")
    return [f"{folder}: {len(lacking)} images of {annotations} are not in it ({shown}); their people are left out"]


def _check_enough(people: Sequence[Person], annotations: Path, problems: Sequence[str]) -> None:
    images = len({person.image for person in people})
    if len(people) >= FEWEST_PEOPLE and images >= FEWEST_IMAGES:
        return
    first = f" ({problems[0]})" if problems else ""
    raise ValueError(
        f"{annotations}: {len(people)} people in {images} images can be used, too few to learn from some and test on "
        f"others; annotate at least {FEWEST_PEOPLE} people in {FEWEST_IMAGES} images{first}"
    )


def split_by_image(people: Sequence[Person], share: float, seed: int) -> Split:
    """Hold out the people of a share of the images, at least `FEWEST_HELDOUT`; the same images for the same seed.

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"heldout: expected a share between 0 and 1, got {share}")
    images = sorted({person.image for person in people if person.image is not None})
    count = min(max(FEWEST_HELDOUT, round(share * len(images))), len(images) - 1)
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    held = {images[index] for index in chosen}
    return Split(
        [person for person in people if person.image not in held],
        [person for person in people if person.image in held],
    )
