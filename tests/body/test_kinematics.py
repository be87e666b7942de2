from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from synthetic_bodies import random_params, synthetic_body  # type: ignore[import-not-found]  # its folder is on pytest's path

from anchorfit.body import CANONICAL_JOINTS, SMPL_JOINTS, BodyModel, PointSet, compile_points, load_body

COCO = tuple(f"{side}_{name}" for side in ("left", "right") for name in ("eye", "ear", "shoulder", "elbow", "wrist"))
VERTICES = (5, 17, 40)


def points_of_the_mesh(body: BodyModel, points: PointSet, params: torch.Tensor) -> torch.Tensor:
    """The same points by way of the whole mesh, differentiable."""
    output = body.from_params(params)
    by_name = output.vertices.new_zeros(len(params), 0, 3)
    names = [name for name in points.names if not name.startswith("vertex:")]
    if names:
        by_name = body.point_table(names).combine(output.vertices, output.joints)
    chosen = [int(name.removeprefix("vertex:")) for name in points.names[len(names) :]]
    return torch.cat((by_name, output.vertices[:, chosen]), dim=1)


def twin(body: BodyModel, points: PointSet, params: torch.Tensor) -> torch.Tensor:
    """Automatic differentiation's Jacobian (B, P, 3, 85); rows are independent, so their sum holds all of it."""
    jacobian = torch.autograd.functional.jacobian(
        lambda rows: points_of_the_mesh(body, points, rows).sum(0), params, vectorize=True
    )
    return jacobian.movedim(2, 0)


def params_of_angle(angle: float) -> torch.Tensor:
    params = random_params(3, seed=1)
    axes = torch.nn.functional.normalize(params[:, :72].unflatten(1, (24, 3)), dim=-1)
    params[:, :72] = (axes * angle).flatten(1)
    return params


BODIES = {
    "correctives": synthetic_body(0),
    "no correctives": synthetic_body(1, correctives=0.0),
    "few vertices": synthetic_body(2, vertices=45),
    "unequal weights": replace(synthetic_body(3), landmark_weights=torch.tensor([[1.0, 0.0]]).double().repeat(24, 1)),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("angle", [None, 0.0, 1e-9, 1e-3, 0.1, math.pi - 1e-8, math.pi, 5.0])
def test_points_and_jacobian_are_the_meshs(kind, angle):
    body = BODIES[kind]
    points = compile_points(body, CANONICAL_JOINTS, vertices=VERTICES)
    params = random_params(3) if angle is None else params_of_angle(angle)
    values, jacobian = points.points_and_jacobian(params)
    torch.testing.assert_close(values, points_of_the_mesh(body, points, params), atol=1e-13, rtol=0)
    torch.testing.assert_close(jacobian, twin(body, points, params), atol=1e-12, rtol=0)


def test_the_open_bodys_jacobian_is_the_meshs():
    body = load_body(dtype=torch.float64)
    points = compile_points(body, ("nose", "neck", "left_small_toe", "right_wrist"))
    params = random_params(1, spread=0.3)
    jacobian = points.points_and_jacobian(params)[1]
    torch.testing.assert_close(jacobian, twin(body, points, params), atol=1e-12, rtol=0)


@pytest.mark.parametrize("names", [("left_wrist",), ("nose",), ("pelvis", "landmark:chin", "joint:spine1"), ()])
def test_any_choice_of_points_agrees_with_all_of_them(names):
    body = BODIES["correctives"]
    points = compile_points(body, names, vertices=VERTICES)
    params = random_params(2)
    values, jacobian = points.points_and_jacobian(params)
    torch.testing.assert_close(values, points_of_the_mesh(body, points, params), atol=1e-13, rtol=0)
    torch.testing.assert_close(values, points.points(params), atol=1e-14, rtol=0)
    assert jacobian.shape == (2, len(names) + len(VERTICES), 3, 85)


@pytest.mark.parametrize("batch", [1, 127, 128, 129, 300])
def test_a_batch_is_its_rows(batch):
    points = compile_points(BODIES["correctives"], COCO)
    params = random_params(batch)
    values, jacobian = points.points_and_jacobian(params)
    for row in {0, batch // 2, batch - 1}:
        one, its_jacobian = points.points_and_jacobian(params[row : row + 1])
        torch.testing.assert_close(values[row], one[0], atol=1e-14, rtol=0)
        torch.testing.assert_close(jacobian[row], its_jacobian[0], atol=1e-14, rtol=0)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 17, 33])
