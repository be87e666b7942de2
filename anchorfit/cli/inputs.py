"""The people that a command is about, from a keypoint file or a detector, with the masks that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import typer

from ..jobs import Engine, Sightings, in_this_process
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
from ..observations.images import looks_like_image
from ..observations.scenes import scan_video
from ..observations.videos import LONGEST_GAP_S, is_video_path, probe_video
from .console import warn
from .detection import BOXES, Detection, detect_in_video, detect_people, people_in_boxes
from .fingerprint import fingerprint
from .options import DEFAULT_SAVE, DEFAULT_SAVE_OF_FILE, DEFAULT_SAVE_OF_VIDEO

FROM_KEYPOINT_FILE, FROM_DETECTOR = "file", "detected"


class NobodyThere(ValueError):
    """Everything was looked at, and there is no person; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Source of a command's people.

    Attributes:
        images: images and folders of them; or one video; or, without ``keypoints``, one keypoint file, all of whose
            people are meant.
        keypoints: the keypoint file; without one, people are detected.
        convention: of its keypoints, where it does not say.
        mask: as `with_masks` takes it.
        detection: what looks for people without keypoints.
        longest_gap_s, most_people: of a video, as `track_people` takes them.
    """

    images: Sequence[Path]
    keypoints: Path | None = None
    convention: str | None = None
    mask: str | None = None
    detection: Detection = Detection()
    longest_gap_s: float = LONGEST_GAP_S
    most_people: int | None = None

    @property
    def video(self) -> Path | None:
        """The video, where that is what people are seen in."""
        return self.images[0] if len(self.images) == 1 and is_video_path(self.images[0]) else None

    @property
    def file(self) -> Path | None:
        """The file that people come from: ``keypoints``, else the only argument where that is no image, no video and no
        folder; None where people are to be detected."""
        first = self.images[0]
        alone = len(self.images) == 1 and not (first.is_dir() or looks_like_image(first) or is_video_path(first))
        return first if self.keypoints is None and alone else self.keypoints

    @property
    def usual_kinds(self) -> str:
        """Kinds of file that are written by default."""
        if self.video:
            return DEFAULT_SAVE_OF_VIDEO
        return DEFAULT_SAVE_OF_FILE if self.keypoints is None and self.file else DEFAULT_SAVE

    def settings(self) -> dict[str, object]:
        """As a run's settings: an unfinished run goes on only where they are the same."""
        alone = self.keypoints is None and self.file is not None
        video = [self.longest_gap_s, self.most_people] if self.video else None
        return {
            "keypoints": fingerprint(self.file),
            "convention": self.convention,
            "images": None if alone else [str(path.absolute()) for path in self.images],
            "mask": self.mask,
            "detector": None if self.file and self.detection.detector != BOXES else self.detection.settings(),
            "video": video,
        }

    def check(self) -> None:
        """Raises typer.BadParameter for options that contradict each other."""
        if self.file is None and self.mask == FROM_KEYPOINT_FILE:
            raise typer.BadParameter("there is no keypoint file: 'detected' takes the detector's", param_hint="--mask")
        boxes = self.detection.detector == BOXES
        if boxes and (self.file is None or self.video is not None):
            raise typer.BadParameter(
                "boxes are those of a keypoint file of photographs: give one", param_hint="--detector"
            )
        if self.file is not None and not boxes and self.mask == FROM_DETECTOR:
            raise typer.BadParameter(
                "with --keypoints nothing is detected: 'file' takes the file's", param_hint="--mask"
            )
        if self.file is not None and self.detection._replace(device="cpu") != Detection(BOXES if boxes else "auto"):
            raise typer.BadParameter(
                "a detector is for images without --keypoints: leave one out", param_hint="--detector"
            )

    def gather(self, engine: Engine = in_this_process, sightings: Sightings | None = None) -> list[Person]:
        """The people to work on; one line of warning for everything that could not be read or matched.

        Args:
            engine: where people are detected.
            sightings: what was detected in an earlier session.
        Raises:
            NobodyThere: no person is seen.
            ImportError, OSError, ValueError: the keypoint file, the video or the detector cannot be used.
        """
        found = self._video_people(engine, sightings) if self.video else self._image_people(engine, sightings)
        masked = with_masks(found.people, self.mask)
        for line in [*found.problems, *masked.problems]:
            warn(line)
        if not masked.people:
            raise NobodyThere(self._nobody(whole=self.keypoints is None or not found.people))
        return masked.people

    def _image_people(self, engine: Engine, sightings: Sightings | None) -> PeopleFile:
        if self.file is None:
            paths = list_images(self.images)
            return detect_people(
                paths, self.detection, masks=self.mask == FROM_DETECTOR, engine=engine, sightings=sightings
            )
        read = read_people(self.file, convention=self.convention)
        if self.keypoints is None:
            matched = _own_images(read.people, self.file)
        else:
            matched = match_people(read.people, list_images(self.images), self.file)
        problems = (*read.problems, *matched.problems)
        if self.detection.detector != BOXES:
            return PeopleFile(tuple(matched.people), problems)
        seen = people_in_boxes(matched.people, self.detection, masks=self.mask == FROM_DETECTOR)
        return PeopleFile(seen.people, (*problems, *seen.problems))

    def _video_people(self, engine: Engine, sightings: Sightings | None) -> PeopleFile:
        """The people of the video, one after the other, each through all frames."""
        from ..observations.tracking import track_people  # here, since scipy.optimize takes its time

        video, scenes = probe_video(self.images[0]), scan_video(self.images[0])
        if self.file is None:
            masks = self.mask == FROM_DETECTOR
            found, frames = detect_in_video(
                video, scenes, self.detection, masks=masks, engine=engine, sightings=sightings
            )
        else:
            found, frames = read_people(self.file, convention=self.convention), None
        tracked = track_people(
            found.people, video, frames=frames, scenes=scenes, longest_gap_s=self.longest_gap_s, most=self.most_people
        )
        people = tuple(person for track in tracked.tracks for person in track.people)
        return PeopleFile(people, (*found.problems, *tracked.problems))

    def _nobody(self, *, whole: bool) -> str:
        given = str(self.images[0]) if len(self.images) == 1 else f"any of the {len(self.images)} images"
        if self.file is None:
            return f"no person found in {self.video or given}"
        return f"{self.file}: no person " + ("in it" if whole else f"for {given}")


def _own_images(people: Sequence[Person], keypoints: Path) -> Matched:
    """The people with the images that the keypoint file names, where they lie beside it; others go without."""
    beside = {person.image: keypoints.parent / person.image for person in people if person.image is not None}
    if not beside:
        return match_people(people, [], keypoints)
    matched = match_people(people, list(beside.values()), keypoints)
    there = {path for path in beside.values() if path.is_file()}
    everyone = [person if person.image in there else replace(person, image=None) for person in matched.people]
    return Matched(everyone, matched.problems)


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
