"""``anchorfit fit --cameras``: the worked example of docs/cameras.md, and where people and images are found."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rigs import pa_mm, rig_and_people  # type: ignore[import-not-found]
from typer.testing import CliRunner

import anchorfit
from anchorfit.body import CANONICAL_JOINTS
from anchorfit.body.moving import moved
from anchorfit.cameras.own_json import cameras_json
from anchorfit.cli.main import app
from anchorfit.observations import PeopleFile, Person, read_image, write_image, write_people
from anchorfit.rendering import overlay
from anchorfit.results import BodyEstimate
from anchorfit.views.command import ViewJob, fit_view_files
from anchorfit.views.files import ViewNames
from anchorfit.views.pairing import pair_views
from anchorfit.views.sources import ViewSources, gather_views

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE = (320, 240)
JOINTS = len(CANONICAL_JOINTS)


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


@pytest.fixture(scope="module")
def example(body, tmp_path_factory):
    """The folders of docs/cameras.md: two people, an instant each, seen by four cameras through a lens."""
    folder = tmp_path_factory.mktemp("four")
    cameras, people = rig_and_people(body, 2, image_size=SIZE, distortion=(-0.1, 0.02, 0.0, 0.0))
    (folder / "cameras.json").write_text(cameras_json(cameras))
    (folder / "keypoints").mkdir()
    for camera in cameras:
        (folder / "views" / camera.name).mkdir(parents=True)
        there = moved(body, people.params, camera.rotation.float(), camera.translation.float())
        vertices = body.from_params(there).vertices
        for row in range(2):
            blank = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
            drawn = overlay(blank, vertices[row : row + 1], body.faces, camera.intrinsics.float(), alpha=1.0)
            write_image(folder / "views" / camera.name / f"{row:04d}.jpg", drawn)
        seen = [replace(one, image=Path(f"{row:04d}.jpg")) for row, one in enumerate(people.views[camera.name])]
        write_people(folder / "keypoints" / f"{camera.name}.json", seen)
    torch.save(people.params, folder / "truth.pt")
    return folder


def commands():
    text = (DOCS / "cameras.md").read_text()
    block = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0]
    return [line.split("#")[0].strip() for line in block.splitlines() if line.startswith("anchorfit fit")]


def run(line, folder, monkeypatch):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(app, shlex.split(line)[1:])


@pytest.mark.parametrize("number", [0, 2])  # the other one asks a detector, which finds no drawn people
def test_the_worked_example_runs(number, example, body, monkeypatch):
    line = commands()[number].replace("-o out", f"-o out{number}")
    done = run(line, example, monkeypatch)
    assert done.exit_code == 0, done.output
    out = example / f"out{number}"
    assert "4 cameras (cam1, cam2, cam3, cam4); 2 bodies" in done.output
    with np.load(out / "world.npz") as world:
        params = body.layout.join(
            **{name: torch.from_numpy(world[name]) for name in ("global_orient", "body_pose", "betas", "transl")}
        )
        assert world["errors_px"].shape == (2, 4)
    assert len((out / "views.csv").read_text().splitlines()) == 9
    assert len(anchorfit.read_cameras(out / "cameras.json")) == 4
    if number == 0:
        truth = torch.load(example / "truth.pt", weights_only=True)
        assert float(pa_mm(body, params, truth).mean()) < 40
        there = BodyEstimate.load(out / "cam3.npz")
        assert there.images == ("", "")  # with a lens: nobody is to draw a pinhole's body on the image as it is
        drawn = read_image(out / "cam3_0001_overlay.jpg")
        assert drawn.shape == (SIZE[1], SIZE[0], 3)
    else:
        assert (out / "people.bvh").is_file()


def test_photographs_alone_ask_the_detector(example, body, tmp_path):
    asked = []

    def detect(images):
        asked.append([image.name for image in images])
        seen = anchorfit.read_people(example / "keypoints" / f"{images[0].parent.name}.json")
        return PeopleFile(tuple(replace(one, image=images[row]) for row, one in enumerate(seen)))

    job = ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    report = fit_view_files([example / "views"], body, tmp_path, job, detect)
    assert report.bodies == 2
    assert asked == [["0000.jpg", "0001.jpg"]] * 4


def test_people_of_two_files_of_one_detection_count_once(example, body, tmp_path):
    """They were further people, each seen by one camera alone and trusted."""
    for file in (example / "keypoints").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "cam2_old.json").write_bytes((tmp_path / "cam2.json").read_bytes())
    report = fit_view_files(
        [tmp_path], body, tmp_path / "out", ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    )
    assert report.bodies == 2
    (told,) = [line for line in report.problems if "twice" in line]
    assert told == "camera cam2: 2 of 4 people are there twice, with the very same keypoints; left out"
    still = [replace(one, image=None, image_label="") for one in anchorfit.read_people(tmp_path / "cam2.json")][:1]
    write_people(tmp_path / "cam2.json", [replace(still[0], person_id=str(row)) for row in range(2)])
    (tmp_path / "cam2_old.json").unlink()
    kept = gather_views([tmp_path], [f"cam{number}" for number in range(1, 5)]).people["cam2"]
    assert len(kept) == 2  # a still film without names of images: each row is an instant


def test_instants_without_anybody_keep_their_number(example, tmp_path):
    """In files without names of images an entry with nobody put all that follow one instant too early."""
    seen = anchorfit.read_people(example / "keypoints" / "cam1.json")
    write_people(tmp_path / "cam1.json", [replace(one, image=None) for one in seen])
    content = json.loads((tmp_path / "cam1.json").read_text())
    content["people"].insert(0, {"keypoints": []})
    (tmp_path / "cam2.json").write_text(json.dumps(content))
    found = gather_views([tmp_path], ["cam1", "cam2"])
    instants = pair_views(found.people)
    assert [len(one.seen) for one in instants] == [2, 2, 1]
    assert not (instants[0].seen["cam2"][0].confidence > 0).any()


def test_cameras_that_count_from_0_and_from_1_are_said(example, tmp_path):
    seen = anchorfit.read_people(example / "keypoints" / "cam1.json")
    for camera, first in (("cam1", 0), ("cam2", 1)):
        named = [replace(one, image=Path(f"{camera}_{row + first:06d}")) for row, one in enumerate(seen)]
        write_people(tmp_path / f"{camera}.json", named)
    (line,) = gather_views([tmp_path], ["cam1", "cam2"]).problems
    assert line.startswith("frames of camera cam2 begin with 1, those of camera cam1 with 0: frames of one number are")
    (tmp_path / "cam1.json").unlink()
    write_people(tmp_path / "cam1.json", named)
    assert not gather_views([tmp_path], ["cam1", "cam2"]).problems


def test_a_camera_that_saw_nobody_is_said(example, body, tmp_path):
    for file in (example / "keypoints").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_people(tmp_path / "cam3.json", [])
    job = ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    assert fit_view_files([tmp_path], body, tmp_path / "out", job).problems == ("no person of camera cam3",)


def test_one_reason_of_many_bodies_is_a_line_a_camera(example, body, tmp_path):
    """Each body had a line, and those behind the fortieth none."""
    everyone = anchorfit.read_people(example / "keypoints" / "cam1.json")
    write_people(tmp_path / "cam1.json", everyone)
    (line,) = [
        line
        for line in fit_view_files(
            [tmp_path], body, tmp_path / "out", ViewJob(cameras=example / "cameras.json", kinds=("npz",))
        ).problems
        if "one view alone" in line
    ]
    assert line.startswith("0000#0, 0001#")


def test_what_is_said_of_all_bodies_is_not_said_of_each_again(body, tmp_path):
    cameras, people = rig_and_people(body, 6)
    (tmp_path / "cameras.json").write_text(cameras_json(cameras))
    for name, seen in {"cam1": "cam2", "cam2": "cam1", "cam3": "cam3"}.items():
        named = [replace(one, image=Path(f"{row:04d}.jpg")) for row, one in enumerate(people.views[seen])]
        write_people(tmp_path / f"{name}.json", named)
    paths = [tmp_path / f"cam{number}.json" for number in (1, 2, 3)]
    report = fit_view_files(paths, body, tmp_path / "out", ViewJob(cameras=tmp_path / "cameras.json", kinds=("npz",)))
    assert sum("are names of cameras exchanged?" in line for line in (*report.remarks, *report.problems)) == 1
    assert "are names of cameras exchanged?" in (tmp_path / "out" / "people.csv").read_text()


def test_one_file_of_all_cameras_says_them_by_its_images(example, body, tmp_path):
    everyone = [
        replace(person, image=Path(f"{file.stem}/{row:04d}.jpg"), person_id=f"{file.stem}{row}")
        for file in sorted((example / "keypoints").iterdir())
        for row, person in enumerate(anchorfit.read_people(file))
    ]
    write_people(tmp_path / "all.json", everyone)
    report = fit_view_files(
        [tmp_path / "all.json"], body, tmp_path / "out", ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    )
    assert report.bodies == 2
    stray = [replace(one, image=Path("roof/0000.jpg")) for one in everyone[:1]]
    write_people(tmp_path / "stray.json", [*everyone, *stray])
    found = gather_views([tmp_path / "stray.json"], ["cam1", "cam2", "cam3", "cam4"])
    assert any("of no camera" in line for line in found.problems)


def test_what_is_named_after_a_camera_that_cannot_be_used_is_left_out(example, body, tmp_path):
    """One camera is left of several: the others' keypoints are not its own."""
    told = json.loads((example / "cameras.json").read_text())
    told["cameras"] = told["cameras"][:2]
    told["cameras"][1]["t"] = [float("nan")] * 3
    (tmp_path / "two.json").write_text(json.dumps(told))
    assert anchorfit.read_cameras(tmp_path / "two.json").left_out == ("cam2",)
    files = [example / "keypoints" / f"cam{number}.json" for number in (1, 2, 3)]
    report = fit_view_files(files, body, tmp_path / "out", ViewJob(cameras=tmp_path / "two.json", kinds=("npz",)))
    assert report.bodies == 2  # of cam1 alone
    assert any("cam2.json: camera cam2 cannot be used" in line for line in report.problems)
    assert any("cam3.json" in line and "of no camera" in line for line in report.problems)
    found = gather_views([example / "views"], ["cam1"], left_out=["cam2", "cam3", "cam4"], detect=no_one)
    assert sum("cannot be used; left out" in line for line in found.problems) == 3


