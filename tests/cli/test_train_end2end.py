"""``anchorfit train end2end``: from weights to weights, on synthetic pictures and on photographs; bad input."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from anchorfit.body import load_body
from anchorfit.cli.main import app
from anchorfit.cli.train_end2end import worsened
from anchorfit.observations import write_image
from anchorfit.regressors import (
    Human2D,
    Human2DConfig,
    PosePrior,
    PosePriorConfig,
    ShapePrior,
    ShapePriorConfig,
    load_human2d_network,
    load_priors,
    save_prior,
)
from anchorfit.regressors.training import tasks


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A folder with small networks of all three kinds."""
    torch.manual_seed(0)
    folder, body = tmp_path_factory.mktemp("start"), load_body()
    pose = PosePrior(PosePriorConfig(width=16, units=1, corrections=1))
    pose.skeleton.measure(body)
    shape = ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16))
    save_prior(Human2D(Human2DConfig(features=8, depth=1)), folder / "human2d.safetensors")
    save_prior(pose, folder / "pose_prior.safetensors", training={"body": body.name})
    save_prior(shape, folder / "shape_prior.safetensors", training={"body": body.name})
    return folder


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    """Three photographs, one person each."""
    folder = tmp_path_factory.mktemp("coco")
    images, people = [], []
    for number in range(3):
        picture = np.random.default_rng(number).integers(0, 256, (80, 60, 3), dtype=np.uint8)
        write_image(folder / f"{number}.png", picture)
        images.append({"id": number, "file_name": f"{number}.png", "width": 60, "height": 80})
        keypoints = np.column_stack((np.linspace(20, 40, 17), np.linspace(10, 70, 17), np.full(17, 2.0)))
        people.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "keypoints": keypoints.ravel().tolist(),
                "num_keypoints": 17,
                "bbox": [15, 5, 30, 70],
                "segmentation": [[15, 5, 45, 5, 45, 75, 15, 75]],
                "iscrowd": 0,
            }
        )
    file = folder / "people.json"
    file.write_text(json.dumps({"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}))
    return "--coco", file, "--coco-images", folder


@pytest.fixture(autouse=True)
def few_people(monkeypatch):
    """The priors' own held-out people take seconds to make."""
    monkeypatch.setattr(tasks, "HELDOUT_PEOPLE", 16)


def words(result):
    """What was said, without the box around it."""
    return " ".join(result.output.replace("│", " ").split())


def invoke(start, output, *arguments):
    options = ("--human2d", start / "human2d.safetensors", "--priors", start, "--batch-size", 2, "--threads", 1)
    return CliRunner().invoke(
        app, [str(argument) for argument in ("train", "end2end", "-o", output, *options, *arguments)]
    )


def test_photographs_refine_all_three_and_the_errors_are_told(start, coco, tmp_path):
    pytest.importorskip("lightning")
    result = invoke(start, tmp_path, *coco, "--steps", 3, "--heldout", 0.34)
    assert result.exit_code == 0, result.output
    assert "Held-out people: 1." in result.output
    assert result.output.count("joints_percent") >= 2
    refined = load_priors(tmp_path)
    body = load_body()
    human2d = load_human2d_network(tmp_path / "human2d.safetensors")
    before = load_priors(start)
    for one, other in (
        (refined.pose, before.pose),
        (refined.shapes[body.name], before.shapes[body.name]),
        (human2d, load_human2d_network(start / "human2d.safetensors")),
    ):
        assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_synthetic_domain_needs_no_photographs_and_goes_on(start, tmp_path):
    pytest.importorskip("lightning")
    options = ("--synthetic", 4, "--alternation", "end2end")
    result = invoke(start, tmp_path, *options, "--steps", 1)
    assert result.exit_code == 0, result.output
    assert "surface_mm" in result.output
    assert "a run is there already" in str(invoke(start, tmp_path, *options, "--steps", 2).exception)
    result = invoke(start, tmp_path, *options, "--steps", 2, "--resume")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give annotated photographs (--lsp, --mpii, --coco), or --synthetic NUMBER"),
        (("--synthetic", 4, "--heldout", 1.5), "expected a share between 0 and 1, got 1.5"),
        (("--mpii", "joints.mat"), "--mpii and --mpii-images go together"),
        (("--synthetic", 4, "--alternation", "both"), "'individual', 'end2end', 'alternated'"),
    ],
)
def test_bad_options_are_one_clear_line(start, tmp_path, options, message):
    result = invoke(start, tmp_path, *options)
    assert result.exit_code == 2
    assert message in words(result)


def test_photographs_that_cannot_be_split_and_weights_that_are_not_there(start, coco, tmp_path):
    result = invoke(start, tmp_path, *coco, "--heldout", 0.01)
    assert result.exit_code == 2
    assert "3 photographs cannot be split" in words(result)
    result = invoke(start, tmp_path, *coco, "--human2d", tmp_path / "none.safetensors")
    assert "none.safetensors: no such weights" in str(result.exception)
    result = invoke(start, tmp_path, *coco, "--priors", tmp_path)
    assert "`anchorfit train priors` makes them" in str(result.exception)
    result = invoke(start, tmp_path, "--lsp", tmp_path / "lsp")
    assert "lsp" in str(result.exception)


def test_priors_of_another_body_are_refused(start, tmp_path):
    priors = tmp_path / "priors"
    priors.mkdir()
    shape = ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16))
    save_prior(shape, priors / "shape_prior.safetensors", training={"body": "somebody"})
    result = invoke(start, tmp_path / "out", "--synthetic", 4, "--priors", priors)
    assert result.exit_code == 2
    assert "no ShapePrior of the body" in words(result)


def test_figures_that_got_worse_are_named_whichever_way_they_go():
    before = {"joints_percent": 10.0, "surface_mm": 100.0, "pck": 50.0, "mask_iou": 80.0, "source_surface_mm": 1.0}
    after = {"joints_percent": 10.02, "surface_mm": 101.0, "pck": 60.0, "mask_iou": 79.0, "source_surface_mm": 2.0}
    assert worsened(before, after) == ["surface_mm", "mask_iou"]
    assert worsened(before, before) == []
    assert worsened(before, {}) == []
