"""Videos: frames in and out."""

import os
from pathlib import Path

import cv2
import numpy as np
import patched_mp4  # type: ignore[import-not-found]  # its folder is on pytest's path
import pytest

from anchorfit.observations import ImageFileError
from anchorfit.observations.videos import (
    Frame,
    FrameReader,
    at_constant_rate,
    film_suffix,
    frame_times,
    probe_video,
    read_frames,
    shown_rate,
    write_video,
)


def frames(count: int = 5) -> list[np.ndarray]:
    return [np.full((48, 64, 3), [40 * i, 120, 30], np.uint8) for i in range(count)]


@pytest.mark.parametrize("name", ["é a.mp4", "é a.webm"])
def test_frames_come_back_in_order_and_colour(tmp_path, name, capfd):
    write_video(tmp_path / name, iter(frames()), 25.0)
    assert capfd.readouterr().err == ""  # FFmpeg has its own opinion on VP8's tag
    assert [path.name for path in tmp_path.iterdir()] == [name]
    video = probe_video(tmp_path / name)
    assert video.size == (64, 48)
    assert video.frames_per_second == pytest.approx(25)
    read = list(read_frames(video.path))
    assert len(read) == video.length == 5
    for before, after in zip(frames(), read, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 8  # the codec is lossy


def test_what_is_no_video_is_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4: no such video"):
        probe_video(tmp_path / "gone.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ImageFileError, match=r"text\.mp4: this is no video"):
        probe_video(tmp_path / "text.mp4")
    with pytest.raises(ValueError, match="no frame to write"):
        write_video(tmp_path / "empty.mp4", iter([]), 25.0)
    with pytest.raises(ValueError, match=r"a\.avi: expected a name that ends in \.webm or \.mp4"):
        write_video(tmp_path / "a.avi", frames(), 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_a_video_that_is_cut_short_is_not_left_behind(tmp_path, monkeypatch, name, share):
    """As on a full disk, of which OpenCV says nothing."""
    (tmp_path / name).write_bytes(b"what was there before")

    real = cv2.VideoWriter

    class Cut:
        fourcc = staticmethod(real.fourcc)

        def __init__(self, name, *others):
            self.name, self.writer = Path(name), real(name, *others)
            self.isOpened, self.write = self.writer.isOpened, self.writer.write

        def release(self):
            self.writer.release()
            if self.name.exists():
                os.truncate(self.name, int(share * self.name.stat().st_size))

    monkeypatch.setattr(cv2, "VideoWriter", Cut)
    with pytest.raises(OSError, match=rf"{name}: the video cannot be written whole; free space"):
        write_video(tmp_path / name, frames(), 25.0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"what was there before"}


def test_frames_by_number(tmp_path):
    write_video(tmp_path / "a.mp4", iter(frames()), 25.0)
    assert frame_times(tmp_path / "a.mp4") == pytest.approx(np.arange(5) / 25)
    with FrameReader(tmp_path / "a.mp4") as reader:
        for number in (0, 1, 3, 2, 4):  # on, over one, and back
            frame = reader.frame(number)
            assert frame is not None
            assert np.abs(frame.astype(int) - frames()[number]).mean() < 8
        assert reader.frame(5) is None
        assert reader.frame(99) is None


def cornered(degrees: int) -> np.ndarray:
    """(96, 128) or turned: red is in the corner that is on the top left where the picture is upright."""
    upright = np.full((96, 128, 3), 90, np.uint8) if degrees % 180 == 0 else np.full((128, 96, 3), 90, np.uint8)
    upright[:40, :40] = [200, 20, 20]
    upright[:40, -40:] = [20, 20, 200]
    return upright


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_frames_are_upright_whatever_the_header_says(tmp_path, degrees):
    """A telephone stores what its sensor sees, and in the header by how much that is to be turned clockwise."""
    upright, path = cornered(degrees), tmp_path / "a.mp4"
    stored = np.ascontiguousarray(np.rot90(upright, degrees // 90))  # counter-clockwise
    assert stored.shape == (96, 128, 3)
    write_video(path, [stored] * 3, 25.0)
    patched_mp4.turn(path, degrees, (128, 96))
    assert probe_video(path).size == (upright.shape[1], upright.shape[0])
    for frame in read_frames(path):
        assert frame.shape == upright.shape
        assert frame.flags.c_contiguous
        assert np.abs(frame.astype(int) - upright).mean() < 6
    with FrameReader(path) as reader:
        again = [reader.frame(number) for number in (2, 0)]
    assert all(frame is not None and np.abs(frame.astype(int) - upright).mean() < 6 for frame in again)


def test_frames_have_the_times_that_the_file_says(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, frames(6), 25.0)  # 512 ticks of 1/12800 s each
    patched_mp4.last(path, [256, 256, 1024, 256, 768, 512])
    times = [0, 0.02, 0.04, 0.12, 0.14, 0.2]
    assert frame_times(path) == pytest.approx(times, abs=1e-3)
    with FrameReader(path) as reader:
        assert [frame.time_s for frame in reader] == pytest.approx(times, abs=1e-3)
        assert reader.frame(3) is not None
        assert reader.time_s == pytest.approx(0.12, abs=1e-3)
        seen = list(at_constant_rate(reader_of(path), 50.0))
    brightness = [round(float(image[..., 0].mean()) / 40) for image in seen]
    assert brightness == [0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 5]


def reader_of(path: Path) -> list[Frame]:
    with FrameReader(path) as reader:
        return list(reader)


def test_a_constant_rate_changes_nothing_where_it_is_kept(tmp_path):
    """Times in whole milliseconds, as WebM has them, are the same rate; frames that come too fast are left out."""
    still = [Frame(i, round(1000 * i / 29.97) / 1000, np.full((2, 2, 3), i, np.uint8)) for i in range(200)]
    times = np.array([frame.time_s for frame in still])
    assert shown_rate(times, 29.97) == 29.97
    assert [int(image[0, 0, 0]) for image in at_constant_rate(still, 29.97)] == list(range(200))
    fast = np.arange(100) / 500
    assert shown_rate(fast, 30.0) == 60
    assert shown_rate(np.array([0.0, 0.1, 0.2, 0.9, 1.0]), 25.0) == pytest.approx(10)
    assert shown_rate(np.zeros(1), 25.0) == 25
    many = [Frame(i, i / 500, np.full((2, 2, 3), i, np.uint8)) for i in range(100)]
    assert len(list(at_constant_rate(many, 60.0))) == 13
    assert list(at_constant_rate([], 25.0)) == []


def test_films_are_of_the_kind_that_browsers_play_where_there_is_an_encoder(monkeypatch):
    assert film_suffix() == ".webm"  # every wheel of OpenCV has it

    class Without:
        fourcc = staticmethod(cv2.VideoWriter.fourcc)
        isOpened = staticmethod(lambda: False)
        release = staticmethod(lambda: None)

        def __init__(self, *_: object) -> None: ...

    monkeypatch.setattr(cv2, "VideoWriter", Without)
    assert film_suffix() == ".mp4"
