"""Films of estimates: a video with all bodies drawn on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from .body import BodyModel
from .looks import OverlayLook
from .observations.videos import (
    Frame,
    FrameReader,
    at_constant_rate,
    film_suffix,
    frame_of,
    frame_times,
    shown_rate,
    write_video,
)
from .pictures import draw_on
from .rendering import PALETTE
from .results import BodyEstimate

PLAYED_BY = {".webm": "browsers and video players", ".mp4": "video players (VLC, mpv), not by browsers"}
"""What plays a film, by the ending of its name."""


def draw_film(
    path: Path,
    estimate: BodyEstimate,
    video: Path,
    body: BodyModel,
    look: OverlayLook = OverlayLook(),
    progress: Callable[[int], None] = lambda done: None,
    *,
    prepare: Callable[[np.ndarray], np.ndarray] = lambda image: image,
) -> Path:
    """Write the video with the bodies on it: each person in a colour of their own, each frame at its time.

    One frame and its bodies are held at a time. Where a body is not trusted anywhere, all frames say what stripes mean.

    Args:
        path: of the film without an ending; ``.webm`` is added where OpenCV can write what browsers play, otherwise
            ``.mp4``.
        estimate: rows named as `track_people` does. Frames without any stay as they are.
        video: where they were seen.
        body: the body that they were made with.
        look: how they are drawn.
        progress: called with the number of frames drawn since the last call.
        prepare: what is drawn on, from a frame, (H, W, 3) uint8 each.
    Returns:
        The film's path; `PLAYED_BY` says what plays it.
    Raises:
        FileNotFoundError, ImageFileError: the video cannot be read.
        OSError: the film cannot be written, or the disk is full.
    """
    rows: dict[int | None, list[int]] = {}
    for row, name in enumerate(estimate.names):
        rows.setdefault(frame_of(name), []).append(row)
    numbers = [int(name.rpartition("#")[2]) for name in estimate.names]
    colors = torch.tensor(PALETTE)[[(number - 1) % len(PALETTE) for number in numbers]]
    legend = not bool(estimate.diagnostics.trusted.all())

    def drawn(reader: FrameReader) -> Iterator[Frame]:
        for frame in reader:
            here = rows.get(frame.number, [])
            image = draw_on(prepare(frame.image), estimate.rows(here), body, look, colors=colors[here], legend=legend)
            yield frame._replace(image=image)
            progress(1)

    film = path.with_name(path.name + film_suffix())
    with FrameReader(video) as reader:
        rate = shown_rate(frame_times(video), reader.video.frames_per_second)
        write_video(film, at_constant_rate(drawn(reader), rate), rate)
    return film
