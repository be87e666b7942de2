"""Times fits to points in space and says how good they are, beside a peer and plain solvers on the same 256 poses.

    python benchmarks/bench_points.py                      # our fits: joints, joints and 60 surface points, noise
    python benchmarks/bench_points.py --peer --plain       # beside smplfitter, Adam and L-BFGS
    python benchmarks/bench_points.py --limits --regions --conventions

One thread. People: held-out CMU poses, betas drawn with standard deviation 1. ``cpu`` is processor time: on a busy
machine the wall clock measures the neighbours. The peer is given all vertices and joints of the same bodies, exact.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import CANONICAL_JOINTS, BodyModel, load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.body.skinning import ancestor_rows
from anchorfit.fitting import GaussianMixture, load_pose_prior
from anchorfit.fitting.point_covariance import point_covariance
from anchorfit.fitting.point_fit import fit_positions
from anchorfit.points.conventions import POINT_CONVENTIONS, SMPL24, point_convention

SEED, COUNT, SURFACE = 20, 256, 60
PEER_ROUNDS = (3, 1)  # of smplfitter: its most accurate and its fastest


def heldout(body: BodyModel, count: int) -> Tensor:
    """Parameters of people in poses of subjects that the prior has not seen."""
    library = load_pose_library(split="heldout")
    generator = torch.Generator().manual_seed(SEED)
    weights = library.subject_balanced_weights(300)
    params = body.layout.zeros(count, body.v_template)
    params[:, body.layout.pose] = library.poses[torch.multinomial(weights, count, generator=generator)]
    params[:, body.layout.betas] = torch.randn(count, body.num_betas, generator=generator).clamp(-2.5, 2.5)
    return params


def surface_points(body: BodyModel, count: int) -> tuple[str, ...]:
    """Vertices spread over the body, each the farthest from those before."""
    chosen = [0]
    away = torch.full((body.num_vertices,), torch.inf)
    for _ in range(count - 1):
        away = torch.minimum(away, (body.v_template - body.v_template[chosen[-1]]).norm(dim=-1))
        chosen.append(int(away.argmax()))
    return tuple(f"vertex:{vertex}" for vertex in sorted(chosen))


def timed(run: Callable[[], Tensor], repeats: int) -> tuple[Tensor, float]:
    """The result, and the median processor time in seconds."""
    result, times = run(), []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return result, statistics.median(times)


def line(name: str, body: BodyModel, found: Tensor, truth: Tensor, seconds: float) -> dict[str, Any]:
    """Print and return one line: milliseconds a body, and mean errors in millimetres."""
    own, true = body.from_params(found), body.from_params(truth)
    joints, surface = (1000 * (a - b).norm(dim=-1).mean(1) for a, b in zip(own[::-1], true[::-1], strict=True))
    row = {
        "fit": name,
        "cpu_ms_a_body": 1000 * seconds / len(truth),
        "joints_mm": float(joints.mean()),
        "worst_joints_mm": float(joints.max()),
        "surface_mm": float(surface.mean()),
    }
    print(
        f"{name:44s} {row['cpu_ms_a_body']:9.3f} ms a body   joints {row['joints_mm']:7.3f} mm "
        f"(worst {row['worst_joints_mm']:6.2f})   surface {row['surface_mm']:7.3f} mm",
        flush=True,
    )
    return row


def ours(body: BodyModel, truth: Tensor, repeats: int) -> list[dict[str, Any]]:
    prior = load_pose_prior()
    both = (*SMPL24, *surface_points(body, SURFACE))
    rows = []
    for label, names, noise, missing in (
        ("anchorfit, 24 joints", SMPL24, 0.0, 0.0),
        ("anchorfit, 24 joints and 60 surface points", both, 0.0, 0.0),
        ("anchorfit, 24 joints, nose and ears", (*SMPL24, "nose", "left_ear", "right_ear"), 0.0, 0.0),
        ("anchorfit, 24 joints, 10 mm noise, 1/4 missing", SMPL24, 0.01, 0.25),
        ("anchorfit, all 84, 10 mm noise, 1/4 missing", both, 0.01, 0.25),
    ):
        generator = torch.Generator().manual_seed(SEED)
        points = compiled_points(body, names).points(truth)
        points = points + noise * torch.randn(points.shape, generator=generator)
        seen = (torch.rand(points.shape[:2], generator=generator) >= missing).float()
        found, seconds = timed(partial(_params, body, prior, names, points, seen), repeats)
        rows.append(line(label, body, found, truth, seconds))
    return rows


def regions(body: BodyModel, truth: Tensor) -> list[dict[str, Any]]:
    """How often true joints lie in the 90 % regions of fits to noisy points."""
    prior, smpl = load_pose_prior(), compiled_points(body, SMPL24)
    coco = tuple(name for name in point_convention("coco17") if name is not None)
    rows = []
    for label, names in (
        ("24 joints", SMPL24),
        ("24 and 60", (*SMPL24, *surface_points(body, SURFACE))),
        ("COCO", coco),
    ):
        for noise, missing in ((0.003, 0.0), (0.01, 0.0), (0.01, 0.25), (0.02, 0.25)):
            generator = torch.Generator().manual_seed(SEED)
            points = compiled_points(body, names).points(truth)
            points = points + noise * torch.randn(points.shape, generator=generator)
            seen = (torch.rand(points.shape[:2], generator=generator) >= missing).float()
            found = fit_positions(body, prior, names, points, seen)
            sure = point_covariance(body, prior, names, points, seen, found).joint_covariance_mm2.double()
            away = 1000 * (smpl.points(found.params) - smpl.points(truth)).double()
            away[:, 1:] -= away[:, :1].clone()
            distance = (away[..., None, :] @ sure.inverse() @ away[..., None])[..., 0, 0]
            inside = float((distance < 6.251).double().mean())  # of chi squared with 3 degrees
            rows.append({"points": label, "noise_m": noise, "missing": missing, "inside": inside})
            print(f"{label:12s} noise {1000 * noise:3.0f} mm, {missing:.0%} missing: {inside:6.1%} in 90 % regions")
    return rows


def limits(body: BodyModel, truth: Tensor) -> list[dict[str, Any]]:
    """What is to be had from 24 joints: poses of the prior's own making beside held-out ones; where errors are."""
    prior = load_pose_prior()
    generator = torch.Generator().manual_seed(SEED)
    chosen = torch.multinomial(prior.weights, len(truth), replacement=True, generator=generator)
    normal = torch.randn(len(truth), prior.means.shape[1], 1, generator=generator)
    factors = prior.precisions_cholesky[chosen].mT
    library = load_pose_library(split="train")
    some = torch.multinomial(library.subject_balanced_weights(300), len(truth), generator=generator)
    drawn, known = truth.clone(), truth.clone()
    drawn[:, body.layout.body_pose] = (
        prior.means[chosen] + torch.linalg.solve_triangular(factors, normal, upper=True)[..., 0]
    )
    known[:, body.layout.pose] = library.poses[some]
    rows = []
    for label, people in (("held-out poses", truth), ("poses of the prior's", known), ("drawn from the prior", drawn)):
        for noise, missing in ((0.0, 0.0), (0.01, 0.25)):
            points = compiled_points(body, SMPL24).points(people)
            points = points + noise * torch.randn(points.shape, generator=generator)
            seen = (torch.rand(points.shape[:2], generator=generator) >= missing).float()
            found = fit_positions(body, prior, SMPL24, points, seen).params
            rows.append(line(f"{label}, {1000 * noise:.0f} mm, {missing:.0%} missing", body, found, people, 0.0))
            if missing:
                _by_what_is_seen(body, found, people, seen > 0)
    return rows


