"""Commands judge people's ways through the world, where a data set knows the cameras' ways."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from body_sets import some_params, write_threedpw  # type: ignore[import-not-found]
from smpl_like import write_smpl_like  # type: ignore[import-not-found]
from test_newer_datasets import write_emdb, write_rich  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.body import SMPL_JOINTS, BodyModel, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.cli.main import app
from anchorfit.evaluation.benchmarks import SetOptions, benchmark_of
from anchorfit.evaluation.datasets.emdb import Emdb, open_emdb
from anchorfit.evaluation.datasets.rich import open_rich
from anchorfit.evaluation.datasets.samples import WorldDataset
from anchorfit.evaluation.datasets.threedpw import open_threedpw
from anchorfit.evaluation.metrics.world import foot_sliding, root_translation_error, world_error
from anchorfit.evaluation.records import Record
from anchorfit.evaluation.world_scores import FEET, in_world, world_rows

FRAMES = 12


@pytest.fixture(scope="module")
def smpl(tmp_path_factory) -> str:
    return str(write_smpl_like(tmp_path_factory.mktemp("body") / "smpl.npz"))


@pytest.fixture(scope="module")
def body(smpl) -> BodyModel:
    return load_body(smpl, dtype=torch.float64)


@pytest.fixture
def emdb(tmp_path, body) -> Emdb:
    """Twelve frames, the fifth of which is not good."""
    good = np.arange(FRAMES) != 4
    people = torch.stack([some_params(frame) for frame in range(FRAMES)]).numpy()
    way = np.arange(FRAMES)[:, None] * [0.05, 0.01, -0.03]
    smpl = {"poses_root": people[:, :3], "poses_body": people[:, 3:72], "trans": people[:, 82:] + way}
    smpl["betas"] = people[0, 72:82]
    write_emdb(tmp_path, body, frames=FRAMES, good_frames_mask=good, smpl=smpl)
    return open_emdb(tmp_path, "male")


def records_of(dataset: WorldDataset, body: BodyModel, shift=None, method="m") -> list[Record]:
    """The truth, or bodies that are off by ``shift(frame)``, before the cameras."""
    found = []
    for index, name in enumerate(dataset.names):
        params = dataset.sample(index, body).params
        assert params is not None
        params = params.clone()
        if shift is not None:
            params[82:] += shift(dataset.frame(index))
        found.append(Record(method=method, name=name, params=tuple(params.tolist())))
    return found


def test_the_truth_has_no_error_in_the_world(emdb, body):
    (row,) = world_rows(records_of(emdb, body), emdb, body)
    assert {"w_mpjpe", "wa_mpjpe", "rte"} <= row.scores.keys()
    for key in ("w_mpjpe", "wa_mpjpe", "rte"):
        assert row.scores[key].value < 1e-5, key
    assert (row.people, row.failed) == (FRAMES - 1, 0)


def test_the_scores_are_those_of_the_metrics_over_what_the_cameras_saw(emdb, body):
    """Against the functions on joints that are brought into the world one frame at a time."""
    records = records_of(emdb, body, lambda frame: torch.tensor([0.01 * frame, 0.0, -0.02 * frame]))
    (row,) = world_rows(records, emdb, body)
    ours, theirs = [], []
    for index, record in enumerate(records):
        camera = emdb.camera_from_world(index)
        back = torch.linalg.inv(camera)
        points = compiled_points(body, (*(f"joint:{name}" for name in SMPL_JOINTS), *FEET))
        seen = points.points(torch.tensor(record.params, dtype=torch.float64)[None])[0]
        ours.append(seen @ back[:3, :3].mT + back[:3, 3])
        theirs.append(points.points(emdb.world_params(index)[None])[0])
    found, true = torch.stack(ours), torch.stack(theirs)
    for key, aligned in (("w_mpjpe", False), ("wa_mpjpe", True)):
        expected = world_error(found[:, :24], true[:, :24], aligned=aligned).mean()
        assert row.scores[key].value == pytest.approx(float(expected), rel=1e-6)
    assert row.scores["rte"].value == pytest.approx(float(root_translation_error(found[:, 0], true[:, 0]).mean()))
    parts = [slice(0, 4), slice(4, 11)]  # frame 4 is missing: no step goes over it
    steps = torch.cat([foot_sliding(found[part, 24:], true[part, 24:]) for part in parts])
    if len(steps):
        assert row.scores["sliding"].value == pytest.approx(1000 * float(steps.mean()))


def test_feet_that_stand_and_slide(tmp_path, body):
    """A person who stands still for ten frames, seen by a camera that moves; the method lets them slide by 1 cm."""
    still = some_params(0)
    rows = {"poses_root": still[:3], "poses_body": still[3:72], "trans": still[82:]}
    smpl = {key: np.tile(value.numpy(), (FRAMES, 1)) for key, value in rows.items()}
    good = np.ones(FRAMES, bool)
    smpl["betas"] = still[72:82].numpy()
    write_emdb(tmp_path, body, frames=FRAMES, good_frames_mask=good, smpl=smpl)
    dataset = open_emdb(tmp_path, "male")

    def along(frame: int) -> torch.Tensor:
        """1 cm a frame along the world's first axis, before the camera."""
        return 0.01 * frame * dataset.camera_from_world(frame)[:3, 0]

    (row,) = world_rows(records_of(dataset, body, along), dataset, body)
    assert row.scores["sliding"].value == pytest.approx(10.0, abs=1e-6)
    assert "rte" not in row.scores  # a share of a way that has no length


