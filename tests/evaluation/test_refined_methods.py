"""The track "2D-refined": any method's start plus the same keypoints, before and after in one table."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from anchorfit.body import load_body
from anchorfit.cli.main import app
from anchorfit.evaluation import methods
from anchorfit.evaluation.answers import Answer, answer_of
from anchorfit.evaluation.benchmarks.openbody import OpenBody
from anchorfit.evaluation.methods.refined import anchored_to, refined
from anchorfit.pipeline import fit


class Near:
    """Bodies near the truth, whatever is seen; keeps what it was given."""

    def __init__(self):
        self.given = []

    def estimate(self, observations, body):
        self.given.append(observations)
        truth = OpenBody(count=3).block(0, body).truth.bodies
        assert truth is not None
        params = truth[: len(observations)].clone()
        params[:, 3:72] += 0.4 * torch.randn(69, generator=torch.Generator().manual_seed(1))
        params[1:2] = torch.nan
        return answer_of(params, body)


@pytest.fixture
def near(monkeypatch):
    method = Near()
    variant = methods.Variant(make=lambda body, store: method, about="near", keypoints="none", masks=True)
    joints = methods.Variant(make=lambda body, store: method, about="joints", bodies=False)
    monkeypatch.setattr(methods, "VARIANTS", {**methods.VARIANTS, "near": variant, "joints": joints})
    return method, variant


def test_refined_is_the_anchored_fit_that_begins_with_the_method(near):
    method, variant = near
    body = load_body()
    seen = OpenBody(count=3).block(0, body).detected
    again = refined(variant)
    assert again.given == "keypoints, masks"
    assert (again.keypoints, again.on_crop) == ("detected", False)
    found = again.make(body, None).estimate(seen, body)
    assert not (method.given[-1].confidence > 0).any()  # it is given masks alone, as before
    assert all(mask is not None for mask in method.given[-1].masks)
    start = method.estimate(seen, body).params
    rows = [0, 2]
    assert start is not None
    assert found.params is not None
    expected = fit(replace(seen.rows(rows), masks=()), body, init=start[rows]).params
    assert torch.equal(found.params[rows], expected)
    assert found.params[1].isnan().all()
    again_alone = anchored_to(start, replace(seen, masks=()), body).params
    assert again_alone is not None
    assert torch.equal(again_alone[rows], expected)


def test_before_and_after_stand_in_one_table(near, tmp_path):
    options = ["benchmark", "openbody", "--count", "3", "--variants", "near,joints,direct", "--refined", "--no-cases"]
    done = CliRunner().invoke(app, [*options, "-o", str(tmp_path)])
    assert done.exit_code == 0, (done.output, done.exception)
    with (tmp_path / "table.csv").open() as stream:
        rows = {row["method"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["near", "near+2d", "joints", "direct", "direct+2d"]
    assert rows["near"]["failed"] == rows["near+2d"]["failed"] == "1"
    with (tmp_path / "differences.csv").open() as stream:
        apart = {row["method"]: row for row in csv.DictReader(stream)}
    pairs = {"near+2d - near", "joints - near", "direct - near", "direct+2d - near", "direct+2d - direct"}
    assert set(apart) == pairs
    assert float(apart["near+2d - near"]["reconstruction mm"]) < 0


def test_a_refined_method_is_named_with_its_suffix_and_joints_alone_are_refused(near):
    found = methods.variants_of(["direct+2d", "direct+masks"])
    assert found["direct+2d"].about == "one forward pass; then anchored to the keypoints"
    assert found["direct+masks"] is methods.VARIANTS["direct+masks"]
    with pytest.raises(ValueError, match=r"joints\+2d: joints alone cannot be refined"):
        methods.variants_of(["joints+2d"])
    with pytest.raises(ValueError, match="joints alone cannot be refined"):
        refined(methods.VARIANTS["joints"])
    with pytest.raises(ValueError, match=r"got magic\+2d"):
        methods.variants_of(["magic+2d"])


def test_a_method_that_gives_joints_though_it_says_bodies_is_told_so():
    class Joints:
        def estimate(self, observations, body):
            return Answer(None, torch.zeros(len(observations), 24, 3))

    body = load_body()
    again = refined(methods.Variant(make=lambda body, store: Joints(), about=""))
    with pytest.raises(ValueError, match="its Variant should say bodies=False"):
        again.make(body, None).estimate(OpenBody(count=1).block(0, body).detected, body)
