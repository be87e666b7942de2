"""``anchorfit fit`` on a film of two people: who is who, what is written of each, stopped runs, detectors."""

import json
import struct
from pathlib import Path

import numpy as np
import patched_mp4  # type: ignore[import-not-found]  # its folder is on pytest's path
import pytest
import torch
from typer.testing import CliRunner
from walkers import (  # type: ignore[import-not-found]  # its folder is on pytest's path
    AWAY,
    RATE,
    walkers,
    write_walkers,
)

from anchorfit.assets import ASSETS
from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.cli.main import app
from anchorfit.detectors import DETECTORS, registry
from anchorfit.many_estimates import load_estimates
from anchorfit.observations import read_image, read_people
from anchorfit.observations.conventions import CONVENTIONS
from anchorfit.observations.videos import probe_video, read_frames, write_video
from anchorfit.results import BodyEstimate
from anchorfit.rigging import without_gaps
from anchorfit.runs import INDEX, JOURNAL, RunFolder, read_index
from anchorfit.runs.sightings import SIGHTINGS
from anchorfit.runs.sources import Source

FRAMES = 18


def fit(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["fit", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> tuple[Path, Path]:
    return write_walkers(tmp_path_factory.mktemp("walk"), FRAMES)


@pytest.fixture(scope="module")
def results(film, tmp_path_factory) -> Path:
    clip, keypoints = film
    out = tmp_path_factory.mktemp("out")
    said = fit(clip, "-k", keypoints, "-o", out, "--save", "shards,rigged,bvh,overlay,openpose")
    assert "left out" not in said
    assert "photograph" not in said  # of which a film has none
    return out


def glb(path: Path) -> dict:
    data = path.read_bytes()
    return json.loads(data[20 : 20 + struct.unpack("<I", data[12:16])[0]])


def test_everybody_is_a_sequence_of_their_own(film, results):
    names = {path.name for path in results.iterdir()} - {"index.parquet", JOURNAL}
    mine = [f"person-{n}{ending}" for n in (1, 2) for ending in (".npz", "_rigged.glb", ".bvh")]
    assert names == {INDEX, "overlay.webm", "openpose", *mine}
    truth = walkers(FRAMES)
    for number, person in enumerate(truth, 1):
        estimate = BodyEstimate.load(results / f"person-{number}.npz")
        frames = [f for f in range(FRAMES) if number == 1 or f not in AWAY]
        assert estimate.names == tuple(f"walk.mp4/{f:06}#{number}" for f in frames)
        assert (estimate.betas == estimate.betas[:1]).all()
        aside = estimate.transl[:, 0] / estimate.transl[:, 2] - person[frames, 82] / person[frames, 84]
        assert aside.abs().max() < 0.06  # of the depth: who is at which side, before and after they crossed
    assert len(list((results / "openpose").iterdir())) == 2 * FRAMES - len(AWAY)
    assert {record["name"] for record in read_index(results)} == set(load_estimates([results]).names)


def test_the_overlay_shows_all_of_them_in_colours_that_stay(film, results):
    plain, drawn = list(read_frames(film[0])), list(read_frames(results / "overlay.webm"))
    assert len(drawn) == FRAMES
    for frame, who in ((1, (1, 2)), (10, (1,)), (17, (1, 2))):
        ours = np.abs(drawn[frame].astype(int) - plain[frame]).max(-1) > 60
        for number in (1, 2):
            assert (ours & (_where(results, number, frame))).any() == (number in who)


def _where(results: Path, number: int, frame: int) -> np.ndarray:
    """Pixels (240, 320) around the person's pelvis."""
    estimate = BodyEstimate.load(results / f"person-{number}.npz")
    name = f"walk.mp4/{frame:06}#{number}"
    region = np.zeros((240, 320), bool)
    if name in estimate.names:
        one = estimate[estimate.names.index(name)]
        joint = one.bodies(load_body()).joints[0, 0]
        x, y = (one.intrinsics[0] @ joint / joint[2])[:2].int().tolist()
        region[y - 5 : y + 5, x - 5 : x + 5] = True
    return region


def test_animations_keep_time_and_go_through_absences(results, tmp_path):
    for number in (1, 2):
        document = glb(results / f"person-{number}_rigged.glb")
        times = document["accessors"][document["animations"][0]["samplers"][0]["input"]]
        assert (times["count"], times["min"], times["max"]) == (FRAMES, [0.0], [pytest.approx((FRAMES - 1) / RATE)])
        assert f"Frames: {FRAMES}\n" in (results / f"person-{number}.bvh").read_text()
    result = CliRunner().invoke(app, ["export", str(results), "--sequence", "--save", "bvh", "-o", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["person-1.bvh", "person-2.bvh"]
    assert f"Frames: {FRAMES}\n" in (tmp_path / "person-2.bvh").read_text()


def test_a_film_of_variable_rate_moves_at_its_own_pace(tmp_path):
    clip, keypoints = write_walkers(tmp_path, 8)
    patched_mp4.last(clip, [256, 256, 3 * 1024, 256, 256, 1024, 512, 512])
    out = tmp_path / "out"
    said = fit(clip, "-k", keypoints, "-o", out, "--save", "shards,rigged,bvh,amass", "--report")
    assert "can be read" not in said
    known = BodyEstimate.load(out / "person-1.npz")
    times = known.time_s.numpy()
    assert np.ptp(np.diff(times)) > 0.1
    document = glb(out / "person-1_rigged.glb")
    keys = document["accessors"][document["animations"][0]["samplers"][0]["input"]]
    motion = np.load(out / "amass" / "person-1.npz")
    rate = float(motion["mocap_framerate"])
    assert keys["max"][0] == pytest.approx(times[-1], abs=0.51 / rate)
    at = np.minimum(np.arange(keys["count"]) / rate, times[-1])
    went = np.interp(at, times, known.transl[:, 0].numpy())
    np.testing.assert_allclose(motion["trans"][:, 0] - motion["trans"][0, 0], went - went[0], atol=1e-3)
    assert f"Frames: {keys['count']}\n" in (out / "person-1.bvh").read_text()
    page = (out / "report.html").read_text()
    for frame, time in enumerate(times):
        assert f'"frame":{frame},"time":{round(float(time), 4):g}' in page.replace(".0,", ",")


def test_rows_between_are_on_the_way_and_others_stay(results):
    known = BodyEstimate.load(results / "person-2.npz")
    filled = without_gaps(known)
    assert len(filled) == FRAMES
    at = [f for f in range(FRAMES) if f not in AWAY]
    assert torch.equal(filled.params[at], known.params)
    steps = filled.transl[AWAY.start - 1 : AWAY.stop + 1].diff(dim=0)
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), atol=1e-5, rtol=1e-4)
    assert without_gaps(known.rows(range(5))).names == known.names[:5]


def test_a_stopped_run_goes_on_with_the_next_person(film, results, tmp_path, monkeypatch):
    clip, keypoints = film
    commit = RunFolder.commit

    def killed_at_the_second(self: RunFolder, records) -> None:
        if self.chunks:
            raise KeyboardInterrupt
        commit(self, records)

    command = ["fit", clip, "-k", keypoints, "-o", tmp_path, "--save", "shards"]
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "commit", killed_at_the_second)
        assert CliRunner().invoke(app, [str(word) for word in command]).exit_code != 0
    assert f"{FRAMES} of {2 * FRAMES - len(AWAY)} are done" in fit(*command[1:])
    assert [record["name"] for record in read_index(tmp_path)] == [record["name"] for record in read_index(results)]
    for number in (1, 2):
        name = f"person-{number}.npz"
        assert torch.equal(BodyEstimate.load(tmp_path / name).params, BodyEstimate.load(results / name).params)


def test_only_those_seen_longest_where_that_is_asked_for(film, tmp_path):
    clip, keypoints = film
    said = fit(clip, "-k", keypoints, "-o", tmp_path, "--save", "shards", "--max-people", 1, "--report")
    assert f"1 more people left out, seen in {FRAMES - len(AWAY)} frames or fewer" in said
    assert {p.name for p in tmp_path.iterdir()} - {"index.parquet", JOURNAL} == {INDEX, "person-1.npz", "report.html"}
    assert (tmp_path / "report.html").read_text().count("data:image/webp") == FRAMES  # the film behind the body


def test_a_film_alone_is_enough_and_no_frame_is_looked_at_twice(tmp_path, monkeypatch, stand_in):
    photo = read_image(ASSETS / "demo" / "000000000785.jpg")[:424]
    write_video(tmp_path / "clip.mp4", [np.zeros_like(photo), *[photo] * 4], 12.0)
    looked: list[float] = []

    class Counting(stand_in):  # type: ignore[misc, valid-type]
        def people(self, image):
            if len(looked) == 3:
                raise KeyboardInterrupt
            looked.append(image.std())
            return super().people(image)

    monkeypatch.setitem(DETECTORS, "anchorfit", registry.Kind(None, None, lambda wanted: Counting()))
    monkeypatch.setattr("anchorfit.runs.detecting.AT_ONCE", 2)
    command = [tmp_path / "clip.mp4", "-o", tmp_path / "out", "--save", "shards"]
    assert CliRunner().invoke(app, ["fit", *map(str, command)]).exit_code != 0
    assert (tmp_path / "out" / SIGHTINGS).is_file()
    looked.clear()
    said = fit(*command)
    assert "2 of 5 pictures were looked at in an earlier session" in said
    assert "nobody is found in 1 of 5 frames" in said
    assert len(looked) == 3
    assert BodyEstimate.load(tmp_path / "out" / "person-1.npz").names[0] == "clip.mp4/000001#1"
    assert not (tmp_path / "out" / SIGHTINGS).exists()


def test_a_film_that_is_cut_short_says_so(film, tmp_path):
    import cv2

    clip, keypoints = film
    whole, short = tmp_path / "whole.avi", tmp_path / f"{clip.stem}.avi"
    frames = list(read_frames(clip))
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), RATE, frames[0].shape[1::-1])
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    content = whole.read_bytes()
    short.write_bytes(content[: len(content) // 2])
    said = fit(short, "-k", keypoints, "-o", tmp_path / "out", "--save", "shards")
    assert f"of the {FRAMES} frames that its header states can be read" in said


def test_shares_of_the_frames_are_of_the_videos_size(film, tmp_path):
    """MediaPipe's landmarks frame by frame: its results know no pixels, and no image lies beside the file."""
    clip, keypoints = film
    (width, height), blaze = probe_video(clip).size, CONVENTIONS["blazepose33"]
    frames: dict[int, list[list[dict[str, float]]]] = {number: [] for number in range(FRAMES)}
    for person in read_people(keypoints):
        assert person.image is not None
        rows = [CANONICAL_JOINTS.index(name) if name else -1 for name in blaze]
        triples = np.column_stack([person.keypoints / (width, height), person.confidence])
        triples = np.vstack([triples, np.zeros(3)])[rows]
        frames[int(person.image.stem.rpartition("_")[2])].append(
            [{"x": x, "y": y, "z": 0.0, "visibility": sure} for x, y, sure in triples.tolist()]
        )
    path = tmp_path / "landmarks.json"
    path.write_text(json.dumps([{"landmarks": people} for people in frames.values()]))
    by_pixels, by_shares = (Source(images=(clip,), keypoints=file).gather().people for file in (keypoints, path))
    assert [person.name for person in by_shares] == [person.name for person in by_pixels]
    for ours, theirs in zip(by_shares, by_pixels, strict=True):
        both = (ours.confidence > 0) & (theirs.confidence > 0)
        assert both.sum() > 5
        np.testing.assert_allclose(ours.keypoints[both], theirs.keypoints[both], atol=1e-6)


def test_shares_of_one_photograph_are_of_its_size_wherever_the_file_lies(tmp_path):
    photo = ASSETS / "demo" / "000000000785.jpg"
    shares = [{"x": 0.1 + 0.02 * place, "y": 0.2, "z": 0, "visibility": 0.9} for place in range(33)]
    path = tmp_path / "landmarks.json"
    path.write_text(json.dumps({"pose_landmarks": [shares]}))
    (person,) = Source(images=(photo,), keypoints=path).gather().people
    height, width = read_image(photo).shape[:2]
    np.testing.assert_allclose(person.keypoints[CANONICAL_JOINTS.index("nose")], (0.1 * width, 0.2 * height))
