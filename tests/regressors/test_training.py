"""Training: it learns, resumes exactly, logs; its weights are saved and read back."""

import copy
import csv
import json
import math
from dataclasses import replace

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.regressors import (
    PosePrior,
    PosePriorConfig,
    ShapePrior,
    ShapePriorConfig,
    load_pose_prior_network,
    load_shape_prior_network,
    save_network,
)
from anchorfit.regressors.synthesis import Synthesis
from anchorfit.regressors.training import Annotated, PoseLoss, PoseTask, RefineTask, ShapeTask, Training, train

SHORT = Training(steps=6, batch_size=8, warmup=2, evaluate_every=3, checkpoint_every=3)


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def first_task(body):
    return PoseTask(body, network=PosePriorConfig(width=32, units=1, dropout=0.1))


@pytest.fixture
def pose_task(first_task):
    """Makes tasks that are alike, with weights of their own; their data are read once."""

    def make(weights=None):
        task = copy.copy(first_task)
        task._model = copy.deepcopy(first_task.model)
        task.weights = weights or first_task.weights
        return task

    return make


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_resumed_run_ends_at_the_same_weights(pose_task, tmp_path):
    pytest.importorskip("lightning")
    whole, first, second = (pose_task() for _ in range(3))
    train(whole, tmp_path / "whole", SHORT)
    # A run killed after its checkpoint of step 3, and its log's last line lost in the crash or not.
    with pytest.raises(KeyboardInterrupt):
        train(first, tmp_path / "killed", SHORT, progress=lambda step, text: _kill_at(step, 5))
    assert not same_weights(whole.model, first.model)
    result = train(second, tmp_path / "killed", SHORT, resume=True)
    assert result.steps == 6
    assert same_weights(whole.model, second.model)
    logs = [list(csv.DictReader((tmp_path / name / "log.csv").open())) for name in ("whole", "killed")]
    assert [row["step"] for row in logs[1]] == ["3", "6"]
    assert logs[0][1]["clean_joints_mm"] == logs[1][1]["clean_joints_mm"]


def _kill_at(step, last):
    if step == last:
        raise KeyboardInterrupt


def test_a_few_steps_lower_the_loss(pose_task):
    task = pose_task()
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = task.loss(task.model, 0, slice(0, 32), 32)  # one batch, over and over
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_every_loss_reaches_the_network(body, pose_task):
    for name in ("local", "world", "points", "aligned", "squared_points", "six_d", "reprojection"):
        none = dict.fromkeys(("axis_angle", "local", "world", "points", "aligned"), 0.0)
        task = pose_task(replace(PoseLoss(**none), **{name: 1.0}))
        assert reaches(task)
    task = PoseTask(
        body,
        network=PosePriorConfig(width=32, representation="axis_angle", frame="parent"),
        weights=PoseLoss(axis_angle=1.0, local=0.0, world=0.0, points=0.0, aligned=0.0),
    )
    assert reaches(task)


def reaches(task):
    task.loss(task.model, 0, slice(0, 4), 4).backward()
    return float(task.model.last.weight.grad.abs().sum()) > 0


def test_refining_lowers_the_reprojection_of_annotated_people(pose_task):
    source = pose_task()
    people = source.data.people(900, 32)
    task = RefineTask(source, source.model, Annotated(people.keypoints, people.confidence, people.intrinsics))
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=1e-3)
    before = task.evaluate()["reprojection"]
    for step in range(20):
        optimizer.zero_grad()
        task.loss(task.model.train(), step, slice(0, 16), 16).backward()
        optimizer.step()
    task.model.eval()
    assert task.evaluate()["reprojection"] < 0.9 * before
    nobody = Annotated(people.keypoints[:0], people.confidence[:0], people.intrinsics[:0])
    with pytest.raises(ValueError, match="at least one annotated person"):
        RefineTask(source, source.model, nobody)


def test_a_trained_network_is_gone_on_with_and_measured_on_the_same_people(body, pose_task):
    trained = pose_task().model
    task = PoseTask(body, network=trained, synthesis=Synthesis(pitch_deg=(50.0, 60.0)))
    assert task.model is trained
    for name, people in pose_task().heldout.items():
        for one, other in zip(people, task.heldout[name], strict=True):
            assert torch.equal(one, other)


def test_the_axis_angle_loss_wants_axis_angles(body):
    with pytest.raises(ValueError, match="axis_angle: this loss needs"):
        PoseTask(body, weights=PoseLoss(axis_angle=1.0))


def test_shape_training_runs(body, tmp_path):
    pytest.importorskip("lightning")
    task = ShapeTask(body, network=ShapePriorConfig(channels=(4, 4, 4, 4, 4), width=16))
    errors = train(task, tmp_path, replace(SHORT, steps=2)).errors
    assert errors["simple_mean_mm"] == pytest.approx(35, abs=5)  # of the mean shape, whose betas vary by one
    assert math.isfinite(errors["simple_mm"])


