"""``anchorfit train end2end``: from weights to weights, on synthetic pictures and on photographs; bad input."""

import pytest
import torch
from typer.testing import CliRunner

from anchorfit.body import load_body
from anchorfit.cli.main import app
from anchorfit.regressors import (
    Human2D,
    Human2DConfig,
    PosePrior,
    PosePriorConfig,
    ShapePrior,
    ShapePriorConfig,
    load_human2d_network,
    load_networks,
    save_network,
)
from anchorfit.regressors.training import Trained, Training, tasks
from anchorfit.regressors.training.end2end_people import worsened
from anchorfit.runs import training


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A folder with small networks of all three kinds."""
    torch.manual_seed(0)
    folder, body = tmp_path_factory.mktemp("start"), load_body()
    pose = PosePrior(PosePriorConfig(width=16, units=1, corrections=1))
    pose.skeleton.measure(body)
    shape = ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16))
    save_network(Human2D(Human2DConfig(features=8, depth=1)), folder / "human2d.safetensors")
    save_network(pose, folder / "pose_prior.safetensors", training={"body": body.name})
    save_network(shape, folder / "shape_prior.safetensors", training={"body": body.name})
    return folder


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
    refined = load_networks(tmp_path)
    body = load_body()
    human2d = load_human2d_network(tmp_path / "human2d.safetensors")
    before = load_networks(start)
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
    again = invoke(start, tmp_path, *options, "--steps", 2, "--resume")  # nothing is left to do
    assert again.exit_code == 0, again.output
    assert again.output == result.output
    assert again.output.count("surface_mm") == 2  # before and after


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give annotated photographs (--lsp, --mpii, --coco), or --synthetic NUMBER"),
        (("--synthetic", 4, "--heldout", 1.5), "expected a share between 0 and 1, got 1.5"),
        (("--mpii", "joints.mat"), "--mpii and --mpii-images go together"),
        (("--synthetic", 4, "--lsp", "lsp"), "photographs or synthetic pictures, not both"),
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


def test_photographs_with_nobody_in_them_are_named(start, coco, tmp_path):
    (tmp_path / "none.json").write_text('{"images": [], "annotations": []}')
    result = invoke(start, tmp_path, "--coco", tmp_path / "none.json", *coco[2:])
    assert "none.json: nobody to learn from" in str(result.exception)


def test_what_is_given_stands_beside_the_papers_optimiser(start, coco, tmp_path, monkeypatch):
    seen: list[Training] = []

    def note(task, output, config, **options):
        seen.append(config)
        return Trained(0, {}, is_first=False)

    monkeypatch.setattr(training, "run_training", note)
    for options in ((), ("--learning-rate", 1e-3, "--steps", 5)):
        result = invoke(start, tmp_path, *coco, "--heldout", 0.34, "--alternation", "end2end", "--paper", *options)
        assert result.exit_code == 0, result.output
    assert [(c.optimizer, c.batch_size, c.learning_rate, c.steps) for c in seen] == [
        ("rmsprop", 2, 8e-5, 2000),
        ("rmsprop", 2, 1e-3, 5),
    ]


def test_priors_of_another_body_are_refused(start, tmp_path):
    priors = tmp_path / "priors"
    priors.mkdir()
    shape = ShapePrior(ShapePriorConfig(channels=(2, 2, 2, 2, 2), width=16))
    save_network(shape, priors / "shape_prior.safetensors", training={"body": "somebody"})
    result = invoke(start, tmp_path / "out", "--synthetic", 4, "--priors", priors)
    assert result.exit_code == 2
    assert "no ShapePrior of the body" in words(result)


def test_figures_that_got_worse_are_named_whichever_way_they_go():
    before = {"joints_percent": 10.0, "surface_mm": 100.0, "pck": 50.0, "mask_iou": 80.0, "source_surface_mm": 1.0}
    after = {"joints_percent": 10.02, "surface_mm": 101.0, "pck": 60.0, "mask_iou": 79.0, "source_surface_mm": 2.0}
    assert worsened(before, after) == ["surface_mm", "mask_iou"]
    assert worsened(before, before) == []
    assert worsened(before, {}) == []
