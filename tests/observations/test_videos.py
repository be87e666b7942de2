"""Videos: frames in and out."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from anchorfit.observations import ImageFileError
from anchorfit.observations.videos import FrameReader, count_frames, probe_video, read_frames, write_video


def frames(count: int = 5) -> list[np.ndarray]:
    return [np.full((48, 64, 3), [40 * i, 120, 30], np.uint8) for i in range(count)]


def test_frames_come_back_in_order_and_colour(tmp_path):
    write_video(tmp_path / "é a.mp4", iter(frames()), 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["é a.mp4"]
    video = probe_video(tmp_path / "é a.mp4")
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
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_video_that_is_cut_short_is_not_left_behind(tmp_path, monkeypatch, share):
    """As on a full disk, of which OpenCV says nothing."""
    (tmp_path / "a.mp4").write_bytes(b"what was there before")

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
    with pytest.raises(OSError, match=r"a\.mp4: the video cannot be written whole; free space"):
        write_video(tmp_path / "a.mp4", frames(), 25.0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.mp4": b"what was there before"}


def test_frames_by_number(tmp_path):
    write_video(tmp_path / "a.mp4", iter(frames()), 25.0)
    assert count_frames(tmp_path / "a.mp4") == 5
    with FrameReader(tmp_path / "a.mp4") as reader:
        for number in (0, 1, 3, 2, 4):  # on, over one, and back
            frame = reader.frame(number)
            assert frame is not None
            assert np.abs(frame.astype(int) - frames()[number]).mean() < 8
        assert reader.frame(5) is None
        assert reader.frame(99) is None
