from __future__ import annotations

import pytest
import torch
from render_scenes import blob, camera  # type: ignore[import-not-found]

from anchorfit.camera import Crop
from anchorfit.rendering import part_map, paste_crop, rasterize


def off_edge(labels):
    """Pixels whose eight neighbours show the same label."""
    padded = torch.nn.functional.pad(labels[:, None].float(), (1, 1, 1, 1), mode="replicate")
    high = torch.nn.functional.max_pool2d(padded, 3, stride=1)[:, 0]
    low = -torch.nn.functional.max_pool2d(-padded, 3, stride=1)[:, 0]
    return high == low


@pytest.mark.parametrize("out_size", [60, 97, 224])
def test_there_and_back_is_rendering_in_the_image(out_size):
    vertices, faces = blob(0)
    batch = vertices + torch.tensor([[0.0, 0, 0], [0.3, -0.2, 0.4]])[:, None]
    intrinsics = camera(90, 120)
    labels = (vertices[faces].mean(1)[:, 1] > 0).to(torch.uint8) + 1
    direct = part_map(batch, faces, intrinsics, (90, 120), labels).labels
    crop = Crop(corner=torch.tensor([[30.3, 12.8], [37.1, -2.5]]), side=torch.tensor([62.0, 81.3]), out_size=out_size)
    matrices = crop.crop_intrinsics(intrinsics.expand(2, 3, 3))
    cropped = part_map(batch, faces, matrices, (out_size, out_size), labels).labels
    back = paste_crop(cropped, crop, (90, 120))
    outside = paste_crop(torch.ones_like(cropped), crop, (90, 120)) == 0
    assert torch.equal(back[~outside & off_edge(direct)], direct[~outside & off_edge(direct)])
    assert (back != direct)[~outside].float().mean() < 0.02
    assert (back[outside] == 0).all()


def test_a_crop_at_the_images_own_scale_is_exact():
    vertices, faces = blob(0)
    intrinsics = camera(90, 120)
    direct = rasterize(vertices[None], faces, intrinsics, (90, 120)).face_ids
    crop = Crop(corner=torch.tensor([24.0, 8.0]), side=torch.tensor(80.0), out_size=80)
    ids = rasterize(vertices[None], faces, crop.crop_intrinsics(intrinsics), (80, 80)).face_ids
    back = paste_crop(ids, crop, (90, 120), background=-1)
    assert (back != direct).float().mean() < 1e-4  # a centre on an edge may round to the other face


def test_the_window_may_reach_beyond_the_image():
    crop = Crop(corner=torch.tensor([-1.0, 2.0]), side=torch.tensor(4.0), out_size=2)
    back = paste_crop(torch.tensor([[[1, 2], [3, 4]]]), crop, (5, 4), background=9)
    assert back.tolist() == [[[9, 9, 9, 9], [9, 9, 9, 9], [1, 2, 2, 9], [1, 2, 2, 9], [3, 4, 4, 9]]]


@pytest.mark.parametrize(
    ("picture", "size", "word"),
    [
        (torch.zeros(1, 3, 3), (4, 4), "picture"),
        (torch.zeros(1, 2, 2), (0, 4), "size"),
        (torch.zeros(3, 2, 2), (4, 4), "crop"),
    ],
)
def test_wrong_arguments_are_named(picture, size, word):
    crop = Crop(corner=torch.zeros(2, 2), side=torch.ones(2), out_size=2)
    with pytest.raises(ValueError, match=word):
        paste_crop(picture, crop, size)
