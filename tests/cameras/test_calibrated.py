"""Lenses and calibrated cameras: against OpenCV, their own inverse, autograd, and what is no camera."""

import cv2
import numpy as np
import pytest
import torch

from anchorfit.cameras import CalibratedCamera
from anchorfit.cameras.distortion import checked_coefficients, distort, distort_with_jacobian, fold_radius, undistort


def camera_of(**given):
    """Of arrays, as users have them."""
    return CalibratedCamera(**given)


K = np.array([[1000.0, 0, 960], [0, 1000.0, 540], [0, 0, 1]])
LENSES = {
    "barrel": (-0.3, 0.1, 0.001, -0.002),
    "pincushion": (0.3, 0.0, 0.0, 0.0, 0.0),
    "three": (-0.35, 0.15, 0.0, 0.0, -0.03),
    "rational": (0.5, 0.1, 0.001, 0.001, 0.02, 0.6, 0.2, 0.03),
    "prism": (-0.1, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.002, -0.01, 0.001),
}


@pytest.mark.parametrize("lens", LENSES)
def test_projection_is_opencvs(lens):
    rng = np.random.default_rng(0)
    points = rng.uniform((-2, -1, 3), (2, 1, 6), (50, 3))
    turn, away = np.array([0.1, -0.2, 0.3]), np.array([0.1, 0.2, 0.3])
    camera = camera_of(name="a", intrinsics=K, rotation=turn, translation=away, distortion=LENSES[lens])
    expected = cv2.projectPoints(points, turn, away, K, np.array(LENSES[lens]))[0][:, 0]
    # OpenCV's pixels and ours differ by half a pixel in K alone, which is the caller's: the formulas are the same.
    np.testing.assert_allclose(camera.project(torch.from_numpy(points)).numpy(), expected, atol=1e-8)


@pytest.mark.parametrize("lens", LENSES)
def test_undistorting_is_exact_unlike_five_iterations(lens):
    camera = camera_of(name="a", intrinsics=K, distortion=LENSES[lens], image_size=(1920, 1080))
    across, down = np.meshgrid(np.linspace(0, 1920, 13), np.linspace(0, 1080, 9))
    pixels = torch.from_numpy(np.stack((across, down), -1))
    ideal, known = camera.undistort(pixels)
    assert float(known.double().mean()) > (0.7 if lens == "three" else 0.99)  # that one folds over in the corners
    # Undone to the last digits; OpenCV's default of five iterations leaves up to 14 pixels for k1 = .3.
    assert float((camera.distorted(ideal) - pixels).norm(dim=-1)[known].max()) < 1e-6


def test_beyond_the_fold_nothing_is_made_up():
    lens = checked_coefficients((-0.4, 0.0, 0.0, 0.0))
    radius = fold_radius(lens)
    assert radius == pytest.approx((1 / 1.2) ** 0.5, abs=2e-3)
    rays = torch.tensor([[0.8, 0.0], [0.5, 0.0], [float("nan"), 0.0]], dtype=torch.float64)
    ideal, known = undistort(rays, lens)  # the largest distorted radius is .609
    assert known.tolist() == [False, True, False]
    assert float(distort(ideal, lens)[1, 0]) == pytest.approx(0.5, abs=1e-12)
    camera = camera_of(name="a", intrinsics=K, distortion=lens)
    assert camera.project(torch.tensor([[2.0, 0.0, 1.0]], dtype=torch.float64)).isnan().all()  # OpenCV: pixel -240


def test_behind_the_camera_there_are_no_pixels():
    camera = camera_of(name="a", intrinsics=K)
    assert camera.project(torch.tensor([[1.0, 0.0, -1.0], [1.0, 0.0, 0.0]])).isnan().all()


@pytest.mark.parametrize("lens", LENSES)
def test_the_lens_has_its_derivative(lens):
    coefficients = checked_coefficients(LENSES[lens])
    rays = torch.tensor([[0.2, -0.3], [0.0, 0.0], [-0.6, 0.4]], dtype=torch.float64)
    twin = torch.func.vmap(torch.func.jacrev(lambda ray: distort(ray, coefficients)))(rays)
    torch.testing.assert_close(distort_with_jacobian(rays, coefficients).jacobian, twin, atol=1e-12, rtol=1e-10)


def test_projection_has_its_derivative():
    camera = camera_of(
        name="a",
        intrinsics=K,
        rotation=np.array([0.2, 0.5, -0.1]),
        translation=np.array([0.1, 0.0, 4.0]),
        distortion=LENSES["barrel"],
    )
    points = torch.tensor([[0.3, 0.2, 0.1], [-0.5, 0.4, 0.9]], dtype=torch.float64)
    found = camera.project_with_jacobian(points)
    twin = torch.stack([torch.autograd.functional.jacobian(camera.project, point[None])[0, :, 0] for point in points])
    torch.testing.assert_close(found.pixels, camera.project(points))
    torch.testing.assert_close(found.jacobian, twin, atol=1e-9, rtol=1e-9)
    assert not bool(found.behind.any())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"intrinsics": K.T}, "transposed"),
        ({"intrinsics": np.diag([1000.0, -1000.0, 1.0])}, "positive focal"),
        ({"intrinsics": K * np.nan}, "finite"),
        ({"intrinsics": K[:2]}, "3 x 3"),
        ({"rotation": 2 * np.eye(3)}, "no rotation"),
        ({"rotation": np.diag([1.0, 1.0, -1.0])}, "reflection"),
        ({"rotation": np.eye(3) * np.nan}, "finite"),
        ({"translation": np.zeros(4)}, "3 numbers"),
        ({"distortion": (0.1, 0.2, 0.3)}, "got 3"),
        ({"distortion": (0.0,) * 12 + (0.1, 0.0)}, "tilted"),
        ({"distortion": (-2.0, 0.0, 0.0, 0.0), "image_size": (1920, 1080)}, "folds over"),
    ],
)
def test_what_is_no_camera_is_refused_in_a_line(given, message):
    with pytest.raises(ValueError, match=message) as caught:
        camera_of(**{"name": "a", "intrinsics": K, **given})
    assert "\n" not in str(caught.value)


def test_a_rounded_rotation_is_made_one_and_said():
    turn = np.round(cv2.Rodrigues(np.array([0.3, 0.5, 0.1]))[0], 2)
    camera = camera_of(name="a", intrinsics=K, rotation=turn)
    torch.testing.assert_close(camera.rotation @ camera.rotation.T, torch.eye(3, dtype=torch.float64))
    assert "rounded" in camera.remarks[0]


def test_a_lens_that_folds_over_in_the_corners_is_said():
    camera = camera_of(name="a", intrinsics=K, distortion=(-0.25, 0.0, 0.0, 0.0), image_size=(1920, 1080))
    assert "folds over within the image" in camera.remarks[0]


def test_other_image_sizes_scale_k_and_other_shapes_are_refused():
    camera = camera_of(name="a", intrinsics=K, image_size=(1920, 1080))
    half = camera.of_size((960, 540))
    np.testing.assert_allclose(half.intrinsics, np.diag([0.5, 0.5, 1.0]) @ K)
    with pytest.raises(ValueError, match="turned by a quarter"):
        camera.of_size((1080, 1920))