def _by_what_is_seen(body: BodyModel, found: Tensor, truth: Tensor, seen: Tensor) -> None:
    points = compiled_points(body, SMPL24)
    off = 1000 * (points.points(found) - points.points(truth)).norm(dim=-1)
    below = torch.tensor(ancestor_rows(body.parents), dtype=torch.bool).mT  # [j, k]: k is j or below j
    blind = ~(seen[:, None] & below).any(-1)
    for label, some in (
        ("seen", seen),
        ("missing, but seen further out", ~seen & ~blind),
        ("nothing from there on", blind),
    ):
        share = float(some.double().mean())
        own, part = float(off[some].mean()), float((off * some).mean())
        print(f"    {label:30s} {share:6.1%} of joints, {own:6.1f} mm, {part:5.1f} of the mean")


def conventions(body: BodyModel, truth: Tensor) -> list[dict[str, Any]]:
    """Exact points of each convention: how well they alone tell the body."""
    prior, rows = load_pose_prior(), []
    for name, points in {"canonical": CANONICAL_JOINTS, **POINT_CONVENTIONS}.items():
        known = tuple(point for point in points if point is not None)
        there = compiled_points(body, known).points(truth)
        seen = torch.ones(there.shape[:2])
        found, seconds = timed(partial(_params, body, prior, known, there, seen), 1)
        rows.append(line(f"{name} ({len(known)} of {len(points)})", body, found, truth, seconds))
    return rows


