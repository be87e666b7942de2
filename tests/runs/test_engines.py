"""Engines: results in order, errors as they are, and processes that do not outlive the one that started them."""

import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from anchorfit.runs.engines import Prepared, processes

SCRIPT = """
import os, sys, time
from pathlib import Path
from anchorfit.runs.engines import processes

def work(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(0.5)

if __name__ == "__main__":
    for _ in processes(2)(work, [sys.argv[1]] * 1000):
        pass
"""


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_killed_run_leaves_no_process_behind(tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (folder := tmp_path / "pids").mkdir()
    command = [sys.executable, str(tmp_path / "script.py"), str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        deadline = time.monotonic() + 100
        while not any(folder.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.1)
        parent.kill()
    workers = [int(path.name) for path in folder.iterdir()]
    assert workers
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))


def two() -> int:
    return 2


def double(state: int, task: int) -> int:
    if task == 13:
        raise ValueError("thirteen")
    return state * task


def killed(task: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_work_is_done_in_order_and_errors_come_through(workers):
    engine = processes(workers)
    assert list(engine(Prepared(two, double), iter(range(9)))) == list(range(0, 18, 2))
    with pytest.raises(ValueError, match="thirteen"):
        list(engine(Prepared(two, double), [1, 13]))


def test_a_worker_that_is_killed_is_one_line():
    with pytest.raises(OSError, match=r"a worker process was killed .* the same command goes on with what is left"):
        list(processes(2)(killed, [1, 2]))


def test_there_is_a_worker():
    with pytest.raises(ValueError, match="at least 1"):
        processes(0)


def thresholds(item: int) -> tuple[int, int, int]:
    return gc.get_threshold()


def test_workers_collect_garbage_as_seldom_as_the_command():
    (found,) = processes(2)(thresholds, [0])
    assert found[:2] == (100_000, 50)
