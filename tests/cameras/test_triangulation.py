"""Robust triangulation: exact points, one wrong view, rays that settle nothing; rows apart."""

import torch

from anchorfit.cameras.triangulation import rays_of_views, triangulate, view_pairs
from anchorfit.evaluation.rig_people import ring_of_cameras


def sights(points, cameras):
    pixels = torch.stack([camera.project(points) for camera in cameras], 1)
    count = len(points)
    parts = [
        torch.stack([getattr(camera, name) for camera in cameras]) for name in ("intrinsics", "rotation", "translation")
    ]
    matrices, rotations, translations = (part.expand(count, *part.shape) for part in parts)
    return pixels, lambda pixels: rays_of_views(pixels, matrices, rotations, translations)


def some_points(count=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 7, 3, generator=generator, dtype=torch.float64) * 0.4 + torch.tensor([0.0, 0.9, 0.0])


def test_exact_pixels_give_exact_points_and_one_wrong_view_changes_nothing():
    points, cameras = some_points(), ring_of_cameras(4)
    pixels, rays = sights(points, cameras)
    sure = torch.ones(pixels.shape[:3], dtype=torch.float64)
    tolerance = torch.full(pixels.shape[:2], 0.02, dtype=torch.float64)
    found = triangulate(rays(pixels), sure, tolerance)
    torch.testing.assert_close(found.points, points, atol=1e-9, rtol=1e-9)
    assert bool(found.agrees.all())
    wrong = pixels.clone()
    wrong[:, 2] += 120.0
    found = triangulate(rays(wrong), sure, tolerance)
    torch.testing.assert_close(found.points, points, atol=1e-9, rtol=1e-9)
    assert found.agrees[:, 2].sum() == 0


def test_a_row_does_not_depend_on_its_batch():
    points, cameras = some_points(9), ring_of_cameras(4)
    pixels, rays = sights(points, cameras)
    pixels = pixels + torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 5
    sure = torch.rand(pixels.shape[:3], generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    tolerance = torch.full(pixels.shape[:2], 0.02, dtype=torch.float64)
    whole = triangulate(rays(pixels), sure, tolerance)
    _, one = sights(points[4:5], cameras)
    alone = triangulate(one(pixels[4:5]), sure[4:5], tolerance[4:5])
    assert torch.equal(whole.points[4], alone.points[0])


def test_cameras_at_one_place_and_single_views_settle_nothing():
    points, cameras = some_points(), ring_of_cameras(1) * 2
    pixels, rays = sights(points, cameras)
    sure = torch.ones(pixels.shape[:3], dtype=torch.float64)
    tolerance = torch.full(pixels.shape[:2], 0.02, dtype=torch.float64)
    assert not bool((triangulate(rays(pixels), sure, tolerance).confidence > 0).any())
    cameras = ring_of_cameras(2)
    pixels, rays = sights(points, cameras)
    sure = sure.clone()
    sure[:, 1] = 0
    assert not bool((triangulate(rays(pixels), sure, tolerance).confidence > 0).any())


def test_many_cameras_are_paired_sparsely():
    assert len(view_pairs(10)) == 45
    pairs = view_pairs(24)
    assert len(pairs) < 130
    assert {camera for pair in pairs for camera in pair} == set(range(24))


def test_pixels_that_are_no_numbers_and_not_seen_change_nothing():
    """OpenCV's triangulatePoints has no notion of either: one NaN spoils the point."""
    points, cameras = some_points(), ring_of_cameras(4)
    pixels, rays = sights(points, cameras)
    sure = torch.ones(pixels.shape[:3], dtype=torch.float64)
    tolerance = torch.full(pixels.shape[:2], 0.02, dtype=torch.float64)
    sure[0, 1, 3] = sure[2, 2] = 0
    pixels[0, 1, 3] = torch.nan
    pixels[1, 3, 5] = torch.inf  # and seen, as it is said
    found = triangulate(rays(pixels), sure, tolerance)
    torch.testing.assert_close(found.points, points, atol=1e-9, rtol=1e-9)
