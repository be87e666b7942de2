"""The PyTorch3D backend, through a stand-in written from its documentation, and through the package where it is."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from pytorch3d_stand_in import install, rasterize_meshes  # type: ignore[import-not-found]
from render_scenes import camera, sphere  # type: ignore[import-not-found]

from anchorfit.rendering import load_renderer, part_map, rasterize, silhouette

has_pytorch3d = importlib.util.find_spec("pytorch3d") is not None


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param("installed", marks=pytest.mark.skipif(not has_pytorch3d, reason="PyTorch3D is not installed")),
    ]
)
def renderer(request, monkeypatch):
    if request.param == "stand-in":
        install(monkeypatch)
    return load_renderer("pytorch3d")


def bean(z=2.5, subdivisions=2):
    """A closed body (of 320 faces) that hides a part of itself and is no mirror image of itself."""
    vertices, faces = sphere(subdivisions)
    x, y, depth = vertices.unbind(-1)
    bent = torch.stack([0.35 * x + 0.25 * y**2, 0.6 * y + 0.1 * x, 0.3 * depth + 0.2 * (3 * y).sin()], -1)
    return bent + torch.tensor([0.05, -0.1, z]), faces


def assert_same_pictures(theirs, ours, share=0.99):
    same = theirs.face_ids == ours.face_ids
    assert theirs.valid.tolist() == ours.valid.tolist()
    assert same.float().mean() > share  # a centre on an edge may go to the other face
    torch.testing.assert_close(theirs.depth[same], ours.depth[same], rtol=1e-4, atol=0)
    torch.testing.assert_close(theirs.barycentrics[same], ours.barycentrics[same], rtol=0, atol=5e-3)


@pytest.mark.parametrize("size", [(28, 28), (24, 40), (40, 24)])
def test_faces_depth_and_barycentrics_are_those_of_our_rasteriser(renderer, size):
    vertices, faces = bean()
    matrix = camera(*size) + torch.tensor([[0, 0, 1.3], [0, 4.0, -0.7], [0, 0, 0]])
    scene = (vertices[None], faces, matrix, size)
    ours = rasterize(*scene)
    assert (ours.face_ids >= 0).float().mean() > 0.08
    assert_same_pictures(renderer.rasterize(*scene), ours)


def test_a_batch_with_a_bad_body_and_one_behind_the_camera(renderer):
    vertices, faces = bean()
    batch = torch.stack([vertices, vertices * float("nan"), vertices + 0.1, vertices - torch.tensor([0, 0, 6.0])])
    matrices = camera(24, 30) * torch.linspace(0.9, 1.1, 4)[:, None, None]
    matrices[:, 2, 2] = 1
    scene = (batch, faces, matrices, (24, 30))
    theirs = renderer.rasterize(*scene)
    assert_same_pictures(theirs, rasterize(*scene))
    assert theirs.valid.tolist() == [True, False, True, True]
    assert (theirs.face_ids[[1, 3]] == -1).all()
    assert theirs.depth[[1, 3]].isinf().all()
    labels = (torch.arange(len(faces)) % 5).to(torch.uint8)
    got, expected = (draw(*scene, labels, background=9).labels for draw in (renderer.part_map, part_map))
    assert (got == expected).float().mean() > 0.99


def test_what_the_near_plane_cuts(renderer):
    vertices, faces = bean(z=0.3)
    scene = (vertices[None], faces, camera(24, 24, focal=9.0), (24, 24))
    ours = rasterize(*scene, near=0.2)
    assert ((vertices[:, 2] < 0).any(), (ours.face_ids >= 0).any()) == (True, True)
    assert_same_pictures(renderer.rasterize(*scene, near=0.2), ours, share=0.98)


def test_float64_bodies_give_float64_pictures(renderer):
    vertices, faces = bean()
    got = renderer.rasterize(vertices[None].double(), faces, camera(16, 16, dtype=torch.float64), (16, 16))
    assert (got.depth.dtype, got.barycentrics.dtype) == (torch.float64, torch.float64)
    assert renderer.silhouette(vertices[None].double(), faces, camera(16, 16), (16, 16)).mask.dtype == torch.float64


def test_soft_masks_lie_on_the_body_and_pull_it_to_its_target(renderer):
    vertices, faces = bean(subdivisions=1)
    matrix, size = camera(24, 32), (24, 32)
    points = torch.stack([vertices, vertices * float("nan"), vertices]).requires_grad_()
    mask, valid = renderer.silhouette(points, faces, matrix, size)
    hard = silhouette(vertices[None], faces, matrix, size).mask[0]
    assert valid.tolist() == [True, False, True]
    assert ((mask[0] > 0.5) != (hard > 0.5)).float().mean() < 0.03
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert (mask[1] == 0).all()
    pulls = []
    for shift in (0.06, -0.06):
        target = silhouette(vertices[None] + torch.tensor([shift, 0.0, 0.0]), faces, matrix, size).mask[0]
        (pull,) = torch.autograd.grad(((mask - target) ** 2).sum(), points, retain_graph=True)
        assert pull.isfinite().all()
        assert (pull[1] == 0).all()
        torch.testing.assert_close(pull[0], pull[2])
        pulls.append(pull[0].sum(0))
    assert pulls[0][0] < 0 < pulls[1][0]  # downhill is towards the target
    along_x, along_y, _ = (pulls[0] - pulls[1]).abs().tolist()
    assert along_x > 3 * along_y


def test_a_silhouette_on_a_cpu_is_said_to_be_slow(renderer):
    vertices, faces = bean(subdivisions=1)
    with pytest.warns(RuntimeWarning, match=r"on a CPU .* the renderer 'torch' takes milliseconds"):
        renderer.silhouette(vertices[None], faces, camera(8, 8), (8, 8))


def test_the_stand_in_keeps_to_the_documented_conventions():
    """One triangle by hand: x to the left, y up, the shorter side from -1 to 1, packed ids, -1 for nothing."""
    corners = torch.tensor([[1.9, 0.9, 4.0], [1.3, 0.9, 4.0], [1.9, 0.3, 4.0]])  # upper left of a wide image

    class Two:
        verts, faces = [corners, corners], [torch.tensor([[0, 1, 2]])] * 2

    ids, depth, shares, distance = rasterize_meshes(Two, image_size=(4, 8), faces_per_pixel=2)
    hit = (ids[1, ..., 0] == 1).nonzero().tolist()
    assert hit == [[0, 0]]  # its centre is x = 1.75, y = 0.75
    assert ids[0, 0, 0].tolist() == [0, -1]
    assert depth[0, 0, 0].tolist() == [4, -1]
    torch.testing.assert_close(shares[0, 0, 0, 0], torch.tensor([0.5, 0.25, 0.25]))
    torch.testing.assert_close(distance[0, 0, 0, 0], torch.tensor(-(0.15**2)))
