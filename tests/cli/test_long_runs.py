"""``anchorfit fit`` over folders and large files: odd names, damage in the middle, kills, two runs at once."""

import json
import os
import shutil
from inspect import signature
from pathlib import Path

import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.cli.fit import fit
from anchorfit.cli.main import run
from anchorfit.cli.predict import predict
from anchorfit.many_estimates import load_estimates
from anchorfit.observations import from_canonical, read_image, read_people
from anchorfit.observations.conventions import CONVENTIONS, joints_to_canonical
from anchorfit.observations.videos import probe_video, read_frames, write_video
from anchorfit.results import BodyEstimate
from anchorfit.runs import INDEX, JOURNAL, RunFolder, RunOptions, locked, planning, read_index
from anchorfit.runs.fingerprint import fingerprint
from anchorfit.runs.journal import LOCK

PHOTO = ASSETS / "demo" / "000000000785.jpg"
ANNOTATIONS = json.loads((ASSETS / "demo" / "person_keypoints.json").read_text())["annotations"]
SKIER = next(a for a in ANNOTATIONS if a["image_id"] == 785)


def people_file(path: Path, images: list[str], each: int = 1, height: int = 425) -> Path:
    """A COCO file in which every image shows the skier ``each`` times, shifted a little."""
    rng = np.random.default_rng(0)
    annotations = []
    for number in range(len(images) * each):
        keypoints = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
        keypoints[:, :2] += rng.normal(size=2) * 3
        known = {"id": number + 1, "image_id": number // each + 1, "category_id": 1, "iscrowd": 0}
        annotations.append(known | {"keypoints": keypoints.ravel().tolist()})
    records = [{"id": i + 1, "file_name": name, "width": 640, "height": height} for i, name in enumerate(images)]
    path.write_text(json.dumps({"images": records, "annotations": annotations, "categories": []}))
    return path


@pytest.fixture
def command(tmp_path, capsys, monkeypatch):
    def call(*arguments: object) -> tuple[int, str]:
        argv = ["anchorfit", "fit", *map(str, arguments), "-o", str(tmp_path / "out")]
        monkeypatch.setattr("sys.argv", argv)
        try:
            run()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return code, said

    return call


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != JOURNAL)


def test_a_folder_with_odd_names_and_damage_in_the_middle(command, tmp_path):
    photos = tmp_path / "my photos é"
    photos.mkdir()
    good = ["a b.jpg", "no ending", "ünï.jpg"]
    for name in good:
        shutil.copy(PHOTO, photos / name)
    (photos / "damaged.jpg").write_bytes(PHOTO.read_bytes()[:9000])
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "circle").symlink_to(photos)
    people = people_file(tmp_path / "people.json", [*good, "damaged.jpg", "loop.jpg"])
    code, said = command(photos, "-k", people, "--save", "npz,overlay")
    assert code == 0
    out = tmp_path / "out"
    overlays = [name for name in files(out) if name.endswith(".png")]
    assert overlays == ["a_b_overlay.png", "no_ending_overlay.png", "ünï_overlay.png"]
    assert "loop.jpg#5: " in said
    assert "a link that leads nowhere" in said
    assert "damaged.jpg: the image is damaged or cut short" in said
    records = {record["name"]: record for record in read_index(out)}
    assert len(records) == 5
    assert all(record["status"] == "fitted" for record in records.values())
    assert records["a b.jpg#1"]["files"] == ["a_b_1.npz"]


def test_a_keypoint_file_alone_becomes_shards(command, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "SHARD", 3)
    people = people_file(tmp_path / "people.json", [f"{i}/x.jpg" for i in range(4)], each=2)
    assert command(people)[0] == 0
    out = tmp_path / "out"
    assert [name for name in files(out) if name.endswith(".npz")] == [f"people-0000{i}.npz" for i in range(3)]
    for record in read_index(out):
        shard = BodyEstimate.load(out / record["file"])
        assert shard.names[record["row"]] == record["name"]
        assert shard.images[record["row"]] == ""
    assert len(load_estimates([out])) == 8
    fewer = people_file(tmp_path / "fewer.json", ["x.jpg"], each=2)
    assert command(fewer)[0] == 0
    assert len(load_estimates([out])) == 2  # nothing of the earlier run is left among them


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the program's catches it."""


