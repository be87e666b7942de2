from __future__ import annotations

import pytest
import torch
from render_scenes import blob, camera, sphere  # type: ignore[import-not-found]

from anchorfit.rendering import rasterize, silhouette, silhouettes
from anchorfit.rendering.edges import edge_table


def zoomed(intrinsics, factor):
    return torch.diag(torch.tensor([factor, factor, 1.0], dtype=intrinsics.dtype)) @ intrinsics


def supersampled(vertices, faces, intrinsics, size, samples):
    """The share of samples that the rasteriser hits: another way to the same numbers."""
    fine = rasterize(vertices, faces, zoomed(intrinsics, samples), (size[0] * samples, size[1] * samples))
    hit = (fine.face_ids >= 0).to(vertices.dtype)
    return torch.nn.functional.avg_pool2d(hit[:, None], samples)[:, 0]


@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_cover_is_the_share_of_samples_that_faces_hit(samples, seed):
    vertices, faces = blob(seed)
    got = silhouette(vertices[None], faces, camera(40, 52), (40, 52), samples=samples).mask
    expected = supersampled(vertices[None], faces, camera(40, 52), (40, 52), samples)
    differing = (got != expected).float().mean()
    assert differing < 1e-3  # a sample on an edge may round to either side
    assert (got - expected).abs().max() <= 1 / samples**2 + 1e-6


def test_an_open_mesh_a_mesh_with_mixed_windings_and_one_of_separate_triangles_are_covered_alike():
    vertices, faces = blob(3)
    a, b, c = vertices[faces].unbind(1)
    front = (torch.linalg.cross(b - a, c - a) * a).sum(-1) < 0
    half = faces[front]  # open: the camera's side only
    mixed = torch.where((torch.arange(len(half)) % 3 == 0)[:, None], half.flip(1), half)
    whole = silhouette(vertices[None], faces, camera(40, 40), (40, 40)).mask
    assert (silhouette(vertices[None], half, camera(40, 40), (40, 40)).mask != whole).float().mean() < 2e-3
    assert (silhouette(vertices[None], mixed, camera(40, 40), (40, 40)).mask != whole).float().mean() < 2e-3
    soup = vertices[half].reshape(1, -1, 3)
    apart = silhouette(soup, torch.arange(soup.shape[1]).view(-1, 3), camera(40, 40), (40, 40)).mask
    assert (apart != whole).float().mean() < 2e-3


def test_three_faces_on_one_edge_are_all_drawn():
    points = torch.tensor([[[2.0, 2, 1], [2, 6, 1], [5, 4, 1], [0, 4, 1], [6.0, 6.5, 1]]])
    faces = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    got = silhouette(points, faces, torch.eye(3), (8, 8), samples=8).mask
    torch.testing.assert_close(got, supersampled(points, faces, torch.eye(3), (8, 8), 8))


def test_edge_table_of_a_closed_mesh():
    vertices, faces = sphere(2)
    table = edge_table(faces)
    assert table.ends.shape[1] == 3 * len(faces) // 2
    assert len(vertices) - table.ends.shape[1] + len(faces) == 2  # Euler
    assert table.closed
    assert (table.second_direction == -1).all()
    for side, face in zip((table.ends, table.ends.flip(0)), table.faces, strict=True):  # each runs along its edge
        rows = faces[face]
        assert (((rows == side[0, :, None]) & (rows.roll(-1, 1) == side[1, :, None])).sum(1) == 1).all()
    assert edge_table(faces) is table
    faces[0] = faces[0].flip(0)
    assert edge_table(faces) is not table  # changed in place: made anew


def loss_gradient(vertices, faces, intrinsics, size, target, **options):
    points = vertices.clone().requires_grad_()
    matrix = intrinsics.clone().requires_grad_()
    mask = silhouette(points, faces, matrix, size, **options).mask
    ((mask - target) ** 2).sum().backward()
    return points.grad, matrix.grad


