"""Says how good bodies from several calibrated cameras are beside those of one, and what they take.

    python benchmarks/bench_cameras.py                 # one to eight cameras, exact and with a detector's errors
    python benchmarks/bench_cameras.py --starts        # where the fit begins: three ways, on the same people
    python benchmarks/bench_cameras.py --weights       # weights of the priors, four cameras

One thread. People: held-out CMU poses (as `bench_points.py`), betas drawn with standard deviation 1, in the middle of a
ring of cameras 4 m away; COCO's keypoints with the errors of `evaluation.synthetic`. ``cpu`` is processor time. One
camera is anchored SMPLify with known intrinsics, prediction included. The baseline of four cameras triangulates the
joints by the same code, and fits a body to those points.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.cameras import CalibratedCamera
from anchorfit.evaluation.rig_people import RigPeople, people_in_rig, ring_of_cameras
from anchorfit.evaluation.synthetic import SyntheticConfig
from anchorfit.fitting.point_start import point_start
from anchorfit.points import fit_points
from anchorfit.views import ViewOptions, fit_views, views_config
from anchorfit.views.agreement import agree, sight_of
from anchorfit.views.observing import observe_views
from anchorfit.views.solving import ViewTask

SEED, COUNT = 20, 256
EXACT = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
MEASURED: SyntheticConfig = SyntheticConfig()


def heldout_in_rig(body: BodyModel, count: int) -> Tensor:
    """Parameters of people in poses that the prior has not seen, the pelvis 0.9 m above the middle of the rig."""
    library = load_pose_library(split="heldout")
    generator = torch.Generator().manual_seed(SEED)
    params = body.layout.zeros(count, body.v_template)
    chosen = torch.multinomial(library.subject_balanced_weights(300), count, generator=generator)
    params[:, body.layout.pose] = library.poses[chosen]
    params[:, body.layout.betas] = torch.randn(count, body.num_betas, generator=generator).clamp(-2.5, 2.5)
    params[:, body.layout.transl] = torch.tensor([0.0, 0.9, 0.0]) - body.from_params(params).joints[:, 0]
    return params


def alignment(found: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Mean distances (B,) of joints after similarity alignment, metres, and scales (B,) of the truth over the found."""
    one, other = (joints.double() - joints.double().mean(1, keepdim=True) for joints in (found, truth))
    left, size, right = torch.linalg.svd(one.mT @ other)
    sign = torch.ones_like(size)
    sign[:, 2] = torch.det(left @ right).sign()
    scale = (size * sign).sum(-1) / one.square().sum((1, 2))
    aligned = scale[:, None, None] * one @ (left * sign[:, None]) @ right
    return (aligned - other).norm(dim=-1).mean(1), scale


def statures(body: BodyModel, params: Tensor) -> Tensor:
    """(B,) metres from the lowest to the highest vertex of the bodies at rest."""
    rest = torch.zeros_like(params)
    rest[:, body.layout.betas] = params[:, body.layout.betas]
    heights = body.from_params(rest).vertices[..., 1]
    return heights.amax(1) - heights.amin(1)


def line(name: str, body: BodyModel, params: Tensor, truth: Tensor, seconds: float) -> dict[str, Any]:
    """Print and return one line."""
    own, true = body.from_params(params), body.from_params(truth)
    error, scale = alignment(own.joints, true.joints)
    off = (scale - 1).abs()
    tall = statures(body, params) / statures(body, truth) - 1
    row = {
        "fit": name,
        "cpu_ms_a_person": 1000 * seconds / len(truth),
        "pa_mpjpe_mm": float(1000 * error.mean()),
        "mpjpe_mm": float(1000 * (own.joints - true.joints).norm(dim=-1).mean()),
        "surface_mm": float(1000 * (own.vertices - true.vertices).norm(dim=-1).mean()),
        "scale_off_percent_mean": float(100 * off.mean()),
        "scale_off_percent_median": float(100 * off.median()),
        "scale_bias_percent": float(100 * (scale - 1).mean()),
        "stature_off_percent_mean": float(100 * tall.abs().mean()),
    }
    print(
        f"{name:42s} {row['cpu_ms_a_person']:7.2f} ms   PA {row['pa_mpjpe_mm']:5.1f} mm   "
        f"MPJPE {row['mpjpe_mm']:6.1f}   "
        f"surface {row['surface_mm']:6.1f}   scale off {row['scale_off_percent_mean']:.2f} % (median "
        f"{row['scale_off_percent_median']:.2f}, bias {row['scale_bias_percent']:+.2f})   stature "
        f"{row['stature_off_percent_mean']:.2f} %",
        flush=True,
    )
    return row


def timed(run: Callable[[], Tensor], repeats: int) -> tuple[Tensor, float]:
    """The result, and the median processor time in seconds."""
    result, times = run(), []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return result, statistics.median(times)


