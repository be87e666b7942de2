"""`detect`: pictures in, people out; one line for everything that went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..observations.images import read_image
from ..observations.matching import image_labels
from ..observations.people import PeopleFile, Person
from .protocol import Detector
from .registry import load_detector
from .search import Search


def detect(
    images: str | Path | np.ndarray | Sequence[str | Path | np.ndarray],
    detector: Detector | str = "auto",
    *,
    model: str | Path | None = None,
    thorough: bool = False,
    masks: bool = False,
    flip: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> PeopleFile:
    """Find the people in pictures; one that cannot be read costs no other.

    Args:
        images: paths, or (height, width, 3) uint8 RGB arrays; one or several.
        detector: a name, as `load_detector` takes it, or a detector that is loaded already.
        model, thorough, masks, flip: for a detector by name: its file, whether to look for small people too (40 times
            as slow), whether people get the detector's masks, and whether Human2D sees them mirrored, too.
        progress: called with the number of pictures finished since the last call.
    Returns:
        The people, those of each picture surest first, and a line for each picture without people or with too many.
    Raises:
        ImportError, FileNotFoundError, ValueError: as `load_detector`; or an array that is no such picture.
        TypeError: a user's detector does not return a `PeopleFile`.
    """
    if isinstance(images, (str, Path, np.ndarray)):
        images = [images]
    problems: list[str] = []
    if isinstance(detector, str):
        search = Search.thorough(masks=masks) if thorough else Search(masks=masks)
        detector = load_detector(detector, model=model, search=search, flip=flip)
    labels = image_labels([Path(image) for image in images if not isinstance(image, np.ndarray)])
    people: list[Person] = []
    for number, image in enumerate(images):
        path = None if isinstance(image, np.ndarray) else Path(image)
        label = f"image {number}" if path is None else labels[path]
        try:
            picture = _checked(image, label) if isinstance(image, np.ndarray) else read_image(image)
            found = detector.people(picture)
        except (OSError, ValueError) as error:
            if path is None:
                raise
            problems.append(str(error))
        else:
            if not isinstance(found, PeopleFile):
                raise TypeError(f"{detector.name}: people() has to return a PeopleFile, got {type(found).__name__}")
            people.extend(replace(person, image=path, image_label=label) for person in found)
            lines = found.problems or (() if found else (f"{detector.name} finds no person in it",))
            problems.extend(f"{path or label}: {line}" for line in lines)
        progress(1)
    return PeopleFile(tuple(people), tuple(problems))


def _checked(image: np.ndarray, label: str) -> np.ndarray:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"{label}: expected (height, width, 3) uint8 RGB, got {image.dtype} {image.shape}")
    return image
