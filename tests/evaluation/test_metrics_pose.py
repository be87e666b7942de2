import numpy as np
import pytest
import torch
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from anchorfit.evaluation.metrics.pose import (
    mean_point_error,
    named_point_error,
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


def test_scipy_procrustes_has_the_same_residual():
    source, target = points(9, 20), points(10, 20)
    scaled_target, moved, _ = procrustes(target.numpy(), source.numpy())  # of unit size
    size = (target - target.mean(0)).norm()
    assert np.linalg.det(np.linalg.lstsq(source.numpy(), moved, rcond=None)[0]) > 0  # these seeds: no reflection
    expected = np.linalg.norm(scaled_target - moved, axis=1).mean() * size.item()
    assert reconstruction_error(source, target).item() == pytest.approx(expected)


def test_a_named_subset_is_its_points():
    target, predicted = points(11, 2, 3), points(12, 2, 3)
    names = ("left_knee", "nose", "neck")
    both = named_point_error(predicted, target, names, ("neck", "left_knee"))
    torch.testing.assert_close(both, mean_point_error(predicted[:, [2, 0]], target[:, [2, 0]]))
    torch.testing.assert_close(named_point_error(predicted, target, names), mean_point_error(predicted, target))
    with pytest.raises(ValueError, match="got chin"):
        named_point_error(predicted, target, names, ("chin",))
    with pytest.raises(ValueError, match="one a point"):
        named_point_error(predicted, target, names[:2])


def test_flat_and_straight_bodies_are_aligned():
    for directions in (1, 2):  # points on a line, in a plane
        target = points(13, 14) @ torch.diag(torch.tensor([1.0] * directions + [0.0] * (3 - directions)).double())
        turned = 2.0 * target @ torch.as_tensor(Rotation.random(random_state=4).as_matrix()).mT + 1.0
        assert reconstruction_error(turned, target) < 1e-12


def test_a_row_that_is_not_finite_touches_no_other():
    source, target = points(14, 3, 14), points(15, 3, 14)
    expected = reconstruction_error(source, target)
    source[1, 0, 0] = float("nan")
    errors = reconstruction_error(source, target)
    assert torch.isnan(errors[1])
    torch.testing.assert_close(errors[[0, 2]], expected[[0, 2]])


def test_a_batch_is_its_rows():
    source, target = points(6, 5, 14), points(7, 5, 14)
    rows = torch.stack([reconstruction_error(s, t) for s, t in zip(source, target, strict=True)])
    torch.testing.assert_close(reconstruction_error(source, target), rows)


def test_coincident_points_are_finite():
    target = points(8, 14)
    radius = (target - target.mean(0)).norm(dim=-1).mean()
    for place in (0.0, 1e3 / 3):  # coincident but for rounding: no scale brings out a body from noise
        source = torch.full_like(target, place) + 1e-13 * points(16, 14)
        torch.testing.assert_close(reconstruction_error(source if place else source * 0, target), radius)


def test_shapes_must_match():
    with pytest.raises(ValueError, match=r"expected two \(..., N, 3\)"):
        mean_point_error(points(0, 3), points(0, 4))


def test_no_other_scale_is_nearer_to_a_mirror_image():
    """Where the best map would be a reflection, the rotation's own scale counts, not the reflection's."""
    target = torch.randn(5, 12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    aligned = procrustes_aligned(target * torch.tensor([-1.0, 1.0, 1.0]), target)
    middle = target.mean(1, keepdim=True)
    best = (aligned - target).square().sum((1, 2))
    for factor in (0.95, 1.05):
        other = middle + factor * (aligned - middle)
        assert ((other - target).square().sum((1, 2)) > best).all()
