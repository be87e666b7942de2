"""Animations of films whose frames are not evenly apart keep the frames' own times."""

from dataclasses import replace

import pytest
import torch

from anchorfit.results import BodyEstimate
from anchorfit.rigging import motion_of, without_gaps

TIMES = [0.0, 0.03, 0.06, 0.31, 0.34, 0.5, 0.9]


def walking(some_estimate, times: list[float], frames: list[int]) -> BodyEstimate:
    """A body that goes 1 m a second to the right."""
    rows = replace(some_estimate(len(times)), names=tuple(f"clip.mp4/{frame:06}#1" for frame in frames))
    transl = torch.tensor([[time, 0.0, 3.0] for time in times])
    return replace(rows, transl=transl, time_s=torch.tensor(times))


def test_rows_are_where_the_body_was_at_their_time(some_estimate):
    rows, first = motion_of(walking(some_estimate, TIMES, [*range(7)]), 30.0)
    assert (first, len(rows)) == (0, 28)
    torch.testing.assert_close(rows.time_s, torch.arange(28) / 30.0)
    torch.testing.assert_close(rows.transl[:, 0], rows.time_s.clamp(max=0.9), atol=1e-5, rtol=0)
    later, first = motion_of(walking(some_estimate, [time + 2.0 for time in TIMES], [*range(60, 67)]), 30.0)
    assert (first, len(later)) == (60, 28)


@pytest.mark.parametrize("times", [[i / 12 for i in range(7)], [i / 30 + 0.004 * (-1) ** i for i in range(7)]])
def test_rows_of_an_even_pace_stay_to_the_bit(some_estimate, times):
    """At any rate: a film may be shown slower than it was taken."""
    known = walking(some_estimate, times, [*range(7)])
    rows, first = motion_of(known, 30.0)
    assert first == 0
    assert torch.equal(rows.params, known.params)
    gap = known.rows([0, 1, 2, 5, 6])
    assert torch.equal(motion_of(gap, 30.0).rows.params, without_gaps(gap).params)
