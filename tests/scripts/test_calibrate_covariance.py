"""Calibration of covariances: the factors that true places were drawn by are found again, in one pass."""

import pytest
import torch

from anchorfit.body import load_body
from anchorfit.body.uncertainty import INSIDE
from anchorfit.evaluation.coverage import Misses
from anchorfit.fitting.covariance import Trimming
from scripts import calibrate_covariance
from scripts.calibrate_covariance import Found, line, trimming

COUNT = 3000
TRUE = Trimming(across=1.2, along=0.7, growth=0.2, pelvis=1.5, pelvis_growth=0.4)


@pytest.fixture
def percent():
    return 0.5 + 4.5 * torch.rand(COUNT, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def normal():
    return torch.randn(COUNT, 24, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_a_line_of_factors_is_found_by_the_share_that_they_hold(normal, percent):
    squares = normal.square().sum(-1) * (0.8 * (1 + 0.3 * percent[:, None])).square()
    assert line(squares, percent) == pytest.approx((0.8, 0.3), rel=0.05)


def test_a_line_that_falls_to_nothing_is_refused(normal, percent):
    """Of 100 people it was printed: pelvis=-1.02, pelvis_growth=-2.92."""
    squares = normal.square().sum(-1)
    for far in (percent.square(), 4.0 / percent):  # below 0 at none, and at 15 %
        with pytest.raises(ValueError, match="raise --count"):
            line(squares * far[:, None].square(), percent)


def test_factors_that_places_were_drawn_by_are_found_from_others(normal, percent, monkeypatch):
    today = Trimming(across=0.5, along=0.5, growth=0.1, pelvis=2.0, pelvis_growth=0.05, evidence=0.003)

    def deviations(by: Trimming) -> torch.Tensor:
        axes = torch.tensor([by.across, by.across, by.along], dtype=torch.float64)
        return by.widening(percent.double() / 100)[..., None] * axes

    def misses(*_, across: float = 1.0, along: float = 1.0) -> Misses:
        apart = normal * deviations(TRUE) / deviations(today) / torch.tensor([across, across, along])
        squares = apart.square()
        return Misses(squares.sum(-1), squares[..., :2].sum(-1), squares[..., 2])

    monkeypatch.setattr(calibrate_covariance, "misses", misses)
    nothing = torch.zeros(COUNT, 1)
    anew, inside = trimming(load_body(), Found(nothing, nothing, nothing, percent), today)
    assert inside < 60
    assert (anew.across, anew.along, anew.growth) == pytest.approx((1.2, 0.7, 0.2), rel=0.05)
    off = torch.tensor([0.01, 0.03, 0.05])  # of the pelvis there are a 23rd as many places: factors, not their line
    torch.testing.assert_close(anew.widening(off)[:, 0], TRUE.widening(off)[:, 0], rtol=0.05, atol=0)
    assert anew.evidence == today.evidence
    held = (normal * deviations(TRUE) / deviations(anew)).square().sum(-1) < INSIDE[3]
    assert float(held[:, 1:].double().mean()) == pytest.approx(0.9, abs=0.01)
    assert float(held[:, 0].double().mean()) == pytest.approx(0.9, abs=0.02)
