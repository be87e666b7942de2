"""Methods that say where people are in a world of their own are judged there, too, beside the data set's cameras."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from body_sets import some_params  # type: ignore[import-not-found]
from smpl_like import write_smpl_like  # type: ignore[import-not-found]
from test_newer_datasets import write_emdb  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.body import axis_angle_to_matrix, load_body, matrix_to_axis_angle
from anchorfit.cli.main import app
from anchorfit.evaluation.datasets.emdb import open_emdb
from anchorfit.results import BodyEstimate

FRAMES = 8
JITTER = 0.1
"""Metres by which the bodies lie wrongly before the cameras, to and fro, while their world is right."""


@pytest.fixture(scope="module")
def smpl(tmp_path_factory) -> str:
    return str(write_smpl_like(tmp_path_factory.mktemp("body") / "smpl.npz"))


@pytest.fixture
def emdb(tmp_path, smpl) -> Path:
    """A person on a way of metres."""
    root = tmp_path / "set"
    root.mkdir()
    body = load_body(smpl, dtype=torch.float64)
    people = torch.stack([some_params(frame) for frame in range(FRAMES)]).numpy()
    way = np.arange(FRAMES)[:, None] * [0.05, 0.01, -0.03]
    held = {"poses_root": people[:, :3], "poses_body": people[:, 3:72], "trans": people[:, 82:] + way}
    held["betas"] = people[0, 72:82]
    write_emdb(root, body, frames=FRAMES, good_frames_mask=np.ones(FRAMES, bool), smpl=held)
    return root


def write_wham(path: Path, root: Path, smpl: str, *, frames: int = FRAMES, off: float = 0.0) -> Path:
    """WHAM's file: bodies that lie to and fro before the camera; right in a world turned half round about x and moved,
    but for ``off`` metres that they stray more in each frame."""
    body, dataset = load_body(smpl, dtype=torch.float64), open_emdb(root, "male")
    samples = [dataset.sample(index, body).params for index in range(FRAMES)]
    seen = torch.stack([params for params in samples if params is not None])
    true = torch.stack([dataset.world_params(index) for index in range(FRAMES)])
    turn = axis_angle_to_matrix(torch.tensor([torch.pi, 0.0, 0.0], dtype=torch.float64))
    rest = body.rest_joints(true[:, 72:82])[:, 0]
    there = (true[:, 82:] + rest) @ turn.mT + torch.tensor([1.0, 2.0, 3.0]).double() - rest
    there[:, 0] += off * torch.arange(FRAMES) ** 2
    seen[:, 84] += JITTER * (-1.0) ** torch.arange(FRAMES)
    roots = matrix_to_axis_angle(turn @ axis_angle_to_matrix(true[:, :3]))
    held = {
        "pose": seen[:, :72],
        "trans": seen[:, 82:],
        "pose_world": torch.cat([roots, true[:, 3:72]], 1),
        "trans_world": there,
        "betas": seen[:, 72:82],
    }
    track = {key: value[:frames].numpy() for key, value in held.items()} | {"frame_ids": np.arange(frames)}
    joblib.dump({0: track}, path)
    return path


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def world_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "world.csv").open() as stream:
        return {row["method"]: row for row in csv.DictReader(stream)}


def test_results_are_judged_in_their_own_world_and_before_the_sets_cameras(tmp_path, emdb, smpl):
    path = write_wham(tmp_path / "P1_14_outdoor_climb.pkl", emdb, smpl)
    given = ["evaluate", "--dataset", "emdb", "--people", "male", "--root", emdb, "--no-cases", "--workers", 1]
    given += ["--body", smpl, "--estimates", path, "--name", "wham"]
    assert "wham, own world" in run(*given, "-o", tmp_path / "out")
    rows = world_of(tmp_path / "out")
    assert list(rows) == ["wham", "wham, own world"]
    assert float(rows["wham"]["W-MPJPE mm"]) > 1000 * JITTER / 2
    for heading in ("W-MPJPE mm", "WA-MPJPE mm", "RTE %", "foot sliding mm"):
        if rows["wham, own world"][heading]:
            assert float(rows["wham, own world"][heading]) < 0.6, heading  # records keep four decimals
    assert run(*given, "-o", tmp_path / "out")  # again from the journal
    assert world_of(tmp_path / "out") == rows


def test_errors_of_a_stated_world_are_seen(tmp_path, emdb, smpl):
    path = write_wham(tmp_path / "P1_14_outdoor_climb.pkl", emdb, smpl, frames=FRAMES - 2, off=0.01)
    given = ["evaluate", "--dataset", "emdb", "--people", "male", "--root", emdb, "--no-cases", "--workers", 1]
    run(*given, "--body", smpl, "--estimates", path, "--name", "wham", "-o", tmp_path / "out")
    row = world_of(tmp_path / "out")["wham, own world"]
    assert float(row["WA-MPJPE mm"]) > 20
    assert float(row["W-MPJPE mm"]) > float(row["WA-MPJPE mm"])
    assert row["failed"] == "2"


def test_refined_results_keep_to_the_world_that_they_began_with(tmp_path, emdb, smpl):
    """The body moves before the camera as keypoints say, and by the same motion in the world."""
    path = write_wham(tmp_path / "P1_14_outdoor_climb.pkl", emdb, smpl)
    given = ["benchmark", "emdb", "--gender", "male", "--root", emdb, "--body", smpl, "--variants", "direct"]
    said = run(*given, "--results", path, "-o", tmp_path / "out", "--no-cases")
    assert "results, own world" in said
    rows = world_of(tmp_path / "out")
    assert list(rows) == ["direct", "results", "results, own world", "results+2d", "results+2d, own world"]
    assert float(rows["results, own world"]["W-MPJPE mm"]) < 0.6
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]]
    body = load_body(smpl, dtype=torch.float64)
    start, end = ({r["name"]: r for r in records if r["method"] == name} for name in ("results", "results+2d"))
    assert start.keys() == end.keys()
    for name, first in start.items():
        assert first["params"] != end[name]["params"]
        torch.testing.assert_close(_motion(body, first), _motion(body, end[name]), atol=2e-3, rtol=0)


def _motion(body, record) -> torch.Tensor:
    """(3, 4) from before the camera to the world, by where a record has the root."""
    params, world = (torch.tensor(record[key], dtype=torch.float64) for key in ("params", "world"))
    rest = body.rest_joints(params[None, 72:82])[0, 0]
    turn = axis_angle_to_matrix(world[:3]) @ axis_angle_to_matrix(params[:3]).mT
    return torch.cat([turn, (world[3:] + rest - turn @ (params[82:] + rest))[:, None]], 1)


def test_refined_files_carry_the_world(tmp_path, emdb, smpl):
    """Through `anchorfit refine`, whose files are scored as the program's own are."""
    path = write_wham(tmp_path / "P1_14_outdoor_climb.pkl", emdb, smpl)
    body, dataset = load_body(smpl, dtype=torch.float64), open_emdb(emdb, "male")
    people = [
        {
            "image": f"{index:05d}.jpg",
            "person": "0",
            "image_size": s.image_size,
            "keypoints": np.column_stack([s.keypoints, s.confidence]).tolist(),
        }
        for index in range(FRAMES)
        for s in [dataset.sample(index, body).person]
    ]
    keypoints = {"format": "anchorfit-keypoints", "convention": "canonical", "people": people}
    (tmp_path / "keypoints.json").write_text(json.dumps(keypoints))
    run("refine", path, "-k", tmp_path / "keypoints.json", "--body", smpl, "-o", tmp_path / "refined", "--save", "npz")
    files = sorted((tmp_path / "refined").glob("*.npz"))
    assert len(files) == FRAMES
    for file in files:
        estimate = BodyEstimate.load(file)
        assert estimate.world_from_camera.shape == (1, 4, 4)
        assert bool(estimate.world_from_camera.isfinite().all())
    given = ["evaluate", "--dataset", "emdb", "--people", "male", "--root", emdb, "--no-cases", "--workers", 1]
    run(*given, "--estimates", tmp_path / "refined", "--name", "refined", "-o", tmp_path / "out", "--truth-body", smpl)
    assert list(world_of(tmp_path / "out")) == ["refined", "refined, own world"]
