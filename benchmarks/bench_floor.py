"""Says how far standing feet slide and sink with and without a floor, on recorded takes filmed by a standing camera.

    python benchmarks/bench_floor.py ARCHIVE                 # the tar archive of CMU takes; a table
    python benchmarks/bench_floor.py ARCHIVE --others      # takes of other people, which nothing was chosen on
    python benchmarks/bench_floor.py ARCHIVE --hide ankle foot toe heel    # people whose feet are never seen
    python benchmarks/bench_floor.py ARCHIVE --draw sheets   # and views from the side, before and after

One thread. The takes are of people whom neither the networks nor the prior have seen. What a detector sees is
simulated (`filmed_takes.detected`). Every fit is of one person's video, smoothed and of one shape: *before* without a
floor, *auto* with an estimated one, *given* with the true one. ``slide``: mean way along the floor, a frame, of sole
points that truly stand. ``sunk``: mean over frames of how deep the body's lowest vertex is below the floor that the fit
stands on (before: the true one). ``camera``: joints against the true ones in the camera's frame, unaligned; ``take``:
the same after one similarity for the whole take.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filmed_takes import RATE, Filmed, Scene, filmed, hidden, on_the_ground, planted, takes_of
from torch import Tensor

import anchorfit
from anchorfit.body import BodyModel, Floor
from anchorfit.body.floor import heights
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.soles import soles
from anchorfit.evaluation.metrics.pose import mean_point_error, reconstruction_error
from anchorfit.results import BodyEstimate

FRAMES = 150


@dataclass(frozen=True, kw_only=True)
class Case:
    """A take before a camera."""

    name: str
    take: str
    scene: Scene = Scene()
    convention: str = "body25"
    betas: tuple[float, ...] = (0.8, -0.7, 0.3)
    climb: str = ""  # what the ground does: "", "ramp" or "stairs"
    seed: int = 0


CASES = (
    Case(name="walk, from the side", take="05_01"),
    Case(name="walk, ankles alone", take="05_01", convention="coco17", seed=1),
    Case(name="walk, high camera", take="05_01", scene=Scene(height=2.2, pitch_deg=15.0), betas=(-1.0, 0.5), seed=2),
    Case(name="another's walk, low camera", take="55_04", scene=Scene(height=0.9, pitch_deg=0.0), seed=3),
    Case(name="jumping jacks", take="13_29", scene=Scene(yaw_deg=20.0), seed=4),
    Case(name="squats and bends", take="13_30", scene=Scene(yaw_deg=45.0), seed=5),
    Case(name="backflip", take="r-backflip", seed=6),
    Case(name="walk up a ramp", take="05_01", climb="ramp", seed=7),
    Case(name="walk up stairs", take="05_01", climb="stairs", seed=8),
)

OTHERS = (
    Case(name="02's walk, from the side", take="02_01", seed=11),
    Case(name="07's slow walk, ankles alone", take="07_03", convention="coco17", betas=(-0.5, 0.6), seed=12),
    Case(name="08's walk, high camera", take="08_02", scene=Scene(height=2.4, pitch_deg=18.0), seed=13),
    Case(name="16's walk, obliquely", take="16_15", scene=Scene(yaw_deg=45.0), betas=(1.0, 0.4), seed=14),
    Case(name="35's walk, low camera", take="35_05", scene=Scene(height=0.8, pitch_deg=-2.0), seed=15),
    Case(name="39's walk, from the front", take="39_02", scene=Scene(yaw_deg=10.0), seed=16),
    Case(name="38's walk, far away", take="38_01", scene=Scene(distance=9.0, pitch_deg=4.0), seed=17),
    Case(name="35's other walk, a little from behind", take="35_12", scene=Scene(yaw_deg=70.0), seed=18),
)
"""Takes on which no constant of the floor was chosen; the networks and the prior have seen these people's poses."""


def climbing(world: Tensor, body: BodyModel, kind: str) -> Tensor:
    """Bodies (T, D), y up, that go up by 12 degrees as they go, or by 17 cm a step of 60 cm."""
    if not kind:
        return world
    params = world.clone()
    way = params[:, body.layout.transl.start + 2] - params[0, body.layout.transl.start + 2]
    up = 0.21 * way.abs() if kind == "ramp" else 0.17 * (way.abs() / 0.6).round()
    params[:, body.layout.transl.start + 1] += up
    return params


