"""Videos: frames in and out, and people followed from frame to frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.body import CANONICAL_JOINTS
from anchorfit.observations import ImageFileError, Person
from anchorfit.observations.videos import Video, probe_video, read_frames, track_people, write_video

VIDEO = Video(Path("clip.mp4"), (640, 480), 25.0, 100)


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


def person(image: str | None, x: float, seen: float = 1.0) -> Person:
    count = len(CANONICAL_JOINTS)
    ladder = np.stack([np.full(count, x), np.linspace(100, 300, count)], axis=1)
    return Person(
        person_id="0", keypoints=ladder, confidence=np.full(count, seen), image=Path(image) if image else None
    )


def test_two_people_are_told_apart_and_gaps_are_bridged():
    people = []
    for frame in range(12):
        both = [person(f"clip_{frame:012}", 100 + 10 * frame), person(f"clip_{frame:012}", 500 - 5 * frame)]
        people += both[::-1] if frame % 2 else both  # the file's order says nothing
    people = [p for p in people if not (p.image is not None and p.image.name.endswith("5") and p.keypoints[0, 0] < 300)]
    long, short = track_people(people, VIDEO)
    assert long.frames == list(range(12))
    assert short.frames == [f for f in range(12) if f != 5]
    assert [p.keypoints[0, 0] for p in short.people] == [100 + 10 * f for f in short.frames]
    assert long.people[3].name == "clip.mp4#000003"
    assert long.people[3].image_size == (640, 480)


def test_a_jump_or_a_long_absence_begins_somebody_new():
    assert len(track_people([person("0", 100), person("1", 210)], VIDEO)) == 2
    assert len(track_people([person("0", 100), person("30", 100)], VIDEO)) == 2
    assert len(track_people([person("0", 100), person("10", 100)], VIDEO)) == 1


def test_numbers_may_begin_at_one():
    (track,) = track_people([person("f_01.jpg", 1), person("f_02.jpg", 2)], VIDEO)
    assert track.frames == [0, 1]


def test_a_name_without_a_number_is_said():
    with pytest.raises(ValueError, match=r"start\.jpg#0: the name of a video's frame must end in its number"):
        track_people([person("start.jpg", 0)], VIDEO)


def test_keypoints_for_another_size_are_said():
    large = replace(person("f_01.jpg", 1), image_size=(1280, 960))
    with pytest.raises(ValueError, match=r"for frames of 1280 x 960 pixels, clip\.mp4 has 640 x 480"):
        track_people([large], VIDEO)
