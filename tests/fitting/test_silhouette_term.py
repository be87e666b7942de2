from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.synthetic import SyntheticSet, make_people
from anchorfit.fitting import FitResult, anchored, load_pose_prior
from anchorfit.fitting.contours import Matches, body_outline, mask_outline, surface_sample, usable_mask
from anchorfit.fitting.energy import BodyState
from anchorfit.fitting.terms import SilhouetteTerm
from anchorfit.rendering import rasterize

PRIOR = load_pose_prior()


PEOPLE = 12  # enough that one person's local minimum does not decide a mean


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def people(body: BodyModel) -> SyntheticSet:
    poses = load_pose_library(split="heldout").poses[::97].numpy()
    drawn = make_people(body, poses, PEOPLE, seed=4)
    masks = _masks(body, drawn.params, drawn)
    return SyntheticSet(replace(drawn.observations, masks=tuple(masks)), drawn.params)


@pytest.fixture(scope="module")
def init(people: SyntheticSet) -> Tensor:
    start = people.params + 0.1 * torch.randn(PEOPLE, 85, generator=torch.Generator().manual_seed(0))
    start[:, 72:] = 0
    return start


@pytest.fixture(scope="module")
def fitted(body: BodyModel, people: SyntheticSet, init: Tensor) -> FitResult:
    return anchored(body, people.observations, PRIOR, init)


def _masks(body: BodyModel, params: Tensor, people: SyntheticSet) -> list[np.ndarray]:
    vertices = body.from_params(params).vertices
    pictures = rasterize(vertices, body.faces, people.observations.intrinsics, (480, 640)).face_ids
    return [picture.numpy() >= 0 for picture in pictures]


def test_jacobian_is_the_derivative_of_the_residuals():
    body = load_body().to(dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    vertices = surface_sample(body, 12)
    normal = torch.randn(2, 7, 2, generator=generator, dtype=torch.float64)
    term = SilhouetteTerm(
        vertices,
        Matches(
            index=torch.randint(12, (2, 7), generator=generator),
            target=300 * torch.rand(2, 7, 2, generator=generator, dtype=torch.float64),
            normal=normal / normal.norm(dim=-1, keepdim=True),
            weights=torch.rand(2, 7, generator=generator, dtype=torch.float64),
        ),
        torch.tensor([[800.0, 35, 320], [0, 820, 240], [0, 0, 1]], dtype=torch.float64).expand(2, 3, 3),
        sigma=40.0,
    )
    params = 0.2 * torch.randn(2, 85, generator=generator, dtype=torch.float64)
    params[:, 84] += 4
    rows = torch.arange(2)
    points = compiled_points(body, term.point_names)

    def values(p: Tensor) -> Tensor:
        return term.residuals(BodyState.of(p, points), rows).values

    twin = torch.autograd.functional.jacobian(values, params)
    ours = term.residuals(BodyState.of(params, points, derivative=True), rows).jacobian
    torch.testing.assert_close(ours, torch.stack([twin[row, :, row] for row in range(2)]), atol=1e-8, rtol=1e-6)


def test_the_outline_of_a_disc_is_its_circle_and_normals_point_along_its_radii():
    y, x = np.mgrid[:200, :300] + 0.5
    outline = mask_outline((x - 150) ** 2 + (y - 90) ** 2 < 60**2, 64)
    away = outline.points - torch.tensor([150.0, 90.0])
    assert len(outline.points) == 64
    torch.testing.assert_close(away.norm(dim=-1), torch.full((64,), 60.0), atol=1.5, rtol=0)
    cosine = (away / away.norm(dim=-1, keepdim=True) * outline.normals).sum(-1).abs()
    assert float(cosine.min()) > 0.95


def test_the_images_border_is_no_outline():
    mask = np.zeros((100, 100), dtype=bool)
    mask[40:, 30:60] = True  # runs out of the picture below
    points = mask_outline(mask, 64).points
    assert float(points[:, 1].max()) <= 98


def test_vertices_on_the_outline_are_found(body):
    params = torch.zeros(1, 85)
    params[0, 0], params[0, 84] = math.pi, 4.0
    vertices = body.from_params(params).vertices[0]
    intrinsics = torch.tensor([[800.0, 0, 320], [0, 800, 240], [0, 0, 1]])
    names = ("nose", "left_index_tip", "head_top")
    sample = torch.tensor([int(body.landmark_vertices[body.landmark_names.index(name), 0]) for name in names])
    assert body_outline(vertices, body.faces, intrinsics, sample).tolist() == [False, True, True]


def test_a_mask_brings_the_outline_nearer_and_the_joints_no_further(body, people, init, fitted):
    without = anchored(body, replace(people.observations, masks=(None,) * PEOPLE), PRIOR, init)
    assert (fitted.energy["silhouette"] > 0).all()
    assert (without.energy["silhouette"] == 0).all()

    def overlap(result: FitResult) -> float:
        pairs = zip(_masks(body, result.params, people), people.observations.masks, strict=True)
        return float(np.mean([(ours & true).sum() / (ours | true).sum() for ours, true in pairs]))

    def error(result: FitResult) -> float:
        ours, true = body.from_params(result.params).joints, body.from_params(people.params).joints
        return float(((ours - ours[:, :1]) - (true - true[:, :1])).norm(dim=-1).mean())

    assert overlap(fitted) > overlap(without) + 0.03
    assert error(fitted) < error(without)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.zeros((480, 640), dtype=bool), "empty"),
        (np.ones((480, 640), dtype=bool), "covers the whole image"),
        (np.ones((10, 20), dtype=bool), "20 x 10"),
    ],
)
def test_a_useless_mask_is_told_and_leaves_the_fit_as_without(body, people, init, fitted, mask, reason):
    assert reason in (usable_mask(mask, (640, 480)) or "")
    masks = (people.observations.masks[0], mask, *people.observations.masks[2:])
    result = anchored(body, replace(people.observations, masks=masks), PRIOR, init)
    bare = anchored(body, replace(people.observations, masks=(None,) * PEOPLE), PRIOR, init)
    assert torch.equal(result.params[1], bare.params[1])
    assert reason in result.reasons[1]
    others = [row for row in range(PEOPLE) if row != 1]
    assert torch.equal(result.params[others], fitted.params[others])


def test_a_row_with_a_mask_comes_out_the_same_alone(body, people, init, fitted):
    alone = anchored(body, people.observations.rows([2]), PRIOR, init[2:3])
    assert torch.equal(alone.params[0], fitted.params[2])