def test_runs_are_not_overwritten_and_only_resumed_where_there_is_one(pose_task, tmp_path):
    pytest.importorskip("lightning")
    task = pose_task()
    with pytest.raises(FileNotFoundError, match=r"checkpoint\.ckpt: no checkpoint"):
        train(task, tmp_path, SHORT, resume=True)
    (tmp_path / "checkpoint.ckpt").touch()
    with pytest.raises(FileExistsError, match="a run is there already"):
        train(task, tmp_path, SHORT)


def test_a_finished_run_that_is_resumed_is_evaluated(pose_task, tmp_path):
    pytest.importorskip("lightning")
    first = train(pose_task(), tmp_path, SHORT)
    again = train(pose_task(), tmp_path, SHORT, resume=True)
    assert again.errors == pytest.approx(first.errors)
    assert len(list(csv.DictReader((tmp_path / "log.csv").open()))) == 2


def test_checkpoints_that_do_not_fit_are_one_line(body, pose_task, tmp_path):
    pytest.importorskip("lightning")
    train(pose_task(), tmp_path, replace(SHORT, steps=1))
    wider = PoseTask(body, network=PosePriorConfig(width=48, units=1))
    for task, config, message in (
        (wider, SHORT, "does not belong to this run"),
        (pose_task(), replace(SHORT, optimizer="rmsprop"), "the run was started with adamw, not rmsprop"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            train(task, tmp_path, config, resume=True)
        assert str(error.value).startswith(f"{tmp_path / 'checkpoint.ckpt'}: ")
        assert "give the options that it was started with" in str(error.value)
        assert "\n" not in str(error.value)
    path = tmp_path / "checkpoint.ckpt"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="the checkpoint is cut short"):
        train(pose_task(), tmp_path, SHORT, resume=True)


def test_the_rate_rises_stays_and_falls():
    config = Training(steps=100, learning_rate=1.0, warmup=10, falling=0.5)
    assert config.rate(0) == pytest.approx(0.1)
    assert config.rate(30) == 1.0
    assert config.rate(75) == pytest.approx(0.5)
    assert 0 < config.rate(99) < 0.03
    assert Training.paper().rate(99_999) == 3e-4
    cosine = replace(config, fall="cosine")
    assert cosine.rate(30) == 1.0
    assert cosine.rate(60) == pytest.approx((1 + math.cos(0.2 * math.pi)) / 2)
    assert cosine.rate(75) == pytest.approx(0.5)
    assert 0 < cosine.rate(99) < 0.001
    with pytest.raises(ValueError, match="steps"):
        Training(steps=0)


@pytest.mark.parametrize(
    ("model", "load"),
    [
        (PosePrior(PosePriorConfig(width=16, frame="parent")), load_pose_prior_network),
        (ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16)), load_shape_prior_network),
    ],
)
def test_weights_are_read_back(tmp_path, model, load):
    path = tmp_path / "prior.safetensors"
    save_network(model, path, training={"steps": 3})
    again = load(path)
    assert again.config == model.config
    assert not again.training
    for one, other in zip(model.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)  # half precision


def test_bad_weights_are_one_clear_line(tmp_path):
    path = tmp_path / "prior.safetensors"
    with pytest.raises(FileNotFoundError, match="no such weights"):
        load_pose_prior_network(path)
    save_network(ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16)), path)
    with pytest.raises(ValueError, match="expected weights with kind 'pose', got 'shape'"):
        load_pose_prior_network(path)
    save_network(PosePrior(PosePriorConfig(width=16)), path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="not readable as safetensors"):
        load_pose_prior_network(path)
    for old, new, message in (
        (b"anchorfit-prior-2", b"anchorfit-prior-0", "expected weights with format"),
        (b'\\"width\\": 16', b'\\"width\\": 17', "do not fit their configuration"),
        (b'\\"pelvis\\"', b'\\"pelvix\\"', "another canonical skeleton"),
        (b'\\"width\\": 16', b'\\"girth\\": 16', "weights of another version"),
        (b'"joints":', b'"joynts":', "weights of another version"),
    ):
        assert old in data
        path.write_bytes(data.replace(old, new))
        with pytest.raises(ValueError, match=message):
            load_pose_prior_network(path)


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    network = PosePrior(PosePriorConfig(width=16))
    network.last.bias.data[3] = float("nan")
    save_network(network, tmp_path / "prior.safetensors")
    with pytest.raises(ValueError, match="the weights are not finite"):
        load_pose_prior_network(tmp_path / "prior.safetensors")


def test_the_header_says_how_weights_were_made(tmp_path):
    from safetensors import safe_open

    path = tmp_path / "prior.safetensors"
    save_network(PosePrior(PosePriorConfig(width=16)), path, training={"steps": 3, "errors": {"mm": 1.5}})
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["training"]) == {"steps": 3, "errors": {"mm": 1.5}}
