"""The table of docs/results.md on openbody: every method, 1,000 people, one thread.

    python scripts/reproduce_openbody.py [--output FOLDER] [--count 1000] [--variants NAMES]

The same as `anchorfit benchmark openbody` with these settings; a killed run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anchorfit.cli.benchmark import openbody

VARIANTS = "direct,smplify,anchored,smplify-on-gt,direct+masks,smplify+masks,anchored+masks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("openbody"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--variants", default=VARIANTS)
    args = parser.parse_args()
    openbody(output=args.output, count=args.count, variants=args.variants, seed=2018, workers=1, cases=True)


if __name__ == "__main__":
    main()
