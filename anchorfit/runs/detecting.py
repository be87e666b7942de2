"""Detection of people in pictures and videos, part by part, perhaps in other processes; detections are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..observations import PeopleFile, Person
from ..observations.matching import image_labels
from ..observations.scenes import Scenes
from ..observations.videos import FrameReader, Video, frame_times, probe_video
from ..options import OptionError, check_choice
from .engines import Engine, in_this_process
from .fingerprint import fingerprint
from .listening import Listener
from .sightings import Sightings

if TYPE_CHECKING:
    from ..detectors import Detector, Search

AT_ONCE = 16  # pictures that a worker looks through before it says what it found
MOST_LINES = 20  # about who is in which picture


BOXES = "boxes"
"""The detector that looks where a keypoint file says somebody is."""


class Detection(NamedTuple):
    """Choice of the detector, as for `anchorfit.detect`, and the device of Human2D's network."""

    detector: str = "auto"
    model: Path | None = None
    thorough: bool = False
    flip: bool = False
    device: str = "cpu"

    def check(self) -> None:
        """Look, without loading it, whether there is such a detector, and whether it takes these options.

        Raises:
            OptionError: there is none, or it does not.
            ImportError: it is not installed.
        """
        from ..detectors import chosen_detector, known_detectors

        check_choice("detector", self.detector, ("auto", *known_detectors()))
        try:
            chosen_detector(self.detector, self.model, flip=self.flip)
        except ValueError as error:
            raise OptionError("detector", str(error)) from error

    def settings(self) -> list[object]:
        """As a run's settings."""
        return [self.detector, fingerprint(self.model), self.thorough, self.flip]


class ImageOrFrame(NamedTuple):
    """A picture to look at: a file, or a frame of a video."""

    path: Path
    frame: int | None = None

    def __str__(self) -> str:
        return str(self.path.absolute()) + ("" if self.frame is None else f"#{self.frame}")


class InVideo(NamedTuple):
    """People found in a video, and of each the frame's number."""

    found: PeopleFile
    frames: list[int]


def detect_people(
    paths: Sequence[Path],
    detection: Detection,
    *,
    masks: bool,
    engine: Engine = in_this_process,
    sightings: Sightings | None = None,
    listener: Listener = Listener(),
) -> PeopleFile:
    """The people that a detector finds in images; says which detector it is.

    Args:
        engine: where the looking is done.
        sightings: what was found in an earlier session; what is found now is added.
        listener: told who is seen.
    """
    files = _detect_in([ImageOrFrame(path) for path in paths], detection, masks, engine, sightings, listener)
    labels = image_labels(paths)  # of all: namesakes may be in different parts
    _say_who_is_seen([labels[path] for path in paths], files, listener)
    people = [
        replace(person, image=path, image_label=labels[path])
        for path, file in zip(paths, files, strict=True)
        for person in file.people
    ]
    return PeopleFile(tuple(people), tuple(line for file in files for line in file.problems))


def _say_who_is_seen(names: Sequence[str], files: Sequence[PeopleFile], listener: Listener) -> None:
    """A line a picture, or where there are many, one about all."""
    from ..detectors.remarks import is_cut_off, is_small, remarks

    if len(files) <= MOST_LINES:
        lines = [f"{name}: {remarks(file.people)}" for name, file in zip(names, files, strict=True) if file.people]
    else:
        people = [person for file in files for person in file.people]
        cut, small = sum(map(is_cut_off, people)), sum(map(is_small, people))
        lines = [f"{len(people)} people in {len(files)} pictures; {cut} are cut off by the border, {small} are small"]
    for line in lines:
        listener.say(line)


def people_in_boxes(
    people: Sequence[Person], detection: Detection, *, masks: bool, listener: Listener = Listener()
) -> PeopleFile:
    """People of a keypoint file, seen anew in their boxes; says by what."""
    from ..detectors import Search, load_embedded_detector, see_in_boxes

    detector = load_embedded_detector(Search(masks=masks), detection.device)
    listener.say(f"People are seen in their boxes with {detector.name}.")
    return see_in_boxes(people, detector)


