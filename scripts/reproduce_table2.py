"""Table 2 of Pavlakos et al. 2018: surfaces on UP-3D, its parts, and the reduced set.

    python scripts/reproduce_table2.py ROOT --body SMPL_NEUTRAL.pkl [--reduced LIST --landmarks FILE] [--output FOLDER]

ROOT holds UP-3D; LIST and FILE are told of in docs/evaluation.md. The same as `anchorfit benchmark table2`; a killed
run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anchorfit.cli.benchmark_sets import set_command
from anchorfit.evaluation.benchmarks import benchmark_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--body", required=True)
    parser.add_argument("--reduced", type=Path)
    parser.add_argument("--landmarks", type=Path)
    parser.add_argument("--output", type=Path, default=Path("table2"))
    args = parser.parse_args()
    table2 = set_command(benchmark_of("up3d"))
    table2(root=args.root, output=args.output, body=args.body, reduced=args.reduced, landmarks=args.landmarks)


if __name__ == "__main__":
    main()
