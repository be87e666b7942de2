"""People of a video told apart: crossings, absences, passers-by, numbers that stay."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.body import CANONICAL_JOINTS
from anchorfit.observations import Person, read_people
from anchorfit.observations.scenes import Scenes
from anchorfit.observations.tracking import Track, track_people
from anchorfit.observations.videos import Video
from anchorfit.options import LONGEST_GAP_S

VIDEO = Video(Path("clip.mp4"), (640, 480), 25.0, 100)


def person(frame: int | None, x: float, *, size: float = 200.0, tag: str = "0") -> Person:
    count = len(CANONICAL_JOINTS)
    ladder = np.stack([np.full(count, x), 100 + np.linspace(0, size, count)], axis=1)
    image = None if frame is None else Path(f"clip_{frame:012}")
    return Person(person_id=tag, keypoints=ladder, confidence=np.ones(count), image=image)


def places(track: Track) -> list[float]:
    return [float(p.keypoints[0, 0]) for p in track.people]


def test_people_cross_and_the_hindmost_is_hidden_for_a_while():
    people = []
    for frame in range(40):
        right, left = person(frame, 100 + 10 * frame), person(frame, 500 - 10 * frame)
        hidden = abs(right.keypoints[0, 0] - left.keypoints[0, 0]) < 70
        both = [right] if hidden else [right, left]
        people += both[::-1] if frame % 2 else both  # the file's order says nothing
    first, second = track_people(people, VIDEO).tracks
    assert first.frames == list(range(40))
    assert places(first) == [100 + 10 * f for f in range(40)]
    assert places(second) == [500 - 10 * f for f in second.frames]
    assert second.frames[-1] == 39
    assert len(second.frames) == 40 - 7
    assert first.people[3].name == "clip.mp4/000003#1"
    assert second.people[0].name == "clip.mp4/000000#2"
    assert first.people[3].image_size == (640, 480)


def test_numbers_are_those_of_appearance_however_many_are_kept():
    """The second is seen longer than the first, and keeps its number where it alone is asked for."""
    people = [person(frame, 100) for frame in range(10)] + [person(frame, 400) for frame in range(5, 40)]
    everybody = track_people(people, VIDEO)
    assert [track.people[0].person_id for track in everybody.tracks] == ["1", "2"]
    assert everybody.problems == []
    (longest,), (line,) = track_people(people, VIDEO, most=1)
    assert longest.people[0].person_id == "2"
    assert line == "clip.mp4: 1 more people left out, seen in 10 frames or fewer"


def test_who_leaves_and_comes_back():
    """Within the longest gap it is the same person; after it, or elsewhere, somebody else."""

    def seen(away: int, x: float, gap: float = LONGEST_GAP_S) -> list[list[int]]:
        people = [person(frame, 30) for frame in range(10)] + [person(10 + away + frame, x) for frame in range(10)]
        return [track.frames for track in track_people(people, VIDEO, longest_gap_s=gap).tracks]

    assert seen(20, 40) == [[*range(10), *range(30, 40)]]
    assert len(seen(20, 400)) == 2
    assert len(seen(40, 40)) == 2
    assert len(seen(40, 40, 2.0)) == 1


def test_passers_by_are_left_out_and_said():
    people = [person(frame, 100) for frame in range(30)] + [person(frame, 500) for frame in (3, 4)]
    (track,), (line,) = track_people(people, VIDEO)
    assert len(track.frames) == 30
    assert line.startswith("clip.mp4: 1 of 2 people left out, seen in fewer than 7 frames (0.25 s)")
    assert len(track_people([person(0, 100)], VIDEO).tracks) == 1  # unless nobody is seen longer
    assert track_people([], VIDEO).tracks == []
    assert track_people([replace(person(0, 1), confidence=np.zeros(len(CANONICAL_JOINTS)))], VIDEO).tracks == []


def test_a_jump_or_a_difference_in_size_is_somebody_else():
    assert len(track_people([person(f, 100 + 210 * f) for f in range(2)], VIDEO).tracks) == 2
    assert len(track_people([person(0, 100), person(1, 100, size=450)], VIDEO).tracks) == 2


def test_frames_are_given_or_count_from_0_or_1():
    people = [person(frame, 1) for frame in (1, 2)]
    assert track_people(people, VIDEO).tracks[0].frames == [0, 1]
    assert track_people(people, VIDEO, frames=[1, 2]).tracks[0].frames == [1, 2]
    nameless = [person(None, 1), person(None, 2)]
    assert track_people(nameless, VIDEO, frames=[4, 5]).tracks[0].frames == [4, 5]
    with pytest.raises(ValueError, match=r"start\.jpg#0: the name of a video's frame must end in its number"):
        track_people([replace(person(None, 0), image=Path("start.jpg"))], VIDEO)


def test_keypoints_for_another_size_are_said():
    large = replace(person(1, 1), image_size=(1280, 960))
    with pytest.raises(ValueError, match=r"for frames of 1280 x 960 pixels, clip\.mp4 has 640 x 480"):
        track_people([large], VIDEO)


def test_behind_a_cut_everybody_is_new():
    """Who stands where somebody stood before the cut is not taken for them; the scene's numbers go on."""
    people = [person(frame, 100) for frame in range(60)]
    (whole,), nothing = track_people(people, VIDEO, scenes=Scenes(np.arange(60) / 25, ()))
    assert (whole.frames, nothing) == (list(range(60)), [])
    tracks, (line,) = track_people(people, VIDEO, scenes=Scenes(np.arange(60) / 25, (20, 41)))
    assert [track.frames for track in tracks] == [list(range(20)), list(range(20, 41)), list(range(41, 60))]
    assert [track.people[0].person_id for track in tracks] == ["1", "2", "3"]
    assert line == "clip.mp4: 2 camera cuts (at frames 20, 41); behind each, people count as new ones"


