from __future__ import annotations

import pytest
import torch
from render_scenes import blob, camera, cast_rays, sphere  # type: ignore[import-not-found]

from anchorfit.rendering import rasterize, silhouette
from anchorfit.rendering import rasterizer as internals


def square(z=2.0):
    """Two triangles over the rectangle 0..4 x 0..4 pixels under `pixel_camera`."""
    corners = torch.tensor([[0.0, 0, 1], [4, 0, 1], [4, 4, 1], [0, 4, 1]]) * z
    return corners[None], torch.tensor([[0, 2, 1], [0, 3, 2]])


PIXEL_CAMERA = torch.eye(3)  # x = X / Z pixels


@pytest.mark.parametrize("size", [(40, 40), (33, 57)])
@pytest.mark.parametrize("seed", [0, 1])
def test_faces_depth_and_coverage_are_those_of_a_ray_caster(size, seed):
    vertices, faces = blob(seed)
    intrinsics = camera(*size)
    ids, depth, margin = cast_rays(vertices, faces, intrinsics, size)
    got = rasterize(vertices[None], faces, intrinsics, size)
    clear = torch.tensor(margin > 1e-4)  # off the edges, where float32 pixels decide
    assert clear.float().mean() > 0.98
    assert (ids >= 0).sum() > 150
    assert torch.equal(got.face_ids[0][clear], torch.tensor(ids)[clear])
    hit = clear & (got.face_ids[0] >= 0)
    torch.testing.assert_close(got.depth[0][hit].double(), torch.tensor(depth)[hit], rtol=2e-6, atol=0)
    assert got.depth[0][got.face_ids[0] < 0].isinf().all()


def test_a_camera_with_skew_and_unequal_focal_lengths():
    vertices, faces = blob(1)
    intrinsics = torch.tensor([[40.0, 6.0, 21.3], [0, 52.0, 18.1], [0, 0, 1]])
    ids, _, margin = cast_rays(vertices, faces, intrinsics, (36, 44))
    got = rasterize(vertices[None], faces, intrinsics, (36, 44))
    clear = torch.tensor(margin > 1e-4)
    assert torch.equal(got.face_ids[0][clear], torch.tensor(ids)[clear])
    mask = silhouette(vertices[None], faces, intrinsics, (36, 44), samples=1).mask[0]
    assert torch.equal(mask[clear] > 0, torch.tensor(ids >= 0)[clear])


def test_barycentrics_are_perspective_correct():
    vertices, faces = blob()
    intrinsics = camera(48, 48)
    got = rasterize(vertices[None], faces, intrinsics, (48, 48))
    row, column = (got.face_ids[0] >= 0).nonzero().unbind(-1)
    shares = got.barycentrics[0, row, column]
    points = (vertices[faces[got.face_ids[0, row, column]]] * shares[..., None]).sum(1)
    pixels = points @ intrinsics.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    torch.testing.assert_close(pixels, torch.stack([column, row], -1) + 0.5, rtol=0, atol=2e-3)
    torch.testing.assert_close(points[:, 2], got.depth[0, row, column])
    torch.testing.assert_close(shares.sum(-1), torch.ones(len(shares)))
    assert (shares >= 0).all()


