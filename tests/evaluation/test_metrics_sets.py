"""PCK, streams and bootstrap intervals: metrics over sets."""

import numpy as np
import pytest
import torch

from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.evaluation.metrics.bootstrap import bootstrap, mean_interval
from anchorfit.evaluation.metrics.keypoints import (
    PCK3D_THRESHOLDS_MM,
    KeypointCounts,
    head_lengths,
    head_sizes,
    hits,
    pck,
)
from anchorfit.evaluation.metrics.streams import MeanStream


def points(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_pck_by_hand():
    target = torch.zeros(1, 4, 2)
    predicted = torch.tensor([[[0.0, 0.0], [3.0, 4.0], [0.0, 5.1], [float("nan"), 0.0]]])
    assert pck(predicted, target, 10.0, 0.5) == 0.5  # 0 and exactly 5 pixels are within half of ten
    annotated = torch.tensor([[True, True, False, False]])
    assert pck(predicted, target, 10.0, 0.5, annotated) == 1.0
    assert pck(predicted, target, torch.tensor([0.0])) == 0.0  # without a reference length nothing is right


def test_head_lengths():
    assert head_sizes(torch.tensor([10.0, 20.0, 3.0, 4.0])) == pytest.approx(3.0)
    keypoints = torch.zeros(1, len(CANONICAL_JOINTS), 2)
    keypoints[0, CANONICAL_JOINTS.index("head_top")] = torch.tensor([0.0, -7.0])
    assert head_lengths(keypoints).item() == 7.0


def test_auc_of_errors_at_half_the_range():
    target = torch.zeros(1, 2, 3)
    predicted = torch.tensor([[[75.0, 0.0, 0.0], [1000.0, 0.0, 0.0]]])
    counts = KeypointCounts.nothing(2, PCK3D_THRESHOLDS_MM).update(predicted, target, 1.0)
    assert counts.auc() == pytest.approx(16 / 31 / 2)  # 75, 80 ... 150 of 0, 5 ... 150
    assert counts.by_joint()[1].max() == 0


def test_counts_of_joints_merge_in_any_order():
    target, predicted, sizes = points(0, 9, 5, 2), points(1, 9, 5, 2), points(2, 9).abs()
    nothing = KeypointCounts.nothing(5, (0.5, 1.0))
    a, b, c = (nothing.update(predicted[i::3], target[i::3], sizes[i::3]) for i in range(3))
    whole = nothing.update(predicted, target, sizes)
    for merged in (a.merge(b).merge(c), c.merge(a.merge(b))):
        assert torch.equal(merged.hit, whole.hit)
        assert torch.equal(merged.seen, whole.seen)
    with pytest.raises(ValueError, match="thresholds differ"):
        a.merge(KeypointCounts.nothing(5, (0.1,)))


def test_pck_does_not_depend_on_the_resolution():
    target, predicted, sizes = points(0, 6, 5, 2), points(1, 6, 5, 2), points(2, 6).abs()
    assert pck(predicted, target, sizes, 1.0) == pck(4 * predicted, 4 * target, 4 * sizes, 1.0)
    with pytest.raises(ValueError, match="of one shape"):
        hits(points(0, 2, 2), points(0, 3, 2), 1.0, 1.0)


def test_streams_merge_to_what_numpy_says():
    values = np.random.default_rng(0).normal(50, 9, 200)
    a, b, c = (MeanStream().update(part) for part in np.split(values, [20, 21]))
    for merged in (a.merge(b).merge(c), a.merge(b.merge(c)), c.merge(a).merge(b)):
        spread = merged.result()
        assert spread.finite == 200
        assert spread.mean == pytest.approx(values.mean())
        assert spread.deviation == pytest.approx(values.std(ddof=1))


def test_failures_are_counted_and_not_averaged():
    stream = MeanStream().update(torch.tensor([1.0, float("nan"), 3.0])).merge(MeanStream())
    assert stream.result()[:3] == (2, 1, 2.0)
    assert np.isnan(MeanStream().update(torch.tensor([float("inf")])).result().mean)


def test_the_interval_of_a_mean_is_the_normal_one():
    values = np.random.default_rng(1).normal(10, 2, 400)
    interval = mean_interval(values, resamples=4000)
    assert interval.value == pytest.approx(values.mean())
    expected = 1.96 * values.std() / 20
    assert interval.half_width == pytest.approx(expected, rel=0.05)  # 4,000 resamples: quantiles good to 3 %
    assert mean_interval(np.append(values, np.nan), resamples=4000) == interval


def test_intervals_repeat_and_take_pooled_scores():
    counts = np.random.default_rng(2).integers(1, 50, (30, 2))

    def ratio(sums):
        return sums[:, 0] / sums[:, 1]

    first, second = (bootstrap(counts, ratio, seed=3) for _ in range(2))
    assert first == second
    assert first.value == counts[:, 0].sum() / counts[:, 1].sum()
    assert first.low < first.value < first.high


def test_intervals_of_nothing_and_of_nonsense():
    assert np.isnan(mean_interval(np.array([])).value)
    with pytest.raises(ValueError, match="expected \\(N, D\\)"):
        bootstrap(np.zeros(3), lambda sums: sums[:, 0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval(np.ones(3), level=95)