def from_views(body: BodyModel, people: RigPeople, cameras: tuple[CalibratedCamera, ...]) -> Tensor:
    """(B, D) in the world."""
    views = {camera.name: people.views[camera.name] for camera in cameras}
    return body.layout.join(**fit_views(views, cameras, body).world)


def triangulated(body: BodyModel, people: RigPeople, cameras: tuple[CalibratedCamera, ...]) -> Tensor:
    """The baseline: joints triangulated robustly, then a body fitted to them as points in space."""
    rows = [list(row) for row in zip(*people.views.values(), strict=True)]
    seen = observe_views(rows, cameras, [str(row) for row in range(len(rows))], masks=False)
    found = agree(sight_of(seen, cameras, body))
    points = found.points.masked_fill((found.confidence <= 0)[..., None], torch.nan)
    fitted = fit_points(points, found.confidence, convention=CANONICAL_JOINTS, body=body, unit="m", up="y")
    return body.layout.join(**fitted.world)


def sets(body: BodyModel, truth: Tensor, repeats: int) -> list[dict[str, Any]]:
    rows = []
    for label, config in (("exact", EXACT), ("detector", MEASURED)):
        rig = ring_of_cameras(4)
        people = people_in_rig(body, truth, rig, seed=SEED, config=config)
        for count in (1, 2, 3, 4):
            found, seconds = timed(
                lambda count=count, rig=rig, people=people: from_views(body, people, rig[:count]), repeats
            )
            rows.append(line(f"{label}: {count} camera{'s' * (count > 1)}", body, found, truth, seconds))
        found, seconds = timed(lambda rig=rig, people=people: triangulated(body, people, rig), repeats)
        rows.append(line(f"{label}: 4, triangulated, then fit_points", body, found, truth, seconds))
        rig = ring_of_cameras(8)
        people = people_in_rig(body, truth, rig, seed=SEED, config=config)
        found, seconds = timed(lambda rig=rig, people=people: from_views(body, people, rig), repeats)
        rows.append(line(f"{label}: 8 cameras", body, found, truth, seconds))
    return rows


def starts(body: BodyModel, truth: Tensor) -> list[dict[str, Any]]:
    """The same fit from three starts."""
    rows = []
    usual = ViewTask.start
    for count in (2, 4):
        rig = ring_of_cameras(4)[:count]
        people = people_in_rig(body, truth, rig, seed=SEED, config=MEASURED)
        ways = {
            "points fitted (usual)": usual,
            "closed form": _closed_form,
            "best view's prediction": ViewTask.predicted_start,
        }
        for name, way in ways.items():
            ViewTask.start = way  # type: ignore[method-assign]
            found, seconds = timed(lambda rig=rig, people=people: from_views(body, people, rig), 1)
            rows.append(line(f"{count} cameras, start: {name}", body, found, truth, seconds))
        ViewTask.start = usual  # type: ignore[method-assign]
    return rows


def weights(body: BodyModel, truth: Tensor) -> list[dict[str, Any]]:
    """Four cameras, the priors of pose and shape weighing more and less."""
    rows = []
    rig, usual = ring_of_cameras(4), views_config()
    for label, config in (("exact", EXACT), ("detector", MEASURED)):
        people = people_in_rig(body, truth, rig, seed=SEED, config=config)
        for pose, shape in ((6.5, 5.0), (4.78, 5.0), (3.4, 3.5), (2.4, 2.5)):
            stages = tuple(replace(stage, pose_weight=pose, shape_weight=shape) for stage in usual.stages)
            options = ViewOptions(config=replace(usual, stages=stages))
            found = fit_views(people.views, rig, body, options=options)
            rows.append(line(f"{label}: pose {pose}, shape {shape}", body, body.layout.join(**found.world), truth, 0.0))
    return rows


def _closed_form(task: ViewTask, index: Tensor, main: Tensor, places: Tensor, confidence: Tensor) -> Tensor:
    middle = places.masked_fill((confidence <= 0)[..., None], torch.nan).nanmedian(1).values.nan_to_num()
    local = torch.where((confidence > 0)[..., None], places - middle[:, None], 0.0).float()
    params = point_start(task.body, CANONICAL_JOINTS, local, confidence.float())
    params[:, task.body.layout.transl] += middle.float()
    return params


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", action="store_true", help="compare where the fit begins")
    parser.add_argument("--weights", action="store_true", help="compare weights of the priors")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    truth = heldout_in_rig(body, options.count)
    if options.starts or options.weights:
        rows = (starts if options.starts else weights)(body, truth)
    else:
        rows = sets(body, truth, options.repeats)
    if options.json:
        held = {"seed": SEED, "torch": torch.__version__, "numpy": np.__version__, "rows": rows}
        options.json.write_text(json.dumps(held, indent=1))


if __name__ == "__main__":
    main()
