"""The commands of direct prediction: predict, its hand-over to fit, and train."""

import pytest
from typer.testing import CliRunner

from anchorfit.assets import ASSETS
from anchorfit.cli.main import app
from anchorfit.regressors import load_pose_prior_network
from anchorfit.regressors.weights import read_weights
from anchorfit.results import BodyEstimate

DEMO = ASSETS / "demo"
SKIER = str(DEMO / "000000000785.jpg")
KEYPOINTS = str(DEMO / "person_keypoints.json")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_prediction_is_written_and_the_fit_starts_from_it(tmp_path):
    guess, fitted = tmp_path / "guess", tmp_path / "fitted"
    result = invoke("predict", SKIER, "-k", KEYPOINTS, "-o", guess, "--save", "npz,overlay")
    assert result.exit_code == 0, result.output
    (path,) = guess.glob("*.npz")
    estimate = BodyEstimate.load(path)
    assert estimate.method == "direct"
    assert estimate.diagnostics.trusted.all()
    heading, line = result.output.splitlines()[:2]
    assert heading.split()[-2:] == ["score", "trusted"]
    assert line.split()[-2:] == [f"{float(estimate.diagnostics.score[0]):.2f}", "yes"]
    result = invoke("fit", SKIER, "-k", KEYPOINTS, "-o", fitted, "--init", guess, "--save", "npz")
    assert result.exit_code == 0, result.output
    (path,) = fitted.glob("*.npz")
    after = BodyEstimate.load(path)
    assert after.method == "anchored"
    before, now = (e.diagnostics.reprojection_px[0].nanmean() for e in (estimate, after))
    assert now < before


def test_masks_give_the_shape(tmp_path):
    shapes = []
    for name, options in (("without", ()), ("with", ("--mask", "file"))):
        result = invoke("predict", SKIER, "-k", KEYPOINTS, "-o", tmp_path / name, "--save", "npz", *options)
        assert result.exit_code == 0, result.output
        (path,) = (tmp_path / name).glob("*.npz")
        shapes.append(BodyEstimate.load(path).betas.abs().max())
    assert shapes[0] == 0
    assert shapes[1] > 0


def test_priors_are_trained_from_the_command_line(tmp_path):
    pytest.importorskip("lightning")
    options = ("--steps", 2, "--batch-size", 4, "--width", 16, "--threads", 1)
    result = invoke("train", "priors", "-o", tmp_path, *options)
    assert result.exit_code == 0, result.output
    assert load_pose_prior_network(tmp_path / "pose_prior.safetensors").config.width == 16
    again = invoke("train", "priors", "-o", tmp_path, *options)
    assert "a run is there already" in str(again.exception)
    first, short = tmp_path / "pose_prior.safetensors", ("--steps", 1, "--batch-size", 4, "--threads", 1)
    result = invoke("train", "priors", "-o", tmp_path / "on", "--start-from", first, *short)
    assert result.exit_code == 0, result.output
    begun, ended = (load_pose_prior_network(path) for path in (first, tmp_path / "on" / "pose_prior.safetensors"))
    assert ended.config == begun.config
    made = read_weights(tmp_path / "on" / "pose_prior.safetensors", "pose").training
    assert made["start_from"] == "pose_prior.safetensors"  # no folder of the machine that trained
    assert (ended.last.weight - begun.last.weight).abs().max() < 0.01
    wider = invoke("train", "priors", "-o", tmp_path / "wide", "--start-from", first, "--width", 32)
    assert wider.exit_code == 2
    assert "Invalid value for --start-from: goes on with a network of its own width" in " ".join(
        wider.output.replace("│", " ").split()
    )
