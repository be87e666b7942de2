import numpy as np
import pytest
import torch
from lifting_problems import rotations, seen_from  # type: ignore[import-not-found]

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.heldout_people import CLEAN
from anchorfit.evaluation.metrics.pose import reconstruction_error
from anchorfit.evaluation.synthetic import make_people
from anchorfit_baselines.orthography import (
    SKELETON,
    bone_lengths,
    find_camera,
    image_points,
    lifted,
    placed,
    reduced,
    skeleton_points,
)


@pytest.fixture(scope="module")
def people():
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    return make_people(load_body(), poses, 6, seed=2, config=CLEAN)


def shape(seed: int, count: int) -> torch.Tensor:
    points = torch.randn(len(SKELETON), 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return points.expand(count, -1, -1)


def test_the_camera_of_a_rigid_shape_is_found_exactly():
    turns = rotations(8, 1)
    image = seen_from(shape(0, 8), turns, scale=2.5)
    camera = find_camera(reduced(shape(0, 8), image.weights), reduced(image.points, image.weights))
    torch.testing.assert_close(camera.scale, torch.full((8,), 2.5, dtype=torch.float64), atol=1e-6, rtol=0)
    torch.testing.assert_close(camera.rotation, turns, atol=1e-6, rtol=0)


def test_the_camera_gets_no_worse_by_further_rounds():
    generator = torch.Generator().manual_seed(4)
    image = torch.randn(5, len(SKELETON), 2, generator=generator, dtype=torch.float64)
    model = reduced(shape(3, 5), torch.ones(5, len(SKELETON), dtype=torch.float64))
    camera, before = None, torch.tensor(torch.inf)
    for _ in range(5):
        camera = find_camera(model, image, start=camera)
        error = (image - camera.scale[:, None, None] * (model @ camera.rotation.mT)[..., :2]).square().sum()
        assert error <= before + 1e-9
        before = error


def test_unseen_points_and_translations_change_nothing():
    points = shape(5, 2)
    weights = torch.ones(2, len(SKELETON), dtype=torch.float64)
    weights[:, ::3] = 0
    moved = points + torch.tensor([3.0, -2.0, 7.0])
    moved = torch.where(weights[..., None] > 0, moved, 1e3)
    torch.testing.assert_close(reduced(points, weights), reduced(moved, weights))


def test_true_poses_are_placed_nearly_where_they_were(people):
    body = load_body()
    truth = skeleton_points(body).points(people.params).double()
    image = image_points(people.observations.to(dtype=torch.float64))
    turned = truth @ image.view.mT
    for row in range(len(truth)):  # each has bones of its own length
        some = type(image)(*(value[row : row + 1] for value in image))
        found = placed(turned[row : row + 1], some, float(bone_lengths(truth[row]).sum()))
        off = (found - truth[row : row + 1]).norm(dim=-1).mean() / truth[row, 0, 2]
        assert off < 0.05  # of the distance: perspective is not orthography
        assert reconstruction_error(found, truth[row : row + 1]) < 1e-6


def test_a_person_of_whom_nothing_was_seen_is_finite(people):
    empty = people.observations.to(dtype=torch.float64)
    empty.confidence[:] = 0
    result = lifted(lambda image: shape(0, len(image.points)), empty, load_body(), 3.0)
    assert result.params is None
    assert result.joints_cam.shape == (6, 24, 3)
    assert np.isfinite(result.joints_cam.numpy()).all()
