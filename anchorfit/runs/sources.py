"""The people that a run is about, from a keypoint file or a detector, with the masks that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ..fit_options import InputProblem
from ..observations import (
    PeopleFile,
    Person,
    find_mask,
    list_images,
    match_people,
    read_mask,
    read_people,
)
from ..observations.conventions import convention_name
from ..observations.image_names import name_images
from ..observations.images import image_size, looks_like_image
from ..observations.matching import own_images
from ..observations.scenes import scan_video
from ..observations.videos import is_video_path, probe_video
from ..options import LONGEST_GAP_S, OptionError
from .detecting import BOXES, Detection, detect_in_video, detect_people, people_in_boxes
from .engines import Engine, in_this_process
from .fingerprint import fingerprint
from .listening import Listener
from .sightings import Sightings
from .told import MOST_REASONS, Lines

USUAL, USUAL_OF_FILE, USUAL_OF_VIDEO = "npz,glb,overlay", "shards", "shards,rigged,overlay"
"""Kinds of file by default: of photographs, of a keypoint file without images, of a video."""

WHOLE = 0.95  # of the frames that a header states: it may count a few too many

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
        image_names: COCO's annotation file that says what the images are called whose numbers the keypoint file has.
        mask: as `with_masks` takes it.
        detection: what looks for people without keypoints.
        longest_gap_s, most_people: of a video, as `track_people` takes them.
    """

    images: Sequence[Path]
    keypoints: Path | None = None
    convention: str | None = None
    image_names: Path | None = None
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
            return USUAL_OF_VIDEO
        return USUAL_OF_FILE if self.keypoints is None and self.file else USUAL

    def all_images(self) -> tuple[Path, ...]:
        """Photographs that were given, with people or without; none of a video, or of a keypoint file alone."""
        alone = self.keypoints is None and self.file is not None
        return () if alone or self.video is not None else tuple(list_images(self.images))

    def settings(self) -> dict[str, object]:
        """What decides who is found: detections are kept for the same."""
        alone = self.keypoints is None and self.file is not None
        video = [self.longest_gap_s, self.most_people] if self.video else None
        return {
            "keypoints": fingerprint(self.file),
            "convention": self.convention,
            "image_names": fingerprint(self.image_names),
            "images": None if alone else [str(path.absolute()) for path in self.images],
            "mask": fingerprint(Path(self.mask)) if self.mask and Path(self.mask).exists() else self.mask,
            "detector": None if self.file and self.detection.detector != BOXES else self.detection.settings(),
            "video": video,
        }

    def check(self) -> None:
        """Look at what can be looked at before any model is loaded.

        Raises:
            OptionError: options contradict each other.
            OSError: a file that is named is not there.
        """
        if self.file is None and self.mask == FROM_KEYPOINT_FILE:
            raise OptionError("mask", "there is no keypoint file: 'detected' takes the detector's")
        boxes = self.detection.detector == BOXES
        if boxes and (self.file is None or self.video is not None):
            raise OptionError("detector", "boxes are those of a keypoint file of photographs: give one")
        if self.file is not None and not boxes and self.mask == FROM_DETECTOR:
            raise OptionError("mask", "with --keypoints nothing is detected: 'file' takes the file's")
        if self.file is not None and self.detection._replace(device="cpu") != Detection(BOXES if boxes else "auto"):
            raise OptionError("detector", "a detector is for images without --keypoints: leave one out")
        alone = self.keypoints is None and self.file is not None
        if not alone and not any(path.exists() for path in self.images):
            raise FileNotFoundError(f"{self.images[0]}: no such image, folder or video")
        if self.mask is not None:
            _check_masks(self.mask)
        self._check_details()

    def _check_details(self) -> None:
        """Raises OptionError for what only a keypoint file or a video has, and for a detector that cannot be."""
        if self.file is None:
            self.detection.check()
        elif not self.file.exists():
            raise FileNotFoundError(f"{self.file}: no such keypoint file")
        if self.convention is not None:
            if self.file is None:
                raise OptionError("convention", "only with a keypoint file: a detector says what its joints are")
            try:
                convention_name(self.convention)
            except ValueError as error:
                raise OptionError("convention", str(error).removeprefix("convention: ")) from error
        if self.image_names is not None:
            if self.file is None or self.video is not None:
                raise OptionError("images", "only with a keypoint file of photographs, whose images it names")
            if not self.image_names.is_file():
                raise FileNotFoundError(f"{self.image_names}: no such annotation file")
        if self.most_people is not None and self.most_people < 1:
            raise OptionError("max-people", f"expected at least 1, got {self.most_people}")
        if not 0 <= self.longest_gap_s < float("inf"):
            raise OptionError("max-gap", f"expected seconds, 0 or more, got {self.longest_gap_s}")
        details = {"max-people": self.most_people is not None, "max-gap": self.longest_gap_s != LONGEST_GAP_S}
        for name, there in details.items():
            if there and self.video is None:
                raise OptionError(name, "only with a video")

    def inputs(self, people: Sequence[Person]) -> Iterator[Path]:
        """Files that are read for these people."""
        yield from (
            path for path in (self.file, self.image_names, self.video, self.detection.model) if path is not None
        )
        yield from (path for path in self.images if path.is_file())
        yield from {person.image: None for person in people if person.image is not None}
        masks = None if self.mask in (None, FROM_KEYPOINT_FILE, FROM_DETECTOR) else Path(self.mask or "")
        if masks is not None:
            yield from masks.iterdir() if masks.is_dir() else [masks]

    def gather(
        self,
        engine: Engine = in_this_process,
        sightings: Sightings | None = None,
        listener: Listener = Listener(),
    ) -> SourcePeople:
        """The people to work on, and a video's cuts; a line of warning for all that could not be read or matched.

        Args:
            engine: where people are detected.
            sightings: what was detected in an earlier session.
            listener: told of the detection.
        Raises:
            NobodyThere: no person is seen.
            ImportError, OSError, ValueError: the keypoint file, the video or the detector cannot be used.
        """
        find = self._video_people if self.video else self._image_people
        found = find(engine, sightings, listener)
        masked = with_masks(found.people, self.mask)
        for line in [*found.problems, *masked.problems]:
            listener.warn(line)
        if self.mask == FROM_KEYPOINT_FILE and masked.people and all(person.mask is None for person in masked.people):
            listener.warn(f"{self.file}: no person in it has a mask; fitted without")
        if not masked.people:
            raise NobodyThere(self._nobody(found.file))
        return SourcePeople(masked.people, found.cuts, found.file.images if found.file is not None else ())

    def _image_people(self, engine: Engine, sightings: Sightings | None, listener: Listener) -> _Found:
        if self.file is None:
            paths = list_images(self.images)
            detected = detect_people(
                paths, self.detection, masks=self.mask == FROM_DETECTOR, engine=engine, sightings=sightings,
                listener=listener,
            )  # fmt: skip
            return _Found(detected.people, detected.problems, None)
        size, unread = self._one_size()
        read = read_people(self.file, convention=self.convention, image_size=size)
        if self.image_names is not None:
            read = name_images(read, self.image_names)
        if read.problems and not read.people:
            # of whom nobody could be read: no image lacks people for that
            return _Found((), (*read.problems, *unread), read)
        if self.keypoints is None:
            matched = own_images(read.people, self.file)
        else:
            matched = match_people(read.people, list_images(self.images), self.file)
        problems = (*read.problems, *matched.problems)
        if not matched.people:
            return _Found((), problems, read)
        if self.detection.detector != BOXES:
            return _Found(tuple(matched.people), problems, read)
        seen = people_in_boxes(matched.people, self.detection, masks=self.mask == FROM_DETECTOR, listener=listener)
        return _Found(seen.people, (*problems, *seen.problems), read)

    def _one_size(self) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
        """The size of the image, where one is given; and why it cannot be told, which is said where it is read, too."""
        alone = self.keypoints is not None and len(self.images) == 1 and self.images[0].is_file()
        try:
            return image_size(self.images[0]) if alone else None, ()
        except (OSError, ValueError) as error:
            return None, (str(error),)

    def _video_people(self, engine: Engine, sightings: Sightings | None, listener: Listener) -> _Found:
        """The people of the video, one after the other, each through all frames."""
        from ..observations.tracking import track_people  # here, since scipy.optimize takes its time

        video, scenes = probe_video(self.images[0]), scan_video(self.images[0])
        if self.file is None:
            masks = self.mask == FROM_DETECTOR
            found, frames = detect_in_video(
                video, scenes, self.detection, masks=masks, engine=engine, sightings=sightings, listener=listener
            )
        else:
            found, frames = read_people(self.file, convention=self.convention, image_size=video.size), None
        tracked = track_people(
            found.people,
            video,
            frames=frames,
            images=found.images,
            scenes=scenes,
            longest_gap_s=self.longest_gap_s,
            most=self.most_people,
        )
        people = tuple(person for track in tracked.tracks for person in track.people)
        read = len(scenes.times_s)
        short = f"{video.path}: only {read} of the {video.length} frames that its header states can be read"
        lasts = scenes.times_s[-1] + 1 / video.frames_per_second if read else 0.0
        whole = max(read, lasts * video.frames_per_second)  # a film of variable rate has fewer frames than it lasts
        cut = (short,) if whole < WHOLE * video.length else ()
        return _Found(people, (*cut, *found.problems, *tracked.problems), found if self.file else None, scenes.cuts)

    def _nobody(self, read: PeopleFile | None) -> str:
        """Why there is nobody to work on, of a keypoint file that has people or not."""
        given = str(self.images[0]) if len(self.images) == 1 else f"any of the {len(self.images)} images"
        if read is None:
            return f"no person found in {self.video or given}"
        if read.people:
            return f"{self.file}: {len(read.people)} people in it, none for {given}"
        return f"{self.file}: " + (
            "nobody in it can be used, as the lines above say" if read.problems else "no person in it"
        )


