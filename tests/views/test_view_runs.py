"""``anchorfit fit --cameras`` as a run: it goes on where it was stopped, in several processes, with a page."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rigs import rig_and_people  # type: ignore[import-not-found]
from typer.testing import CliRunner

import anchorfit
from anchorfit.cameras.own_json import cameras_json
from anchorfit.cli.main import app
from anchorfit.observations import PeopleFile, write_image, write_people
from anchorfit.runs.engines import EngineOptions
from anchorfit.runs.folder import RunFolder
from anchorfit.runs.sightings import SIGHTINGS
from anchorfit.views import chunks
from anchorfit.views.command import ViewJob, fit_view_files

COUNT, SIZE = 6, (320, 240)
KINDS = ("npz", "overlay", "side")


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


def filled(folder: Path, body, distortion=()):
    cameras, people = rig_and_people(body, COUNT, image_size=SIZE, distortion=distortion)
    (folder / "cameras.json").write_text(cameras_json(cameras))
    (folder / "keypoints").mkdir()
    for camera in cameras:
        (folder / "views" / camera.name).mkdir(parents=True)
        for row in range(COUNT):
            write_image(folder / "views" / camera.name / f"{row:04d}.jpg", np.full((240, 320, 3), 99, np.uint8))
        seen = [replace(one, image=Path(f"{row:04d}.jpg")) for row, one in enumerate(people.views[camera.name])]
        write_people(folder / "keypoints" / f"{camera.name}.json", seen)
    return folder


@pytest.fixture(scope="module")
def example(body, tmp_path_factory):
    return filled(tmp_path_factory.mktemp("rig"), body)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 2)


def job_of(example, **more):
    return ViewJob(cameras=example / "cameras.json", keypoints=example / "keypoints", kinds=KINDS, **more)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".anchorfit.jsonl"}


@pytest.fixture(scope="module")
def whole(example, body, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    report = fit_view_files([example / "views"], body, out, job_of(example))
    assert report.bodies == COUNT
    assert not [name for name in contents(out) if name.startswith(".")]
    return contents(out)


class Stopped(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_with_the_same_bytes(example, body, whole, tmp_path, monkeypatch):
    usual = RunFolder.commit

    def stops(folder, records):
        if folder.chunks == 2:
            raise Stopped
        usual(folder, records)

    monkeypatch.setattr(RunFolder, "commit", stops)
    with pytest.raises(Stopped):
        fit_view_files([example / "views"], body, tmp_path / "out", job_of(example))
    monkeypatch.setattr(RunFolder, "commit", usual)
    other = job_of(example, convention="coco17")
    with pytest.raises(ValueError, match="unfinished run with other settings"):
        fit_view_files([example / "views"], body, tmp_path / "out", other)
    fitted = []
    work = chunks.ChunkWork.__call__

    def told(own, one):
        fitted.append(one.number)
        return work(own, one)

    monkeypatch.setattr(chunks.ChunkWork, "__call__", told)
    fit_view_files([example / "views"], body, tmp_path / "out", job_of(example))
    assert fitted == [2]
    assert contents(tmp_path / "out") == whole


def test_results_within_the_folder_that_is_read_are_no_other_input(example, body, whole, tmp_path, monkeypatch):
    (tmp_path / "in").symlink_to(example)
    given, out = [tmp_path / "in" / "views", tmp_path], tmp_path / "out"
    monkeypatch.setattr(RunFolder, "finish", lambda folder: (_ for _ in ()).throw(Stopped))
    with pytest.raises(Stopped):
        fit_view_files(given, body, out, job_of(example))
    monkeypatch.undo()
    monkeypatch.setattr(chunks, "CHUNK", 2)
    assert fit_view_files(given, body, out, job_of(example)).bodies == COUNT
    assert contents(out)["world.npz"] == whole["world.npz"]


def test_what_an_unfinished_run_lost_is_one_line_and_restart_begins_anew(example, body, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(RunFolder, "finish", lambda folder: (_ for _ in ()).throw(Stopped))
    with pytest.raises(Stopped):
        fit_view_files([example / "views"], body, tmp_path / "out", job_of(example))
    monkeypatch.undo()
    monkeypatch.setattr(chunks, "CHUNK", 2)
    (tmp_path / "out" / ".part-00001.npz").unlink()
    with pytest.raises(ValueError, match=r"part-00001\.npz: is gone or was changed; give --restart") as caught:
        fit_view_files([example / "views"], body, tmp_path / "out", job_of(example))
    assert "\n" not in str(caught.value)
    fit_view_files([example / "views"], body, tmp_path / "out", job_of(example), restart=True)
    assert contents(tmp_path / "out") == whole


def test_two_workers_write_the_same_bytes(example, body, whole, tmp_path):
    engine = EngineOptions(workers=2)
    fit_view_files([example / "views"], body, tmp_path / "out", job_of(example), engine=engine)
    assert contents(tmp_path / "out") == whole


def test_a_killed_command_goes_on(example, body, tmp_path, monkeypatch):
    line = f"-m anchorfit fit {example}/views --cameras {example}/cameras.json -k {example}/keypoints -o out"
    code = f"import sys; from anchorfit.views import chunks; chunks.CHUNK = 1; sys.argv = {shlex.split(line)[1:]!r}; "
    code += "from anchorfit.cli.main import app; app()"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.DEVNULL)
    index = tmp_path / "out" / "index.jsonl"
    limit = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < limit and not (index.is_file() and index.stat().st_size):
        time.sleep(0.01)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(chunks, "CHUNK", 1)
    again = CliRunner().invoke(app, shlex.split(line)[2:])
    assert again.exit_code == 0, again.output
    fresh = CliRunner().invoke(app, shlex.split(line.replace("-o out", "-o fresh"))[2:])
    assert fresh.exit_code == 0, fresh.output
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_detections_are_kept_until_the_run_is_through(example, body, tmp_path, monkeypatch):
    looked = []

    class Detector:
        name = "a detector"

    def detect(path, detector, **more):
        looked.append(path)
        if len(looked) > 3:
            raise Stopped
        return _seen(example, path)

    monkeypatch.setattr("anchorfit.detectors.detect", detect)
    monkeypatch.setattr("anchorfit.detectors.load_detector", lambda *given, **more: Detector())
    monkeypatch.setattr("anchorfit.runs.detecting.AT_ONCE", 1)
    job = ViewJob(cameras=example / "cameras.json", kinds=("npz",))
    with pytest.raises(Stopped):
        fit_view_files([example / "views"], body, tmp_path / "out", job)
    assert (tmp_path / "out" / SIGHTINGS).is_file()
    del looked[3:]
    before = set(looked)

    def sees(path, detector, **more):
        looked.append(path)
        return _seen(example, path)

    monkeypatch.setattr("anchorfit.detectors.detect", sees)
    report = fit_view_files([example / "views"], body, tmp_path / "out", job)
    assert report.bodies == COUNT
    assert len(looked) == 4 * COUNT
    assert not before & set(looked[3:])
    assert not (tmp_path / "out" / SIGHTINGS).exists()


def _seen(example, path) -> PeopleFile:
    seen = anchorfit.read_people(example / "keypoints" / f"{path.parent.name}.json")
    return PeopleFile((seen[int(path.stem)],))


@pytest.mark.parametrize("lens", [(), (-0.1, 0.02, 0.0, 0.0)])
def test_the_page_has_each_body_in_each_view(body, tmp_path, lens):
    folder = filled(tmp_path, body, lens)
    report = fit_view_files([folder / "views"], body, tmp_path / "out", job_of(folder), report=True)
    assert not report.problems
    page = (tmp_path / "out" / "report.html").read_text()
    assert all(f"cam{view} {row:04d}#0" in page for view in (1, 2, 3, 4) for row in range(COUNT))
    assert page.count("data:image/webp") == 4 * COUNT
    index = [json.loads(line) for line in (tmp_path / "out" / "index.jsonl").read_text().splitlines()]
    assert [(one["name"], one["file"], one["row"]) for one in index] == [
        (f"{row:04d}#0", "people.npz", row) for row in range(COUNT)
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--video --workers 2", "all people are fitted at once, in one process"),
        ("--engine ray", "several cameras are fitted without it"),
        ("--workers 0", "workers"),
    ],
)
def test_what_stays_refused_is_one_line(more, message, example, monkeypatch, tmp_path):
    line = f"fit {example}/views --cameras {example}/cameras.json -k {example}/keypoints -o out {more}"
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, shlex.split(line))
    assert done.exit_code != 0
    assert message in " ".join((done.output + str(done.exception)).replace("│", " ").split())
    assert not (tmp_path / "out").exists()