def killed_after(commits: int, monkeypatch) -> None:
    commit = RunFolder.commit
    left = [commits]

    def counted(self, records) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        commit(self, records)

    monkeypatch.setattr(RunFolder, "commit", counted)


def test_files_of_other_programs_come_in_numbered_parts_and_go_with_their_run(command, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "CHUNK", 2)
    keypoints = people_file(tmp_path / "people.json", ["a.jpg", "b.jpg", "c.jpg"])
    assert command(keypoints, "--save", "coco,spin,openpose")[0] == 0
    out = tmp_path / "out"
    assert files(out / "coco") == ["people-00000.json", "people-00001.json"]
    assert files(out / "spin") == ["people-00000.npz", "people-00001.npz"]
    assert files(out / "openpose") == ["a_keypoints.json", "b_keypoints.json", "c_keypoints.json"]
    assert len(read_people(out / "coco" / "people-00000.json")) == 2
    fewer = people_file(tmp_path / "people.json", ["a.jpg"])
    assert command(fewer, "--save", "coco,spin")[0] == 0
    assert files(out / "coco") == ["people-00000.json"]
    assert files(out / "spin") == ["people-00000.npz"]


SAME_RESULTS = {"output", "restart", "report", "engine", "workers", "cluster", "detector_gpus", "renderer", "device"}
SAME_RESULTS |= {"opacity", "draw_keypoints", "draw_floor", "points", "cameras", "unit", "up", "noise_mm"}
"""Options that say where and how, or how pictures look, not what comes out; and those of points and cameras, which are
no run."""


@pytest.mark.parametrize("function", [fit, predict], ids=lambda function: function.__name__)
def test_every_option_that_changes_results_is_a_setting_of_the_run(function, tmp_path, monkeypatch):
    people = people_file(tmp_path / "people.json", ["a.jpg"])
    kept: list[RunOptions] = []
    module = f"anchorfit.cli.{function.__name__}"
    monkeypatch.setattr(f"{module}.launch", lambda images, output, options, *_, **__: kept.append(options))
    function([people], tmp_path / "out")
    options = {name for name in signature(function).parameters if name not in SAME_RESULTS}
    options = (options - {"images"}) | {"image_names"}  # the command's name of the field
    assert options - {"pictures", "save"} <= kept[0].settings().keys()  # these two are the run's own arguments


def test_a_folder_of_keypoints_is_compared_by_what_is_in_it(command, tmp_path, monkeypatch):
    """Moved or named otherwise it is the same, changed it is another: before, its path was compared."""
    monkeypatch.setattr(planning, "CHUNK", 1)
    photos, folder = tmp_path / "photos", tmp_path / "openpose"
    photos.mkdir()
    folder.mkdir()
    triples = np.array(SKIER["keypoints"], dtype=float).reshape(17, 3)
    known = joints_to_canonical(triples[:, :2], triples[:, 2], CONVENTIONS["coco17"])
    body_25 = from_canonical(*known, "body25")
    numbers = np.column_stack([body_25.positions, body_25.confidence])
    for name in ("a", "b", "c"):
        shutil.copy(PHOTO, photos / f"{name}.jpg")
        people = {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": numbers.ravel().tolist()}]}
        (folder / f"{name}_keypoints.json").write_text(json.dumps(people))
    with monkeypatch.context() as patch:
        killed_after(1, patch)
        with pytest.raises(Killed):
            command(photos, "-k", folder, "--save", "npz")
    changed = shutil.copytree(folder, tmp_path / "changed")
    (changed / "c_keypoints.json").write_text(json.dumps({"version": 1.3, "people": []}))
    code, said = command(photos, "-k", changed, "--save", "npz")
    assert code == 1
    assert "unfinished run with other settings (keypoints)" in said
    (tmp_path / "link").symlink_to(folder)
    code, said = command(photos, "-k", tmp_path / "link", "--save", "npz")
    assert code == 0
    assert "going on with an unfinished run, 1 of 3 are done" in said
    assert len(list((tmp_path / "out").glob("*.npz"))) == 3


def test_folders_of_masks_and_of_networks_are_compared_by_what_is_in_them(tmp_path):
    """Pictures by their sizes in bytes."""
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "weights.safetensors").write_bytes(b"12")
        (tmp_path / name / "mask.png").write_bytes(b"34")
    for name in ("mask", "weights", "keypoints"):
        one, other = (RunOptions(**{name: tmp_path / folder}).settings()[name] for folder in ("a", "b"))
        assert one == other, name
        (tmp_path / "b" / "deep" / "weights.safetensors").write_bytes(b"21")
        assert RunOptions(**{name: tmp_path / "b"}).settings()[name] != one, name
        (tmp_path / "b" / "deep" / "weights.safetensors").write_bytes(b"12")
    (tmp_path / "b" / "mask.png").write_bytes(b"345")
    assert fingerprint(tmp_path / "b") != fingerprint(tmp_path / "a")
    assert fingerprint(tmp_path / "none") == str(tmp_path / "none")


