"""Films: bodies on a video's frames, each at its time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import patched_mp4  # type: ignore[import-not-found]
import pytest
import torch

from anchorfit.body import load_body
from anchorfit.films import PLAYED_BY, draw_film
from anchorfit.observations.videos import FrameReader, frame_times, write_video
from anchorfit.pictures import OverlayLook


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture
def clip(tmp_path) -> Path:
    """Six frames that get brighter, at 0, 20, 40, 120, 140 and 200 ms."""
    path = tmp_path / "clip.mp4"
    write_video(path, [np.full((480, 640, 3), 60 + 20 * i, np.uint8) for i in range(6)], 25.0)
    patched_mp4.last(path, [256, 256, 1024, 256, 768, 512])
    return path


def estimate_in(some_estimate, frames: list[int], *, trusted: bool = True):
    rows = some_estimate(len(frames))
    names = tuple(f"clip.mp4/{frame:06}#1" for frame in frames)
    flags = torch.full((len(frames),), trusted)
    return replace(rows, names=names, diagnostics=replace(rows.diagnostics, trusted=flags))


def test_bodies_are_on_their_frames_and_frames_at_their_times(some_estimate, body, clip, tmp_path):
    told: list[int] = []
    film = draw_film(tmp_path / "overlay", estimate_in(some_estimate, [1, 3]), clip, body, progress=told.append)
    assert film == tmp_path / "overlay.webm"
    assert PLAYED_BY[film.suffix].startswith("browsers")
    assert told == [1] * 6
    assert frame_times(film) == pytest.approx(np.arange(11) / 50, abs=2e-3)
    with FrameReader(film) as reader:
        shown = [(round((float(frame.image[:40].mean()) - 60) / 20), _body_there(frame.image)) for frame in reader]
    source = [0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 5]
    assert shown == [(number, number in (1, 3)) for number in source]


def _body_there(image: np.ndarray) -> bool:
    return bool((np.ptp(image[200:280, 280:360].astype(int), axis=-1) > 15).mean() > 0.2)


def test_all_frames_say_what_stripes_mean_where_there_are_some(some_estimate, body, clip, tmp_path):
    look = OverlayLook(opacity=0.5)
    film = draw_film(tmp_path / "overlay", estimate_in(some_estimate, [2], trusted=False), clip, body, look)
    with FrameReader(film) as reader:
        assert all(frame.image[-3:, :3].mean() > 230 for frame in reader)


def test_one_frame_is_held_at_a_time(some_estimate, body, tmp_path, monkeypatch):
    """However long the video: frames are drawn when the film asks for them, and let go."""
    import weakref

    import anchorfit.films as films

    path = tmp_path / "clip.mp4"
    write_video(path, [np.full((48, 64, 3), 90, np.uint8)] * 40, 25.0)
    alive: list[weakref.ref] = []
    most = 0
    drawn = films.draw_on  # type: ignore[attr-defined]

    def counting(image, *others, **named):
        nonlocal most
        result = drawn(image, *others, **named)
        alive.append(weakref.ref(result))
        most = max(most, sum(reference() is not None for reference in alive))
        return result

    monkeypatch.setattr(films, "draw_on", counting)
    draw_film(tmp_path / "overlay", estimate_in(some_estimate, [1, 3]), path, body)
    assert len(alive) == 40
    assert most <= 3
