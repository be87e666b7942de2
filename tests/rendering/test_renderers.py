from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from render_scenes import blob, camera, cast_rays  # type: ignore[import-not-found]

from anchorfit.rendering import load_renderer, overlay, part_map, rasterize, silhouette

has_pytorch3d = importlib.util.find_spec("pytorch3d") is not None


def test_part_maps_show_the_nearest_faces_labels():
    vertices, faces = blob(1)
    labels = (torch.arange(len(faces)) % 7).to(torch.uint8)
    got = part_map(vertices[None], faces, camera(40, 30), (40, 30), labels, background=255)
    ids, _, margin = cast_rays(vertices, faces, camera(40, 30), (40, 30))
    expected = np.where(ids >= 0, labels.numpy()[ids], 255)
    assert got.labels.dtype == torch.uint8
    assert (got.labels[0].numpy() == expected)[margin > 1e-4].all()


def test_part_maps_of_bad_bodies_are_background_and_flagged():
    vertices, faces = blob(1)
    batch = vertices.repeat(2, 1, 1)
    batch[0, 0, 0] = float("nan")
    got = part_map(batch, faces, camera(20, 20), (20, 20), torch.ones(len(faces), dtype=torch.int64))
    assert got.valid.tolist() == [False, True]
    assert got.labels[0].max() == 0
    assert got.labels[1].max() == 1


@pytest.mark.parametrize("labels", [torch.ones(3), torch.ones(5, dtype=torch.int64)])
def test_labels_that_do_not_fit_are_named(labels):
    vertices, faces = blob(1)
    with pytest.raises(ValueError, match="face_labels"):
        part_map(vertices[None], faces, camera(20, 20), (20, 20), labels)
    with pytest.raises(ValueError, match="background"):
        part_map(vertices[None], faces, camera(8, 8), (8, 8), torch.zeros(len(faces)).long(), background=256)


def test_the_default_renderer_is_the_functions():
    vertices, faces = blob(1)
    scene = (vertices[None], faces, camera(24, 24), (24, 24))
    renderer = load_renderer()
    assert torch.equal(renderer.rasterize(*scene).face_ids, rasterize(*scene).face_ids)
    assert torch.equal(renderer.silhouette(*scene).mask, silhouette(*scene).mask)
    labels = torch.ones(len(faces), dtype=torch.uint8)
    assert torch.equal(renderer.part_map(*scene, labels).labels, part_map(*scene, labels).labels)


def test_an_unknown_renderer_is_named():
    with pytest.raises(ValueError, match="'opengl'"):
        load_renderer("opengl")


@pytest.mark.skipif(has_pytorch3d, reason="PyTorch3D is installed")
def test_a_missing_pytorch3d_is_one_clear_line():
    with pytest.raises(ImportError, match=r"pytorch3d.*'torch'") as caught:
        load_renderer("pytorch3d")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["torch", pytest.param("pytorch3d", marks=pytest.mark.skipif(not has_pytorch3d, reason="not installed"))]
)
def test_overlays_take_any_backend(name):
    vertices, faces = blob(1)
    image = np.zeros((32, 32, 3), np.uint8)
    got = overlay(image, vertices[None], faces, camera(32, 32), rasterizer=load_renderer(name).rasterize)
    ours = overlay(image, vertices[None], faces, camera(32, 32))
    assert np.abs(got.astype(int) - ours).mean() < 1
