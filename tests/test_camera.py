"""The camera: projection, focal length, crops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from anchorfit.camera import (
    NEAREST_DEPTH,
    Crop,
    default_focal,
    default_intrinsics,
    focal_from_exif,
    intrinsics_matrix,
    project,
    project_with_jacobian,
    unproject,
)


def test_projection_known_answer():
    intrinsics = intrinsics_matrix(100.0, (50.0, 40.0))
    pixels = project(torch.tensor([[0.0, 0.0, 2.0], [1.0, -0.5, 2.0]]), intrinsics)
    torch.testing.assert_close(pixels, torch.tensor([[50.0, 40.0], [100.0, 15.0]]))


def test_unproject_inverts_project_in_a_batch():
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(4, 7, 3, generator=generator, dtype=torch.float64)
    points[..., 2] = points[..., 2].abs() + 1
    focal = torch.tensor([500.0, 600, 700, 800], dtype=torch.float64)
    intrinsics = intrinsics_matrix(focal, torch.tensor([320.0, 240.0], dtype=torch.float64))
    back = unproject(project(points, intrinsics), points[..., 2], intrinsics)
    torch.testing.assert_close(back, points, rtol=1e-12, atol=1e-12)


def test_a_batch_is_projected_as_its_rows():
    points = torch.rand(3, 5, 3, generator=torch.Generator().manual_seed(1)) + 1
    intrinsics = intrinsics_matrix(torch.tensor([100.0, 200.0, 300.0]), (10.0, 20.0))
    rows = torch.stack([project(points[i], intrinsics[i]) for i in range(3)])
    torch.testing.assert_close(project(points, intrinsics), rows)


@pytest.mark.parametrize("shape", [(5, 2), (3,), (4, 4)])
def test_wrong_shapes_are_named(shape):
    with pytest.raises(ValueError, match=r"points_cam: expected \(\.\.\., 3\)" if shape[-1] != 3 else "intrinsics"):
        project(torch.ones(shape), torch.ones(2, 3))


@pytest.mark.parametrize("focal", [0.0, -1.0, math.inf, math.nan])
def test_focal_must_be_finite_and_positive(focal):
    with pytest.raises(ValueError, match="focal: expected finite positive pixels"):
        intrinsics_matrix(focal, (0.0, 0.0))


def test_default_focal_is_the_diagonal_and_53_degrees():
    assert default_focal(640, 480) == 800
    assert math.degrees(2 * math.atan(0.5 * 800 / default_focal(640, 480))) == pytest.approx(53.13, abs=0.01)
    torch.testing.assert_close(default_intrinsics(640, 480)[:2, 2], torch.tensor([320.0, 240.0]))
    with pytest.raises(ValueError, match="positive width and height"):
        default_focal(0, 480)


coordinate = st.floats(-5000, 5000)
length = st.floats(1, 5000)


@settings(max_examples=50, deadline=None)
@given(corner=st.tuples(coordinate, coordinate), side=length, out_size=st.integers(1, 1024), focal=length)
def test_crop_round_trips_and_projection_commutes_with_it(corner, side, out_size, focal):
    crop = Crop(
        corner=torch.tensor(corner, dtype=torch.float64),
        side=torch.tensor(side, dtype=torch.float64),
        out_size=out_size,
    )
    points = torch.tensor([[0.1, 0.2, 3.0], [-1.0, 0.7, 2.5]], dtype=torch.float64)
    intrinsics = intrinsics_matrix(torch.tensor(focal, dtype=torch.float64), (320.0, 240.0))
    pixels = project(points, intrinsics)
    cropped = crop.to_crop(pixels)
    # Rounding grows with the largest intermediate (|corner|, |pixel|) times the zoom: 1e4 * 1e3 * eps is 2e-9.
    torch.testing.assert_close(crop.to_image(cropped), pixels, rtol=1e-12, atol=1e-8)
    torch.testing.assert_close(project(points, crop.crop_intrinsics(intrinsics)), cropped, rtol=1e-12, atol=1e-8)
    torch.testing.assert_close(
        crop.image_intrinsics(crop.crop_intrinsics(intrinsics)), intrinsics, rtol=1e-12, atol=1e-8
    )


def test_crop_maps_corners_to_corners():
    crop = Crop.around_box((10.0, 20.0, 40.0, 80.0), scale=1.0, out_size=40)
    corners = torch.tensor([[-10.0, 20.0], [70.0, 100.0]], dtype=torch.float64)  # 80 square around (30, 60)
    expected = torch.tensor([[0.0, 0.0], [40.0, 40.0]], dtype=torch.float64)
    torch.testing.assert_close(crop.to_crop(corners), expected)


def test_a_batch_of_crops_is_its_rows():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 30.0], [5.0, 5.0, 50.0, 20.0]])
    whole = Crop.around_box(boxes)
    pixels = torch.rand(2, 4, 2, generator=torch.Generator().manual_seed(2)) * 50
    rows = torch.stack([Crop.around_box(boxes[i]).to_crop(pixels[i]) for i in range(2)])
    torch.testing.assert_close(whole.to_crop(pixels), rows)
    torch.testing.assert_close(whole.matrix()[1], Crop.around_box(boxes[1]).matrix())


def test_a_box_without_extent_is_refused():
    with pytest.raises(ValueError, match="side: expected finite positive"):
        Crop.around_box((1.0, 2.0, 0.0, 0.0))


def save_with_exif(path, tags, size=(400, 300)):
    exif = Image.Exif()
    exif[0x8769] = tags  # which Pillow 10 writes, too
    Image.new("RGB", size).save(path, exif=exif)
    return path


def test_focal_from_35mm_equivalent(tmp_path):
    path = save_with_exif(tmp_path / "a.jpg", {0xA405: 50, 0x920A: 4.0})
    # 50 mm on film of 43.267 mm diagonal, on an image of 500 pixels diagonal.
    assert focal_from_exif(path) == pytest.approx(50 * 500 / 43.2666, rel=1e-4)


@pytest.mark.parametrize(("unit", "resolution"), [(2, 2540.0), (3, 1000.0), (None, 2540.0)])
def test_focal_from_sensor_resolution(tmp_path, unit, resolution):
    # 10 mm at 100 pixels a mm is 1000 pixels at 4000 wide, 100 pixels now that the image is 400 wide.
    tags = {0x920A: 10.0, 0xA20E: resolution, 0xA002: 4000, 0xA003: 3000}
    if unit:
        tags[0xA210] = unit
    path = save_with_exif(tmp_path / "a.jpg", tags)
    assert focal_from_exif(path) == pytest.approx(100, rel=1e-6)
    assert focal_from_exif(save_with_exif(tmp_path / "b.jpg", tags, size=(300, 400))) == pytest.approx(100, rel=1e-6)


@pytest.mark.parametrize("tags", [{}, {0xA405: 0}, {0x920A: 4.0}, {0xA405: 60000}, {0x920A: 4.0, 0xA20E: 0.0}])
def test_no_or_absurd_exif_gives_none(tmp_path, tags):
    assert focal_from_exif(save_with_exif(tmp_path / "a.jpg", tags)) is None


def test_focal_of_something_that_is_no_image(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00")
    assert focal_from_exif(tmp_path / "a.jpg") is None
    with pytest.raises(FileNotFoundError, match=r"b.jpg: no such image"):
        focal_from_exif(tmp_path / "b.jpg")


def skewed(dtype=torch.float64):
    return torch.tensor([[900.0, 60.0, 310.0], [0.0, 1100.0, 250.0], [0.0, 0.0, 1.0]], dtype=dtype)


def test_projection_with_jacobian_projects_as_project_does_and_is_its_derivative():
    points = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points[..., 2] += 4.0
    intrinsics = torch.stack([skewed(), default_intrinsics(640, 480).double()])
    found = project_with_jacobian(points, intrinsics)
    torch.testing.assert_close(found.pixels, project(points, intrinsics))
    full = torch.autograd.functional.jacobian(lambda p: project(p, intrinsics), points)
    rows = torch.einsum("bnibnc->bnic", full)
    torch.testing.assert_close(found.jacobian, rows)
    assert not found.behind.any()


def test_points_behind_the_camera_are_projected_from_the_nearest_depth_and_named():
    points = torch.tensor([[0.01, 0.02, -1.0], [0.01, 0.02, NEAREST_DEPTH]], dtype=torch.float64)
    found = project_with_jacobian(points, skewed())
    assert found.behind.tolist() == [True, False]
    torch.testing.assert_close(found.pixels[0], found.pixels[1])
    torch.testing.assert_close(project(points, skewed(), nearest=NEAREST_DEPTH), found.pixels)
