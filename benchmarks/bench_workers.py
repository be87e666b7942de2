"""Ten thousand people through `anchorfit fit` with one process and with several: seconds, processor time, same bytes.

    python benchmarks/bench_workers.py --people 10000 --workers 2 --pairs 3

The commands take turns; of each the least wall clock counts, since on a busy machine it measures the neighbours. What
neighbours do not change is processor time, which is read of every process of a run until it ends: of the command
itself before and after it hands out its first people, of the server that loads PyTorch for the workers, and of the
workers. From it comes the time on idle cores: what the command does alone, plus the workers' share of theirs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench_folder import COMMAND, write_people

TICK = os.sysconf("SC_CLK_TCK")
EVERY_S = 0.02


class Run(NamedTuple):
    """One command: wall seconds, processor seconds by process (the command first), and the bytes that it wrote."""

    wall: float
    cpu: list[float]
    before: float  # processor seconds of the command until a worker was there
    digest: str


def processor_seconds(pid: int) -> float | None:
    """Of a process that is there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICK


def descendants(pid: int) -> list[int]:
    """Processes below one, and itself."""
    found = [pid]
    for one in found:
        try:
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except OSError:
            continue
    return found


def run(people: Path, workers: int, out: Path) -> Run:
    """The command once."""
    start = time.monotonic()
    command = [*COMMAND, str(people), "-o", str(out), *(["--workers", str(workers)] if workers > 1 else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent: dict[int, float] = {}
    before = 0.0
    while process.poll() is None:
        for pid in descendants(process.pid):
            seconds = processor_seconds(pid)
            if seconds is not None:
                spent[pid] = seconds
        if not (out / ".anchorfit.jsonl").exists():
            before = spent.get(process.pid, 0.0)
        time.sleep(EVERY_S)
    wall = time.monotonic() - start
    if process.returncode:
        raise RuntimeError(f"the command failed ({process.returncode})")
    names = sorted(path for path in out.iterdir() if path.suffix in (".jsonl", ".npz") and path.name[0] != ".")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in names)).hexdigest()
    return Run(wall, [spent.pop(process.pid), *spent.values()], before, digest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    runs: dict[int, list[Run]] = {1: [], args.workers: []}
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people.json"
        write_people(people, args.people)
        for pair in range(args.pairs):
            for workers, found in runs.items():
                found.append(run(people, workers, Path(folder) / f"{workers}-{pair}"))
                shown = " + ".join(f"{seconds:.2f}" for seconds in found[-1].cpu if seconds > 0.05)
                print(
                    f"{workers} workers: {found[-1].wall:.2f} s; processor {shown} s, {found[-1].before:.2f} of the "
                    "first before the first people",
                    flush=True,
                )
    if len({one.digest for found in runs.values() for one in found}) > 1:
        sys.exit("the files differ")
    one, several = (min(one.wall for one in found) for found in runs.values())
    alone = min(runs[1], key=lambda run: sum(run.cpu))
    shared = min(runs[args.workers], key=lambda run: sum(run.cpu))
    below = sorted(shared.cpu[1:])[-args.workers :]
    idle = shared.before + max(below) + (shared.cpu[0] - shared.before) / args.workers
    print(f"least wall clock: {one:.2f} and {several:.2f} s, {one / several:.2f} times the throughput")
    print(f"by processor time, on idle cores: {sum(alone.cpu):.2f} and {idle:.2f} s, {sum(alone.cpu) / idle:.2f} times")


if __name__ == "__main__":
    main()
