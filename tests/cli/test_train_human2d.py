"""``anchorfit train human2d`` on annotated photographs; options that do not go together."""

import json

import pytest
import torch
from safetensors import safe_open
from typer.testing import CliRunner

from anchorfit.cli.main import app
from anchorfit.regressors import Human2D, Human2DConfig, load_human2d_network, save_network
from anchorfit.regressors.training import Trained
from anchorfit.runs import training

SMALL = ("--size", 64, "--heldout", 1, "--threads", 1)


def invoke(output, *arguments):
    return CliRunner().invoke(
        app, [str(argument) for argument in ("train", "human2d", "-o", output, *SMALL, *arguments)]
    )


def words(result):
    """What was said, without the box around it."""
    return " ".join(result.output.replace("│", " ").split())


@pytest.fixture
def asked(monkeypatch):
    """The task and the settings of a training that is not run."""
    seen: dict = {}

    def note(task, output, config, **options):
        seen.update(task=task, config=config)
        return Trained(0, {}, is_first=False)

    monkeypatch.setattr(training, "run_training", note)
    return seen


def test_it_learns_from_photographs(coco, tmp_path):
    pytest.importorskip("lightning")
    result = invoke(tmp_path, *coco, "--features", 8, "--steps", 2, "--batch-size", 2)
    assert result.exit_code == 0, result.output
    with safe_open(tmp_path / "human2d.safetensors", framework="pt") as file:
        training = json.loads(file.metadata()["training"])
    assert training["photographed_people"] == 3
    assert set(training["heldout"]) == {"pck", "mask_iou"}


def test_a_file_of_which_nobody_comes_is_named(coco, tmp_path):
    content = json.loads(coco[1].read_text())
    for person in content["annotations"]:
        person["keypoints"] = person["keypoints"][:5]
    (tmp_path / "short.json").write_text(json.dumps(content))
    result = invoke(tmp_path / "run", "--coco", tmp_path / "short.json", *coco[2:])
    assert "short.json: nobody to learn from (" in str(result.exception)
    assert "people: keypoints: expected x, y and visibility" in str(result.exception)
    assert "0.png#0" in str(result.exception)
    (tmp_path / "folder").mkdir()
    result = invoke(tmp_path / "run", *coco[:2], "--coco-images", tmp_path / "folder")
    assert "people.json: nobody to learn from (0.png#0: no such image" in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_people_who_cannot_be_used_are_told_and_the_others_taken(coco, tmp_path, asked):
    content = json.loads(coco[1].read_text())
    content["annotations"][0]["keypoints"] = [1, 2]
    content["annotations"][1]["segmentation"] = [[]]
    (tmp_path / "people.json").write_text(json.dumps(content))
    result = invoke(tmp_path, "--coco", tmp_path / "people.json", *coco[2:], "--features", 8)
    assert result.exit_code == 0, result.output
    assert "0.png#0: keypoints: expected" in words(result)
    assert "1.png#1: mask: expected polygons of at least 3" in words(result)
    assert [person.mask is None for person in asked["task"].photographs.people] == [True, False]


def test_the_network_that_it_starts_from_tells_the_joints(coco, tmp_path, asked):
    torch.manual_seed(0)
    joints = ("head_top", "left_ankle", "right_ankle")
    start = Human2D(Human2DConfig(features=8, depth=1, joints=joints))
    save_network(start, tmp_path / "start.safetensors")
    result = invoke(tmp_path / "run", *coco, "--start-from", tmp_path / "start.safetensors")
    assert result.exit_code == 0, result.output
    assert asked["task"].photographs.batch(0, 2).positions.shape == (2, 3, 2)
    assert load_human2d_network(tmp_path / "start.safetensors").config.joints == joints


@pytest.mark.parametrize(
    ("options", "optimizer", "batch", "rate"),
    [
        ((), "adamw", 16, 1e-3),
        (("--paper",), "rmsprop", 4, 3e-4),
        (("--paper", "--batch-size", 8, "--learning-rate", 1e-4), "rmsprop", 8, 1e-4),
    ],
)
def test_what_is_given_stands_beside_the_papers_optimiser(tmp_path, asked, options, optimizer, batch, rate):
    result = invoke(tmp_path, "--features", 8, *options)
    assert result.exit_code == 0, result.output
    config = asked["config"]
    assert (config.optimizer, config.batch_size, config.learning_rate) == (optimizer, batch, rate)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--features", 8, "--start-from", "a.safetensors"), "the weights of --start-from tell the features"),
        (("--share", 0.3), "give annotated photographs, too"),
    ],
)
def test_options_that_would_be_dropped_are_refused(tmp_path, options, message):
    result = invoke(tmp_path / "run", *options)
    assert result.exit_code == 2
    assert message in words(result)
    assert not (tmp_path / "run").exists()
