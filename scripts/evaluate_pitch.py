"""How well `--pitch people` tells by how much cameras look down, from those who stand alone and from all trunks.

    python scripts/evaluate_pitch.py [--scenes 300] [--split heldout] [--json FILE]

Scenes of 1 to 6 people in poses of the library, cameras of -5 to 35 degrees (`anchorfit.evaluation.pitch_scenes`), with
the keypoints of `anchorfit.evaluation.heldout_people`. Degrees that the pitch is off, percent of true pitches within
1.64 sigma (aim: 90), percent that are told further, and the same two of those; last, degrees that the trunks of those
who stand are off in the prediction.
"""

from __future__ import annotations

import argparse
import json
import math

import torch

from anchorfit.body import Gravity, load_body
from anchorfit.body.pose_library import SPLITS, load_pose_library
from anchorfit.evaluation.gauges import bends
from anchorfit.evaluation.heldout_people import CLEAN, DETECTED
from anchorfit.evaluation.pitch_scenes import KINDS, pitch_errors, pitch_scenes
from anchorfit.evaluation.synthetic import SyntheticConfig
from anchorfit.regressors import common_gravity, pose_people

SEED = 31
SETS = (("clean", CLEAN, None), ("noisy", SyntheticConfig(), None), ("detected", CLEAN, DETECTED))


def _rounded(value: float, digits: int) -> float | None:
    """None for NaN, which JSON has not."""
    return None if math.isnan(value) else round(value, digits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=300, help="of each kind and number of people")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 2, 3, 4, 6])
    parser.add_argument("--split", choices=SPLITS, default="heldout")
    parser.add_argument("--json", help="write the table here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, library, table = load_body(), load_pose_library(split=args.split), []
    for name, config, noise in SETS:
        for kind in KINDS:
            for count in args.people:
                seen = pitch_scenes(body, library, args.scenes, count, kind=kind, seed=SEED, config=config, noise=noise)
                posed = pose_people(seen.observations, body)
                lean, trunks = posed.leans()
                stands = lean.certainty > 0.5
                told = {
                    "usual": Gravity.usual(len(seen.scenes)),
                    "who stand": common_gravity(lean, seen.scenes),
                    "all": common_gravity(lean, seen.scenes, trunks),
                }
                for told_by, gravity in told.items():
                    line: dict[str, object] = {"keypoints": name, "scenes": kind, "people": count, "told by": told_by}
                    line |= {key: _rounded(value, 1) for key, value in pitch_errors(gravity, seen)._asdict().items()}
                    off = bends(body, posed.placed(gravity).params, seen.params).lean[stands]
                    line["standing_lean_deg"] = _rounded(float(off.mean()), 2)
                    table.append(line)
                    print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"seed": SEED, "split": args.split, "table": table}, file, indent=1)


if __name__ == "__main__":
    main()
