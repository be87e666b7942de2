"""End-to-end refinement under a domain shift: what each choice of alternation is worth.

    python scripts/reproduce_end2end.py [--human2d FILE] [--steps 120] [--seeds 0 1 2] [--output FILE]

Human2D and the priors as they ship (or as given) are refined on synthetic pictures of another look (another lens,
light, clothing, scenery: `regressors/synthesis/other_look.py`) of held-out subjects, of which joints and silhouettes
are marked, and measured before and after on other takes of these subjects, through `predict`, with the chain's
confidences. Pictures are made once and kept beside the output. A line of results goes to the output as soon as it is
there; lines that are there already are not made again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import BodyModel, load_body
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.regressors import load_human2d_network
from anchorfit.regressors.datasets import KeptPictures, PersonCrops, load_kept
from anchorfit.regressors.end2end import EndToEnd
from anchorfit.regressors.prediction import load_networks
from anchorfit.regressors.synthesis.other_look import UnseenPart, unseen_pictures
from anchorfit.regressors.training import ALTERNATIONS, End2EndTask, Refinement, Training, train
from anchorfit.regressors.training.end2end_task import errors, predict_pictures
from anchorfit.regressors.weights import HUMAN2D

ALTERNATED = ALTERNATIONS["alternated"]
ROWS = {
    **{name: Refinement(turns=turns) for name, turns in ALTERNATIONS.items()},
    "alternated, L_Pi moves the priors alone": Refinement(turns=ALTERNATED, moves=("pose", "shape")),
}
COLUMNS = ("joints_percent", "silhouette_iou", "surface_mm", "reconstruction_mm", "pck", "mask_iou")
TITLES = ("joints, % of the crop", "silhouette IoU", "per-vertex", "reconstruction", "Human2D: PCK", "mask IoU")


def start(body: BodyModel, human2d: Path) -> EndToEnd:
    """The networks before refinement; every run has its own."""
    networks = load_networks.__wrapped__()
    return EndToEnd(load_human2d_network(human2d), networks.pose, networks.shapes[body.name], body).eval()


def kept(body: BodyModel, path: Path, count: int, part: UnseenPart, size: int) -> tuple[PersonCrops, Tensor]:
    """Pictures and the bodies in them, made where they are not there yet."""
    if not path.is_file():
        made = unseen_pictures(body, count, part=part, size=size)
        KeptPictures([made.crops]).save(path, bodies=made.bodies)
    crops, beside = load_kept(path, beside=("bodies",))
    return crops, beside["bodies"]


def measured(networks: EndToEnd, crops: PersonCrops, bodies: Tensor) -> dict[str, float]:
    """Errors in the picture and in space, rounded."""
    answered = predict_pictures(networks, crops, half=True)
    found = errors(networks, crops, answered, bodies=bodies)
    found["reconstruction_mm"] = float(body_errors(networks.body, answered.params, bodies).reconstruction_mm.mean())
    return {name: round(value, 2) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--human2d", type=Path, default=HUMAN2D, help="weights; default: the package's")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--annotated", type=int, default=600, help="pictures to refine on")
    parser.add_argument("--heldout", type=int, default=300, help="pictures to measure on")
    parser.add_argument("--size", type=int, default=256, help="pixels of the pictures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("end2end.jsonl"), help="a line a result; those there stay")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    body = load_body()
    stem = args.output.with_suffix("")
    (annotated, _), (heldout, bodies) = (
        kept(body, Path(f"{stem}_{part}_{count}_{args.size}.npz"), count, part, args.size)
        for part, count in (("annotated", args.annotated), ("heldout", args.heldout))
    )
    tested = KeptPictures([heldout]).chosen(slice(None))
    names = ("steps", "learning_rate", "batch_size", "annotated", "heldout", "size")
    setting = {name: getattr(args, name) for name in names}
    setting["human2d"] = args.human2d.name
    done = [json.loads(line) for line in args.output.read_text().splitlines()] if args.output.is_file() else []
    done = [line for line in done if {key: line.get(key) for key in setting} == setting]

    def keep(row: str, seed: int, found: dict[str, float]) -> None:
        line = {"row": row, "seed": seed, **setting, **found}
        print(line, flush=True)
        with args.output.open("a") as file:
            file.write(json.dumps(line) + "\n")
        done.append(line)

    if not any(line["row"] == "before" for line in done):
        keep("before", 0, measured(start(body, args.human2d), tested, bodies))
    training = Training(
        steps=args.steps,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        warmup=20,
        evaluate_every=args.steps,
        checkpoint_every=args.steps,
        precision="bf16-mixed",
    )
    for seed in args.seeds:
        for row, refinement in ROWS.items():
            if any((line["row"], line["seed"]) == (row, seed) for line in done):
                continue
            target = KeptPictures([annotated], seed=seed)
            few = KeptPictures([heldout]).chosen(slice(0, 1))
            networks = start(body, args.human2d)
            task = End2EndTask(networks, target, few, refinement=refinement, seed=seed)
            with tempfile.TemporaryDirectory() as folder:
                train(task, Path(folder), replace(training, seed=seed))
            keep(row, seed, measured(networks.eval(), tested, bodies))
    print_table(done)


def print_table(done: list[dict[str, object]]) -> None:
    """Means and standard deviations over seeds, as Markdown."""
    print(f"| turns | {' | '.join(TITLES)} |\n|{'---|' * (1 + len(TITLES))}")
    for row in dict.fromkeys(line["row"] for line in done):
        values = np.array([[line[key] for key in COLUMNS] for line in done if line["row"] == row], dtype=float)
        cells = [f"{mean:.1f} ± {spread:.1f}" for mean, spread in zip(values.mean(0), values.std(0), strict=True)]
        print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
