"""Tracking: the people of a video, followed from frame to frame by their keypoints."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..options import LONGEST_GAP_S
from .matching import stem_of
from .people import Person
from .scenes import Scenes
from .videos import Video, frame_name

FARTHEST_STEP = 0.5  # of the person's size: a keypoint set farther from where the person was is somebody else
SHORTEST_S = 0.25  # seconds that somebody must be seen
_PACE_FRAMES = 5  # sightings that the pace is told from
_RATHER_LATELY = 1e-4  # of the size, for each second out of sight: of two who would be there, the one seen lately
_CARRIED_S = 0.5  # seconds that a person out of sight is thought to keep the pace


class Track(NamedTuple):
    """One person through a video: frame numbers from 0, in order, and what was seen."""

    frames: list[int]
    people: list[Person]


class Tracked(NamedTuple):
    """Tracked people, in the order of appearance, and a line for each reason why others were left out."""

    tracks: list[Track]
    problems: list[str]


def track_people(
    people: Sequence[Person],
    video: Video,
    *,
    frames: Sequence[int] | None = None,
    images: Sequence[Path] = (),
    scenes: Scenes | None = None,
    longest_gap_s: float = LONGEST_GAP_S,
    most: int | None = None,
) -> Tracked:
    """Tell the people of a video apart, and name them ``VIDEO/FRAME#NUMBER``.

    From frame to frame people are paired so that the distances are least in sum. A distance is the mean over the
    joints that both have, in shares of the person's size, from where the person was or, at the same pace, would be by
    now; more than half of the size is too far. So people may cross and hide each other. After a cut all are new.

    Numbers are 1, 2, ... in the order of appearance, whatever ``most`` is. Who is seen for less than a quarter of a
    second has none and is left out, unless no person is seen longer.

    Args:
        people: of all frames, in any order; those without a seen joint are passed over.
        video: whose frames they were seen in.
        frames: of each person the frame's number from 0. None: the number at the end of its image's name, OpenPose's
            ``clip_000000000012``, ``frame_00012.jpg``; they count from 0 where 0 occurs, else from 1,
            which is said where 1 does not occur, either.
        images: names of all frames of the keypoint file, also of those without people (`PeopleFile.images`), where
            frame 0 may be.
        scenes: the frames' times, which people get as ``time_s``, and cuts; None: frames at the video's rate, no cut.
        longest_gap_s: after a longer gap a person counts as a new one.
        most: so many are kept, those seen longest; None keeps all.
    Raises:
        ValueError: a name ends in no number, or keypoints are for frames of another size.
    """
    clock = _Clock(video.frames_per_second, scenes or Scenes(np.zeros(0), ()))
    tracks: list[Track] = []
    numbers, problems = _frame_numbers(people, images, video) if frames is None else (frames, [])
    by_frame = _by_frame(people, numbers, video)
    for number, seen in by_frame.items():
        _continue(tracks, number, seen, clock, longest_gap_s)
    problems = [*problems, *([_say_cuts(video, clock.scenes.cuts)] if clock.scenes.cuts and tracks else [])]
    problems += _say_beyond(video, max(by_frame, default=0), len(clock.scenes.times_s))
    least = min(math.ceil(SHORTEST_S * clock.rate), max((len(track.frames) for track in tracks), default=0))
    long = [track for track in tracks if len(track.frames) >= least]
    if len(long) < len(tracks):
        problems.append(
            f"{video.path}: {len(tracks) - len(long)} of {len(tracks)} people left out, seen in fewer than {least} "
            f"frames ({SHORTEST_S:g} s): passers-by, or a detector's mistakes"
        )
    named = [_named(track, number, video, clock) for number, track in enumerate(long, 1)]
    by_length = sorted(named, key=lambda track: -len(track.frames))
    rest = by_length[len(named) if most is None else most :]
    if rest:
        longest = len(rest[0].frames)
        problems.append(f"{video.path}: {len(rest)} more people left out, seen in {longest} frames or fewer")
    out = {track.people[0].person_id for track in rest}
    return Tracked([track for track in named if track.people[0].person_id not in out], problems)


def _say_beyond(video: Video, last: int, count: int) -> list[str]:
    """A line where people are in frames that a video of so many, 0 where not known, has not."""
    if not count or last < count:
        return []
    return [f"{video.path}: people in frames up to {last}, but it has {count}: are the keypoints of another video?"]


def _by_frame(people: Sequence[Person], numbers: Sequence[int], video: Video) -> dict[int, list[Person]]:
    """Those with a seen joint, by frames in order."""
    found: dict[int, list[Person]] = {}
    for person, number in zip(people, numbers, strict=True):
        if person.image_size is not None and person.image_size != video.size:
            stated, actual = (f"{width} x {height}" for width, height in (person.image_size, video.size))
            raise ValueError(
                f"{person.name}: the keypoints are for frames of {stated} pixels, {video.path} has {actual}"
            )
        if (person.confidence > 0).any():
            found.setdefault(number, []).append(person)
    return {number: found[number] for number in sorted(found)}


def _frame_numbers(
    people: Sequence[Person], images: Sequence[Path], video: Video
) -> tuple[Sequence[int], Sequence[str]]:
    """The number from 0 of each person's frame, and a line where it is a guess from where the names count."""
    numbers = [_number(person.image) for person in people]
    for person, number in zip(people, numbers, strict=True):
        if number is None:
            raise ValueError(
                f"{person.name}: the name of a video's frame must end in its number, as frame_00012.jpg does"
            )
    named = {number for number in (*numbers, *map(_number, images)) if number is not None}
    least = min(named, default=0)
    first = min(least, 1)
    guess = (
        f"{video.path}: names of frames are taken to count from 1, so that {least} is frame {least - 1}; if they count "
        "from 0, name frame 0 in the keypoint file, too, without people"
    )
    sure = least <= 1 or max(named) == video.length
    return [number - first for number in numbers if number is not None], [] if sure else [guess]