def _params(body: BodyModel, prior: GaussianMixture, names: tuple[str, ...], points: Tensor, seen: Tensor) -> Tensor:
    return fit_positions(body, prior, names, points, seen).params


def peer(body: BodyModel, truth: Tensor, repeats: int) -> list[dict[str, Any]]:
    """smplfitter on the same body, from exact vertices and joints."""
    import smplfitter.pt

    with tempfile.TemporaryDirectory() as folder:
        held = {
            "v_template": body.v_template.numpy().astype(float),
            "shapedirs": body.shapedirs.numpy().astype(float),
            "posedirs": np.moveaxis(body.posedirs.view(207, -1, 3).numpy().astype(float), 0, -1),
            "J_regressor": body.joint_regressor.numpy().astype(float),
            "weights": body.weights.numpy().astype(float),
            "f": body.faces.numpy(),
            "kintree_table": np.array([[parent % 2**32 for parent in body.parents], range(24)]),
        }
        held["J"] = held["J_regressor"] @ held["v_template"]
        (Path(folder) / "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl").write_bytes(pickle.dumps(held))
        np.save(Path(folder) / "kid_template.npy", np.zeros((body.num_vertices, 3)))  # its placeholder for "none"
        model = smplfitter.pt.BodyModel("smpl", "neutral", model_root=folder)
    fitter = smplfitter.pt.BodyFitter(model)
    vertices, joints = body.from_params(truth)
    rows = []
    for rounds in PEER_ROUNDS:

        def run(rounds: int = rounds) -> Tensor:
            found = fitter.fit(
                vertices,
                joints,
                num_iter=rounds,
                beta_regularizer=0.1,
                requested_keys=["pose_rotvecs", "shape_betas", "trans"],
            )
            return torch.cat((found["pose_rotvecs"], found["shape_betas"], found["trans"]), 1)

        with torch.inference_mode():
            found, seconds = timed(run, repeats)
        rows.append(line(f"smplfitter, all vertices, {rounds} rounds", body, found, truth, seconds))
    return rows


def plain(body: BodyModel, truth: Tensor, count: int) -> list[dict[str, Any]]:
    """What one would write: the same points and priors' squares through the mesh, PyTorch's optimisers, from rest."""
    truth = truth[:count]
    surface = [int(name.removeprefix("vertex:")) for name in surface_points(body, SURFACE)]

    def points(params: Tensor) -> Tensor:
        posed = body.from_params(params)
        return torch.cat((posed.joints, posed.vertices[:, surface]), 1)

    target = points(truth)

    def energy(params: Tensor) -> Tensor:
        off = (points(params) - target).square().sum() / 0.005**2
        return off + params[:, 3:82].square().sum()

    def start() -> Tensor:
        params = body.layout.zeros(count, target)
        params[:, body.layout.transl] = (target[:, 0] - points(params)[:, 0]).detach()
        return params.requires_grad_(True)

    def adam() -> Tensor:
        params = start()
        optimiser = torch.optim.Adam([params], lr=0.03)
        for _ in range(600):
            optimiser.zero_grad()
            energy(params).backward()
            optimiser.step()
        return params.detach()

    def lbfgs() -> Tensor:
        params = start()
        optimiser = torch.optim.LBFGS([params], max_iter=300, history_size=20, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimiser.zero_grad()
            value = energy(params)
            value.backward()
            return value

        optimiser.step(closure)
        return params.detach()

    rows = []
    for label, run in (("PyTorch Adam, 600 steps", adam), ("PyTorch L-BFGS, 300 steps", lbfgs)):
        began = time.process_time()
        found = run()
        rows.append(line(f"{label}, 84 points, {count} bodies", body, found, truth, time.process_time() - began))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", action="store_true", help="smplfitter beside ours")
    parser.add_argument("--plain", action="store_true", help="PyTorch's optimisers beside ours")
    parser.add_argument("--conventions", action="store_true", help="exact points of each convention")
    parser.add_argument("--limits", action="store_true", help="what 24 joints can tell at all")
    parser.add_argument("--regions", action="store_true", help="how often covariances are right")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    truth = heldout(body, options.count)
    rows = ours(body, truth, options.repeats)
    rows += peer(body, truth, options.repeats) if options.peer else []
    rows += plain(body, truth, 16) if options.plain else []
    rows += limits(body, truth) if options.limits else []
    rows += regions(body, truth) if options.regions else []
    rows += conventions(body, truth) if options.conventions else []
    if options.json:
        options.json.write_text(json.dumps({"seed": SEED, "torch": torch.__version__, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
