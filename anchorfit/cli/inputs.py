"""The people that a command is about, from a keypoint file or a detector, with the masks that were asked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from ..jobs import Engine, in_this_process
from ..observations import (
    Matched,
    PeopleFile,
    Person,
    find_mask,
    list_images,
    match_people,
    read_mask,
    read_people,
)
from ..observations.images import is_image_path
from ..observations.matching import image_labels
from .console import out, progress_bar, warn

if TYPE_CHECKING:
    from ..observations.detectors import Detector, Search

FROM_KEYPOINT_FILE, FROM_DETECTOR = "file", "detected"
IMAGES_AT_ONCE = 16  # that a worker looks through before it says what it found


class Detection(NamedTuple):
    """What looks for people: as `anchorfit.detect` takes it."""

    detector: str = "auto"
    model: Path | None = None
    thorough: bool = False


def keypoint_file(images: Sequence[Path], keypoints: Path | None) -> Path | None:
    """The file that people come from: ``keypoints``, else the only argument where that is no image and no folder; None
    where people are to be detected."""
    if keypoints is not None or len(images) != 1 or images[0].is_dir() or is_image_path(images[0]):
        return keypoints
    return images[0]


def gather_people(
    images: Sequence[Path],
    keypoints: Path | None,
    convention: str | None,
    mask: str | None,
    detection: Detection = Detection(),
    engine: Engine = in_this_process,
) -> list[Person]:
    """The people to work on; one line of warning for everything that could not be read or matched.

    Args:
        images: images and folders of them; or, without ``keypoints``, one keypoint file, all of whose people are meant.
        keypoints: the keypoint file; without one, people are detected.
        convention: of its keypoints, where it does not say.
        mask: as `with_masks` takes it.
        engine: where people are detected.
    Raises:
        typer.BadParameter: options that contradict each other.
        ImportError, OSError, ValueError: the keypoint file or the detector cannot be used, or has nobody.
    """
    file = keypoint_file(images, keypoints)
    _check_together(file, mask, detection)
    if file is None:
        paths = list_images(images)
        found = detect_people(paths, detection, masks=mask == FROM_DETECTOR, engine=engine)
    else:
        read = read_people(file, convention=convention)
        own = keypoints is None
        matched = _own_images(read.people, file) if own else match_people(read.people, list_images(images), file)
        found = PeopleFile(tuple(matched.people), (*read.problems, *matched.problems))
    masked = with_masks(found.people, mask)
    for line in [*found.problems, *masked.problems]:
        warn(line)
    if not masked.people:
        raise ValueError(_nobody(file, whole=keypoints is None or not found.people, images=len(images)))
    return masked.people


def _nobody(file: Path | None, *, whole: bool, images: int) -> str:
    if file is None:
        return f"no person found in any of the images ({images} arguments)"
    return f"{file}: no person " + ("in it" if whole else f"for any of the images ({images} arguments)")


def _own_images(people: Sequence[Person], keypoints: Path) -> Matched:
    """The people with the images that the keypoint file names, where they lie beside it; others go without."""
    beside = {person.image: keypoints.parent / person.image for person in people if person.image is not None}
    if not beside:
        return match_people(people, [], keypoints)
    matched = match_people(people, list(beside.values()), keypoints)
    there = {path for path in beside.values() if path.is_file()}
    everyone = [person if person.image in there else replace(person, image=None) for person in matched.people]
    return Matched(everyone, matched.problems)


def detect_people(
    paths: Sequence[Path], detection: Detection, *, masks: bool, engine: Engine = in_this_process
) -> PeopleFile:
    """The people that a detector finds in images; says which detector it is."""
    from ..observations.detectors import Search

    search = Search.thorough(masks=masks) if detection.thorough else Search(masks=masks)
    finder = _Finder(detection, search)
    out.print(f"People are looked for with {finder.load().name}.", soft_wrap=True, highlight=False, markup=False)
    parts = [paths[start : start + IMAGES_AT_ONCE] for start in range(0, len(paths), IMAGES_AT_ONCE)]
    labels = image_labels(paths)  # of all: namesakes may be in different parts
    people: list[Person] = []
    problems: list[str] = []
    with progress_bar("detecting", len(paths)) as (bar, task):
        for part, found in zip(parts, engine(finder, parts), strict=True):
            people += [replace(p, image_label=labels[p.image]) if p.image else p for p in found.people]
            problems += found.problems
            bar.advance(task, len(part))
    return PeopleFile(tuple(people), tuple(problems))


class _Finder:
    """Finds people in some images. The detector itself stays in its process: others load their own."""

    def __init__(self, detection: Detection, search: Search) -> None:
        self._detection, self._search = detection, search
        self._loaded: Detector | None = None

    def load(self) -> Detector:
        from ..observations.detectors import DETECTORS, load_detector

        if self._loaded is None:
            chosen, known = self._detection, ("auto", *DETECTORS)
            if chosen.detector not in known:
                told = f"expected one of {', '.join(known)}, got {chosen.detector!r}"
                raise typer.BadParameter(told, param_hint="--detector")
            self._loaded = load_detector(chosen.detector, model=chosen.model, search=self._search)
        return self._loaded

    def __call__(self, paths: Sequence[Path]) -> PeopleFile:
        from ..observations.detectors import detect

        return detect(paths, self.load())

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_loaded": None}


def _check_together(file: Path | None, mask: str | None, detection: Detection) -> None:
    if file is None and mask == FROM_KEYPOINT_FILE:
        raise typer.BadParameter("there is no keypoint file: 'detected' takes the detector's", param_hint="--mask")
    if file is not None and mask == FROM_DETECTOR:
        raise typer.BadParameter("with --keypoints nothing is detected: 'file' takes the file's", param_hint="--mask")
    if file is not None and detection != Detection():
        raise typer.BadParameter("a detector is for images without --keypoints: leave one out", param_hint="--detector")


class Masked(NamedTuple):
    """The people, each with its mask or none, and one line for each mask that could not be used."""

    people: list[Person]
    problems: list[str]


def with_masks(people: Sequence[Person], where: str | None) -> Masked:
    """Keep the masks, or read others.

    Args:
        people: each with the path of its image.
        where: None, "file" or "detected": as the people have them; else a PNG, or a folder with one for each image
            (NAME.png, NAME_mask.png, NAME_segmentation.png). One such mask stands for one person: where several
            people are in an image, they go without.
    Raises:
        FileNotFoundError: ``where`` is neither a file nor a folder.
    """
    if where is None or where in (FROM_KEYPOINT_FILE, FROM_DETECTOR):
        return Masked(list(people), [])
    place = Path(where)
    if not place.exists():
        raise FileNotFoundError(
            f"{place}: no such mask or folder of masks; '{FROM_KEYPOINT_FILE}' takes the keypoint file's"
        )
    crowded = Counter(person.image for person in people)
    masked, problems = [], []
    for person in people:
        path = place if place.is_file() else find_mask(person.image, place) if person.image else None
        mask = None
        if path is None:
            problems.append(f"{person.name}: no mask in {place}; fitted without")
        elif crowded[person.image] > 1:
            problems.append(f"{person.name}: {path} could be anybody's of {crowded[person.image]}; fitted without")
        else:
            try:
                mask = read_mask(path)
            except (OSError, ValueError) as error:
                problems.append(f"{person.name}: {error}; fitted without")
        masked.append(replace(person, mask=mask))
    return Masked(masked, problems)


def fingerprint(path: Path | None) -> str | None:
    """What tells a file from another version of it: the SHA-256 of its content; of a folder or nothing, its name."""
    if path is None or not path.is_file():
        return None if path is None else str(path.absolute())
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def source_settings(images: Sequence[Path], keypoints: Path | None, detection: Detection) -> dict[str, object]:
    """Where people come from, as a run's settings: an unfinished run goes on only where they are the same."""
    file = keypoint_file(images, keypoints)
    return {
        "keypoints": fingerprint(file),
        "images": None if file is not None and keypoints is None else [str(path.absolute()) for path in images],
        "detector": None if file else [detection.detector, fingerprint(detection.model), detection.thorough],
    }