def test_times_are_those_of_the_frames_not_of_the_rate():
    """A recorder that drops frames: what is 3 frames by number is 2 seconds by the clock, and the other way round."""
    slow = np.concatenate([np.arange(10) / 25, 5 + np.arange(20) / 25])
    people = [person(frame, 100) for frame in range(30) if frame not in (10, 11)]
    tracks = track_people(people, VIDEO, scenes=Scenes(slow, ())).tracks
    assert [track.frames[0] for track in tracks] == [0, 12]
    assert tracks[1].people[0].time_s == pytest.approx(5.08)
    fast = np.arange(100) / 200
    people = [person(frame, 100) for frame in range(100) if not 10 <= frame < 60]
    (track,) = track_people(people, VIDEO, scenes=Scenes(fast, ())).tracks  # a quarter of a second, not two seconds
    assert len(track.frames) == 50
    beyond = track_people([person(frame, 1) for frame in range(40)], VIDEO, scenes=Scenes(np.arange(30) / 10, ()))
    assert beyond.tracks[0].people[39].time_s == pytest.approx(2.9 + 10 / 25)
    assert track_people([person(25, 1), person(0, 1)], VIDEO, longest_gap_s=2).tracks[0].people[1].time_s == 1.0


def test_frames_that_the_video_has_not_are_said():
    """Keypoints of another video were fitted in silence."""
    scenes = Scenes(np.arange(10) / 25.0, ())
    seen = [person(frame, 100) for frame in range(100, 110)]
    (line,) = track_people([person(0, 100), *seen], VIDEO, scenes=scenes).problems[:1]
    assert line == "clip.mp4: people in frames up to 109, but it has 10: are the keypoints of another video?"
    assert not track_people([person(frame, 100) for frame in range(10)], VIDEO, scenes=scenes).problems


def openpose_folder(folder: Path, frames: dict[int, float | None], stem: str = "clip") -> Path:
    """OpenPose's files of these frames: where the person stands, None where nobody is seen."""
    folder.mkdir()
    for frame, x in frames.items():
        points = [[x, 100.0 + 8 * joint, 1.0] for joint in range(25)] if x is not None else []
        people = [{"pose_keypoints_2d": [number for point in points for number in point]}] if points else []
        content = {"version": 1.3, "people": people}
        (folder / f"{stem}_{frame:012}_keypoints.json").write_text(json.dumps(content))
    return folder


def frames_of(path: Path) -> list[int]:
    """The frames in which the one person of a video's keypoint file is."""
    people = read_people(path)
    (track,) = track_people(people, VIDEO, images=people.images).tracks
    return track.frames


def test_an_empty_frame_0_tells_from_where_frames_count(tmp_path):
    """Numbers came out by one where nobody was in frame 0."""
    empty = openpose_folder(tmp_path / "openpose", {0: None, 1: 100.0, 2: 110.0})
    assert frames_of(empty) == [1, 2]
    (empty / "clip_000000000000_keypoints.json").write_text('{"people": [')  # cut short, but it is frame 0's
    assert frames_of(empty) == [1, 2]
    assert frames_of(openpose_folder(tmp_path / "from_1", {1: None, 2: 100.0, 3: 110.0})) == [1, 2]
    assert frames_of(openpose_folder(tmp_path / "dots", {0: 90.0, 1: 100.0}, stem="my.clip.v2")) == [0, 1]


def test_formats_list_their_images_without_people_too(tmp_path):
    points = [[100.0, 100.0 + 8 * joint] for joint in range(17)]
    seen = {"keypoints": points, "keypoint_scores": [1.0] * 17}
    flat = [number for point in points for number in (*point, 2)]
    landmarks = [{"x": 100.0, "y": 100.0 + 8 * joint, "visibility": 1.0} for joint in range(33)]
    pose = {"people": [{"pose_keypoints_2d": [number for point in (points * 2)[:25] for number in (*point, 1.0)]}]}
    nobody = {"version": "AlphaPose", "people": []}
    annotated = {
        "images": [{"id": n, "file_name": f"clip_{n}.jpg"} for n in range(3)],
        "annotations": [{"id": n, "image_id": n, "keypoints": flat, "category_id": 1} for n in (1, 2)],
    }
    files = {
        "mmpose": [{"frame_id": n, "instances": [seen] if n else []} for n in range(3)],
        "mediapipe": [{"frame": n, "pose_landmarks": [landmarks] if n else []} for n in range(3)],
        "alphapose": {f"{n}.jpg": pose if n else nobody for n in range(3)},
        "coco": annotated,
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        people = read_people(tmp_path / f"{name}.json")
        assert len(people) == 2, name
        assert len(people.images) == 3, name
        assert frames_of(tmp_path / f"{name}.json") == [1, 2], name


def test_where_neither_frame_0_nor_1_is_named_the_guess_is_said():
    people = [person(frame, 100) for frame in range(5, 20)]
    (track,), (line,) = track_people(people, VIDEO)
    assert track.frames == list(range(4, 19))
    assert line.startswith("clip.mp4: names of frames are taken to count from 1, so that 5 is frame 4; if they count")
    assert not track_people(people, VIDEO, images=[Path("clip_000000")]).problems
    last = [person(frame, 100) for frame in range(90, 101)]  # of 100 frames: they can but count from 1
    assert track_people(last, VIDEO).problems == []