def no_one(images):
    assert all(image.parent.name == "cam1" for image in images)
    return PeopleFile(())


def test_what_cannot_be_used_is_a_line_and_the_rest_goes_on(example, body, tmp_path):
    folder = tmp_path / "keypoints"
    folder.mkdir()
    for file in (example / "keypoints").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "cam4.json").write_text("nonsense")
    (folder / "roof").mkdir()
    job = ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    report = fit_view_files([folder, tmp_path / "gone"], body, tmp_path / "out", job)
    assert report.bodies == 2
    told = "\n".join(report.problems)
    assert "cam4.json" in told
    assert "roof: no camera of this name" in told
    assert "gone: no such file" in told
    assert all("\n" not in line for line in report.problems)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("anchorfit fit keypoints --cameras none.json -o bad", "none.json: no such file"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --save obj", "for views"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --focal 900", "--focal"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --mask detected", "--mask"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --unit ft", "unit"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --save npz,obj", "--save"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --save ''", "--save"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --fps 0", "--fps"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --opacity 3", "--opacity"),
        ("anchorfit fit views --cameras cameras.json -o bad --detector bogus", "bogus"),
        ("anchorfit fit views --cameras cameras.json -k keypoints -o bad --renderer foo", "foo"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --detector bogus", "bogus"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --renderer foo", "renderer"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --opacity 0.3", "opacity"),
        ("anchorfit fit keypoints --cameras cameras.json -o bad --save overlay", "needs images"),
        ("anchorfit fit cameras.json --cameras cameras.json -o bad", "person"),
    ],
)
def test_wrong_commands_are_one_line(line, message, example, monkeypatch):
    done = run(line, example, monkeypatch)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)


