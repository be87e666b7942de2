"""The overlay video of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..body import BodyModel
from ..observations.videos import frame_of, probe_video, read_frames, write_video
from ..rendering import PALETTE, overlay
from ..results import load_estimates
from .listening import Listener

OVERLAY_VIDEO = "overlay.mp4"


def write_overlay_video(folder: Path, path: Path, body: BodyModel, listener: Listener = Listener()) -> None:
    """``overlay.mp4``: the video with all bodies drawn on it, each person in its own colour.

    Args:
        folder: of a run whose index says where its people's estimates are; the film goes there, too.
        path: the video. Frames without people stay as they are.
        body: the body that the estimates were made with.
        listener: told how far it is.
    """
    video = probe_video(path)
    estimate = load_estimates([folder])
    rows: dict[int | None, list[int]] = {}
    for row, name in enumerate(estimate.names):
        rows.setdefault(frame_of(name), []).append(row)
    colors = [PALETTE[(int(name.rpartition("#")[2]) - 1) % len(PALETTE)] for name in estimate.names]

    def drawn() -> Iterator[np.ndarray]:
        with listener.phase("drawing", video.length) as advance:
            for number, frame in enumerate(read_frames(path)):
                here = rows.get(number, [])
                if here:
                    people = estimate.rows(here)
                    vertices = people.bodies(body).vertices
                    frame = overlay(
                        frame, vertices, body.faces, people.intrinsics[0], colors=[colors[row] for row in here]
                    )
                yield frame
                advance(1)

    write_video(folder / OVERLAY_VIDEO, drawn(), video.frames_per_second)