def test_a_killed_run_goes_on_to_the_same_end(command, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "SHARD", 2)
    people = people_file(tmp_path / "people.json", [f"{i}.jpg" for i in range(5)])
    assert command(people)[0] == 0
    whole = {name: (tmp_path / "out" / name).read_bytes() for name in files(tmp_path / "out")}
    estimate = load_estimates([tmp_path / "out"])
    shutil.rmtree(tmp_path / "out")

    with monkeypatch.context() as patch:
        killed_after(1, patch)
        with pytest.raises(Killed):
            command(people)
    with (tmp_path / "out" / INDEX).open("a") as stream:
        stream.write('{"name": "half a li')
    code, said = command(people, "--focal", "900")
    assert code == 1
    assert "unfinished run with other settings (focal)" in said
    (tmp_path / "fit.toml").write_text("[terms.hinge]\noff = true\n")
    code, said = command(people, "--config", tmp_path / "fit.toml")
    assert code == 1
    assert "unfinished run with other settings (config)" in said
    code, said = command(people)
    assert code == 0
    assert "going on with an unfinished run, 2 of 5 are done" in said
    assert files(tmp_path / "out") == sorted(whole)
    assert (tmp_path / "out" / INDEX).read_bytes() == whole[INDEX]
    again = load_estimates([tmp_path / "out"])
    assert again.names == estimate.names
    np.testing.assert_array_equal(again.params, estimate.params)


def kill_once(command, monkeypatch, *arguments: object) -> None:
    with monkeypatch.context() as patch:
        killed_after(1, patch)
        with pytest.raises(Killed):
            command(*arguments)


@pytest.mark.parametrize(("save", "first"), [("npz", "0_1.npz"), ("shards", "people-00000.npz")])
def test_the_report_of_a_run_that_went_on_has_everybody(command, tmp_path, monkeypatch, save, first):
    monkeypatch.setattr(planning, "SHARD", 2)
    monkeypatch.setattr(planning, "CHUNK", 2)
    people = people_file(tmp_path / "people.json", [f"{i}.jpg" for i in range(5)])
    call = (people, "--save", save, "--report")
    kill_once(command, monkeypatch, *call)
    assert command(*call)[0] == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert [f'"name":"{i}.jpg#{i + 1}"' in page for i in range(5)] == [True] * 5
    assert '"left_out":0' in page
    kill_once(command, monkeypatch, *call)
    (tmp_path / "out" / first).unlink()
    code, said = command(*call)
    assert code == 0
    assert f"{first}: no such file; left out of the report" in said
    assert '"left_out":0' not in (tmp_path / "out" / "report.html").read_text()


