"""Table 5 of Pavlakos et al. 2018: segmentation on LSP's test images.

    python scripts/reproduce_table5.py ROOT [--output FOLDER] [--body SMPL_NEUTRAL.pkl]

ROOT holds upi-s1h's data/lsp, LSP's joints.mat and SMPLify's est_joints.npz (docs/evaluation.md). The same as
`anchorfit benchmark lsp`; a killed run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anchorfit.cli.benchmark_sets import set_command
from anchorfit.evaluation.benchmarks import benchmark_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--output", type=Path, default=Path("table5"))
    parser.add_argument("--body", default="open")
    args = parser.parse_args()
    table5 = set_command(benchmark_of("lsp"))
    table5(root=args.root, output=args.output, body=args.body)


if __name__ == "__main__":
    main()
