import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from anchorfit.evaluation.metrics.pose import (
    mean_point_error,
    procrustes_aligned,
    reconstruction_error,
    root_aligned,
)


def points(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_shift_of_three_four_is_an_error_of_five():
    target = points(0, 2, 14)
    moved = target + torch.tensor([3.0, 0.0, 4.0])
    torch.testing.assert_close(mean_point_error(moved, target), torch.full((2,), 5.0, dtype=torch.float64))
    aligned = root_aligned(moved, moved[:, 0])
    torch.testing.assert_close(aligned, root_aligned(target, target[:, 0]))


def test_a_similarity_transform_costs_nothing():
    target = points(1, 3, 14)
    rotation = torch.as_tensor(Rotation.random(3, random_state=2).as_matrix())
    moved = 0.3 * target @ rotation.mT + torch.tensor([1.0, -2.0, 5.0])
    assert reconstruction_error(moved, target).max() < 1e-12


def test_a_reflection_is_not_undone():
    target = points(3, 14)
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0])
    assert reconstruction_error(mirrored, target) > 0.1


def test_scipy_finds_the_same_rotation():
    source, target = points(4, 20), points(5, 20)
    aligned = procrustes_aligned(source, target)
    centred = [(x - x.mean(0)).numpy() for x in (source, target)]
    rotation, _ = Rotation.align_vectors(centred[1], centred[0])
    turned = rotation.apply(centred[0])
    scale = (turned * centred[1]).sum() / (centred[0] ** 2).sum()
    np.testing.assert_allclose(aligned.numpy(), scale * turned + target.mean(0).numpy(), atol=1e-9)


def test_a_batch_is_its_rows():
    source, target = points(6, 5, 14), points(7, 5, 14)
    rows = torch.stack([reconstruction_error(s, t) for s, t in zip(source, target, strict=True)])
    torch.testing.assert_close(reconstruction_error(source, target), rows)


def test_coincident_points_are_finite():
    target = points(8, 14)
    assert torch.isfinite(reconstruction_error(torch.zeros_like(target), target))


def test_shapes_must_match():
    with pytest.raises(ValueError, match=r"expected two \(..., N, 3\)"):
        mean_point_error(points(0, 3), points(0, 4))