def _number(image: Path | None) -> int | None:
    """The number at the end of a frame's name; None where there is none."""
    found = re.search(r"(\d+)$", "" if image is None else stem_of(image))
    return int(found.group(1)) if found else None


class _Clock(NamedTuple):
    """When frames are, and in which scene; those that the video does not have come at its rate."""

    rate: float
    scenes: Scenes

    def seconds(self, frame: int) -> float:
        times = self.scenes.times_s
        if frame < len(times):
            return float(times[frame])
        last = len(times) - 1
        return frame / self.rate if last < 0 else float(times[last]) + (frame - last) / self.rate

    def scene(self, frame: int) -> int:
        return bisect_right(self.scenes.cuts, frame)


def _say_cuts(video: Video, cuts: Sequence[int]) -> str:
    some = ", ".join(map(str, cuts[:5])) + (" ..." if len(cuts) > 5 else "")
    return f"{video.path}: {len(cuts)} camera cuts (at frames {some}); behind each, people count as new ones"


def _continue(tracks: list[Track], number: int, seen: Sequence[Person], clock: _Clock, longest_gap_s: float) -> None:
    """Add what was seen in a frame to the tracks, new ones for people without one."""
    from scipy.optimize import linear_sum_assignment  # slow to import, and only needed here

    alive = [track for track in tracks if _may_go_on(track, number, clock, longest_gap_s)]
    steps = np.array([[_step(track, person, number, clock) for person in seen] for track in alive])
    near = steps.reshape(len(alive), len(seen)) <= FARTHEST_STEP
    far = 1e3  # more than all near ones together, so that as many as can be are paired
    pairs = zip(*linear_sum_assignment(np.where(near, steps.reshape(near.shape), far)), strict=True)
    found = {int(p): alive[t] for t, p in pairs if near[t, p]}
    for place, person in enumerate(seen):
        if place not in found:
            found[place] = Track([], [])
            tracks.append(found[place])
        found[place].frames.append(number)
        found[place].people.append(person)


def _may_go_on(track: Track, number: int, clock: _Clock, longest_gap_s: float) -> bool:
    last = track.frames[-1]
    if clock.scene(last) != clock.scene(number):
        return False
    gap = clock.seconds(number) - clock.seconds(last)
    return number - last <= 1 or gap <= longest_gap_s + 1e-6


def _step(track: Track, now: Person, number: int, clock: _Clock) -> float:
    """Mean distance of common joints from where the person was or would be, over its size; infinite without any."""
    last = track.people[-1]
    both = (last.confidence > 0) & (now.confidence > 0)
    size = float(np.ptp(last.keypoints[last.confidence > 0], axis=0).max())
    if not both.any() or not size > 0:
        return math.inf
    moved = (now.keypoints - last.keypoints)[both]
    gone_s = clock.seconds(number) - clock.seconds(track.frames[-1])
    carried = _pace(track, clock) * min(gone_s, max(1 / clock.rate, _CARRIED_S))
    step = float(min(np.linalg.norm(moved - gone, axis=1).mean() for gone in (0.0, carried))) / size
    return step + _RATHER_LATELY * gone_s


def _pace(track: Track, clock: _Clock) -> np.ndarray:
    """(2,) pixels a second that the person went lately."""
    past = slice(-_PACE_FRAMES, None)
    first, last = track.people[past][0], track.people[-1]
    both = (first.confidence > 0) & (last.confidence > 0)
    took_s = clock.seconds(track.frames[-1]) - clock.seconds(track.frames[past][0])
    if not took_s or not both.any():
        return np.zeros(2)
    return np.median((last.keypoints - first.keypoints)[both], axis=0) / took_s


def _named(track: Track, number: int, video: Video, clock: _Clock) -> Track:
    people = [
        replace(
            person,
            person_id=str(number),
            image=None,
            image_label=frame_name(video.path.name, frame),
            image_size=video.size,
            time_s=clock.seconds(frame),
        )
        for frame, person in zip(track.frames, track.people, strict=True)
    ]
    return Track(track.frames, people)