def test_a_pixel_centre_on_a_shared_edge_goes_to_one_face_and_no_edge_goes_to_two():
    # The diagonal runs through the centres of four pixels, the right and lower borders end at pixel borders.
    vertices, faces = square()
    got = rasterize(vertices, faces, PIXEL_CAMERA, (4, 4)).face_ids[0]
    assert (got >= 0).all()
    assert got.diagonal().unique().numel() == 1  # the same side each time
    # Shifted by half a pixel all four borders run through centres: the left and upper ones are in, the others out.
    shifted = vertices + torch.tensor([0.5, 0.5, 0.0]) * 2
    got = rasterize(shifted, faces, PIXEL_CAMERA, (6, 6)).face_ids[0] >= 0
    expected = torch.zeros(6, 6, dtype=torch.bool)
    expected[:4, :4] = True
    assert torch.equal(got, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_fan_of_slivers_has_no_holes_and_each_pixel_one_face(dtype):
    """Every triangle drawn alone: the pixels of a flat fan are covered once and only once."""
    generator = torch.Generator().manual_seed(3)
    angles = (torch.rand(40, generator=generator, dtype=dtype) * 2 * torch.pi).sort().values
    rim = torch.stack([angles.cos(), angles.sin()], -1) * 9 + 16.37
    centre = torch.full((1, 2), 16.5, dtype=dtype)  # on a pixel centre
    points = torch.cat([torch.cat([centre, rim]), torch.ones(41, 1, dtype=dtype)], -1)
    faces = torch.stack([torch.zeros(40).long(), 1 + torch.arange(40), 1 + (torch.arange(40) + 1) % 40], -1)
    whole = rasterize(points[None], faces, PIXEL_CAMERA, (32, 32)).face_ids[0] >= 0
    alone = torch.stack(
        [rasterize(points[None], faces[k : k + 1], PIXEL_CAMERA, (32, 32)).face_ids[0] >= 0 for k in range(40)]
    )
    assert alone.sum(0).max() == 1
    assert torch.equal(alone.any(0), whole)
    distance = torch.hypot(*(p - 16.37 for p in torch.meshgrid(*[torch.arange(32) + 0.5] * 2, indexing="ij")))
    assert whole[distance < 8.2].all()


def test_a_closed_body_is_hit_from_both_sides_everywhere():
    """Front and back faces drawn apart cover the very same pixels: no hole anywhere along the outline's inside."""
    vertices, faces = blob(2)
    ids = rasterize(vertices[None], faces, camera(200, 200), (200, 200)).face_ids[0]
    shown = ids[ids >= 0].unique()
    a, b, c = vertices[faces].unbind(1)
    front = (torch.linalg.cross(b - a, c - a) * a).sum(-1) < 0
    assert front[shown].all()  # a hole would show the inside
    covers = [
        rasterize(vertices[None], faces[side], camera(200, 200), (200, 200)).face_ids >= 0 for side in (front, ~front)
    ]
    assert torch.equal(*covers)


def test_what_lies_behind_the_near_plane_is_cut_off():
    # A floor from behind the camera to far ahead: everything below the horizon, up to where it comes too near.
    floor = torch.tensor([[-50.0, 1, -20], [50, 1, -20], [50, 1, 80], [-50, 1, 80]])[None]
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    intrinsics = camera(64, 64, focal=32.0)
    got = rasterize(floor, faces, intrinsics, (64, 64))
    ids, depth, _ = cast_rays(floor[0], faces, intrinsics, (64, 64))
    assert torch.equal(got.face_ids[0] >= 0, torch.tensor(ids >= 0))
    assert (got.face_ids[0] >= 0)[33:].all()
    hit = got.face_ids[0] >= 0
    torch.testing.assert_close(got.depth[0][hit].double(), torch.tensor(depth)[hit], rtol=1e-5, atol=0)
    near = rasterize(floor, faces, intrinsics, (64, 64), near=1.5)
    assert (near.depth >= 1.5).all()
    assert torch.equal(near.face_ids[0] >= 0, hit & (got.depth[0] >= 1.5))


def test_inside_a_body_one_sees_its_inside():
    vertices, faces = sphere(2)
    got = rasterize(vertices[None], faces, camera(32, 32), (32, 32))
    assert (got.face_ids >= 0).all()
    ids, _, margin = cast_rays(vertices, faces, camera(32, 32), (32, 32))
    clear = torch.tensor(margin > 1e-3)
    assert torch.equal(got.face_ids[0][clear], torch.tensor(ids)[clear])


def test_bodies_behind_or_beside_the_image_leave_it_empty():
    vertices, faces = sphere(1)
    places = torch.tensor([[0.0, 0, -5], [100, 0, 5], [0, -100, 5], [0, 0, 9e5]])
    got = rasterize(vertices + places[:, None], faces, camera(16, 16), (16, 16))
    assert (got.face_ids == -1).all()
    assert got.valid.all()


def test_a_body_that_fills_the_image():
    vertices, faces = sphere(2)
    got = rasterize(vertices[None] + torch.tensor([0, 0, 1.05]), faces, camera(24, 24, focal=100.0), (24, 24))
    assert (got.face_ids >= 0).all()


def test_a_body_with_nan_is_empty_and_flagged_and_its_neighbours_are_untouched():
    vertices, faces = blob()
    clean = rasterize(vertices[None], faces, camera(40, 40), (40, 40))
    batch = vertices.repeat(5, 1, 1)
    batch[1, 7, 2] = float("nan")
    batch[3, 0, 0] = float("inf")
    batch[4, 0, 0] = 1e30
    got = rasterize(batch, faces, camera(40, 40), (40, 40))
    assert got.valid.tolist() == [True, False, True, False, False]
    for row in (0, 2):
        for mine, alone in zip(got[:3], clean[:3], strict=True):
            assert torch.equal(mine[row], alone[0])
    assert (got.face_ids[1] == -1).all()
    assert (got.barycentrics[1] == 0).all()


def test_a_batch_is_its_rows_whatever_the_chunks(monkeypatch):
    vertices, faces = blob()
    generator = torch.Generator().manual_seed(1)
    batch = vertices + torch.randn(5, 1, 3, generator=generator) * torch.tensor([0.2, 0.2, 0.5])
    batch[2, :, 2] -= 2.2  # through the near plane
    intrinsics = camera(30, 44) * torch.linspace(0.8, 1.2, 5)[:, None, None]
    intrinsics[:, 2, 2] = 1
    whole = rasterize(batch, faces, intrinsics, (30, 44))
    rows = [rasterize(batch[k : k + 1], faces, intrinsics[k], (30, 44)) for k in range(5)]
    monkeypatch.setattr(internals, "_FACES_AT_ONCE", 2 * len(faces))
    monkeypatch.setattr(internals, "_ROWS_AT_ONCE", 501)
    monkeypatch.setattr(internals, "_PIXELS_AT_ONCE", 333)
    pieces = rasterize(batch, faces, intrinsics, (30, 44))
    for k in range(4):
        assert torch.equal(whole[k], torch.cat([row[k] for row in rows]))
        assert torch.equal(whole[k], pieces[k])
    assert all(torch.equal(a, b) for a, b in zip(whole, rasterize(batch, faces, intrinsics, (30, 44)), strict=True))


def test_degenerate_faces_draw_nothing():
    vertices, faces = square()
    more = torch.cat([torch.tensor([[0, 0, 0], [0, 2, 2], [1, 1, 2]]), faces])
    got = rasterize(vertices, more, PIXEL_CAMERA, (4, 4))
    assert (got.face_ids >= 3).all()
    assert got.depth.isfinite().all()
    line = torch.tensor([[[0.0, 0, 1], [2, 2, 1], [4, 4, 1]]])  # no area, through pixel centres
    empty = rasterize(line, torch.tensor([[0, 1, 2]]), PIXEL_CAMERA, (4, 4))
    assert (empty.face_ids == -1).all()
    none = rasterize(vertices, torch.zeros(0, 3, dtype=torch.int64), PIXEL_CAMERA, (4, 4))
    assert (none.face_ids == -1).all()


def test_equal_depth_goes_to_the_smaller_face_id():
    vertices, faces = square()
    got = rasterize(vertices, torch.cat([faces, faces]), PIXEL_CAMERA, (4, 4))
    assert got.face_ids.max() < 2


def test_depth_and_barycentrics_pass_gradients():
    vertices, faces = sphere(1)
    vertices = (vertices[None].double() + torch.tensor([0, 0, 3.0])).requires_grad_()

    def seen(points):
        got = rasterize(points, faces, camera(8, 8, dtype=torch.float64), (8, 8))
        return got.depth[got.face_ids >= 0], got.barycentrics

    assert torch.autograd.gradcheck(seen, vertices, eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("draw", [rasterize, silhouette])
def test_wild_but_finite_numbers_do_no_harm(draw):
    """One vertex far away, very near or very far focal lengths: an answer, never an index error."""
    vertices, faces = blob()
    generator = torch.Generator().manual_seed(5)
    for power in range(-30, 36, 3):
        batch = vertices.repeat(3, 1, 1)
        batch[0, 5] *= 10.0**power
        batch[1] *= 10.0**power
        batch[2] += torch.randn(batch[2].shape, generator=generator) * 10.0**power
        for focal in (1e-20, 1.0, 1e5, 1e20):
            got = draw(batch, faces, camera(16, 16, focal=focal), (16, 16))
            assert got.valid.dtype == torch.bool
            assert not got[0].isnan().any()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"size": (0, 5)}, "size"),
        ({"size": (5, -1)}, "size"),
        ({"vertices_cam": torch.zeros(4, 3)}, "vertices_cam"),
        ({"vertices_cam": torch.zeros(1, 4, 3, dtype=torch.int64)}, "vertices_cam"),
        ({"faces": torch.zeros(2, 3)}, "faces"),
        ({"faces": torch.tensor([[0, 1, 4]])}, "faces"),
        ({"faces": torch.tensor([[0, 1, -1]])}, "faces"),
        ({"intrinsics": torch.eye(3).expand(2, 3, 3)}, "intrinsics"),
        ({"intrinsics": 2 * torch.eye(3)}, "intrinsics"),
        ({"near": 0.0}, "near"),
    ],
)
def test_wrong_arguments_are_named(change, word):
    vertices, faces = square()
    arguments = {"vertices_cam": vertices, "faces": faces, "intrinsics": PIXEL_CAMERA, "size": (4, 4)} | change
    with pytest.raises(ValueError, match=word):
        rasterize(**arguments)


def test_memory_of_a_large_image_is_bounded(monkeypatch):
    """No list of pixels grows past the limit plus one span."""
    vertices, faces = blob()
    lengths = []
    expand = internals._expand

    def watch(counts):
        index, within = expand(counts)
        lengths.append(len(index))
        return index, within

    monkeypatch.setattr(internals, "_expand", watch)
    monkeypatch.setattr(internals, "_PIXELS_AT_ONCE", 10_000)
    monkeypatch.setattr(internals, "_ROWS_AT_ONCE", 5_000)
    rasterize(vertices[None], faces, camera(300, 400), (300, 400))
    assert max(lengths) <= 10_000 + 400
    assert len(lengths) >= 6
