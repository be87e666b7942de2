"""What `anchorfit adapt` does on pictures whose truth is known: a shift that it can mend, and nothing to mend.

    python scripts/measure_adaptation.py OUTPUT [--count 100] [--seeds 0 1 2] [--human2d FILE] [--kinds above same]

Synthetic pictures of people in poses of held-out subjects, with COCO annotations as a user would have them (no camera),
``above``: seen by cameras that look down by 45 to 75 degrees; ``same``: seen as those that the networks learned from.
Beside the command's own figures stand the reconstruction errors of the held-out people, which no user could know.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from anchorfit.adapting import adapt_human2d, adapt_pose_prior, gather, split_by_image
from anchorfit.adapting.human2d import Pieces
from anchorfit.body import BodyModel, load_body
from anchorfit.evaluation.body_errors import body_errors
from anchorfit.observations import Person, mask_box, write_image
from anchorfit.observations.conventions import COCO17
from anchorfit.observations.masks import mask_to_run_lengths
from anchorfit.pipeline import predict_people
from anchorfit.regressors import Networks, load_human2d_network, load_networks
from anchorfit.regressors.synthesis import shipped_poses
from anchorfit.regressors.synthesis.images import ImageSynthesis, SyntheticImages
from anchorfit.regressors.training import Training, train

SIDE, AT_ONCE = 256, 10


def make_set(folder: Path, body: BodyModel, kind: str, count: int, seed: int) -> dict[str, torch.Tensor]:
    """Pictures and ``coco.json``; the true parameters (D,) by the annotation's id."""
    folder.mkdir(parents=True, exist_ok=True)
    usual = ImageSynthesis()
    seen = replace(usual.people, variation=None)
    if kind == "above":
        seen = replace(seen, pitch_deg=(45.0, 75.0), wide_pitch=0.0)
    source = shipped_poses("heldout")
    data = SyntheticImages(body, source, replace(usual, people=seen), seed=1000 + seed)
    images, annotations, truth = [], [], {}
    for start in range(0, count, AT_ONCE):
        crops = data.batch(start, AT_ONCE)
        params, _ = data.people.placed(AT_ONCE, data.people.generator(start))  # what the batch drew first
        for row in range(AT_ONCE):
            number = start + row
            picture = (255 * crops.picture[row]).round().byte().permute(1, 2, 0).contiguous()
            write_image(folder / f"{number}.png", picture.numpy())
            images.append({"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE})
            mask = np.kron(crops.body[row].numpy() > 0.5, np.ones((4, 4), bool))
            points = crops.positions[row].double().numpy()[[data.joints.index(name) for name in COCO17]]
            inside = ((points >= 0) & (points < SIDE)).all(1)
            flags = np.column_stack((points - 0.5, np.full(len(points), 2.0))) * inside[:, None]
            annotations.append(
                {
                    "id": number,
                    "image_id": number,
                    "category_id": 1,
                    "iscrowd": 0,
                    "keypoints": flags.ravel().tolist(),
                    "bbox": mask_box(mask),
                    "segmentation": mask_to_run_lengths(mask),
                }
            )
            truth[str(number)] = params[row]
    (folder / "coco.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    return truth


def in_space(people: list[Person], body: BodyModel, networks: Networks, truth: dict[str, torch.Tensor]) -> float:
    """Mean reconstruction error, mm."""
    estimate = predict_people(people, body, networks=networks).estimate
    assert estimate is not None
    true = torch.stack([truth[name.rpartition("#")[2]] for name in estimate.names])
    return float(body_errors(body, estimate.params, true).reconstruction_mm.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--human2d", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["above", "same"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, shipped = load_body(), load_networks()
    network = load_human2d_network(args.human2d) if args.human2d else None
    for kind in args.kinds:
        for seed in args.seeds:
            folder = args.output / f"{kind}{seed}"
            truth, pieces = make_set(folder, body, kind, args.count, seed), Pieces()
            split = split_by_image(gather(folder, folder / "coco.json", visit=pieces.visit).people, 0.3, seed)
            config = Training(
                steps=200, batch_size=64, learning_rate=1e-4, warmup=20, evaluate_every=200, checkpoint_every=200
            )
            config = replace(config, seed=seed)
            posed = adapt_pose_prior(
                split, shipped, body, lambda task, run, place=folder: train(task, place / "pose_prior", run), config
            )
            both = (shipped, replace(shipped, pose=posed.network))
            before, after = (in_space(split.heldout, body, networks, truth) for networks in both)
            print(f"{kind} {seed}: {posed.verdict.line}", *map(str, posed.figures), sep="\n  ")
            print(f"  truth: reconstruction error {before:.1f} -> {after:.1f} mm", flush=True)
            if network is not None:
                config = replace(config, steps=100, batch_size=8, evaluate_every=100, checkpoint_every=100)
                seen = adapt_human2d(
                    split, pieces, network, body, lambda task, run, at=folder: train(task, at / "human2d", run), config
                )
                print(f"  Human2D: {seen.verdict.line}", *map(str, seen.figures), sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
