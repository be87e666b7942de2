"""Videos by OpenCV: frames in and out, and which person of a keypoint file is seen in which frame."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .images import VIDEO_SUFFIXES, ImageFileError
from .people import Person

FARTHEST_STEP = 0.5  # of the person's size: a keypoint set farther from where the person was is somebody else
LONGEST_GAP = 15  # frames that a person may be out of sight


class Video(NamedTuple):
    """What a video says of itself; ``length`` in frames, which some files only estimate."""

    path: Path
    size: tuple[int, int]
    frames_per_second: float
    length: int


def is_video_path(path: Path) -> bool:
    """Whether the name looks like a video's."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def probe_video(path: Path) -> Video:
    """Size, rate and length of a video.

    Raises:
        FileNotFoundError: there is no such file.
        ImageFileError: it is no video that OpenCV can read.
    """
    import cv2

    with _opened(path) as capture:
        width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if width < 1 or height < 1:
        raise ImageFileError(f"{path}: no frame can be read from this video")
    return Video(path, (width, height), rate if 0 < rate < 1000 else 30.0, max(count, 0))


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """The frames one by one, (H, W, 3) uint8 RGB.

    Raises:
        FileNotFoundError, ImageFileError: as `probe_video`.
    """
    import cv2

    with _opened(path) as capture:
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def write_video(path: Path, frames: Iterable[np.ndarray], frames_per_second: float) -> None:
    """Write frames (H, W, 3) uint8 RGB of one size as MP4 (MPEG-4); all or nothing.

    Raises:
        ValueError: there is no frame.
        OSError: it cannot be written.
    """
    import cv2

    part = path.with_name(f".{uuid.uuid4().hex[:12]}.mp4")  # OpenCV chooses the container by the name's ending
    writer: Any = None
    try:
        for frame in frames:
            if writer is None:
                size = (frame.shape[1], frame.shape[0])
                writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"mp4v"), frames_per_second, size)
                if not writer.isOpened():
                    raise OSError(f"{path}: the video cannot be written; choose another folder")
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if writer is None:
            raise ValueError(f"{path}: there is no frame to write")
        writer.release()
        os.replace(part, path)
    finally:
        if writer is not None:
            writer.release()
        part.unlink(missing_ok=True)


class Track(NamedTuple):
    """One person through a video: frame numbers from 0, in order, and what was seen."""

    frames: list[int]
    people: list[Person]


def track_people(people: Sequence[Person], video: Video) -> list[Track]:
    """Who is who from frame to frame, the longest seen first.

    The number at the end of an image's name is its frame: OpenPose's ``clip_000000000012``, ``frame_00012.jpg``. They
    count from 0, unless 0 does not occur. A person is linked to the nearest set of keypoints (mean distance of the
    joints both have, half the person's size at most), the nearest pairs first.

    Raises:
        ValueError: a name ends in no number, or keypoints are for frames of another size.
    """
    by_frame: dict[int, list[Person]] = {}
    for person in people:
        if person.image_size is not None and person.image_size != video.size:
            stated, actual = (f"{width} x {height}" for width, height in (person.image_size, video.size))
            raise ValueError(
                f"{person.name}: the keypoints are for frames of {stated} pixels, {video.path} has {actual}"
            )
        by_frame.setdefault(_frame_number(person), []).append(person)
    first = 0 if 0 in by_frame else 1
    tracks: list[Track] = []
    for number in sorted(by_frame):
        seen = by_frame[number]
        open_tracks = [track for track in tracks if number - first - track.frames[-1] <= LONGEST_GAP]
        pairs = [
            (_step(track.people[-1], person), t, p)
            for t, track in enumerate(open_tracks)
            for p, person in enumerate(seen)
        ]
        taken: dict[int, int] = {}
        for step, t, p in sorted(pairs):
            if step <= FARTHEST_STEP and p not in taken and t not in taken.values():
                taken[p] = t
        for p, person in enumerate(seen):
            named = replace(
                person,
                person_id=f"{number - first:06}",
                image=None,
                image_label=video.path.name,
                image_size=video.size,
            )
            if p in taken:
                open_tracks[taken[p]].frames.append(number - first)
                open_tracks[taken[p]].people.append(named)
            else:
                tracks.append(Track([number - first], [named]))
    return sorted(tracks, key=lambda track: -len(track.frames))


def _frame_number(person: Person) -> int:
    name = person.image.stem if person.image is not None else ""
    found = re.search(r"(\d+)$", name)
    if found is None:
        raise ValueError(f"{person.name}: the name of a video's frame must end in its number, as frame_00012.jpg does")
    return int(found.group(1))


def _step(before: Person, now: Person) -> float:
    """Mean distance of common joints over the size of the person before; infinite without a common joint."""
    both = (before.confidence > 0) & (now.confidence > 0)
    seen = before.keypoints[before.confidence > 0]
    size = float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0
    if not both.any() or not size > 0:
        return np.inf
    return float(np.linalg.norm(before.keypoints[both] - now.keypoints[both], axis=1).mean()) / size


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import cv2

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such video; check the path")
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise ImageFileError(f"{path}: this is no video that can be read; convert it to MP4")
        yield capture
    finally:
        capture.release()
