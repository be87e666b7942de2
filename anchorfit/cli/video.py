"""A video's part of ``anchorfit fit``: whom to fit, and the overlay video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..body import BodyModel
from ..observations import Person, read_people
from ..observations.videos import Video, probe_video, read_frames, track_people, write_video
from ..rendering import overlay
from ..results import BodyEstimate
from .console import progress_bar, warn


def gather_video(path: Path, keypoints: Path, convention: str | None) -> tuple[Video, list[Person]]:
    """The video, and the person who is seen longest in it, frame by frame; others are said and left out.

    Raises:
        OSError, ValueError: the video or the keypoints cannot be used.
    """
    video = probe_video(path)
    found = read_people(keypoints, convention=convention)
    for line in found.problems:
        warn(line)
    tracks = track_people([person for person in found.people if (person.confidence > 0).any()], video)
    if not tracks:
        raise ValueError(f"{keypoints}: no person in it")
    if len(tracks) > 1:
        longest = len(tracks[0].frames)
        warn(f"{path}: {len(tracks)} people were told apart; the one seen longest is fitted, {longest} frames")
    return video, tracks[0].people


def write_overlay_video(path: Path, video: Video, estimate: BodyEstimate, body: BodyModel) -> None:
    """The video with the body drawn on it; frames without one stay as they are.

    Args:
        path: where to, .mp4.
        video: whose frames the estimate's names end in: ``VIDEO#FRAME``.
        estimate: a row a frame.
        body: the body it was made with.
    """
    rows = {int(name.rpartition("#")[2]): row for row, name in enumerate(estimate.names)}

    def drawn() -> Iterator[np.ndarray]:
        with progress_bar("drawing", video.length) as (bar, task):
            for number, frame in enumerate(read_frames(video.path)):
                if number in rows:
                    one = estimate[rows[number]]
                    frame = overlay(frame, one.bodies(body).vertices, body.faces, one.intrinsics[0])
                yield frame
                bar.advance(task)

    write_video(path, drawn(), video.frames_per_second)
