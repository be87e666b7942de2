"""Times fitting and says how good the fits are, on held-out synthetic people.

    python benchmarks/bench_fit.py --json fit.json            # batches 1, 16, 64, 256, both schedules
    python benchmarks/bench_fit.py --baselines                # Adam and scipy beside them, on the last stage's energy

Every line has time, error and share of converged fits. ``cpu`` is processor time: on a busy machine the wall clock
measures the neighbours. People, noise and cameras: `anchorfit.evaluation.synthetic`; all seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from plain_solvers import adam, scipy_row
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, BodyModel, axis_angle_to_matrix, load_body, matrix_to_axis_angle
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.fitting import FitConfig, FitResult, GaussianMixture, anchored, load_pose_prior, smplify
from anchorfit.fitting.energy import Energy
from anchorfit.fitting.least_squares import Solution, minimise
from anchorfit.fitting.schedules import problem_of

SEED = 20
NOISE_DEG = 15.0
SINGLE_IMAGES = 8  # different people that a batch of one is measured on


class Timing(NamedTuple):
    """Medians, seconds."""

    wall: float
    spread: float
    cpu: float


def heldout_people(body: BodyModel, count: int, config: SyntheticConfig | None = None) -> SyntheticSet:
    """People in poses of subjects that the prior has not seen, no subject above 300 poses."""
    library = load_pose_library(split="heldout")
    weights = library.subject_balanced_weights(300).numpy()
    chosen = np.random.default_rng(SEED).choice(len(library), 4000, p=weights)
    return make_people(body, library.poses[chosen].numpy(), count, seed=SEED, config=config)


def noisy_prediction(truth: Tensor, degrees: float) -> Tensor:
    """The true pose with every joint turned by so many degrees about a random axis; betas 0."""
    generator = torch.Generator().manual_seed(SEED)
    axes = torch.randn(len(truth), 24, 3, generator=generator)
    turns = axis_angle_to_matrix(axes / axes.norm(dim=-1, keepdim=True) * np.deg2rad(degrees))
    init = truth.cpu().clone()
    init[:, :72] = matrix_to_axis_angle(axis_angle_to_matrix(init[:, :72].unflatten(-1, (24, 3))) @ turns).flatten(1)
    init[:, 72:82] = 0
    return init.to(truth)


def timed(run: Callable[[], FitResult], repeats: int, device: torch.device) -> tuple[FitResult, Timing]:
    run()
    walls, cpus = [], []
    for _ in range(repeats):
        if device.type == "cuda":
            torch.cuda.synchronize()
        wall, cpu = time.perf_counter(), time.process_time()
        result = run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return result, Timing(statistics.median(walls), max(walls) - min(walls), statistics.median(cpus))


def errors_mm(body: BodyModel, params: Tensor, truth: Tensor) -> dict[str, float]:
    """Mean per-vertex error, MPJPE (pelvises laid together) and reconstruction error, millimetres."""
    names = {"surface_mm": "pve_mm", "joints_mm": "mpjpe_mm", "reconstruction_mm": "pa_mpjpe_mm"}
    return {names[name]: float(error.mean()) for name, error in body_errors(body, params, truth)._asdict().items()}


def measure(
    name: str,
    body: BodyModel,
    prior: GaussianMixture,
    people: SyntheticSet,
    init: Tensor,
    groups: list[range],
    repeats: int,
    device: torch.device,
) -> dict[str, object]:
    """Fits batches of one size, prints and returns a line about all of them."""
    timings, results = [], []
    for group in groups:
        some = people.observations.rows(group)
        if name == "smplify":
            result, timing = timed(lambda some=some: smplify(body, some, prior), repeats, device)
        else:
            start = init[list(group)]
            result, timing = timed(lambda some=some, start=start: anchored(body, some, prior, start), repeats, device)
        timings.append(timing)
        results.append(result)
    every = [row for group in groups for row in group]
    result = FitResult.concatenate(results)
    batch = len(groups[0])
    errors = errors_mm(body, result.params, people.params[every])
    row: dict[str, object] = {
        "fit": name,
        "batch": batch,
        "batches": len(groups),
        "ms_a_body": 1000 * statistics.median(one.wall for one in timings) / batch,
        "spread_ms": 1000 * statistics.median(one.spread for one in timings) / batch,
        "cpu_ms_a_body": 1000 * statistics.median(one.cpu for one in timings) / batch,
        "reprojection_px": float(result.reprojection_px.nanmean()),
        **errors,
        "energy_median": float(torch.stack(list(result.energy.values())).sum(0).median()),
        "converged": float(result.converged.float().mean()),
        "trusted": float(result.trusted.float().mean()),
        "steps": float(result.steps.float().mean()),
    }
    print(
        f"{name:9s} batch {batch:4d}: {row['ms_a_body']:7.2f} ms a body (spread {row['spread_ms']:.2f}, cpu "
        f"{row['cpu_ms_a_body']:.2f})  reprojection {row['reprojection_px']:.1f} px  per-vertex {errors['pve_mm']:.0f} "
        f"mpjpe {errors['mpjpe_mm']:.0f} reconstruction {errors['pa_mpjpe_mm']:.0f} mm  converged "
        f"{row['converged']:.3f}  steps {row['steps']:.1f}",
        flush=True,
    )
    return row


def compare_baselines(
    body: BodyModel, prior: GaussianMixture, people: SyntheticSet, init: Tensor, count: int
) -> list[dict[str, object]]:
    """The last stage's energy from the same start: ours, Adam over the whole mesh, scipy for one row at a time."""
    rows: list[dict[str, Any]] = []
    problem, starts = problem_of(
        body,
        people.observations.rows(range(count)),
        prior,
        init[:count],
        FitConfig().without("interpenetration"),
        skeleton=CANONICAL_JOINTS,
        keep_orientation=True,
    )
    stage = next(stage for stage in problem.config.stages if stage.name == "last")  # SMPLify's tolerance, 1e-4
    energy, start = Energy(body, problem.terms(stage)), starts.params[:, 0]

    def solve() -> Solution:
        return minimise(energy, start, problem.config.rule, stage.stopping)

    solve()  # warm-up
    wall, cpu = time.perf_counter(), time.process_time()
    solution = solve()
    ours = (time.perf_counter() - wall, time.process_time() - cpu)
    rows.append({"fit": "ours", "seconds": ours, "energy": solution.cost})
    wall, cpu = time.perf_counter(), time.process_time()
    plain = adam(body, energy, start)
    rows.append(
        {"fit": "adam", "seconds": (time.perf_counter() - wall, time.process_time() - cpu), "energy": plain.energy}
    )
    wall, cpu = time.perf_counter(), time.process_time()
    few = [scipy_row(energy, start[row], row).energy for row in range(8)]
    elapsed = (time.perf_counter() - wall) * count / 8, (time.process_time() - cpu) * count / 8
    rows.append({"fit": "scipy", "seconds": elapsed, "energy": torch.cat(few)})
    table: list[dict[str, object]] = []
    for row in rows:
        wall_s, cpu_s = row["seconds"]
        energy = row["energy"].double()
        print(
            f"last stage, {row['fit']:5s}: {1000 * wall_s / count:9.2f} ms a body (cpu {1000 * cpu_s / count:.2f}, "
            f"{cpu_s / ours[1]:.0f} times ours)  energy mean {energy.mean():.1f} median {energy.median():.1f}",
            flush=True,
        )
        table.append(
            {
                "fit": row["fit"],
                "ms_a_body": 1000 * wall_s / count,
                "cpu_ms_a_body": 1000 * cpu_s / count,
                "energy_mean": float(energy.mean()),
                "energy_median": float(energy.median()),
            }
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64, 256])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--baselines", action="store_true", help="Adam and scipy on the last stage, 64 people")
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    body = load_body(device=device)
    prior = load_pose_prior(device=device)
    people = heldout_people(body, max(256, *args.batches))
    init = noisy_prediction(people.params, NOISE_DEG)
    table = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for batch in args.batches:
        groups = [range(start, start + batch) for start in range(SINGLE_IMAGES if batch == 1 else 1)]
        for name in ("smplify", "anchored"):
            table.append(measure(name, body, prior, people, init, groups, args.repeats, device))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 / max(args.batches)
    print(f"peak memory grew by {grown:.2f} MB a row at batch {max(args.batches)} (the error's meshes included)")
    baselines = compare_baselines(body, prior, people, init, 64) if args.baselines else []
    if args.json:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
        record = {
            "commit": commit,
            "device": str(device),
            "machine": platform.processor() or platform.machine(),
            "threads": args.threads,
            "torch": torch.__version__,
            "seed": SEED,
            "noise_deg": NOISE_DEG,
            "fits": table,
            "baselines": baselines,
            "peak_mb_a_row": grown,
        }
        with open(args.json, "w") as file:
            json.dump(record, file, indent=1)


if __name__ == "__main__":
    main()
