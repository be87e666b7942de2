"""Films of several cameras: frames of one number are one instant."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rigs import pa_mm, rig_and_people  # type: ignore[import-not-found]
from typer.testing import CliRunner

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.cameras.own_json import cameras_json
from anchorfit.cli.main import app
from anchorfit.observations import PeopleFile, read_image
from anchorfit.observations.videos import probe_video, write_video
from anchorfit.views.command import ViewJob, fit_view_files

SIZE, FRAMES = (160, 120), 3


@pytest.fixture(scope="module")
def body():
    return anchorfit.load_body()


@pytest.fixture
def filmed(body, tmp_path):
    """A folder with four films of one pose and the cameras; what each film's people are, by the film's name."""
    cameras, people = rig_and_people(body, 1, image_size=SIZE, distortion=(-0.1, 0.02, 0.0, 0.0))
    (tmp_path / "cameras.json").write_text(cameras_json(cameras))
    (tmp_path / "films").mkdir()
    seen = {}
    for camera in cameras:
        film = tmp_path / "films" / f"{camera.name}.mp4"
        write_video(film, [np.full((SIZE[1], SIZE[0], 3), 90 + 20 * n, np.uint8) for n in range(FRAMES)], 25.0)
        one = people.views[camera.name][0]
        seen[film.name] = [replace(one, image=Path(f"{film.name}/{n:06d}"), image_size=SIZE) for n in range(FRAMES)]
    return tmp_path, people.params, seen


def test_films_are_fitted_in_time_and_drawn_on(body, filmed):
    folder, truth, seen = filmed
    job = ViewJob(cameras=folder / "cameras.json", kinds=("npz", "overlay", "bvh"))
    report = fit_view_files(
        [folder / "films"],
        body,
        folder / "out",
        job,
        detect_film=lambda film: PeopleFile(tuple(seen[film.name]), ()),
    )
    assert report.bodies == FRAMES
    assert not report.problems
    world = np.load(folder / "out" / "world.npz")
    assert float(world["rate"]) == 25.0
    params = body.layout.join(
        **{n: torch.from_numpy(world[n]) for n in ("body_pose", "betas", "global_orient", "transl")}
    )
    assert float(pa_mm(body, params, truth.expand(FRAMES, -1)).max()) < 60
    assert float(torch.from_numpy(world["betas"]).std(0).max()) < 1e-4  # one person in time
    overlays = sorted((folder / "out").glob("cam*_overlay.*"))
    assert [path.stem for path in overlays] == [f"cam{number}_overlay" for number in (1, 2, 3, 4)]
    assert probe_video(overlays[0]).size == SIZE
    assert (folder / "out" / "people.bvh").is_file()


def test_films_of_different_rates_are_refused_and_strangers_left_out(body, filmed):
    folder, _, seen = filmed
    frames = [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * FRAMES
    write_video(folder / "films" / "garden.mp4", frames, 25.0)
    job = ViewJob(cameras=folder / "cameras.json", kinds=("npz",))

    def detect(film):
        return PeopleFile(tuple(seen[film.name]), ())

    report = fit_view_files([folder / "films"], body, folder / "out", job, detect_film=detect)
    assert any("garden.mp4: the name says no camera" in line for line in report.problems)
    write_video(folder / "films" / "cam2.mp4", frames, 30.0)
    with pytest.raises(ValueError, match=r"cam2.mp4: 30 frames a second, .*cam1.mp4 has 25: .*one rate"):
        fit_view_files([folder / "films"], body, folder / "other", job, detect_film=detect)
    assert not (folder / "other").exists()


def test_films_beside_keypoints_are_said_not_to_be_looked_at(body, filmed):
    from anchorfit.observations import write_people

    folder, _, seen = filmed
    for name, people in seen.items():
        write_people(folder / "films" / f"{Path(name).stem}.json", people)
    report = fit_view_files(
        [folder / "films"], body, folder / "out", ViewJob(cameras=folder / "cameras.json", kinds=("npz",))
    )
    assert report.bodies == FRAMES
    assert sum("films are looked at where there are no keypoints alone" in line for line in report.problems) == 4


def test_the_command_looks_through_a_film(tmp_path):
    """One camera of known intrinsics, a film of a photograph, the detector that ships."""
    image = read_image(ASSETS / "demo" / "000000000785.jpg")
    size = (image.shape[1], image.shape[0])
    write_video(tmp_path / "cam.mp4", [image] * 2, 25.0)
    camera = {"name": "cam", "size": size, "K": [[765.0, 0, 320], [0, 765.0, 212.5], [0, 0, 1]]}
    (tmp_path / "cameras.json").write_text(json.dumps({"cameras": [camera]}))
    line = ["fit", str(tmp_path / "cam.mp4"), "--cameras", str(tmp_path / "cameras.json"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output
    assert re.search(r"1 cameras \(cam\); [2-9] bodies", result.output)
    assert list((tmp_path / "out").glob("cam_overlay.*"))
