"""Compares the silhouette's gradient with finite differences of an 8 x 8 supersampled image, over held-out bodies.

    python benchmarks/check_silhouette_gradient.py --bodies 50 --json gradient.json

For each body: loss = sum over pixels of (cover - cover of another held-out body)^2; its gradient with respect to
translation, scale, betas, and each limb's rotations, against central differences of the same loss with 8 x 8 samples a
pixel, small steps. A cosine and a ratio of lengths for each body and group; `stacked` takes all bodies as one vector.
`repeat` is the differences themselves, done again with half the step: where a limb hides before the trunk hardly any
pixel tells, and no reference is better than that.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import SMPL_JOINTS, BodyModel, load_body
from anchorfit.body.parameters import Layout
from anchorfit.body.pose_library import load_pose_library
from anchorfit.rendering import silhouette

SEED = 11
DISTANCE = 5.0  # metres
LIMBS = {
    "left leg": ("left_hip", "left_knee", "left_ankle"),
    "right leg": ("right_hip", "right_knee", "right_ankle"),
    "left arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "spine": ("spine1", "spine2", "spine3"),
    "head": ("neck", "head"),
}
LAYOUT = Layout(10)
SCALE = LAYOUT.size  # the column after a body's own


def groups() -> dict[str, list[int]]:
    columns = list(range(LAYOUT.size + 1))
    named = {"translation": LAYOUT.transl, "betas": LAYOUT.betas, "turn": LAYOUT.global_orient}
    table = {"scale": [SCALE], **{name: columns[where] for name, where in named.items()}}
    for limb, joints in LIMBS.items():
        table[limb] = [3 * SMPL_JOINTS.index(joint) + axis for joint in joints for axis in range(3)]
    return table


def held_out(count: int, generator: np.random.Generator) -> Tensor:
    """(count, D + 1) parameters: pose, betas, translation, scale; any heading, upright."""
    library = load_pose_library(split="heldout")
    chosen = generator.choice(len(library), count, p=library.subject_balanced_weights(300).numpy())
    heading = generator.uniform(0, np.pi, count)
    params = np.zeros((count, LAYOUT.size + 1))
    params[:, LAYOUT.body_pose] = library.poses[chosen, LAYOUT.body_pose].numpy()
    # A half turn about an axis in the image's plane's vertical sets the body upright and turns it by twice the angle.
    params[:, 0], params[:, 2] = np.pi * np.cos(heading), np.pi * np.sin(heading)
    params[:, LAYOUT.betas] = generator.normal(size=(count, LAYOUT.num_betas))
    params[:, LAYOUT.transl] = generator.normal(size=(count, 3)) * [0.05, 0.05, 0.2] + [0, 0.2, DISTANCE]
    params[:, SCALE] = 1
    return torch.tensor(params, dtype=torch.float32)


def vertices_of(body: BodyModel, params: Tensor) -> Tensor:
    parts = LAYOUT.split(params[:, :SCALE])
    output = body(global_orient=parts.global_orient, body_pose=parts.body_pose, betas=parts.betas)
    pelvis = output.joints[:, :1]
    return (output.vertices - pelvis) * params[:, SCALE, None, None] + pelvis + parts.transl[:, None]


def differences(loss: Callable[[Tensor], Tensor], params: Tensor, steps: Tensor) -> Tensor:
    columns = []
    for k in range(params.shape[1]):
        step = torch.zeros(params.shape[1])
        step[k] = steps[k]
        columns.append((loss(params + step) - loss(params - step)) / (2 * steps[k]))
    return torch.stack(columns, 1)


def compare(ours: Tensor, reference: Tensor) -> dict[str, dict[str, float]]:
    table = {}
    for name, columns in groups().items():
        a, b = ours[:, columns], reference[:, columns]
        cosine = torch.nn.functional.cosine_similarity(a, b, dim=1)
        ratio = a.norm(dim=1) / b.norm(dim=1).clamp_min(1e-9)
        table[name] = {
            "cosine_median": float(cosine.median()),
            "cosine_mean": float(cosine.mean()),
            "cosine_10th": float(cosine.quantile(0.1)),
            "cosine_stacked": float((a * b).sum() / (a.norm() * b.norm())),
            "ratio_median": float(ratio.median()),
            "ratio_10th": float(ratio.quantile(0.1)),
            "ratio_90th": float(ratio.quantile(0.9)),
            "ratio_stacked": float(a.norm() / b.norm()),
        }
    return table


def show(title: str, table: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}\n{'':12s} cosine: median  mean  10th  stacked   ratio: median  10th  90th  stacked")
    for name, row in table.items():
        numbers = list(row.values())
        print(
            f"{name:12s} "
            + " " * 7
            + " ".join(f"{n:6.3f}" for n in numbers[:4])
            + " " * 10
            + " ".join(f"{n:6.3f}" for n in numbers[4:])
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", default="open", help='"open" or a body file')
    parser.add_argument("--bodies", type=int, default=50)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--samples", type=int, help="of the gradient's own image; default as `silhouette` chooses")
    parser.add_argument("--reference-samples", type=int, default=8)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    body, generator, size = load_body(arguments.body), np.random.default_rng(SEED), arguments.size
    focal = 0.8 * size * DISTANCE / 1.75
    intrinsics = torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])

    def cover(params: Tensor, samples: int | None) -> Tensor:
        return silhouette(vertices_of(body, params), body.faces, intrinsics, (size, size), samples=samples).mask

    params = held_out(arguments.bodies, generator)
    target = cover(held_out(arguments.bodies, generator), 8)

    def loss(params: Tensor, samples: int | None = arguments.reference_samples) -> Tensor:
        return ((cover(params, samples) - target) ** 2).flatten(1).sum(1)

    params.requires_grad_()
    start = time.perf_counter()
    (ours,) = torch.autograd.grad(loss(params, arguments.samples).sum(), params)
    seconds = time.perf_counter() - start
    params = params.detach()
    steps = torch.full((LAYOUT.size + 1,), 0.02)  # radians: a limb's end moves by a third of a pixel at 64
    steps[LAYOUT.betas], steps[LAYOUT.transl], steps[SCALE] = 0.2, 0.15 * DISTANCE / focal, 0.01
    steps[LAYOUT.depth] = 0.04
    with torch.inference_mode():
        reference = differences(loss, params, steps * 64 / size)
        again = differences(loss, params, steps * 32 / size)
    report = {
        "conditions": {
            "commit": subprocess.run(
                ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent
            ).stdout.strip(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "body": body.name,
            "seed": SEED,
            "bodies": arguments.bodies,
            "size": size,
            "samples": arguments.samples,
            "reference_samples": arguments.reference_samples,
            "gradient_seconds": seconds,
        },
        "ours": compare(ours, reference),
        "repeat": compare(again, reference),
    }
    print(json.dumps(report["conditions"]))
    show("gradient against differences", report["ours"])
    show("repeat: differences with half the step against differences", report["repeat"])
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