@pytest.mark.parametrize("size", [64, 160])
def test_gradients_of_motions_are_finite_differences_of_a_fine_image(size):
    """The whole body moved along x, y and z, grown, and turned; differences of 8 x 8 samples a pixel, in float64."""
    vertices, faces = blob(1)
    vertices = vertices.double()
    intrinsics = camera(size, size, dtype=torch.float64)
    other, _ = blob(4)
    target = silhouette(other.double()[None], faces, intrinsics, (size, size), samples=8).mask
    centre = vertices.mean(0)
    axis = torch.linalg.cross(vertices - centre, torch.tensor([0.3, 0.5, 1.0], dtype=torch.float64).expand_as(vertices))
    one = torch.zeros_like(vertices)
    motions = [one + torch.eye(3, dtype=torch.float64)[k] for k in range(3)] + [vertices - centre, axis]
    gradient, _ = loss_gradient(vertices[None], faces, intrinsics, (size, size), target)
    analytic = torch.stack([(gradient[0] * motion).sum() for motion in motions])

    def loss(points):
        return ((silhouette(points[None], faces, intrinsics, (size, size), samples=8).mask - target) ** 2).sum()

    step = 0.3 / size
    differences = torch.stack([(loss(vertices + step * m) - loss(vertices - step * m)) / (2 * step) for m in motions])
    cosine = torch.nn.functional.cosine_similarity(analytic, differences, dim=0)
    assert cosine > 0.99
    assert 0.93 < analytic.norm() / differences.norm() < 1.07


@pytest.mark.parametrize(("row", "column"), [(8, 16), (14, 40), (36, 26), (22, 16)])
def test_a_part_of_an_image_is_that_part(row, column):
    """Bodies at borders and corners: the same masks and gradients as from a larger image that they lie within."""
    vertices, faces = blob(2)
    batch = torch.stack([vertices, vertices + torch.tensor([0.3, -0.1, 0.6])])
    large, part = camera(64, 80), camera(64, 80)
    part[:2, 2] -= torch.tensor([float(column), float(row)])
    frame = (slice(None), slice(row, row + 20), slice(column, column + 26))
    weight = torch.zeros(20, 26)  # nothing on the outermost pixels: what borders on them is not seen in the part
    weight[1:-1, 1:-1] = torch.rand(18, 24, generator=torch.Generator().manual_seed(0))
    masks, gradients = [], []
    for matrix, size, shown in ((large, (64, 80), frame), (part, (20, 26), ...)):
        points = batch.clone().requires_grad_()
        mask = silhouette(points, faces, matrix, size).mask[shown]
        masks.append(mask.detach())
        (gradient,) = torch.autograd.grad((mask * weight).sum(), points)
        gradients.append(gradient.flatten())
    assert masks[0].mean() > 0.1
    assert (masks[0] != masks[1]).float().mean() < 2e-3  # a sample on an edge may round to either side
    assert torch.nn.functional.cosine_similarity(gradients[0], gradients[1], dim=0) > 0.999
    torch.testing.assert_close(gradients[0].norm(), gradients[1].norm(), rtol=1e-3, atol=0)


def test_the_area_of_a_sphere_grows_as_its_radius():
    """d(area)/d(scale) = 2 area, whatever the image: sum of cover, and its gradient along the sphere's radius."""
    vertices, faces = sphere(4)
    points = (0.5 * vertices + torch.tensor([0.03, 0.05, 20.0])).requires_grad_()
    mask = silhouette(points[None], faces, camera(64, 64, focal=700.0), (64, 64)).mask
    mask.sum().backward()
    growth = (points.grad * 0.5 * vertices).sum()
    torch.testing.assert_close(growth, 2 * mask.sum().detach(), rtol=0.02, atol=0)
    torch.testing.assert_close(points.grad.sum(0)[:2], torch.zeros(2), rtol=0, atol=float(0.005 * growth))


def test_contours_before_and_behind_another_part_pull_on_nothing():
    """A small ball in front of a large one changes no pixel, so it feels no force."""
    ball, faces = sphere(3)
    both = torch.cat([0.8 * ball + torch.tensor([0, 0, 4.0]), 0.2 * ball + torch.tensor([0.1, 0, 2.5])])[None]
    two = torch.cat([faces, faces + len(ball)])
    gradient, _ = loss_gradient(both, two, camera(64, 64), (64, 64), torch.zeros(64, 64))
    assert gradient[0, : len(ball)].abs().sum() > 1
    assert (gradient[0, len(ball) :] == 0).all()


def test_gradient_to_the_camera_is_that_of_moving_the_image():
    vertices, faces = blob(0)
    points, intrinsics = vertices.double()[None], camera(48, 48, dtype=torch.float64)
    target = torch.zeros(48, 48, dtype=torch.float64)
    gradient, to_matrix = loss_gradient(points, faces, intrinsics, (48, 48), target)
    forces = gradient[0] * points[0, :, 2:]  # per pixel of motion: Z / f times the gradient
    torch.testing.assert_close(to_matrix[0, 2], forces[:, 0].sum() / intrinsics[0, 0])
    torch.testing.assert_close(to_matrix[1, 2], forces[:, 1].sum() / intrinsics[1, 1])
    torch.testing.assert_close(to_matrix[0, 0], (gradient[0, :, 0] * points[0, :, 0]).sum() / intrinsics[0, 0])
    torch.testing.assert_close(to_matrix[1, 1], (gradient[0, :, 1] * points[0, :, 1]).sum() / intrinsics[1, 1])
    # Depth moves pixels towards the principal point.
    expected = -(gradient[0, :, 0] * points[0, :, 0] + gradient[0, :, 1] * points[0, :, 1]) / points[0, :, 2]
    torch.testing.assert_close(gradient[0, :, 2], expected)


