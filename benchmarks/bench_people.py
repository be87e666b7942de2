"""From people to bodies as users run it: `fit_people`, `predict_people` and the command on a COCO file.

    python benchmarks/bench_people.py --json people.json                 # one person, 64, 256, and a file of 10,000
    python benchmarks/bench_people.py --against v1.4 --pairs 5           # the same of another commit, side by side

Everything of a call counts: checking people, cameras, prediction, fit, diagnostics; of the command also its start,
reading and writing. Times are processor time of one thread: on a busy machine the wall clock measures the neighbours.
Every measurement is a process of its own; with ``--against`` the other commit lies in a temporary worktree, both get
the same people, and the processes take turns. A ratio is the median over the pairs, this tree to the other commit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

SEED = 8
SINGLE = 8  # different people that one person alone is measured on
HERE = Path(__file__).resolve().parents[1]


def measure_calls(people_file: Path, batches: list[int], repeats: int) -> list[dict[str, Any]]:
    """In a process of its own: processor milliseconds a person of each call, medians."""
    import anchorfit
    from anchorfit.observations import read_people

    torch.set_num_threads(1)
    body, everybody = anchorfit.load_body(), list(read_people(people_file))
    rows = []
    for name in ("fit_people", "predict_people"):
        run = getattr(anchorfit, name)
        for batch in batches:
            groups = [everybody[i : i + batch] for i in range(SINGLE)] if batch == 1 else [everybody[:batch]]
            estimates = [run(group, body).estimate for group in groups]  # warm-up
            times = []
            for _ in range(repeats):
                start = time.process_time()
                for group in groups:
                    run(group, body)
                times.append(1000 * (time.process_time() - start) / len(groups) / batch)
            found = [estimate.diagnostics for estimate in estimates]
            errors = torch.cat([one.reprojection_px for one in found])
            rows.append(
                {
                    "what": name,
                    "people": batch,
                    "cpu_ms": statistics.median(times),
                    "reprojection_px": float(errors.nanmean(1).median()),
                    "converged": float(torch.cat([one.converged for one in found]).float().mean()),
                }
            )
    return rows


def measure_command(tree: Path, people_file: Path, count: int) -> dict[str, Any]:
    """`anchorfit fit` of the tree on the file: processor milliseconds a person and the peak of the memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "from anchorfit.cli.main import run; run()", "fit", str(people_file)]
        process = subprocess.Popen(
            [*command, "-o", f"{folder}/out"],
            cwd=folder,  # where no other anchorfit lies: -c looks there first
            env=environment(tree),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise RuntimeError(f"{tree}: anchorfit fit {people_file} failed")
        index = [json.loads(line) for line in Path(folder, "out", "index.jsonl").read_bytes().splitlines()]
    fitted = [record for record in index if record["status"] == "fitted"]
    return {
        "what": "anchorfit fit",
        "people": count,
        "cpu_ms": 1000 * (usage.ru_utime + usage.ru_stime) / count,
        "reprojection_px": statistics.median(record["error_px"] for record in fitted),
        "converged": statistics.mean(record["converged"] for record in fitted),
        "peak_mb": usage.ru_maxrss / 1024,
    }


def measure(tree: Path, folder: Path, batches: list[int], repeats: int, count: int) -> list[dict[str, Any]]:
    """Everything once, with the code of a tree, in processes of their own."""
    command = [sys.executable, __file__, "--calls", str(folder / "few.json"), "--repeats", str(repeats)]
    command += ["--batches", *map(str, batches)]
    calls = subprocess.run(command, env=environment(tree), check=True, capture_output=True, text=True).stdout
    rows: list[dict[str, Any]] = json.loads(calls)
    return [*rows, measure_command(tree, folder / "many.json", count)] if count else rows


def environment(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """Another commit of this repository in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "-C", HERE, "worktree", "add", "--quiet", "--detach", tree, commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "-C", HERE, "worktree", "remove", "--force", tree], check=True)


def write_files(folder: Path, batches: list[int], count: int) -> None:
    from bench_folder import write_people

    write_people(folder / "few.json", max(*batches, SINGLE))
    if count:
        write_people(folder / "many.json", count)


def summarise(ours: list[list[dict[str, Any]]], theirs: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Medians over the runs of a tree; the other commit's beside them, and the median of the pairs' ratios."""
    table = []
    for place, first in enumerate(ours[0]):
        here = [run[place] for run in ours]
        row = {**first, "cpu_ms": statistics.median(one["cpu_ms"] for one in here)}
        line = f"{row['what']:15s} {row['people']:6d} people: {row['cpu_ms']:8.2f} ms a person"
        if theirs:
            there = [run[place] for run in theirs]
            ratios = [one["cpu_ms"] / other["cpu_ms"] for one, other in zip(here, there, strict=True)]
            row["against"] = {**there[0], "cpu_ms": statistics.median(one["cpu_ms"] for one in there)}
            row |= {"ratio": statistics.median(ratios), "ratios": ratios}
            line += f", before {row['against']['cpu_ms']:8.2f}, ratio {row['ratio']:.2f} "
            line += f"({min(ratios):.2f} to {max(ratios):.2f})"
        line += f"  reprojection, median {row['reprojection_px']:.2f} px"
        line += f" (before {row['against']['reprojection_px']:.2f})" if theirs else ""
        line += f"  converged {row['converged']:.3f}"
        if "peak_mb" in row:
            line += f"  peak {row['peak_mb']:.0f} MB"
            line += f" (before {row['against']['peak_mb']:.0f})" if theirs else ""
        print(line, flush=True)
        table.append(row)
    return table


def commit_of(tree: Path) -> str:
    found = subprocess.run(["git", "-C", tree, "rev-parse", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64, 256])
    parser.add_argument("--file", type=int, default=10_000, help="people of the COCO file; 0 leaves the command out")
    parser.add_argument("--against", help="another commit, measured in turns with this tree")
    parser.add_argument("--pairs", type=int, default=3, help="runs of each")
    parser.add_argument("--repeats", type=int, default=3, help="of each call in a run")
    parser.add_argument("--json", help="write the table here")
    parser.add_argument("--calls", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.calls:
        print(json.dumps(measure_calls(args.calls, args.batches, args.repeats)))
        return
    ours: list[list[dict[str, Any]]] = []
    theirs: list[list[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, args.batches, args.file)
        options = (folder, args.batches, args.repeats, args.file)
        if args.against:
            with worktree(args.against) as other:
                against = commit_of(other)
                for _ in range(args.pairs):
                    ours.append(measure(HERE, *options))
                    theirs.append(measure(other, *options))
        else:
            against = None
            ours += [measure(HERE, *options) for _ in range(args.pairs)]
    table = summarise(ours, theirs)
    if args.json:
        record = {
            "commit": commit_of(HERE),
            "against": against,
            "pairs": args.pairs,
            "threads": 1,
            "machine": platform.processor() or platform.machine(),
            "torch": torch.__version__,
            "seed": SEED,
            "table": table,
        }
        Path(args.json).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