def test_what_a_killed_writer_left_goes(command, tmp_path):
    (tmp_path / "out" / "coco").mkdir(parents=True)
    for place in ("", "coco"):
        (tmp_path / "out" / place / ".0123456789ab.part").write_bytes(b"half")
    assert command(people_file(tmp_path / "people.json", ["a.jpg"]), "--save", "coco")[0] == 0
    assert list((tmp_path / "out").rglob("*.part")) == []


def test_a_second_run_into_the_same_folder_is_refused(command, tmp_path):
    (tmp_path / "out").mkdir()
    people = people_file(tmp_path / "people.json", ["a.jpg"])
    with locked(tmp_path / "out"):
        code, said = command(people)
        assert os.listdir(tmp_path / "out") == [LOCK]
    assert code == 1
    assert said.count("\n") == 1
    assert "another run writes into this folder" in said
    assert os.listdir(tmp_path / "out") == []  # not even its lock


def test_a_full_disk_in_the_middle_keeps_what_was_done(command, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "SHARD", 2)
    people = people_file(tmp_path / "people.json", [f"{i}.jpg" for i in range(5)])
    replace = os.replace

    def full(source: str, target: str) -> None:
        if str(target).endswith("people-00001.npz"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        code, said = command(people)
    assert code == 1
    assert "people-00001.npz: cannot be written (No space left on device)" in said
    assert len(list(read_index(tmp_path / "out"))) == 2
    assert command(people)[0] == 0
    assert len(list(read_index(tmp_path / "out"))) == 5


def test_a_missing_keypoint_file_is_a_clear_error(command, tmp_path):
    code, said = command(tmp_path / "nowhere.json")
    assert code == 1
    assert "nowhere.json: no such keypoint file" in said


def test_a_video_becomes_an_animation_and_an_overlay(command, tmp_path):
    photo = read_image(PHOTO)
    write_video(tmp_path / "clip.mp4", [photo[:424]] * 4, 12.5)
    people = people_file(tmp_path / "people.json", [f"clip_{i:06}.jpg" for i in range(3)], height=424)
    code, _ = command(tmp_path / "clip.mp4", "-k", people)
    assert code == 0
    out = tmp_path / "out"
    assert {INDEX, "overlay.webm", "person-1.npz", "person-1_rigged.glb"} == set(files(out)) - {"index.parquet"}
    drawn = list(read_frames(out / "overlay.webm"))
    plain = list(read_frames(tmp_path / "clip.mp4"))
    changed = [np.abs(a.astype(int) - b).mean() for a, b in zip(drawn, plain, strict=True)]
    assert min(changed[:3]) > 4 * changed[3]  # nobody was seen in the last frame
    assert probe_video(out / "overlay.webm").frames_per_second == pytest.approx(12.5)
    assert BodyEstimate.load(out / "person-1.npz").names == tuple(f"clip.mp4/{i:06}#1" for i in range(3))


def test_a_run_goes_on_with_the_same_body_start_and_look_only(command, tmp_path, monkeypatch):
    from anchorfit.body import load_body, write_body
    from anchorfit.runs.options import RunOptions

    body, start = tmp_path / "body.npz", tmp_path / "start.npz"
    write_body(body, load_body())
    start.write_bytes(b"one")
    options = RunOptions(body=str(body), init=(start,))
    before = options.settings()
    assert RunOptions(body=str(body), init=(start,)).settings() == before
    write_body(body, load_body(gender="male"))
    start.write_bytes(b"another")
    after = options.settings()
    assert {name for name in before if before[name] != after[name]} == {"body", "init"}
    monkeypatch.setattr(planning, "CHUNK", 1)
    people = people_file(tmp_path / "people.json", ["a.jpg", "b.jpg"])
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(PHOTO, tmp_path / name)
    kill_once(command, monkeypatch, people, "--save", "overlay")
    code, said = command(people, "--save", "overlay", "--opacity", "0.2")
    assert code == 1
    assert "unfinished run with other settings (look)" in said
    assert command(people, "--save", "overlay")[0] == 0
