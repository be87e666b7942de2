"""``anchorfit export`` and ``report``: saved estimates become meshes, rigs and a page."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from anchorfit.array_files import ArrayFile
from anchorfit.cli.main import run
from anchorfit.observations import read_people
from anchorfit.observations.videos import write_video


@pytest.fixture
def command(tmp_path, capsys, monkeypatch):
    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["anchorfit", "export", *arguments, "-o", str(tmp_path / "out")])
        try:
            run()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return code, capsys.readouterr().err

    return call


def written(folder) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def test_each_body_or_one_animation(command, some_estimate, tmp_path):
    some_estimate(3, image="").save(tmp_path / "three.npz")
    assert command(str(tmp_path / "three.npz"))[0] == 0
    assert written(tmp_path) == [f"image_{i}_rigged.glb" for i in range(3)]
    assert command(str(tmp_path), "--sequence", "--save", "rigged,bvh", "--fps", "25")[0] == 0
    assert {"video_rigged.glb", "video.bvh"} <= set(written(tmp_path))
    assert "Frame Time: 0.04000000" in (tmp_path / "out" / "video.bvh").read_text()


def test_overlays_without_photographs_are_said(command, some_estimate, tmp_path):
    some_estimate(1, image="").save(tmp_path / "one.npz")
    code, said = command(str(tmp_path / "one.npz"), "--save", "overlay")
    assert code == 1
    assert "overlay: no estimate names a photograph" in said
    code, said = command(str(tmp_path / "one.npz"), "--save", "overlay,obj")
    assert code == 0
    assert "overlay: no estimate names a photograph" in said


def test_formats_of_other_programs(command, some_estimate, tmp_path):
    some_estimate(2).save(tmp_path / "two.npz")
    assert command(str(tmp_path / "two.npz"), "--save", "openpose,coco,spin")[0] == 0
    out = tmp_path / "out"
    there = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
    assert there == ["coco/people.json", "openpose/photo_keypoints.json", "spin/people.npz"]
    assert len(read_people(out / "openpose")) == len(read_people(out / "coco" / "people.json")) == 2
    assert ArrayFile(out / "spin" / "people.npz")["pose"].shape == (2, 72)
    shutil.rmtree(out / "coco")
    (out / "coco").write_text("a file where the folder is to be")
    code, said = command(str(tmp_path / "two.npz"), "--save", "coco,spin")
    assert code == 0
    assert str(out / "coco") in said


def test_tables_and_motions_for_other_programs(command, some_estimate, tmp_path):
    some_estimate(3, image="").save(tmp_path / "three.npz")
    assert command(str(tmp_path), "--save", "csv,amass")[0] == 0
    out = tmp_path / "out"
    there = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
    assert there == ["amass/image_0.npz", "amass/image_1.npz", "amass/image_2.npz", "csv/people.csv"]
    assert (out / "csv" / "people.csv").read_text("utf-8").count("\n") == 4
    shutil.rmtree(out)
    assert command(str(tmp_path), "--save", "amass", "--sequence", "--fps", "25")[0] == 0
    motion = ArrayFile(out / "amass" / "video.npz")
    assert (motion["poses"].shape, float(motion["mocap_framerate"])) == ((3, 156), 25)


def test_bad_input_is_one_line(command, some_estimate, tmp_path):
    assert command(str(tmp_path / "none.npz")) == (1, f"anchorfit: error: {tmp_path}/none.npz: no such file\n")
    some_estimate(1).save(tmp_path / "one.npz")
    assert command(str(tmp_path / "one.npz"), "--fps", "0")[0] == 2


def test_a_floor_that_none_has_is_not_drawn_in_silence(command, some_estimate, tmp_path):
    some_estimate(2).save(tmp_path / "two.npz")
    code, said = command(str(tmp_path / "two.npz"), "--save", "overlay", "--draw-floor")
    assert code != 0
    assert "no estimate knows a floor" in " ".join(said.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_recordings_without_their_package_are_refused_at_once(command, some_estimate, tmp_path, monkeypatch):
    some_estimate(1).save(tmp_path / "one.npz")
    monkeypatch.setattr("anchorfit.runs.outputs.find_spec", lambda name: None)
    code, said = command(str(tmp_path / "one.npz"), "--save", "npz,rerun")
    assert code == 2
    assert "pip install" in said
    assert "rerun-sdk" in said
    assert not (tmp_path / "out").exists()


def test_a_report_says_when_nobody_can_be_compared(some_estimate, tmp_path, capsys, monkeypatch):
    some_estimate(2, image="").save(tmp_path / "fit.npz")
    others = some_estimate(2, image="")
    replace(others, names=("a#1", "a#2")).save(tmp_path / "others.npz")
    given = ["anchorfit", "report", str(tmp_path / "fit.npz"), "--against", str(tmp_path / "others.npz")]
    monkeypatch.setattr("sys.argv", [*given, "-o", str(tmp_path / "page.html")])
    with pytest.raises(SystemExit):
        run()
    assert "--against: nobody there has the name of one of the 2 people shown" in capsys.readouterr().err


def test_a_report_of_fits_beside_predictions(some_estimate, tmp_path, capsys, monkeypatch):
    some_estimate(2, image="").save(tmp_path / "fit.npz")
    replace(some_estimate(2, image=""), method="direct").save(tmp_path / "direct.npz")
    page = tmp_path / "page.html"
    monkeypatch.setattr("sys.argv", ["anchorfit", "report", str(tmp_path), "-o", str(page), "--title", "Two people"])
    with pytest.raises(SystemExit) as exit_:
        run()
    assert exit_.value.code == 0
    assert f"Look at {page}" in capsys.readouterr().out
    text = page.read_text("utf-8")
    assert "<title>Two people</title>" in text
    assert text.count('"method":"smplify"') == text.count('"method":"direct"') == 2


def test_a_report_of_a_video_has_its_frames(some_estimate, tmp_path, monkeypatch):
    clip = tmp_path / "clip.mp4"
    write_video(clip, (np.full((480, 640, 3), 60, np.uint8) for _ in range(2)), 25.0)
    walk = replace(some_estimate(2, image=""), names=("clip.mp4/000000#1", "clip.mp4/000001#1"))
    walk.save(tmp_path / "walk.npz")
    page = tmp_path / "page.html"
    given = ["anchorfit", "report", str(tmp_path / "walk.npz"), "-o", str(page), "--video", str(clip)]
    monkeypatch.setattr("sys.argv", given)
    with pytest.raises(SystemExit) as ended:
        run()
    assert not ended.value.code
    text = page.read_text("utf-8")
    assert '"name":"clip.mp4#1"' in text
    assert text.count('"picture":"data:image/') == 2


def test_a_report_of_given_bodies(some_estimate, tmp_path, monkeypatch):
    """Bodies of other programs alone, by `from_smplx` or as starts of a refinement."""
    replace(some_estimate(2, image=""), method="given").save(tmp_path / "given.npz")
    page = tmp_path / "page.html"
    monkeypatch.setattr("sys.argv", ["anchorfit", "report", str(tmp_path / "given.npz"), "-o", str(page)])
    with pytest.raises(SystemExit) as exit_:
        run()
    assert exit_.value.code == 0
    assert page.read_text("utf-8").count('"method":"given"') == 2
