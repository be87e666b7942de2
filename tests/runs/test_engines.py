"""Processes do not outlive the one that started them."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

SCRIPT = """
import os, sys, time
from pathlib import Path
from anchorfit.evaluation.workers import map_over_processes

def prepare():
    return None

def work(state, folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(0.5)

if __name__ == "__main__":
    for _ in map_over_processes(prepare, work, [sys.argv[1]] * 1000, workers=2):
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
