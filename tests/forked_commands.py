"""Commands of one interpreter started anew: each is a fork of it, made before anything of this package is imported.

A start of Python that imports torch takes two seconds, most of them torch's; here it is paid once for all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FORKS = """
import atexit, gc, json, os, sys
import torch, trimesh

folder, start, commands = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
assert not any(name.partition(".")[0] == "anchorfit" for name in sys.modules)
codes = {}
gc.freeze()
for name, arguments in commands.items():
    child = os.fork()
    if not child:
        for number in (1, 2):
            os.dup2(os.open(f"{folder}/{name}.{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = ["anchorfit", *arguments]
        try:
            exec(start)
        except SystemExit as end:
            code = int(end.code or 0)
        else:
            code = 0
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # taking all that torch brought apart, module by module, takes as long as a command
    codes[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(codes))
"""


def run_all(
    commands: Mapping[str, Sequence[object]],
    folder: Path,
    *,
    start: str = "from anchorfit.cli.main import run; run()",
    paths: Sequence[Path] = (),
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run commands one after the other; what each said, by the names given to them.

    Args:
        commands: arguments of ``anchorfit``, by name.
        folder: for what they print.
        start: Python that runs the command whose arguments are in ``sys.argv``.
        paths: what Python searches for modules before all else.
    """
    folder.mkdir(parents=True)
    given = json.dumps({name: [str(one) for one in arguments] for name, arguments in commands.items()})
    search = os.pathsep.join([*map(str, paths), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(folder), start, given],
        env={**os.environ, "PYTHONPATH": search, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads(done.stdout)
    said = {name: [(folder / f"{name}.{number}").read_text() for number in (1, 2)] for name in commands}
    return {name: subprocess.CompletedProcess(given, codes[name], *said[name]) for name in commands}
