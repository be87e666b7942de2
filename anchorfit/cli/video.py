"""The overlay video of ``anchorfit fit`` and ``predict``."""

from __future__ import annotations

from pathlib import Path

from ..body import BodyModel
from ..films import PLAYED_BY, draw_film
from ..observations.videos import probe_video
from ..pictures import OverlayLook
from ..results import load_estimates
from .console import long_run, out


def write_overlay_video(folder: Path, path: Path, body: BodyModel, look: OverlayLook = OverlayLook()) -> None:
    """``overlay.webm``, or ``overlay.mp4``, and a line that says what plays it.

    Args:
        folder: of a run whose people's estimates are there as ``person-*.npz``; the film goes there, too.
        path: the video.
        body: the body that the estimates were made with.
        look: how bodies are drawn.
    """
    estimate = load_estimates(sorted(folder.glob("person-*.npz")))
    with long_run("drawing", probe_video(path).length) as advance:
        film = draw_film(folder / "overlay", estimate, path, body, look, advance)
    out.print(f"{film} is played by {PLAYED_BY[film.suffix]}.", soft_wrap=True, highlight=False, markup=False)
