"""Draws docs/images/rendering_method.png: how silhouettes come from contour edges alone.

python scripts/draw_rendering_method.py docs/images/rendering_method.png
"""

from __future__ import annotations

import argparse

import matplotlib as mpl
import numpy as np
import torch

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.collections import LineCollection

from anchorfit.body import load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.rendering import overlay, silhouette, silhouettes
from anchorfit.rendering.edges import edge_table
from anchorfit.rendering.fragments import check_scene, place_bodies
from anchorfit.rendering.rasterizer import NEAR

SIZE, SAMPLES, POSE = 48, 4, 1234


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--pose", type=int, default=POSE, help="index into the held-out poses")
    arguments = parser.parse_args()
    body = load_body()
    pose = load_pose_library(split="heldout").poses[arguments.pose]
    upright = torch.tensor([[0.9 * torch.pi, 0.0, 0.35 * torch.pi]])
    output = body(body_pose=pose[None, body.layout.body_pose], global_orient=upright)
    low, high = output.vertices[0].amin(0), output.vertices[0].amax(0)
    vertices = output.vertices - (low + high) / 2 + torch.tensor([0, 0, 6.0])
    focal = 0.88 * SIZE * 6 / float((high - low)[:2].max())
    intrinsics = torch.tensor([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1]])

    scene = check_scene(vertices, body.faces, intrinsics, (SIZE, SIZE))
    none = torch.zeros(0, dtype=torch.int64)
    placement = place_bodies(scene, NEAR)
    task = silhouettes._Task(scene.corners, edge_table(body.faces), placement, none, SIZE, SIZE, SAMPLES, True)
    contours = silhouettes._contours(vertices, scene.intrinsics, task, slice(0, 1))
    crossings = silhouettes._cross(contours, task)
    words = silhouettes._winding_numbers(crossings, 1, contours.window)
    points = silhouettes._outline_points(contours, crossings, words, task, 0)
    left, right, top, bottom = contours.window
    numbers = torch.zeros(SIZE * SAMPLES, SIZE * SAMPLES, dtype=torch.int16)
    numbers[top:bottom, left:right] = words[1:-1].view(torch.int16)[:, : right - left] - silhouettes._ZERO
    moved = vertices.clone().requires_grad_()
    mask = silhouette(moved, body.faces, intrinsics, (SIZE, SIZE), samples=SAMPLES).mask
    mask.sum().backward()

    figure, axes = plt.subplots(1, 4, figsize=(15, 4.2), constrained_layout=True)
    grey = np.full((8 * SIZE, 8 * SIZE, 3), 245, np.uint8)
    zoom = torch.diag(torch.tensor([8.0, 8.0, 1.0]))
    axes[0].imshow(overlay(grey, vertices, body.faces, zoom @ intrinsics, alpha=1.0), extent=(0, SIZE, SIZE, 0))
    axes[0].set_title(f"a body of {len(body.faces):,} faces")
    layers = axes[1].imshow(numbers // 2, extent=(0, SIZE, SIZE, 0), cmap="YlGnBu", vmin=0, vmax=4)
    segments = (contours.places / SAMPLES).permute(2, 0, 1).numpy()
    axes[1].add_collection(LineCollection(list(segments), colors="black", linewidths=0.5))
    axes[1].set_title(f"{len(contours.body):,} contour edges; faces over each sample")
    figure.colorbar(layers, ax=axes[1], shrink=0.7, ticks=range(5))
    axes[2].imshow(mask[0].detach(), extent=(0, SIZE, SIZE, 0), cmap="gray_r", vmax=1.6)
    axes[2].set_title("forward: cover of each pixel")
    axes[3].imshow(mask[0].detach(), extent=(0, SIZE, SIZE, 0), cmap="gray_r", vmax=3)
    flat = torch.cat([vertices[0] @ intrinsics.T])
    flat = flat[:, :2] / flat[:, 2:]
    place = flat[points.points[0]] * (1 - points.share[:, None]) + flat[points.points[1]] * points.share[:, None]
    step = slice(None, None, 2)
    axes[3].quiver(
        *place[step].T,
        points.gains[0, step],
        -points.gains[1, step],
        color="crimson",
        scale=6,
        width=0.003,
        headwidth=4,
    )
    axes[3].set_title("backward: crossings of the free outline")
    for axis in axes:
        axis.set(xticks=[], yticks=[], xlim=(0, SIZE), ylim=(SIZE, 0))
    figure.savefig(arguments.output, dpi=80)


if __name__ == "__main__":
    main()
