# /// script
# requires-python = "==3.11.*"
# dependencies = ["torch==2.12.0", "anchorfit", "easypytorch3d==0.7.9.post1"]
# ///
"""PyTorch3D beside our renderer: faces and depth by pixel, how right its silhouette's gradient is, and its time.

PyTorch3D has no wheel for Linux of its own; easypytorch3d is somebody else's build of it, made with CUDA 13 for torch
2.12, whose CPU half runs without a GPU. Several gigabytes.

    python counterparts/run.py second_renderer
"""

import sys
import time
import warnings
from pathlib import Path

import torch
from verdict import say, truth

from anchorfit.body import load_body
from anchorfit.body.parameters import Layout
from anchorfit.rendering import load_renderer, silhouette
from anchorfit.rendering.pytorch3d_backend import Pytorch3dRenderer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import check_silhouette_gradient as check

PROGRAM = "easypytorch3d"
WAYS = {"our defaults": Pytorch3dRenderer, "30 faces a pixel": lambda: Pytorch3dRenderer(faces_per_pixel=30)}


def camera(size):
    focal = 0.8 * size * check.DISTANCE / 1.75
    return torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])


def faces_and_depth(files, body):
    data = truth(files)
    vertices = torch.from_numpy(data["vertices"] * [1, -1, -1]).float()
    vertices = vertices - vertices.mean(1, keepdim=True) + torch.tensor([0, 0, check.DISTANCE])
    scene = (vertices, body.faces, camera(128), (128, 128))
    theirs, ours = (load_renderer(name).rasterize(*scene) for name in ("pytorch3d", "torch"))
    other = (theirs.face_ids != ours.face_ids).sum() / (ours.face_ids >= 0).sum()
    masks = ((theirs.face_ids >= 0) != (ours.face_ids >= 0)).sum()
    same = (theirs.face_ids == ours.face_ids) & (ours.face_ids >= 0)
    say(PROGRAM, "ten poses at 128 pixels, masks, pixels that differ", int(masks), 3, "")
    say(PROGRAM, "ten poses at 128 pixels, faces, pixels that differ", float(100 * other), 0.1, "%")
    depth = 1000 * (theirs.depth - ours.depth)[same].abs().max()
    say(PROGRAM, "ten poses at 128 pixels, depth", float(depth), 0.1)


def gradients(body, count=6, size=64):
    """Cosine of each one's gradient with finite differences of masks of 8 x 8 samples, groups of parameters."""
    generator = check.np.random.default_rng(check.SEED)
    params, other = check.held_out(count, generator), check.held_out(count, generator)

    def cover(params):
        return silhouette(check.vertices_of(body, params), body.faces, camera(size), (size, size), samples=8).mask

    target = cover(other)
    steps = torch.full((check.SCALE + 1,), 0.02)
    layout = Layout(10)
    steps[layout.betas], steps[layout.transl], steps[check.SCALE] = (
        0.2,
        0.15 * check.DISTANCE / camera(size)[0, 0],
        0.01,
    )
    steps[layout.depth] = 0.04
    with torch.inference_mode():
        goal = check.differences(lambda given: loss(cover(given), target), params, steps)
    for name, make in {**WAYS, "ours": lambda: load_renderer("torch")}.items():
        found, seconds = gradient(make(), body, params, target, size)
        table = check.compare(found, goal)
        worst = min(table, key=lambda group: table[group]["cosine_median"])
        note = (
            f"worst group: {worst} {table[worst]['cosine_median']:.2f}; {seconds:.2g} s of processor a body, 64 pixels"
        )
        middle = sorted(row["cosine_median"] for row in table.values())[len(table) // 2]
        program = {"program": "anchorfit", "version": ""} if name == "ours" else {"program": PROGRAM}
        compared = f"silhouette's gradient at 64 pixels, {name}, cosine, median of ten groups"
        say(compared=compared, difference=f"{middle:.2f}", note=note, **program)


def loss(masks, target):
    return ((masks - target) ** 2).flatten(1).sum(1)


def gradient(renderer, body, params, target, size):
    params = params.clone().requires_grad_()
    start = time.process_time()
    masks = renderer.silhouette(check.vertices_of(body, params), body.faces, camera(size), (size, size)).mask
    (found,) = torch.autograd.grad(loss(masks, target).sum(), params)
    return found, (time.process_time() - start) / len(params)


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", RuntimeWarning)
    shown = load_body()
    faces_and_depth(Path(sys.argv[1]), shown)
    gradients(shown)
