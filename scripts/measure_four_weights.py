"""The open body by four joints a vertex against its own weights of up to seven: ten poses, and 200 held-out ones.

    python scripts/measure_four_weights.py

The ten poses are those of counterparts/files.py. Bodies: weights fitted to four (`few_weights`) with the body's own
pose correctives; the same with correctives made anew (`with_few_weights`, `anchorfit body export
--joints-per-vertex 4`); and the largest four of each vertex, brought to a sum of 1. Distances in millimetres over all
vertices; volume: the share by which a body's differs from that of the same pose by the body's own weights.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.body.description import mesh_volume
from anchorfit.body.pose_library import load_pose_library
from anchorfit.rigging.weights import few_weights, with_few_weights

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "counterparts"))
import files

MOST = 4


def posed(body: BodyModel, poses: Tensor, betas: Tensor | None = None) -> Tensor:
    """(B, V, 3) with the pelvis upright."""
    return body(body_pose=poses[:, 3:], betas=betas).vertices


def some(split: str, count: int) -> Tensor:
    poses = load_pose_library(split=split).poses
    return poses[torch.linspace(0, len(poses) - 1, count).long()]


def largest(body: BodyModel) -> Tensor:
    kept = body.weights.topk(MOST, dim=1)
    weights = torch.zeros_like(body.weights).scatter(1, kept.indices, kept.values)
    return weights / weights.sum(1, keepdim=True)


def row(name: str, own: Tensor, other: Tensor, faces: Tensor, moved: Tensor) -> str:
    apart = 1000 * (other - own).norm(dim=-1)
    share = 100 * (mesh_volume(other, faces) / mesh_volume(own, faces) - 1).abs()
    found = [apart.mean(), apart[:, moved].mean(), apart[:, moved].flatten().quantile(0.99), apart.max(), share.max()]
    return f"| {name} | " + " | ".join(f"{float(one):.3g}" for one in found) + " |"


def main() -> None:
    torch.set_num_threads(1)
    body = load_body().to("cpu", torch.float64)
    fitted = replace(body, weights=few_weights(body, MOST))
    moved = (body.weights != fitted.weights).any(1)
    bodies = {
        "fitted to four": fitted,
        "fitted to four, correctives anew": with_few_weights(body, MOST),
        "largest four": replace(body, weights=largest(body)),
    }
    ten = files.ten_poses()
    places = {"ten poses": (ten.params[:, :72].double(), ten.betas.double())}
    places["200 held-out poses"] = (some("heldout", 200).double(), None)
    print(f"{int(moved.sum())} of {len(moved)} vertices have more than {MOST} joints")
    print("| poses, weights | mean | mean of those | their 99th percentile | most | volume, % at most |")
    print("|---|---|---|---|---|---|")
    for name, (poses, betas) in places.items():
        goal = posed(body, poses, betas)
        for kind, other in bodies.items():
            print(row(f"{name}, {kind}", goal, posed(other, poses, betas), body.faces, moved))


if __name__ == "__main__":
    main()