def test_frames_without_a_body_are_left_out_and_counted(emdb, body):
    records = records_of(emdb, body)
    records[2] = replace(records[2], params=(), problem="not finite")
    joints = [Record(method="joints", name=name) for name in emdb.names]
    (row,) = world_rows([*records, *joints], emdb, body)
    assert (row.people, row.failed) == (FRAMES - 1, 1)
    assert row.scores["w_mpjpe"].value < 1e-5
    (alone,) = world_rows(records[:1], emdb, body)
    assert not alone.scores


def test_sets_that_know_a_world(tmp_path, body, smpl):
    (tmp_path / "w").mkdir()
    write_threedpw(tmp_path / "w", some_params())
    threedpw = open_threedpw(tmp_path / "w", "female")
    assert in_world(threedpw)
    assert threedpw.sequences == {"walk#1": [0]}
    assert threedpw.frame(0) == 0
    (tmp_path / "rich").mkdir()
    _, camera = write_rich(tmp_path / "rich", body)
    rich = open_rich(tmp_path / "rich", tmp_path / "rich" / "SMPLX_MALE.npz")
    assert in_world(rich)
    assert rich.sequences == {"Gym_010_cooking1#010": [0, 1]}
    np.testing.assert_allclose(rich.camera_from_world(0).numpy(), camera, atol=1e-12)
    made = benchmark_of("openbody").open(SetOptions(count=1))
    assert made.dataset is None


def test_richs_people_are_judged_by_their_limbs(tmp_path, body):
    write_rich(tmp_path, body)
    rich = open_rich(tmp_path, tmp_path / "SMPLX_MALE.npz")
    records = [Record(method="m", name=name, params=tuple(some_params(3).tolist())) for name in rich.names]
    (row,) = world_rows(records, rich, body)
    assert {"w_mpjpe", "wa_mpjpe"} == row.scores.keys()  # they stay in place, and nothing is known of feet
    assert row.scores["w_mpjpe"].value > 0.01


def test_commands_print_and_write_the_table(tmp_path, body, smpl, some_estimate):
    root = tmp_path / "set"
    root.mkdir()
    write_emdb(root, body, frames=4, good_frames_mask=np.ones(4, bool))
    options = ["--root", root, "-o", tmp_path / "out", "--no-cases"]
    line = ["benchmark", "emdb", "--gender", "male", "--body", smpl, "--variants", "direct,smplify", *options]
    done = CliRunner().invoke(app, [str(word) for word in line])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "In the world" in done.stdout
    assert "W-MPJPE" in done.stdout
    assert world_of(tmp_path / "out") == ["direct", "smplify"]
    dataset = open_emdb(root, "male")
    bodies = torch.stack([torch.tensor(one.params) for one in records_of(dataset, body)]).float()
    images = tuple(label[0] for label in dataset.labels)
    estimate = replace(
        some_estimate(4), global_orient=bodies[:, :3], body_pose=bodies[:, 3:72], betas=bodies[:, 72:82],
        transl=bodies[:, 82:], names=tuple(f"{image}#0" for image in images), images=images, body=smpl,
    )  # fmt: skip
    (tmp_path / "r").mkdir()
    estimate.save(tmp_path / "r" / "r.npz")
    options = ["--root", root, "-o", tmp_path / "scores", "--no-cases", "--workers", 1]
    line = ["evaluate", "--dataset", "emdb", "--people", "male", "--estimates", tmp_path / "r", *options]
    scored = CliRunner().invoke(app, [str(word) for word in line])
    assert scored.exit_code == 0, (scored.output, scored.exception)
    assert "In the world" in scored.stdout
    with (tmp_path / "scores" / "world.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert float(row["W-MPJPE mm"]) < 0.5  # records keep four decimals


def world_of(folder: Path) -> list[str]:
    with (folder / "world.csv").open() as stream:
        return [row["method"] for row in csv.DictReader(stream)]