def test_a_body_cut_by_the_near_plane():
    vertices, faces = blob(0)
    points = vertices[None] - torch.tensor([0, 0, 2.4])  # the camera stands inside it
    got = silhouette(points, faces, camera(32, 32, focal=6.0), (32, 32), samples=2).mask
    expected = supersampled(points, faces, camera(32, 32, focal=6.0), (32, 32), 2)
    assert expected.mean() > 0
    assert (got != expected).float().mean() < 5e-3
    gradient, _ = loss_gradient(points, faces, camera(32, 32, focal=6.0), (32, 32), torch.zeros(32, 32))
    assert gradient.isfinite().all()


def test_batches_are_their_rows_whatever_the_groups(monkeypatch):
    vertices, faces = blob(0)
    generator = torch.Generator().manual_seed(0)
    batch = vertices + torch.randn(5, 1, 3, generator=generator) * torch.tensor([0.2, 0.2, 0.3])
    batch[1, 3] = float("nan")
    batch[3, :, 2] -= 2.4
    target = torch.zeros(32, 32)
    masks, gradients = [], []
    for limit in (1 << 26, 1):
        monkeypatch.setattr(silhouettes, "_CPU_SAMPLES_AT_ONCE", limit)
        got = silhouette(batch, faces, camera(32, 32), (32, 32))
        assert got.valid.tolist() == [True, False, True, True, True]
        masks.append(got.mask)
        gradients.append(loss_gradient(batch, faces, camera(32, 32).expand(5, 3, 3), (32, 32), target)[0])
    assert torch.equal(*masks)
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-4)
    assert (masks[0][1] == 0).all()
    assert (gradients[0][1] == 0).all()
    for k in (0, 2, 3, 4):
        assert torch.equal(masks[0][k], silhouette(batch[k : k + 1], faces, camera(32, 32), (32, 32)).mask[0])


def test_it_is_deterministic():
    vertices, faces = blob(0)
    target = torch.zeros(32, 32)
    first, second = (loss_gradient(vertices[None], faces, camera(32, 32), (32, 32), target)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_behind_outside_filling_and_empty():
    ball, faces = sphere(2)
    places = torch.tensor([[0.0, 0, -5], [100, 0, 5], [0, 0, 1.05], [1e6, 0, 1.02]])
    points = (ball + places[:, None]).requires_grad_()
    mask = silhouette(points, faces, camera(24, 24, focal=100.0), (24, 24)).mask
    assert mask.flatten(1).mean(1).tolist() == [0, 0, 1, 0]
    mask.sum().backward()
    assert (points.grad == 0).all()
    none = silhouette(ball[None], torch.zeros(0, 3, dtype=torch.int64), camera(8, 8), (8, 8))
    assert (none.mask == 0).all()
    assert silhouette(ball[None][:0], faces, camera(8, 8), (8, 8)).mask.shape == (0, 8, 8)


def test_degenerate_faces_cover_and_pull_nothing():
    """Faces that are a point or a line, in a closed mesh and alone: as if they were not there."""
    vertices, faces = blob(0)
    more = torch.cat([torch.tensor([[3, 3, 3], [5, 5, 9], [9, 5, 5]]), faces])
    target = torch.zeros(32, 32)
    with_them, without = (loss_gradient(vertices[None], f, camera(32, 32), (32, 32), target)[0] for f in (more, faces))
    torch.testing.assert_close(with_them, without, rtol=1e-4, atol=1e-3)
    masks = [silhouette(vertices[None], f, camera(32, 32), (32, 32)).mask for f in (more, faces)]
    assert torch.equal(*masks)
    line = torch.tensor([[[0.0, 0, 1], [2, 2, 1], [4, 4, 1]]])  # no area, through sample centres
    assert (silhouette(line, torch.tensor([[0, 1, 2]]), torch.eye(3), (4, 4), samples=1).mask == 0).all()


@pytest.mark.parametrize(("options", "word"), [({"samples": 0}, "samples"), ({"size": (0, 4)}, "size")])
def test_wrong_arguments_are_named(options, word):
    ball, faces = sphere(0)
    arguments = {"size": (4, 4)} | options
    with pytest.raises(ValueError, match=word):
        silhouette(ball[None], faces, torch.eye(3), arguments.pop("size"), **arguments)
