"""How surely adults and children are told apart by the proportions of their keypoints: what `--age auto` would rest on.

    python scripts/measure_ages.py [--count 48000] [--json FILE]     # seven minutes on one core

Synthetic people are predicted with the adult's body and with the child's. Two judges look at them: ``residuals``, the
ratio of both predictions' distances from the keypoints; and ``head``, a network of two layers, trained on people in
poses of training subjects (as PosePrior is), that sees how long each bone came out along and across the predicted one,
for both bodies, and which joints were seen. Adults of all three open bodies and children of 2 to 12 years, in poses of
held-out subjects and by the keypoints of `evaluation/heldout_people.py`. Printed: the area under the curve, and the
share of children that are found where one noisy adult in a hundred, or in a thousand, is taken for a child.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from anchorfit.body import CANONICAL_JOINTS, BodyModel, compile_points, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.evaluation.heldout_people import KEYPOINTS, SEED, balanced_poses, people_with_keypoints
from anchorfit.observations.people import Observations
from anchorfit.regressors import predict_params
from anchorfit.regressors.synthesis import Synthesis
from anchorfit.regressors.synthesis.people import Synthesizer
from anchorfit.regressors.synthesis.poses import shipped_poses

_SIDES = ("left", "right")
_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip"))
_HEAD = (("eye", "ear"), ("ear", "shoulder"))
BONES = [(f"{side}_{a}", f"{side}_{b}") for side in _SIDES for a, b in (*_LIMBS, *_HEAD)]
BONES += [("nose", f"{side}_{kind}") for side in _SIDES for kind in ("eye", "shoulder")]
BONES += [(f"left_{kind}", f"right_{kind}") for kind in ("eye", "ear", "shoulder", "hip")]
ENDS = [[CANONICAL_JOINTS.index(bone[end]) for bone in BONES] for end in (0, 1)]
YOUNG = 1.15  # metres: as tall as at six years
BATCH = 500


def clues(seen: Observations, bodies: tuple[BodyModel, BodyModel]) -> Tensor:
    """(B, F) what the judges see; the first number is the logarithm of the ratio of both residuals."""
    known = (seen.confidence > 0).to(seen.keypoints)
    count = known.sum(1, keepdim=True).clamp_min(1)
    middle = (seen.keypoints * known[..., None]).sum(1, keepdim=True) / count[..., None]
    size = ((seen.keypoints - middle).square().sum(-1) * known).sum(1, keepdim=True).div(count).sqrt().clamp_min(1e-6)
    both = known[:, ENDS[0]] * known[:, ENDS[1]]
    bones = (seen.keypoints[:, ENDS[1]] - seen.keypoints[:, ENDS[0]]) / size[..., None] * both[..., None]
    found, residuals = [both, seen.confidence], []
    for body in bodies:
        pixels = project(compile_points(body).points(predict_params(seen, body).params), seen.intrinsics)
        off = (pixels - seen.keypoints).norm(dim=-1) * known / size
        own = (pixels[:, ENDS[1]] - pixels[:, ENDS[0]]) / size[..., None]
        length = own.norm(dim=-1)
        along = own / length[..., None].clamp_min(1e-6)
        longer = (bones * along).sum(-1) - length * both
        across = bones[..., 0] * along[..., 1] - bones[..., 1] * along[..., 0]
        residuals.append(off.sum(1, keepdim=True) / count)
        found += [longer, across, length, off, residuals[-1]]
    odds = (residuals[0] / residuals[1].clamp_min(1e-6)).clamp_min(1e-6).log()
    return torch.cat((odds, *found), 1).clamp(-5, 5)


def training_people(bodies: dict[str, BodyModel], count: int) -> Iterator[tuple[Observations, float]]:
    """Batches of ``count`` adults and as many children, and 1 for children."""
    source = shipped_poses("train")
    for number, (name, body) in enumerate(bodies.items()):
        made = Synthesizer(body, source, Synthesis.photographed(), seed=100 + number)
        for step in range(count // BATCH // (1 if name == "child" else len(bodies) - 1)):
            people = made.people(step, BATCH)
            seen = Observations(
                keypoints=people.keypoints,
                confidence=people.confidence,
                intrinsics=people.intrinsics,
                image_size=torch.tensor([[640, 480]]).expand(BATCH, 2),
                names=tuple(str(row) for row in range(BATCH)),
            )
            yield seen, float(name == "child")


def trained(inputs: Tensor, child: Tensor, epochs: int = 8, batch: int = 512) -> nn.Module:
    """The head, its input normalised."""
    torch.manual_seed(0)
    spread, mean = torch.std_mean(inputs, 0)
    net = nn.Sequential(
        nn.Linear(inputs.shape[1], 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 1),
    )
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-2)
    steps = epochs * (len(inputs) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        for some in torch.randperm(len(inputs)).split(batch)[: len(inputs) // batch]:
            answer = net((inputs[some] - mean) / spread.clamp_min(1e-3))[:, 0]
            loss = nn.functional.binary_cross_entropy_with_logits(answer, child[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    first = nn.Linear(inputs.shape[1], 256)
    with torch.no_grad():  # the normalisation goes into the first layer
        first.weight.copy_(net[0].weight / spread.clamp_min(1e-3))
        first.bias.copy_(net[0].bias - first.weight @ mean)
    net[0] = first
    return net.eval()


def statures(body: BodyModel, params: Tensor) -> Tensor:
    """(B,) metres, standing."""
    heights = body(betas=body.layout.split(params).betas).vertices[..., 1]
    return heights.amax(1) - heights.amin(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=48000, help="of adults, and of children, to train on")
    parser.add_argument("--people", type=int, default=1500, help="of each body, in each set, to measure on")
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    bodies = {gender: load_body(gender=gender) for gender in ("neutral", "male", "female")}
    bodies["child"] = load_body(age="child")
    pair = bodies["neutral"], bodies["child"]
    parts = [(clues(seen, pair), child) for seen, child in training_people(bodies, args.count)]
    head = trained(
        torch.cat([found for found, _ in parts]), torch.cat([torch.full((len(f),), child) for f, child in parts])
    )
    poses = balanced_poses(load_pose_library(split="heldout"))
    scores: dict[tuple[str, str, str], list[Tensor]] = {}
    tall: dict[str, Tensor] = {}
    for name in KEYPOINTS:
        for label, body in bodies.items():
            people = people_with_keypoints(body, poses, args.people, name)
            found = clues(people.observations, pair)
            who = "children" if label == "child" else "adults"
            if label == "child":
                tall[name] = statures(body, people.params)
            with torch.no_grad():
                scores.setdefault((name, who, "head"), []).append(head(found)[:, 0])
            scores.setdefault((name, who, "residuals"), []).append(found[:, 0])
    table = []
    joined = {key: torch.cat(some) for key, some in scores.items()}
    for judge in ("residuals", "head"):
        limits = {share: joined["noisy", "adults", judge].quantile(1 - share) for share in (0.01, 0.001)}
        for name in KEYPOINTS:
            adults, children = joined[name, "adults", judge], joined[name, "children", judge]
            line: dict[str, object] = {"judge": judge, "keypoints": name}
            line["area"] = round(float((children[:, None] > adults).double().mean()), 3)
            for share, limit in limits.items():
                beyond = children > limit
                numbers = {"adults": (adults > limit), "children": beyond, "young": beyond[tall[name] < YOUNG]}
                line |= {f"{key}_at_{share}": round(100 * float(v.double().mean()), 2) for key, v in numbers.items()}
            table.append(line)
            print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"seed": SEED, "count": args.count, "torch": torch.__version__, "table": table}, file, indent=1)


if __name__ == "__main__":
    main()