def test_one_camera_of_known_intrinsics(example, body, tmp_path):
    camera = anchorfit.read_cameras(example / "cameras.json").cameras[0]
    text = cameras_json([camera]).replace('"R"', '"_R"').replace('"t"', '"_t"')
    (tmp_path / "k.json").write_text(text)
    job = ViewJob(cameras=tmp_path / "k.json", kinds=("npz",))
    report = fit_view_files([example / "keypoints" / "cam1.json"], body, tmp_path / "out", job)
    assert report.bodies == 2
    found = BodyEstimate.load(tmp_path / "out" / "cam1.npz")
    torch.testing.assert_close(found.intrinsics[0], camera.intrinsics.float())
    plain = np.array([one.keypoints for one in anchorfit.read_people(example / "keypoints" / "cam1.json")])
    assert float((found.keypoints - torch.from_numpy(plain)).norm(dim=-1)[found.confidence > 0].max()) > 0.1


def test_the_cameras_and_files_of_no_run_are_not_overwritten(example, body, tmp_path):
    own = (example / "cameras.json").read_bytes()
    (tmp_path / "cameras.json").write_bytes(own)
    with pytest.raises(ValueError, match=r"cameras\.json: what is read lies where results go"):
        fit_view_files([example / "keypoints"], body, tmp_path, ViewJob(cameras=tmp_path / "cameras.json"))
    assert (tmp_path / "cameras.json").read_bytes() == own
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["cameras.json"]
    job = ViewJob(cameras=example / "cameras.json")
    with pytest.raises(ValueError, match=r"cameras\.json: is there already, and is not of a run"):
        fit_view_files([example / "keypoints"], body, tmp_path, job)
    out = tmp_path / "out"
    every = ViewJob(cameras=example / "cameras.json", kinds=("npz", "json"))
    first = fit_view_files([example / "keypoints"], body, out, every)
    second = fit_view_files([example / "keypoints"], body, out, replace(every, kinds=("npz",)))
    assert {path.name for path in first.files} - {path.name for path in second.files} == {"people.json"}
    assert {path.name for path in out.glob("[!.]*")} == {"index.jsonl", *(path.name for path in second.files)}


