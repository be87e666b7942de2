"""Which people of many a report shows."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from anchorfit.reports import Shortlist
from anchorfit.reports.selection import choose_rows


def test_few_are_all_shown():
    assert choose_rows([0.1, 0.9, math.nan], 3) == [0, 1, 2]
    assert choose_rows([], 3) == []
    assert choose_rows([0.5, 0.2, 0.7], 1) == [0]


@pytest.mark.parametrize(("count", "most"), [(1000, 20), (201, 200), (37, 7)])
def test_half_are_the_least_trusted_and_half_from_all_over(count, most):
    scores = np.random.default_rng(0).random(count)
    chosen = choose_rows(scores.tolist(), most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == most
    assert set(np.argsort(scores)[: most // 2]) <= set(chosen)
    gaps = np.diff([0, *chosen, count])
    assert gaps.max() <= 4 * count / most + 1


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_run_chooses_the_same_whatever_its_chunks(some_estimate, size):
    estimate = some_estimate(50)
    scores = torch.rand(50, generator=torch.Generator().manual_seed(2))
    transl = estimate.transl.clone()
    transl[3] = torch.nan
    estimate = replace(estimate, transl=transl, diagnostics=replace(estimate.diagnostics, score=scores))
    shortlist = Shortlist(10)
    for start in range(0, 50, size):
        shortlist.add(estimate.rows(range(start, min(50, start + size))))
    there = [row for row in range(50) if row != 3]
    expected = choose_rows(scores[there].tolist(), 10)
    found = shortlist.estimate()
    assert found is not None
    assert found.names == tuple(estimate.names[there[place]] for place in expected)
    assert shortlist.seen == 50