def measured(body: BodyModel, params: Tensor, truth: Filmed, floor: Tensor) -> dict[str, float]:
    """Millimetres: see the head of this file."""
    up = truth.up
    points = compiled_points(body, soles(body).names).points(params)
    step = points[1:] - points[:-1]
    along = (step - (step @ up)[..., None] * up).norm(dim=-1)
    still = truth.contact[1:] & truth.contact[:-1]
    found, true = body.from_params(params), body.from_params(truth.params)
    ours, theirs = (joints - joints[:, :1] for joints in (found.joints, true.joints))
    sunk = -heights(found.vertices, floor.expand(len(params), 4)).amin(1)
    return {
        "slide": 1000 * float(along[still].mean()),
        "sunk": 1000 * float(sunk.clamp(min=0).mean()),
        "mpjpe": 1000 * float(mean_point_error(ours, theirs).mean()),
        "pa": 1000 * float(reconstruction_error(found.joints, true.joints).mean()),
        "camera": 1000 * float(mean_point_error(found.joints, true.joints).mean()),
        "take": 1000 * float(reconstruction_error(found.joints.reshape(1, -1, 3), true.joints.reshape(1, -1, 3))[0]),
    }


def run(body: BodyModel, case: Case, truth: Filmed) -> tuple[list[dict[str, Any]], dict[str, BodyEstimate]]:
    """The table's lines of a case, printed, and the fits."""
    count = len(truth.params)
    labels: dict[str, Any] = {"persons": [0] * count, "videos": [0] * count}
    true = Floor.of_camera(height=truth.height, pitch_deg=case.scene.pitch_deg)
    plane = truth.params.new_tensor(true.plane)
    rows, fits = [], {}
    for name, floor in (("before", None), ("auto", "auto"), ("given", true)):
        begun = time.process_time()
        found = anchorfit.fit(truth.observations, body, floor=floor, **labels)  # type: ignore[arg-type]
        seconds = time.process_time() - begun
        own = found.floors.planes[0] if bool(found.floors.known[0]) else plane
        row = {"case": case.name, "floor": name, "ms a frame": 1000 * seconds / count}
        row |= measured(body, found.params, truth, own)
        print(
            "  ".join(
                f"{key} {value:6.1f}" if isinstance(value, float) else f"{value:26s}" for key, value in row.items()
            )
        )
        for text in dict.fromkeys(found.floors.said):
            print(f"      {text}" if text else "", end="\n" if text else "", flush=True)
        rows.append(row)
        fits[name] = found
    return rows, fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="the tar archive of CMU takes, with its seqlist.tsv")
    parser.add_argument("--others", action="store_true", help="takes on which no constant of the floor was chosen")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    parser.add_argument(
        "--hide", nargs="*", default=[], help="last words of joints that no frame shows: ankle foot ..."
    )
    parser.add_argument("--draw", type=Path, help="folder for views from the side")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    body = anchorfit.load_body()
    chosen = [case for case in (OTHERS if options.others else CASES) if case.name.startswith(options.only)]
    takes = takes_of(options.archive, [case.take for case in chosen])
    table = []
    for case in chosen:
        take, poses = takes[case.take]
        betas = torch.zeros(body.num_betas)
        betas[: len(case.betas)] = torch.tensor(case.betas)
        world = planted(body, on_the_ground(body, take, poses, betas))[:FRAMES]
        truth = filmed(body, climbing(world, body, case.climb), case.scene, convention=case.convention, seed=case.seed)
        truth = hidden(truth, options.hide)
        rows, fits = run(body, case, truth)
        table += rows
        if options.draw:
            from side_views import draw_strip

            options.draw.mkdir(exist_ok=True, parents=True)
            draw_strip(options.draw / f"{case.name.replace(' ', '_').replace(',', '')}.png", body, truth, fits)
    if options.json:
        seen = {"rate": RATE, "frames": FRAMES, "torch": torch.__version__, "rows": table}
        options.json.write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()
