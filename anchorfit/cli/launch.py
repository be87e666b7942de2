"""The run that ``anchorfit fit`` and ``predict`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import options as opt
from .console import Terminal
from .people import print_summary

if TYPE_CHECKING:
    from ..pictures import OverlayLook
    from ..runs import EngineOptions, RunOptions


def launch(
    images: Sequence[Path],
    output: Path,
    options: RunOptions,
    engine: EngineOptions,
    *,
    save: str | None,
    report: bool,
    restart: bool,
    look: OverlayLook,
    device: str,
) -> None:
    """`anchorfit.run`, told on the terminal."""
    from ..observations.videos import is_video_path
    from ..runs import run

    with opt.usage_errors():
        summary = run(
            images, output, options, save=save, report=report, restart=restart, engine=engine, look=look,
            device=device, listener=Terminal(),
        )  # fmt: skip
    print_summary(summary, film=len(images) == 1 and is_video_path(images[0]))
