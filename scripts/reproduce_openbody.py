"""The table of docs/results.md on openbody; with ``--baselines`` that of docs/baselines.md.

    python scripts/reproduce_openbody.py [--output FOLDER] [--count 300] [--baselines]

The same as `anchorfit benchmark openbody` with these settings; a killed run goes on. The baselines are trained first
(ten minutes on one idle core); they need `pip install "./baselines[forests]"`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import typer

from anchorfit.cli.benchmark_sets import set_command
from anchorfit.evaluation.benchmarks import benchmark_of
from anchorfit.evaluation.methods import BASELINES

VARIANTS = ("direct", "smplify", "anchored", "smplify-on-gt", "direct+masks", "anchored+masks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("openbody"))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--baselines", action="store_true")
    args = parser.parse_args()
    variants = (*VARIANTS[:3], *BASELINES) if args.baselines else VARIANTS
    try:
        openbody = set_command(benchmark_of("openbody"))
        openbody(output=args.output, count=args.count, variants=",".join(variants), seed=2018, workers=1, cases=True)
    except typer.BadParameter as error:
        parser.error(error.message)


if __name__ == "__main__":
    main()