def test_names_that_meet_are_told_apart(tmp_path):
    people = {}
    for camera, images in {"a": ["b_c.jpg", "one/0.jpg", "two/0.jpg"], "a_b": ["c.jpg"]}.items():
        paths = [tmp_path / camera / image for image in images]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        nobody = Person(person_id="0", keypoints=np.zeros((JOINTS, 2)), confidence=np.zeros(JOINTS))
        people[camera] = [replace(nobody, image=path) for path in paths]
    cameras = ["a", "a_b", "a/b", "World", "people", "cameras"]
    names = ViewNames.of(cameras, people)
    files = names.planned(("npz", "json", "bvh", "rigged", "overlay", "side"))
    assert len({file.lower() for file in files}) == len(files) == 4 + 4 + len(cameras) + 2 * 4
    assert names.cameras["a_b"] == "a_b"
    assert names.cameras["World"] == "World-2"


def test_the_command_says_how_sure_it_is_and_smooths_videos_alone(example, monkeypatch):
    std, found = {}, {}
    for name, more in {"usual": "", "without": "--no-covariance", "same": "--same-person", "video": "--video"}.items():
        line = f"anchorfit fit keypoints --cameras cameras.json --save npz -o told_{name} {more}"
        done = run(line, example, monkeypatch)
        assert done.exit_code == 0, done.output
        found[name] = BodyEstimate.load(example / f"told_{name}" / "people.npz")
        std[name] = found[name].diagnostics.joint_std_mm
    assert bool((std["usual"] > 0).all())
    assert std["without"] is None or not bool((std["without"] > 0).any())
    for name in ("same", "video"):
        assert bool((found[name].betas == found[name].betas[0]).all())
    apart = {name: float((one.body_pose[0] - one.body_pose[1]).norm()) for name, one in found.items()}
    assert apart["video"] < apart["same"]


def test_names_of_cameras_are_printable_in_what_is_said(tmp_path, body, monkeypatch):
    rig, people = rig_and_people(body, 1)
    named = {camera.name: f"{camera.name}\n\x1b[31m" for camera in rig}
    cameras = tuple(replace(camera, name=named[camera.name]) for camera in rig)
    (tmp_path / "cameras.json").write_text(cameras_json(cameras))
    views = {named[camera]: some for camera, some in people.views.items()}
    problem = f"{cameras[0].name}: odd"
    found = ViewSources(people=views, problems=[problem])
    monkeypatch.setattr("anchorfit.views.command.gather_views", lambda *given, **more: found)
    job = ViewJob(cameras=tmp_path / "cameras.json")
    told = fit_view_files([tmp_path], body, tmp_path / "out", job)
    assert told.problems
    assert all(line.isprintable() for line in (*told.remarks, *told.problems))


def test_a_folder_of_views_is_read_by_its_index(example, body, tmp_path):
    from anchorfit.many_estimates import load_estimates
    from anchorfit.reports.saved import report_saved

    job = ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    fit_view_files([example / "keypoints"], body, tmp_path / "out", job)
    assert load_estimates([tmp_path / "out"]).names == BodyEstimate.load(tmp_path / "out" / "people.npz").names
    report_saved(tmp_path / "report.html", [tmp_path / "out"])
    assert (tmp_path / "report.html").stat().st_size > 100_000
