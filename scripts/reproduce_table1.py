"""The ablation of Pavlakos et al. 2018, Table 1, on synthetic people: what PosePrior's losses are worth.

    python scripts/reproduce_table1.py [--steps 1500] [--seeds 0 1 2] [--width 512] [--output FILE]

The paper's network (two bilinear units, axis-angles relative to the parents) is trained on the library's training
subjects with (1) the squared error of axis-angles, (2) that of rotation matrices, (3) matrices and, for the last 60 %
of the steps, the squared distances of all vertices, as in the paper; and (4) is this library's choice of output, loss
and corrections. Same people, same order, same number of steps. Errors are those of held-out subjects.

(5) is the paper's domain shift: (3) and (4) are refined on held-out subjects 13 and 14 of whom only 2D keypoints are
known, in half of their takes, and measured before and after on their other takes.

All rows are trained with AdamW at 1e-3, falling to 0; the paper has rmsprop at 3e-4.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from anchorfit.body import BodyModel, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.evaluation.synthetic import SyntheticConfig, SyntheticSet, make_people
from anchorfit.regressors import Networks, predict_params
from anchorfit.regressors.pose_prior import PosePrior, PosePriorConfig
from anchorfit.regressors.training import Annotated, PoseLoss, PoseTask, RefineTask, Training, train

PAPER = PosePriorConfig(representation="axis_angle", frame="parent", corrections=0, mirrored=False)
NOTHING = PoseLoss(local=0.0, world=0.0, points=0.0, aligned=0.0)
MATRICES = replace(NOTHING, local=1.0)
VERTICES = 6889  # the squared distances are summed over the surface, as the paper's are; a sample stands for it
ROWS = {
    "axis-angle": (PAPER, replace(NOTHING, axis_angle=1.0), None),
    "rotation matrices": (PAPER, MATRICES, None),
    "matrices + per-vertex": (PAPER, MATRICES, replace(MATRICES, squared_points=float(VERTICES))),
    "anchorfit's": (PosePriorConfig(), PoseLoss(), None),
}
LATER_FROM = 0.4  # of the steps
SHIFTED = ("13", "14")
REFINED = ("matrices + per-vertex", "anchorfit's")


class TwoPhases(PoseTask):
    """A task whose loss changes on the way."""

    later: PoseLoss | None = None
    later_from: int = 0

    def loss(self, model: nn.Module, step: int, rows: slice, batch_size: int) -> Tensor:
        if self.later is not None and step == self.later_from:
            self.weights = self.later
        return super().loss(model, step, rows, batch_size)


def trained(task: PoseTask | RefineTask, training: Training) -> PosePrior:
    """The network after a run whose files are thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        train(task, Path(folder), training)
    return task.model.eval()


def errors(body: BodyModel, network: PosePrior, people: SyntheticSet) -> dict[str, float]:
    """Mean per-vertex, joint and reconstruction errors, millimetres."""
    params = predict_params(people.observations, body, networks=Networks(pose=network)).params
    return {name: float(value.mean()) for name, value in body_errors(body, params, people.params)._asdict().items()}


def shifted_people(body: BodyModel, count: int) -> tuple[SyntheticSet, SyntheticSet]:
    """Noisy people of the shifted subjects: of every other take to refine on, of the rest to test on."""
    library = load_pose_library(split="heldout")
    own = np.isin(library.subjects, SHIFTED)
    takes = {take: number for number, take in enumerate(np.unique(library.takes[own]))}
    odd = np.array([takes.get(take, 0) % 2 == 1 for take in library.takes])
    annotated, tested = (library.poses[own & part].numpy() for part in (odd, ~odd))
    return make_people(body, annotated, count, seed=31), make_people(body, tested, 1000, seed=32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--refine-steps", type=int, default=300)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--output", type=Path, default=Path("table1.jsonl"), help="a line a result; lines there are kept"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    body = load_body()
    library = load_pose_library(split="heldout")
    chosen = np.random.default_rng(20).choice(len(library), 4000, p=library.subject_balanced_weights(300).numpy())
    clean = SyntheticConfig(noise=0.0, outliers=0.0, missing=0.0, hips_up=0.0, hips_out=0.0)
    tests = {
        name: make_people(body, library.poses[chosen].numpy(), 1000, seed=20, config=config)
        for name, config in (("clean", clean), ("noisy", SyntheticConfig()))
    }
    annotated, shifted = shifted_people(body, 4000)
    target = Annotated(
        annotated.observations.keypoints, annotated.observations.confidence, annotated.observations.intrinsics
    )
    done = [json.loads(line) for line in args.output.read_text().splitlines()] if args.output.is_file() else []

    setting = {"steps": args.steps, "refine_steps": args.refine_steps, "width": args.width}
    done = [line for line in done if {key: line.get(key) for key in setting} == setting]

    def measured(seed: int, row: str, people: str, network: PosePrior, truth: SyntheticSet) -> dict[str, object]:
        line: dict[str, object] = {"seed": seed, "row": row, "people": people, **setting}
        line |= {name: round(value, 1) for name, value in errors(body, network, truth).items()}
        print(line, flush=True)
        return line

    for seed in args.seeds:
        for row, (network, first, later) in ROWS.items():
            if any(line["seed"] == seed and line["row"] == row for line in done):
                continue
            lines = []
            task = TwoPhases(body, network=replace(network, width=args.width), weights=first, seed=seed)
            task.later, task.later_from = later, int(LATER_FROM * args.steps)
            rate = 1e-3
            model = trained(task, Training(steps=args.steps, learning_rate=rate, seed=seed))
            if row in REFINED:
                lines.append(measured(seed, f"{row}, before refinement", "13 and 14", model, shifted))
                refined = RefineTask(task, copy.deepcopy(model).train(), target, seed=seed)
                after = trained(refined, Training(steps=args.refine_steps, learning_rate=rate / 4, seed=seed))
                lines.append(measured(seed, f"{row}, refined", "13 and 14", after, shifted))
            lines += [measured(seed, row, name, model, truth) for name, truth in tests.items()]
            with args.output.open("a") as file:  # all lines of a row at once: a killed run begins it anew
                file.write("".join(json.dumps(line) + "\n" for line in lines))
            done += lines
    print_table(done)


def print_table(done: list[dict[str, object]]) -> None:
    """Means and standard deviations over seeds, as Markdown."""
    print("| row | people | per-vertex | joints | reconstruction |\n|---|---|---|---|---|")
    for row, people in dict.fromkeys((line["row"], line["people"]) for line in done):
        lines = [line for line in done if (line["row"], line["people"]) == (row, people)]
        cells = []
        for key in ("surface_mm", "joints_mm", "reconstruction_mm"):
            values = np.array([line[key] for line in lines], dtype=float)
            cells.append(f"{values.mean():.1f} ± {values.std():.1f}")
        print(f"| {row} | {people} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
