"""Results of every program whose bodies are of SMPL can be scored as they are, each in its own camera."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
import torch
from program_files import (  # type: ignore[import-not-found]
    EXACT,
    HEIGHT,
    IMAGES,
    WIDTH,
    bev,
    gvhmr,
    tram,
    two_bodies,
    wham,
    write_licensed_like,
)  # fmt: skip
from typer.testing import CliRunner

from anchorfit.camera import project
from anchorfit.cli.main import app
from anchorfit.evaluation.estimates import EstimateError, index_estimates, read_estimate
from anchorfit.evaluation.scoring import centred
from anchorfit.interchange.results import read_results


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    return two_bodies(write_licensed_like(tmp_path_factory.mktemp("body") / "SMPL_LIKE.npz"))


@pytest.mark.parametrize("program", EXACT)
def test_joints_are_drawn_where_the_program_draws_them(bodies, tmp_path, program):
    written = EXACT[program](bodies, tmp_path)
    index = index_estimates(written.path)
    assert (index.body, index.num_betas, index.problems) == (None, 10, ())
    assert len(index.entries) == len(written.rows)
    for entry, pixels, row in zip(index.entries, written.pixels, written.rows, strict=True):
        placed = read_estimate(entry, image_size=(WIDTH, HEIGHT))
        params = placed.params_of(bodies.body)
        torch.testing.assert_close(params[72:82], torch.from_numpy(bodies.betas[row]), atol=1e-6, rtol=0)
        joints = bodies.body.from_params(params[None]).joints
        ours = project(joints, centred(placed.intrinsics, WIDTH, HEIGHT)[None])[0]
        np.testing.assert_allclose(ours.numpy(), pixels, atol=2e-3)


@pytest.mark.parametrize("program", [wham, tram])
def test_joints_in_the_programs_world_are_where_the_program_has_them(bodies, tmp_path, program):
    written = program(bodies, tmp_path)
    for entry, world in zip(index_estimates(written.path).entries, written.world, strict=True):
        placed = read_estimate(entry, image_size=(WIDTH, HEIGHT))
        params = placed.params_of(bodies.body)
        motion = placed.to_world(params, bodies.body)
        joints = bodies.body.from_params(params[None]).joints[0] @ motion[:3, :3].mT + motion[:3, 3]
        np.testing.assert_allclose(joints.numpy(), world, atol=1e-5)
        away = params.clone()
        away[-3:] += torch.tensor([0.1, -0.2, 0.7])  # as another camera has the body: the world stays
        motion = placed.to_world(away, bodies.body)
        joints = bodies.body.from_params(away[None]).joints[0] @ motion[:3, :3].mT + motion[:3, 3]
        np.testing.assert_allclose(joints.numpy(), world, atol=1e-5)


def test_programs_without_a_world_say_none(bodies, tmp_path):
    entry = index_estimates(EXACT["HMR2"](bodies, tmp_path).path).entries[0]
    placed = read_estimate(entry, image_size=(WIDTH, HEIGHT))
    assert bool(placed.to_world(placed.params_of(bodies.body), bodies.body).isnan().all())


def test_a_world_that_cannot_be_read_costs_the_world_alone(bodies, tmp_path):
    path = wham(bodies, tmp_path).path
    held = joblib.load(path)
    held[7]["trans_world"] = held[7]["trans_world"][:1]
    joblib.dump(held, path)
    found = read_results(path)
    assert len(found.bodies) == 2
    assert found.problems == (
        f"{path}: person 7: its world is not read: 2 rows of pose_world, 1 of trans_world, but 2 bodies",
    )


def test_trams_frames_beyond_its_cameras_have_no_world(bodies, tmp_path):
    path = tram(bodies, tmp_path).path
    held = np.load(path, allow_pickle=True).item()
    np.save(path, np.array(held | {"frame": torch.tensor([0, 5])}, dtype=object), allow_pickle=True)
    (problem,) = read_results(path).problems
    assert problem.endswith("camera.npy: its world is not read: 2 rows of world_cam_R, but frame 5")


def test_images_and_people_are_named_as_in_the_file(bodies, tmp_path):
    entries = index_estimates(EXACT["HMR2"](bodies, tmp_path).path).entries
    assert [entry.label for entry in entries] == list(IMAGES)
    frames = index_estimates(wham(bodies, tmp_path).path).entries
    assert all(entry.label.startswith("wham_output@0000") for entry in frames)


def test_bodies_of_another_model_are_refused_in_a_line(bodies, tmp_path):
    with pytest.raises(EstimateError, match=r"hmr4d_results\.pt \(GVHMR\): bodies of smplx, .* by anchorfit refine"):
        index_estimates(gvhmr(bodies, tmp_path).path)


def test_a_camera_that_goes_by_the_image_needs_its_size(bodies, tmp_path):
    (first, *_) = index_estimates(wham(bodies, tmp_path).path).entries
    with pytest.raises(EstimateError, match="no camera that can be"):
        read_estimate(first)


def test_cases_of_results_whose_camera_goes_by_the_image_are_drawn(bodies, tmp_path):
    """BEV's files do not say how large the image is; the data set does."""
    held = np.load(bev(bodies, tmp_path).path, allow_pickle=True)["results"].item()
    one = {name: values[:1] for name, values in held.items()} | {"smpl_betas": held["smpl_betas"][:1, :10]}
    (tmp_path / "results").mkdir()
    np.savez(tmp_path / "results" / "person000000_0.08.npz", results=np.array(one, dtype=object))
    given = ["--estimates", tmp_path / "results", "--body", "open", "--dataset", "openbody", "--count", 1]
    result = CliRunner().invoke(app, ["evaluate", *map(str, given), "-o", str(tmp_path / "out"), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "cases.html").read_text().count("data:image") == 1
