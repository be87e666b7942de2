"""The run that ``anchorfit fit`` and ``predict`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..looks import OverlayLook
from ..runs.engines import EngineOptions
from ..runs.options import RunOptions
from .console import Terminal
from .options import Writing
from .people import print_summary


def launch(
    images: Sequence[Path],
    output: Path,
    options: RunOptions,
    writing: Writing,
    engine: EngineOptions,
    look: OverlayLook,
    device: str,
) -> None:
    """`anchorfit.run`, told on the terminal."""
    engine.check(device)
    engine.warm_up()
    options.check()
    from ..observations.videos import is_video_path  # which takes a second: the options have been looked at
    from ..runs import run

    summary = run(
        images, output, options, save=writing.save, report=writing.report, restart=writing.restart, engine=engine,
        look=look, device=device, listener=Terminal(),
    )  # fmt: skip
    print_summary(summary, film=len(images) == 1 and is_video_path(images[0]))
