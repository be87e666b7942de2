"""Results of files as a method: looked up, moved into the set's camera, and refined by its keypoints."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from anchorfit.body import load_body
from anchorfit.camera import project
from anchorfit.cli.main import app
from anchorfit.evaluation.benchmarks.openbody import OpenBody
from anchorfit.evaluation.estimates import PlacedBody
from anchorfit.evaluation.methods.given import seen_by_camera


def test_a_body_moves_to_another_camera_without_leaving_its_pixel(some_estimate):
    body = load_body(dtype=torch.float64)
    (estimate,) = [some_estimate(1)]
    own = estimate.intrinsics[0].double()
    placed = PlacedBody(params=estimate.params[0].double(), intrinsics=own)
    same = seen_by_camera(placed, own, estimate.image_size[0], body)
    torch.testing.assert_close(same, placed.params)
    other = torch.tensor([[2400.0, 0, 300], [0, 2400, 260], [0, 0, 1]], dtype=torch.float64)
    moved = seen_by_camera(placed, other, estimate.image_size[0], body)
    roots = [body.from_params(params[None]).joints[0, :1] for params in (placed.params, moved)]
    torch.testing.assert_close(project(roots[1], other), project(roots[0], own))
    assert float(roots[1][0, 2]) == pytest.approx(3 * float(roots[0][0, 2]))
    unknown = own.clone()
    unknown[:2, 2] = torch.nan  # the image's middle
    middle = seen_by_camera(replace(placed, intrinsics=unknown), own, torch.tensor([640, 480]), body)
    torch.testing.assert_close(middle, placed.params)


def test_results_are_scored_as_they_are_and_refined(tmp_path, some_estimate):
    """The truth itself, another's pose, and nobody: what is near is held, what is wrong is mended by keypoints."""
    block = OpenBody(count=3).block(0, load_body())
    assert block.truth.bodies is not None
    truth = block.truth.bodies
    params = truth.clone()
    params[1, 3:72] += 0.5 * torch.randn(69, generator=torch.Generator().manual_seed(0))
    for row in range(2):
        estimate = replace(
            some_estimate(1),
            global_orient=params[row : row + 1, :3],
            body_pose=params[row : row + 1, 3:72],
            betas=params[row : row + 1, 72:82],
            transl=params[row : row + 1, 82:],
            intrinsics=block.detected.intrinsics[row : row + 1],
            names=(f"person{row:06d}#0",),
            images=(f"person{row:06d}.png",),
        )
        (tmp_path / "r").mkdir(exist_ok=True)
        estimate.save(tmp_path / "r" / f"person{row:06d}.npz")
    arguments = ["benchmark", "openbody", "--count", "3", "--variants", "direct", "--results", str(tmp_path / "r")]
    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out"), "--no-cases"])
    assert result.exit_code == 0, (result.output, result.exception)
    with (tmp_path / "out" / "table.csv").open() as stream:
        rows = {row["method"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {"direct", "results", "results+2d"}
    assert rows["results"]["failed"] == rows["results+2d"]["failed"] == "1"
    assert rows["results"]["ms a person"] == rows["results+2d"]["ms a person"] == ""  # looking up is no method's speed
    assert float(rows["direct"]["ms a person"]) > 0
    people = {}
    for record in (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:]:
        entry = json.loads(record)
        people[entry["method"], entry["name"]] = entry["surface_mm"]
    assert people["results", "person000000"] < 0.01
    assert people["results", "person000002"] is None
    assert people["results+2d", "person000001"] < people["results", "person000001"]
    assert people["results+2d", "person000000"] < people["direct", "person000000"]


def test_what_is_wrong_with_results_is_said(tmp_path, some_estimate):
    """Of another body, of more betas than the benchmark's, not finite: each is a line, and the others are scored."""
    block = OpenBody(count=3).block(0, load_body())
    assert block.truth.bodies is not None
    for row, betas in enumerate((10, 12, 10)):
        params = block.truth.bodies[row : row + 1].clone()
        params[0, 5] = torch.nan if row == 2 else params[0, 5]
        replace(
            some_estimate(1), global_orient=params[:, :3], body_pose=params[:, 3:72],
            betas=torch.cat([params[:, 72:82], torch.ones(1, betas - 10)], 1), transl=params[:, 82:], gender="female",
            intrinsics=block.detected.intrinsics[row : row + 1], names=(f"person{row:06d}#0",),
            images=(f"person{row:06d}.png",),
        ).save(tmp_path / f"some{row}.npz")  # fmt: skip
    arguments = ["benchmark", "openbody", "--count", "3", "--variants", "direct", "--results", str(tmp_path)]
    for _ in range(2):  # the second time nothing is run again
        result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out"), "--no-cases"])
        assert result.exit_code == 0, (result.output, result.exception)
        assert "made with body open (female), scored as if of open (neutral)" in result.output
        assert re.search("person000001: some1.npz: .*betas", result.output)
        assert "person000002: not finite; counts as failed" in result.output
        assert "person000000: " not in result.output


@pytest.mark.parametrize("command", ["evaluate", "benchmark"])
def test_more_betas_than_the_body_has_cost_their_own_result_and_its_file_is_named(command, tmp_path, some_estimate):
    """16 where the open body has 10: where the others are 0 nothing is lost, else the result counts as failed."""
    block = OpenBody(count=3).block(0, load_body())
    assert block.truth.bodies is not None
    (tmp_path / "r").mkdir()
    for row, more in enumerate(([], [0.0] * 6, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0])):
        params = block.truth.bodies[row : row + 1]
        replace(
            some_estimate(1), global_orient=params[:, :3], body_pose=params[:, 3:72],
            betas=torch.cat([params[:, 72:82], torch.tensor([more])], 1), transl=params[:, 82:],
            intrinsics=block.detected.intrinsics[row : row + 1], names=(f"person{row:06d}#0",),
            images=(f"person{row:06d}.png",),
        ).save(tmp_path / "r" / f"some{row}.npz")  # fmt: skip
    given = {
        "evaluate": ["evaluate", "--dataset", "openbody", "--estimates", str(tmp_path / "r"), "--workers", "1"],
        "benchmark": ["benchmark", "openbody", "--variants", "direct", "--results", str(tmp_path / "r")],
    }[command]
    result = CliRunner().invoke(app, [*given, "--count", "3", "-o", str(tmp_path / "out"), "--no-cases"])
    assert result.exit_code == 0, (result.output, result.exception)
    said = " ".join(result.output.split())
    assert "person000002: some2.npz: 16 betas, but the body open_neutral has 10; --body names the one" in said
    assert "open_neutral.npz" not in said
    method = "estimates" if command == "evaluate" else "results"
    records = map(json.loads, (tmp_path / "out" / "records.jsonl").read_text().splitlines()[1:])
    errors = {one["name"]: one["surface_mm"] for one in records if one["method"] == method}
    assert errors["person000000"] < 0.01
    assert errors["person000001"] < 0.01
    assert errors["person000002"] is None
