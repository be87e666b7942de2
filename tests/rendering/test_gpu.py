"""The same pictures and gradients on a GPU as on the CPU; skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from render_scenes import blob, camera  # type: ignore[import-not-found]

from anchorfit.rendering import overlay, part_map, rasterize, side_view, silhouette

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def crowd(dtype=torch.float32):
    """Three bodies, one with NaN, one through the near plane; faces; a camera each."""
    vertices, faces = blob()
    shift = torch.tensor([[0.0, 0, 0], [0.2, 0.1, 0.5], [0, 0, 0], [-0.3, 0, 0.2], [0, 0, -2.3]])
    batch = (vertices + shift[:, None]).to(dtype)
    batch[2, 5, 1] = float("nan")
    matrices = camera(64, 80, dtype=dtype) * torch.linspace(0.8, 1.1, 5, dtype=dtype)[:, None, None]
    matrices[:, 2, 2] = 1
    return batch, faces, matrices


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_faces_depth_and_labels(dtype):
    batch, faces, matrices = crowd(dtype)
    on_cpu = rasterize(batch, faces, matrices, (64, 80))
    on_gpu = rasterize(batch.cuda(), faces.cuda(), matrices.cuda(), (64, 80))
    assert all(value.is_cuda for value in on_gpu)
    assert on_gpu.valid.tolist() == on_cpu.valid.tolist() == [True, True, False, True, True]
    same = on_cpu.face_ids == on_gpu.face_ids.cpu()
    assert same.float().mean() > 0.999  # fused multiply-adds may move an edge by a rounding
    torch.testing.assert_close(on_cpu.depth[same], on_gpu.depth.cpu()[same], rtol=1e-5, atol=0)
    labels = (torch.arange(len(faces)) % 7).to(torch.uint8)
    maps = [
        part_map(batch.to(device), faces.to(device), matrices.to(device), (64, 80), labels.to(device)).labels.cpu()
        for device in ("cpu", "cuda")
    ]
    assert (maps[0] == maps[1]).float().mean() > 0.999


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_masks_and_gradients(dtype):
    results = []
    for device in ("cpu", "cuda"):
        batch, faces, matrices = (value.to(device) for value in crowd(dtype))
        points, cameras = batch.requires_grad_(), matrices.requires_grad_()
        mask, valid = silhouette(points, faces, cameras, (64, 80))
        (mask * torch.linspace(0, 1, 80, device=device, dtype=dtype)).sum().backward()
        results.append((mask.detach().cpu(), points.grad.cpu(), cameras.grad.cpu()))
        assert valid.tolist() == [True, True, False, True, True]
    (mask, *gradients), (mask_gpu, *gradients_gpu) = results
    assert (mask != mask_gpu).float().mean() < 1e-3
    assert (gradients_gpu[0][2] == 0).all()
    for ours, theirs in zip(gradients, gradients_gpu, strict=True):
        assert theirs.isfinite().all()
        assert torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0) > 0.999


def test_batches_are_their_rows_and_masks_repeat():
    batch, faces, matrices = (value.cuda() for value in crowd())
    whole = silhouette(batch, faces, matrices, (64, 80)).mask
    assert torch.equal(whole, silhouette(batch, faces, matrices, (64, 80)).mask)
    ids = rasterize(batch, faces, matrices, (64, 80)).face_ids
    for row in range(5):
        alone = (batch[row : row + 1], faces, matrices[row], (64, 80))
        assert torch.equal(whole[row], silhouette(*alone).mask[0])
        assert torch.equal(ids[row], rasterize(*alone).face_ids[0])


def test_gradients_repeat_when_deterministic_algorithms_are_asked_for():
    batch, faces, matrices = (value.cuda() for value in crowd())
    torch.use_deterministic_algorithms(True)
    try:
        gradients = []
        for _ in range(2):
            points = batch.clone().requires_grad_()
            silhouette(points, faces, matrices, (64, 80)).mask.square().sum().backward()
            gradients.append(points.grad)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(*gradients)


def test_overlays():
    batch, faces, matrices = crowd()
    people = batch[[0, 1, 3]]
    image = np.full((64, 80, 3), 90, np.uint8)
    pictures = [
        (
            overlay(image, people.to(device), faces.to(device), matrices[0].to(device)),
            side_view(people.to(device), faces.to(device), (40, 40)),
        )
        for device in ("cpu", "cuda")
    ]
    for ours, theirs in zip(*pictures, strict=True):
        assert np.abs(ours.astype(int) - theirs).mean() < 0.5
