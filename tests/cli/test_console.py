"""What a long run says where there is no terminal."""

import io
import itertools
import re
import time
from pathlib import Path

from rich.console import Console

from anchorfit.cli import console


def test_a_long_run_says_now_and_then_how_far_it_is(monkeypatch):
    said = io.StringIO()
    clock = itertools.count(0, 20)  # seconds: each look at the clock is 20 later
    monkeypatch.setattr(console, "err", Console(file=said))
    monkeypatch.setattr("anchorfit.cli.console.time.monotonic", lambda: next(clock))
    with console.long_run("running", 10, before=2) as done:
        for number in (2, 1, 1, 1):
            done(number)
    lines = said.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == ["anchorfit: running: 3 of 10", "anchorfit: running: 5 of 10"]
    assert all(line.endswith("left") for line in lines)


def test_a_long_run_says_so_even_where_nothing_is_done(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=said))
    monkeypatch.setattr(console, "EVERY_S", 0.02)
    with console.long_run("drawing", 10):
        time.sleep(0.2)
    assert said.getvalue().startswith("anchorfit: drawing: 0 of 10, 0.0 a second, unknown left\n")


def test_every_phase_says_what_is_counted():
    """ "fitting people: 3 of 10", not "fitting: 3 of 10"."""
    root = Path(console.__file__).parents[1]
    named = {name for path in root.rglob("*.py") for name in re.findall(r'phase\("([^"]+)"', path.read_text("utf-8"))}
    assert {"fitting people", "drawing frames"} <= named
    assert all(" " in name for name in named), named
