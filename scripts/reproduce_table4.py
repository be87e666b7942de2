"""Table 4 of Pavlakos et al. 2018: reconstruction error on Human3.6M, with the older systems beside it.

    python scripts/reproduce_table4.py ROOT [--body SMPL_NEUTRAL.pkl] [--joint-regressor FILE] [--output FOLDER]

ROOT holds Human3.6M, as SPIN's npz or as its own files; FILE is J_regressor_h36m.npy, without which the body's own
joints are compared. The same as `anchorfit benchmark table4`; a killed run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anchorfit.cli.benchmark_sets import set_command
from anchorfit.evaluation.benchmarks import benchmark_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--body", default="open")
    parser.add_argument("--joint-regressor", type=Path)
    parser.add_argument("--variants", default="direct,smplify,anchored,ramakrishna,akhter-black,zhou,forest")
    parser.add_argument("--output", type=Path, default=Path("table4"))
    args = parser.parse_args()
    table4 = set_command(benchmark_of("h36m"))
    table4(
        root=args.root, output=args.output, body=args.body, joint_regressor=args.joint_regressor, variants=args.variants
    )


if __name__ == "__main__":
    main()
