"""The tables that chose the constants of fitting: one change at a time, on held-out synthetic people.

    python benchmarks/bench_fit_choices.py                      # everything, about 15 minutes on one core
    python benchmarks/bench_fit_choices.py anchor silhouette    # chosen tables

Each line: mean per-vertex error (root aligned), MPJPE and reconstruction error in mm, share of orientations off by
more than 45 degrees, mean reprojection error in pixels, solver steps; silhouettes also mask IoU and the error of the
shape alone, in the rest pose.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from bench_doubts import people_seen
from bench_fit import errors_mm, heldout_people, noisy_prediction

from anchorfit.body import BodyModel, axis_angle_to_matrix, load_body
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticSet
from anchorfit.fitting import (
    FitConfig,
    FitResult,
    GaussianMixture,
    anchored,
    anchored_config,
    load_pose_prior,
    smplify,
)
from anchorfit.fitting.config import default_term
from anchorfit.regressors import predict_params
from anchorfit.rendering import rasterize

PEOPLE = 192
WITH_MASKS = 64


class Bench:
    """One set of people and the model, shared by all tables."""

    def __init__(self, count: int) -> None:
        self.body: BodyModel = load_body()
        self.prior: GaussianMixture = load_pose_prior()
        self.people: SyntheticSet = heldout_people(self.body, count)

    def smplify(self, config: FitConfig, init: torch.Tensor | None = None) -> FitResult:
        return smplify(self.body, self.people.observations, self.prior, init=init, config=config)

    def anchored(self, config: FitConfig, init: torch.Tensor) -> FitResult:
        return anchored(self.body, self.people.observations, self.prior, init, config)

    def line(self, name: str, result: FitResult, extra: str = "") -> None:
        truth = self.people.params
        errors = errors_mm(self.body, result.params, truth)
        turn = axis_angle_to_matrix(result.params[:, :3]).mT @ axis_angle_to_matrix(truth[:, :3])
        cosine = (torch.diagonal(turn, dim1=-2, dim2=-1).sum(-1) - 1) / 2
        print(
            f"| {name} | {errors['pve_mm']:.1f} | {errors['mpjpe_mm']:.1f} | {errors['pa_mpjpe_mm']:.1f} | "
            f"{100 * float((cosine < 0.7071).float().mean()):.1f} % | {float(result.reprojection_px.nanmean()):.1f} | "
            f"{float(result.steps.float().mean()):.1f} |{extra}",
            flush=True,
        )


HEADER = "| | per-vertex | MPJPE | reconstruction | off by 45 | reprojection px | steps |"


def with_constants(config: FitConfig, name: str, **constants: Any) -> FitConfig:
    """The configuration with constants of one of its terms changed."""
    return config.with_term(replace(config.term(name) or default_term(name), **constants))


def camera_free_from(config: FitConfig, first: int) -> FitConfig:
    """The configuration with the translation held in the stages before the given one."""
    stages = tuple(replace(stage, holds_camera=number < first) for number, stage in enumerate(config.stages))
    return replace(config, stages=stages)


def start_and_data() -> None:
    """Start pose, joint weights, upright term, camera."""
    bench, base = Bench(PEOPLE), FitConfig()
    bench.line("default", bench.smplify(base))
    mean = torch.zeros(PEOPLE, 85)
    mean[:, 3:72] = bench.prior.mean_pose
    bench.line("start at the prior's mean", bench.smplify(base, mean))
    for weight in (0.0, 0.2, 1.0):
        hips = {**base.keypoints.joint_weights, "left_hip": weight, "right_hip": weight}
        bench.line(f"hips {weight}", bench.smplify(with_constants(base, "keypoints", joint_weights=hips)))
    for weight in (0.0, 20.0, 80.0):
        bench.line(f"upright {weight:.0f}", bench.smplify(with_constants(base, "upright", weight=weight)))
    for stage in (0, 4):
        name = "camera free in all stages" if stage == 0 else "camera frozen"
        bench.line(name, bench.smplify(camera_free_from(base, stage)))
    torso = replace(base, camera=replace(base.camera, depth_from="torso"))
    bench.line("depth from the torso", bench.smplify(torso))
    bench.line("two orientations fitted whole", bench.smplify(replace(base, candidates=2)))
    bench.line("sigma 30 px", bench.smplify(with_constants(base, "keypoints", sigma=30.0)))
    bench.line("no interpenetration term", bench.smplify(base.without("interpenetration")))


def anchor() -> None:
    """Weight and scale of the anchor, by how wrong the prediction is; camera free or frozen."""
    bench, base = Bench(PEOPLE), anchored_config()
    for degrees in (15.0, 25.0, 40.0):
        init = noisy_prediction(bench.people.params, degrees)
        given = errors_mm(bench.body, init, bench.people.params)
        print(f"prediction off by {degrees:.0f} degrees a joint: per-vertex {given['pve_mm']:.0f} mm")
        for weight in (0.0, 10.0, 25.0, 50.0):
            bench.line(f"weight {weight:.0f}", bench.anchored(with_constants(base, "anchor", weight=weight), init))
        for sigma in (0.35, 1.4):
            bench.line(f"weight 60, sigma {sigma}", bench.anchored(with_constants(base, "anchor", sigma=sigma), init))
        bench.line("weight 60, camera frozen", bench.anchored(camera_free_from(base, len(base.stages)), init))
        betas = replace(default_term("anchor_betas"), weight=10.0)
        bench.line("weight 60, betas anchored 10", bench.anchored(base.with_term(betas), init))


def silhouette() -> None:
    """What masks do: overlap and shape rise, joints get no worse."""
    bench = Bench(WITH_MASKS)
    true = masks_of(bench, bench.people.params)
    observations = replace(bench.people.observations, masks=tuple(true))
    bench.people = SyntheticSet(observations, bench.people.params)
    init = noisy_prediction(bench.people.params, 15.0)
    runs: list[tuple[str, FitConfig, Callable[[FitConfig], FitResult]]] = []
    for weight in (0.0, 4.0, 8.0):
        alone, near = (with_constants(one, "silhouette", weight=weight) for one in (FitConfig(), anchored_config()))
        runs.append((f"smplify, silhouette {weight:.0f}", alone, bench.smplify))
        runs.append((f"anchored, silhouette {weight:.0f}", near, lambda config: bench.anchored(config, init)))
    for name, config, run in runs:
        result = run(config)
        pairs = zip(masks_of(bench, result.params), true, strict=True)
        overlap = sum(float((a & b).sum() / (a | b).sum()) for a, b in pairs) / WITH_MASKS
        rest = [
            torch.cat([torch.zeros_like(p[:, :72]), p[:, 72:82], p[:, :3] * 0], 1)
            for p in (result.params, bench.people.params)
        ]
        shape = errors_mm(bench.body, rest[0], rest[1])["pve_mm"]
        bench.line(name, result, f" {overlap:.3f} | {shape:.1f} |")


def masks_of(bench: Bench, params: torch.Tensor) -> list:
    """(480, 640) bool each."""
    vertices = bench.body.from_params(params).vertices
    intrinsics = bench.people.observations.intrinsics
    return [
        (
            rasterize(vertices[row : row + 1], bench.body.faces, intrinsics[row : row + 1], (480, 640)).face_ids[0] >= 0
        ).numpy()
        for row in range(len(params))
    ]


def dead_zone() -> None:
    """Small 2D errors that cost nothing, reference pixels, near predictions; the focal length true and wrong."""
    body, prior = load_body(), load_pose_prior()
    for name, people in people_seen(body, 500):
        for factor in (1.0, 1.5):
            cameras = people.observations.intrinsics.clone()
            cameras[:, [0, 1], [0, 1]] *= factor
            seen = replace(people.observations, intrinsics=cameras)
            start = predict_params(seen, body)
            for width in (0.0, 1.0, 2.0, 4.0, 8.0):
                config = with_constants(anchored_config(), "keypoints", dead_zone=width)
                found = anchored(body, seen, prior, start.params, config, doubted=start.doubted)
                error = float(body_errors(body, found.params, people.params).reconstruction_mm.mean())
                print(f"{name}, focal length times {factor}, dead zone {width:.0f}: {error:.1f} mm", flush=True)


TABLES = {"start": start_and_data, "anchor": anchor, "silhouette": silhouette, "dead-zone": dead_zone}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=[*TABLES])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in args.tables:
        print(f"\n{name}: {TABLES[name].__doc__}\n{HEADER}")
        TABLES[name]()


if __name__ == "__main__":
    main()