def test_a_rows_last_bit_is_its_own_whatever_the_batch(count):
    """Fewer than 4 rows took other kernels, and of surface points, whose correctives make wide products, more did."""
    body = load_body()
    params = 0.3 * torch.randn(64, body.layout.size, generator=torch.Generator().manual_seed(5))
    for points in (
        compile_points(body),
        compile_points(body, [f"joint:{name}" for name in SMPL_JOINTS]),
        compile_points(body, ["nose"], vertices=[5, 100, 3000]),
    ):
        some = params[20 : 20 + count]
        assert torch.equal(points.points(params)[20 : 20 + count], points.points(some))
        for both in (points.points_and_jacobian, points.points_and_rows):
            for one, other in zip(both(params), both(some), strict=True):
                assert torch.equal(one[20 : 20 + count], other)
    betas = params[:, body.layout.betas]
    assert torch.equal(body.rest_joints(betas)[20 : 20 + count], body.rest_joints(betas[20 : 20 + count]))


def test_an_empty_batch_is_empty():
    values, jacobian = compile_points(BODIES["correctives"], COCO).points_and_jacobian(random_params(0))
    assert values.shape == (0, 10, 3)
    assert jacobian.shape == (0, 10, 3, 85)


@pytest.mark.parametrize("angle", [0.0, 1e-8, 1e-4, 0.05, 1.0, math.pi])
def test_float32_and_inference_mode_stay_close_to_float64(angle):
    exact = compile_points(BODIES["correctives"])
    params = params_of_angle(angle).float().double()
    with torch.inference_mode():
        values, jacobian = exact.to(dtype=torch.float32).points_and_jacobian(params.float())
    expected_values, expected = exact.points_and_jacobian(params)
    assert values.dtype == jacobian.dtype == torch.float32
    torch.testing.assert_close(values.double(), expected_values, atol=1e-5, rtol=0)
    torch.testing.assert_close(jacobian.double(), expected, atol=1e-5, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same():
    here = compile_points(BODIES["correctives"])
    params = random_params(5)
    values, jacobian = here.to("cuda").points_and_jacobian(params.cuda())
    torch.testing.assert_close(values.cpu(), here.points(params), atol=1e-12, rtol=0)
    torch.testing.assert_close(jacobian.cpu(), here.points_and_jacobian(params)[1], atol=1e-12, rtol=0)


def test_arguments_are_not_written_to():
    points = compile_points(BODIES["correctives"])
    params = random_params(3)
    before = params.clone()
    first = points.points_and_jacobian(params)[1]
    again = points.points_and_jacobian(params)[1]
    assert torch.equal(params, before)
    assert torch.equal(first, again)


@pytest.mark.parametrize(
    ("names", "vertices", "message"),
    [
        (("left_antenna",), (), "left_antenna.*neither a canonical joint"),
        (("joint:tail",), (), "no joint 'tail'"),
        (("landmark:tail",), (), "no landmark 'tail'"),
        ((), (), "no point"),
        ((), (60,), r"60 is outside 0\.\.59"),
    ],
)
def test_wrong_points_are_named(names, vertices, message):
    with pytest.raises(ValueError, match=message):
        compile_points(BODIES["correctives"], names, vertices=vertices)


def test_wrong_parameters_are_named():
    points = compile_points(BODIES["correctives"], COCO)
    with pytest.raises(ValueError, match=r"params: expected \(B, 85\), got \(2, 82\)"):
        points.points(torch.zeros(2, 82))
