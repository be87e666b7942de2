"""The overlay video of a run."""

from __future__ import annotations

from pathlib import Path

from ..body import BodyModel
from ..films import PLAYED_BY, draw_film
from ..looks import OverlayLook
from ..many_estimates import load_estimates
from ..observations.videos import probe_video
from .listening import Listener

OVERLAY = "overlay"
OVERLAY_VIDEOS = ("overlay.webm", "overlay.mp4")  # by what can be written here


def write_overlay_video(
    folder: Path, path: Path, body: BodyModel, look: OverlayLook = OverlayLook(), listener: Listener = Listener()
) -> Path:
    """``overlay.webm``, or ``overlay.mp4``: the video with all bodies drawn on it.

    Args:
        folder: of a run whose index says where its people's estimates are; the film goes there, too.
        path: the video.
        body: the body that the estimates were made with.
        look: how bodies are drawn.
        listener: told how far it is, and what plays the film.
    Returns:
        The film's path.
    """
    with listener.phase("drawing frames", probe_video(path).length) as advance:
        film = draw_film(folder / OVERLAY, load_estimates([folder]), path, body, look, advance)
    listener.say(f"{film} is played by {PLAYED_BY[film.suffix]}.")
    return film
