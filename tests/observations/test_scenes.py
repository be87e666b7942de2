"""Scenes: times of frames, cuts, and what is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.observations import ImageFileError, read_image
from anchorfit.observations.scenes import scan_video
from anchorfit.observations.videos import write_video

SIZE = (160, 120)


def photograph(number: int) -> np.ndarray:
    return read_image(sorted((ASSETS / "demo").glob("*.jpg"))[number])


def pan(image: np.ndarray, share: float, count: int) -> Iterator[np.ndarray]:
    """A window of a third of the picture's width that goes there and back, by a share of itself a frame."""
    width = image.shape[1] // 3
    way = image.shape[1] - width
    for frame in range(count):
        left = round(abs((frame * share * width) % (2 * way) - way))
        yield cv2.resize(image[: width * 3 // 4, left : left + width], SIZE, interpolation=cv2.INTER_AREA)


def scan(folder: Path, frames: list[np.ndarray]) -> tuple[int, ...]:
    write_video(folder / "a.webm", frames, 25.0)
    found = scan_video(folder / "a.webm")
    assert found.times_s == pytest.approx(np.arange(len(frames)) / 25, abs=2e-3)
    return found.cuts


def test_cuts_between_pictures_and_within_one(tmp_path):
    one, two = photograph(0), photograph(4)
    elsewhere = one[100:, 300:]  # the same camera, from a place nearby
    scenes = [list(pan(image, 0.02, 12)) for image in (one, two, elsewhere)]
    assert scan(tmp_path, [frame for scene in scenes for frame in scene]) == (12, 24)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.3])
@pytest.mark.parametrize("number", range(6))
def test_a_pan_is_no_cut_up_to_a_third_of_the_picture_a_frame(tmp_path, number, share):
    assert scan(tmp_path, list(pan(photograph(number), share, 40))) == ()


def test_a_pan_that_begins_at_once_and_stops_is_no_cut(tmp_path):
    frames = list(pan(photograph(2), 0.25, 8))
    assert scan(tmp_path, [*[frames[0]] * 8, *frames, *[frames[-1]] * 8]) == ()


def test_flashes_and_somebody_who_runs_through_the_picture_are_no_cut(tmp_path):
    still = cv2.resize(photograph(1), SIZE, interpolation=cv2.INTER_AREA)
    flash = np.clip(still.astype(int) + 120, 0, 255).astype(np.uint8)
    assert scan(tmp_path, [*[still] * 6, flash, *[still] * 6]) == ()
    runner = []
    for frame in range(12):
        picture = still.copy()
        picture[20:, 14 * frame : 14 * frame + 40] = (30, 60, 160)
        runner.append(picture)
    assert scan(tmp_path, runner) == ()


def test_a_cut_at_the_last_frame_and_videos_of_one_colour(tmp_path):
    first, second = (cv2.resize(photograph(number), SIZE, interpolation=cv2.INTER_AREA) for number in (0, 3))
    assert scan(tmp_path, [first] * 5 + [second]) == (5,)
    assert scan(tmp_path, [np.zeros_like(first)] * 5) == ()
    assert scan(tmp_path, [first]) == ()


def test_what_is_no_video_is_one_line(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ImageFileError, match=r"text\.mp4: this is no video"):
        scan_video(tmp_path / "text.mp4")