class SourcePeople(NamedTuple):
    """People to work on, frames of a video that begin a new scene, and the images that a keypoint file names, also
    those without people."""

    people: list[Person]
    cuts: tuple[int, ...] = ()
    images: tuple[Path, ...] = ()


class _Found(NamedTuple):
    """People to work on, a line for each problem, the keypoint file as it was read, where there is one, and cuts."""

    people: tuple[Person, ...]
    problems: tuple[str, ...]
    file: PeopleFile | None
    cuts: tuple[int, ...] = ()


class Masked(NamedTuple):
    """The people, each with its mask or none, and a line for each kind of mask that could not be used."""

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
    place = _check_masks(where)
    crowded = Counter(person.image for person in people)
    masked, problems = [], Lines(MOST_REASONS)
    for person in people:
        path = place if place.is_file() else find_mask(person.image, place) if person.image else None
        mask = None
        if path is None:
            problems.add([InputProblem(person.name, f"no mask in {place}; fitted without")])
        elif crowded[person.image] > 1:
            crowd = crowded[person.image]
            problems.add([InputProblem(person.name, f"{path} could be anybody's of {crowd}; fitted without")])
        else:
            try:
                mask = read_mask(path)
            except (OSError, ValueError) as error:
                problems.add([InputProblem(person.name, f"{error}; fitted without")])
        masked.append(replace(person, mask=mask))
    return Masked(masked, problems.told)


def _check_masks(where: str) -> Path:
    place = Path(where)
    if where not in (FROM_KEYPOINT_FILE, FROM_DETECTOR) and not place.exists():
        raise FileNotFoundError(
            f"{place}: no such mask or folder of masks; '{FROM_KEYPOINT_FILE}' takes the keypoint file's"
        )
    return place
