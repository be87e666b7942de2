"""Predicted bodies that stand are turned towards balance, as far as gravity is known; the others stay."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from anchorfit.body import CANONICAL_JOINTS, Gravity, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.standing import STANDING_POINTS, centre_over_support, standing, tilt_of
from anchorfit.evaluation.gauges import bends, standing_people
from anchorfit.evaluation.mirror_symmetry import mirrored_observations, mirrored_params
from anchorfit.fitting import anchored, load_pose_prior
from anchorfit.regressors import Lean, common_gravity, predict_lean, predict_params

BODY = load_body()
PEOPLE = standing_people(BODY, 48, seed=3)


def _params(gravity: Gravity | None) -> torch.Tensor:
    return predict_params(PEOPLE.observations, BODY, gravity=gravity).params


def _lean_deg(params: torch.Tensor) -> torch.Tensor:
    return torch.rad2deg(tilt_of(centre_over_support(compiled_points(BODY, STANDING_POINTS).points(params))))


def test_who_stands_is_turned_to_the_known_pitch():
    free, known = _params(Gravity.unknown(48)), _params(Gravity.known(PEOPLE.pitch_deg))
    off = [bends(BODY, some, PEOPLE.params).lean.mean() for some in (free, known)]
    assert off[1] < 0.8 * off[0]
    assert torch.equal(free[:, 3:-3], known[:, 3:-3])  # pose and shape stay
    whole = Gravity(pitch=torch.deg2rad(PEOPLE.pitch_deg), sigma=torch.full((48,), 1e-4))
    sure = standing(compiled_points(BODY, STANDING_POINTS).points(free)) == 1.0
    sure &= (PEOPLE.observations.confidence[:, [CANONICAL_JOINTS.index("left_ankle")]] > 0).all(1)
    assert int(sure.sum()) > 10
    torch.testing.assert_close(_lean_deg(_params(whole))[sure], -PEOPLE.pitch_deg[sure], atol=0.05, rtol=0)


def test_who_does_not_stand_stays():
    free, known = _params(Gravity.unknown(48)), _params(Gravity.known(torch.full((48,), 30.0)))
    ankles = [CANONICAL_JOINTS.index(f"{side}_ankle") for side in ("left", "right")]
    seen = PEOPLE.observations
    hidden = replace(seen, confidence=seen.confidence.index_fill(1, torch.tensor(ankles), 0.0))
    footless = [predict_params(hidden, BODY, gravity=one).params for one in (Gravity.unknown(48), Gravity.usual(48))]
    assert torch.equal(*footless)
    certain = standing(compiled_points(BODY, STANDING_POINTS).points(free))
    assert bool((certain == 0).any())
    assert torch.equal(free[certain == 0], known[certain == 0])
    assert not torch.equal(free, known)


@pytest.mark.parametrize("gravity", [None, Gravity.known(torch.full((48,), 5.0))])
def test_a_batch_is_its_rows_and_the_mirrored_image_gives_the_mirrored_body(gravity):
    whole = _params(gravity)
    for row in (0, 7, 31):
        some = None if gravity is None else gravity.rows([row])
        alone = predict_params(PEOPLE.observations.rows([row]), BODY, gravity=some).params
        assert torch.equal(alone[0], whole[row])
    mirrored = predict_params(mirrored_observations(PEOPLE.observations), BODY, gravity=gravity).params
    ours, theirs = (BODY.from_params(some).joints for some in (whole, mirrored_params(mirrored)))
    free = BODY.from_params(_params(Gravity.unknown(48))).joints
    again = predict_params(mirrored_observations(PEOPLE.observations), BODY, gravity=Gravity.unknown(48)).params
    before = (free - BODY.from_params(mirrored_params(again)).joints).norm(dim=-1).mean()
    assert (ours - theirs).norm(dim=-1).mean() < 1.1 * before + 1e-3  # the network itself is not exact


def test_the_fit_keeps_balance_and_its_rows_are_apart():
    prior, gravity = load_pose_prior(), Gravity.known(PEOPLE.pitch_deg)
    start = _params(Gravity.unknown(48))  # another's prediction, say: not turned
    off = {}
    for name, told in (("free", None), ("balanced", gravity)):
        found = anchored(BODY, PEOPLE.observations, prior, start, gravity=told)
        off[name] = (_lean_deg(found.params) + PEOPLE.pitch_deg).abs().mean()
    assert off["balanced"] < 0.8 * off["free"]
    assert "balance" in found.energy
    some = [5, 6, 7, 8, 20]
    alone = anchored(BODY, PEOPLE.observations.rows(some), prior, start[some], gravity=gravity.rows(some))
    assert torch.equal(alone.params, found.params[some])


def test_people_of_a_scene_tell_its_pitch_together():
    lean = Lean(
        angle=torch.deg2rad(torch.tensor([-14.0, -16.0, -15.0, -45.0, 3.0, -30.0])),
        sigma=torch.full((6,), math.radians(3.0)),
        certainty=torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    )
    found = common_gravity(lean, torch.tensor([0, 0, 0, 0, 1, 2]))
    pitch, sigma = torch.rad2deg(found.pitch), torch.rad2deg(found.sigma)
    assert torch.equal(pitch[:4], pitch[:1].expand(4))
    assert 13 < float(pitch[0]) < 15.5  # the one who leans by 45 degrees has no say
    assert float(pitch[4]) < 3  # half-way to what is usual
    torch.testing.assert_close(pitch[5], torch.tensor(6.0))  # nobody stands: what is usual
    assert float(sigma[0]) < float(sigma[4]) < float(sigma[5])


def test_leans_are_those_of_bodies_not_yet_turned():
    lean = predict_lean(PEOPLE.observations, BODY)
    torch.testing.assert_close(torch.rad2deg(lean.angle), _lean_deg(_params(Gravity.unknown(48))), atol=1e-3, rtol=0)
    assert bool((lean.sigma > 0).all())
    assert 0.5 < float(lean.certainty.mean()) < 1.0
