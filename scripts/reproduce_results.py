"""Every table of docs/results.md and docs/baselines.md that a script makes, one after the other, into one folder.

    python scripts/reproduce_results.py [--output FOLDER] [--only NAME ...]

Each is a command of its own, printed before it runs; what it prints is kept as NAME.txt. Those of benchmarks have their
commands on the page. All take some hours on one core, most of them Table 1's trainings. The last, `baselines`, needs
`pip install "./baselines[forests]"`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TABLES = {  # in the order of the page
    "priors": ["evaluate_priors.py", "--fits"],
    "photographs": ["compare_on_photographs.py"],
    "hypotheses": ["measure_hypotheses.py"],
    "pitch": ["evaluate_pitch.py", "--scenes", "200", "--people", "1", "2", "4", "6"],
    "children": ["evaluate_children.py"],
    "ages": ["measure_ages.py"],
    "table1": ["reproduce_table1.py", "--output", "{folder}/table1.jsonl"],
    "human2d": ["evaluate_human2d.py"],
    "end2end": ["reproduce_end2end.py", "--output", "{folder}/end2end.jsonl"],
    "four_weights": ["measure_four_weights.py"],
    "openbody": ["reproduce_openbody.py", "--output", "{folder}/openbody"],
    "baselines": ["reproduce_openbody.py", "--output", "{folder}/baselines", "--baselines"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results"))
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        script, *options = (part.format(folder=args.output) for part in TABLES[name])
        print(f"python scripts/{script} {' '.join(options)}", flush=True)
        with (args.output / f"{name}.txt").open("w") as kept:
            subprocess.run([sys.executable, HERE / script, *options], stdout=kept, check=True)
        print((args.output / f"{name}.txt").read_text(), flush=True)


if __name__ == "__main__":
    main()