def detect_in_video(
    video: Video,
    scenes: Scenes,
    detection: Detection,
    *,
    masks: bool,
    engine: Engine = in_this_process,
    sightings: Sightings | None = None,
    listener: Listener = Listener(),
) -> InVideo:
    """As `detect_people`, for the frames of a video."""
    pictures = [ImageOrFrame(video.path, number) for number in range(len(scenes.times_s))]
    files = _detect_in(pictures, detection, masks, engine, sightings, listener)
    people = tuple(person for file in files for person in file.people)
    empty = sum(not file.people for file in files)
    lines = (f"{video.path}: nobody is found in {empty} of {len(files)} frames",) if empty else ()
    return InVideo(PeopleFile(people, lines), [number for number, file in enumerate(files) for _ in file.people])


def people_of_film(
    path: Path,
    detection: Detection,
    *,
    engine: Engine = in_this_process,
    sightings: Sightings | None = None,
    listener: Listener = Listener(),
) -> PeopleFile:
    """The people that a detector finds in a film, frame by frame, whose images are called FILM/NUMBER.

    Args:
        path: of the film.
        detection, engine, sightings, listener: as for `detect_people`.
    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    video = probe_video(path)
    scenes = Scenes(frame_times(path), ())
    found, frames = detect_in_video(
        video, scenes, detection, masks=False, engine=engine, sightings=sightings, listener=listener
    )
    people = tuple(
        replace(person, image=Path(f"{path.name}/{number:06d}"), image_size=video.size)
        for person, number in zip(found.people, frames, strict=True)
    )
    return PeopleFile(people, found.problems)


def _detect_in(
    pictures: Sequence[ImageOrFrame],
    detection: Detection,
    masks: bool,
    engine: Engine,
    sightings: Sightings | None,
    listener: Listener,
) -> list[PeopleFile]:
    from ..detectors import Search

    finder = _Finder(detection, Search.thorough(masks=masks) if detection.thorough else Search(masks=masks))
    detector = finder.load()
    listener.say(f"People are looked for with {detector.name}.")

    def key(picture: ImageOrFrame) -> str:
        """What another detector saw, perhaps before this one was mended, is not taken for this one's."""
        return f"{picture} {detector.name}"

    known = {} if sightings is None else {picture: sightings.get(key(picture)) for picture in pictures}
    found = {picture: file for picture, file in known.items() if file is not None}
    if found:
        listener.warn(f"{len(found)} of {len(pictures)} pictures were looked at in an earlier session")
    left = [picture for picture in pictures if picture not in found]
    parts = [left[start : start + AT_ONCE] for start in range(0, len(left), AT_ONCE)]
    with listener.phase("detecting in pictures", len(pictures), before=len(found)) as advance:
        advance(len(found))
        for part, files in zip(parts, engine(finder, parts), strict=True):
            if sightings is not None:
                sightings.add([(key(picture), file) for picture, file in zip(part, files, strict=True)])
            found |= zip(part, files, strict=True)
            advance(len(part))
    return [found[picture] for picture in pictures]


class _Finder:
    """Finds the people of some pictures. The detector itself and open videos stay in their process."""

    def __init__(self, detection: Detection, search: Search) -> None:
        self._detection, self._search = detection, search
        self._loaded: dict[str, Detector] = {}
        self._reader: tuple[Path, FrameReader] | None = None

    def load(self, device: str = "cpu") -> Detector:
        """On the CPU unless a device is named: who only asks for its name may have no other."""
        if device not in self._loaded:
            self._loaded[device] = _load(self._detection, self._search, device)
        return self._loaded[device]

    def __call__(self, pictures: Sequence[ImageOrFrame]) -> list[PeopleFile]:
        from ..detectors import detect

        detector = self.load(_at_hand(self._detection.device))
        return [
            detect(picture.path, detector)
            if picture.frame is None
            else PeopleFile(tuple(self._in_frame(picture.path, picture.frame, detector)))
            for picture in pictures
        ]

    def _in_frame(self, path: Path, number: int, detector: Detector) -> list[Person]:
        if self._reader is None or self._reader[0] != path:
            self._reader = path, FrameReader(path)
        frame = self._reader[1].frame(number)
        return [] if frame is None else list(detector.people(frame))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_loaded": {}, "_reader": None}


def _at_hand(device: str) -> str:
    """The device, or the CPU where a worker was given no GPU."""
    if device == "cpu":
        return device
    import torch

    return device if torch.cuda.is_available() else "cpu"


def _load(detection: Detection, search: Search, device: str) -> Detector:
    from ..detectors import load_detector

    detection.check()
    return load_detector(detection.detector, model=detection.model, search=search, flip=detection.flip, device=device)
