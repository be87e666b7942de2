"""``adapt`` with tiny networks: what is written, the verdict both ways, resuming, bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from anchorfit import regressors
from anchorfit.adapting import human2d as adapting_human2d
from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.cli.main import app
from anchorfit.observations import write_image
from anchorfit.regressors import Human2D, Human2DConfig, Networks, PosePrior, PosePriorConfig, load_human2d_network
from anchorfit.regressors.training import tasks

pytest.importorskip("lightning")

SKIER = json.loads((ASSETS / "demo" / "person_keypoints.json").read_text())["annotations"][-1]["keypoints"]
SIZE = (80, 64)
QUICK = ("--steps", 8, "--batch-size", 4, "--threads", 1, "--learning-rate", 3e-3)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    """Twelve pictures with the demo's skier, smaller and a little shaken; boxes are his mask."""
    folder, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    points = np.array(SKIER, float).reshape(-1, 3)
    seen = points[:, 2] > 0
    points[:, :2] = 8 + 48 * (points[:, :2] - points[seen, :2].min(0)) / np.ptp(points[seen, :2], axis=0).max()
    annotations = []
    for number in range(12):
        write_image(folder / f"{number}.png", rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8))
        own = points.copy()
        own[:, :2] = (own[:, :2] + rng.normal(0, 0.5, (len(own), 2))) * seen[:, None]
        (x, y), (right, bottom) = own[seen, :2].min(0).tolist(), own[seen, :2].max(0).tolist()
        annotation: dict = {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0}
        annotation |= {"keypoints": own.ravel().tolist(), "bbox": [x, y, right - x, bottom - y]}
        annotations.append(annotation | {"segmentation": [[x, y, right, y, right, bottom, x, bottom]]})
    images = [{"id": i, "file_name": f"{i}.png", "width": SIZE[0], "height": SIZE[1]} for i in range(12)]
    (folder / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    return folder


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """A PosePrior that knows nothing yet, and few people to guard it with."""
    torch.manual_seed(0)
    network = PosePrior(PosePriorConfig(width=32, units=1, corrections=0)).eval()
    network.skeleton.measure(load_body())
    from_folder = regressors.load_networks
    shipped = Networks(pose=network)
    monkeypatch.setattr(regressors, "load_networks", lambda folder=None: from_folder(folder) if folder else shipped)
    monkeypatch.setattr(tasks, "HELDOUT_PEOPLE", 32)


def adapted(photographs, output, *options):
    return invoke("adapt", photographs, "-a", photographs / "coco.json", "-o", output, *QUICK, *options)


def test_what_helps_is_written_and_used_by_predict(photographs, tmp_path):
    result = adapted(photographs, tmp_path, "--learning-rate", 0.03, "--steps", 20)
    assert result.exit_code == 0, result.output
    assert "Learning from 6 people in 6 images; testing on 6 people in 6 held-out images." in words(result.output)
    assert "pose_prior: helped: reprojection" in words(result.output)
    assert f"Use: anchorfit fit PHOTOGRAPHS --weights {tmp_path} -o results" in words(result.output)
    report = json.loads((tmp_path / "adaptation.json").read_text())
    assert not set(report["split"]["learned"]) & set(report["split"]["heldout"])
    assert report["pose_prior"]["helped"]
    names = [figure["name"] for figure in report["pose_prior"]["figures"]]
    assert names[:2] == ["reprojection", "silhouette IoU"]
    keypoints = ("-k", ASSETS / "demo" / "person_keypoints.json")
    used = invoke(
        *("predict", ASSETS / "demo" / "000000000785.jpg", *keypoints, "-o", tmp_path / "guess"),
        *("--weights", tmp_path, "--save", "npz"),
    )
    assert used.exit_code == 0, used.output


def test_what_does_not_help_is_not_written(photographs, tmp_path):
    (tmp_path / "pose_prior.safetensors").write_bytes(b"of an earlier run")
    result = adapted(photographs, tmp_path, "--learning-rate", 1e-12)
    assert result.exit_code == 0, result.output
    assert "pose_prior: did not help" in words(result.output)
    assert "there is nothing to use" in words(result.output)
    assert "Use:" not in result.output
    assert not (tmp_path / "pose_prior.safetensors").exists()
    assert not json.loads((tmp_path / "adaptation.json").read_text())["pose_prior"]["helped"]


def test_a_run_goes_on_only_where_that_is_asked_for_and_with_the_same_settings(photographs, tmp_path):
    first = adapted(photographs, tmp_path / "parts", "--steps", 5)
    assert first.exit_code == 0
    refused = adapted(photographs, tmp_path / "parts")
    assert "give --resume to go on with it" in str(refused.exception)
    other = adapted(photographs, tmp_path / "parts", "--resume", "--seed", 1)
    assert "the run there has other settings (seed)" in str(other.exception)
    again = adapted(photographs, tmp_path / "parts", "--resume")
    assert again.exit_code == 0, again.output
    assert json.loads((tmp_path / "parts" / "adaptation.json").read_text())["pose_prior"]["steps"] == 8
    nothing = adapted(photographs, tmp_path / "nothing", "--resume")
    assert "no run to go on with" in str(nothing.exception)


def test_human2d_is_adapted_too(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(adapting_human2d, "HELDOUT_PICTURES", 2)
    weights = tmp_path / "tiny.safetensors"
    regressors.save_network(Human2D(Human2DConfig(features=8, stacks=1, depth=1)), weights)
    output = tmp_path / "out"
    result = adapted(photographs, output, "--steps", 1, "--human2d", weights, "--human2d-steps", 2)
    assert result.exit_code == 0, result.output
    report = json.loads((output / "adaptation.json").read_text())["human2d"]
    assert [f["name"] for f in report["figures"]][:2] == ["PCK@0.2", "mask IoU"]
    assert report["figures"][0]["people"] == 6
    assert report["helped"] == (output / "human2d.safetensors").exists()
    trained = torch.load(output / "human2d" / "checkpoint.ckpt", weights_only=True)["model"]
    before = load_human2d_network(weights)
    assert all(torch.equal(trained[name], held) for name, held in before.named_buffers())  # batch norm's statistics
    assert not all(torch.equal(trained[name], weight) for name, weight in before.named_parameters())
    if report["helped"]:
        assert load_human2d_network(output / "human2d.safetensors").config.features == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-a", "none.json"), "no such keypoint file"),
        (("--human2d", "none.safetensors"), "no such weights"),
        (("--heldout", "1.5"), None),
    ],
)
def test_bad_options_are_one_line(photographs, tmp_path, options, message):
    result = adapted(photographs, tmp_path / "out", *options)
    if message is None:
        assert result.exit_code == 2
    else:
        assert message in str(result.exception)
        assert "\n" not in str(result.exception)
    assert not (tmp_path / "out").exists()
