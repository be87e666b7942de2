"""Table 3 of Pavlakos et al. 2018: surfaces on SURREAL, women and men each with their own body.

    python scripts/reproduce_table3.py ROOT --female SMPL_FEMALE.pkl --male SMPL_MALE.pkl [--output FOLDER]

ROOT holds SURREAL's test videos. The same as `anchorfit benchmark table3`, once for each gender; a killed run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anchorfit.cli.benchmark_sets import set_command
from anchorfit.evaluation.benchmarks import benchmark_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--female", required=True)
    parser.add_argument("--male", required=True)
    parser.add_argument("--output", type=Path, default=Path("table3"))
    args = parser.parse_args()
    table3 = set_command(benchmark_of("surreal"))
    for gender in ("female", "male"):
        table3(root=args.root, output=args.output / gender, body=getattr(args, gender), gender=gender)


if __name__ == "__main__":
    main()
