"""Detectors by name. None is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from .protocol import Detector
from .search import Search

INSTALL = "pip install 'anchorfit[detect]'"


def load_detector(name: str = "auto", *, model: str | Path | None = None, search: Search | None = None) -> Detector:
    """A detector, ready to look at pictures.

    Args:
        name: one of `DETECTORS`, or "auto": the first of them that is installed.
        model: a file with networks, for detectors that take one (MediaPipe's ``.task``).
        search: how thoroughly to look; None for the default.
    Raises:
        ImportError: it is not installed, or "auto" finds none; one line with the command that installs it.
        FileNotFoundError, ValueError: no such detector, or a model that is missing or damaged.
    """
    if name == "auto":
        there = installed_detectors()
        if not there:
            raise ImportError(f"no detector of people is installed: {INSTALL} brings mediapipe; or give keypoints")
        name = there[0]
    if name not in DETECTORS:
        raise ValueError(f"detector: expected auto, {', '.join(DETECTORS)}; got {name!r}")
    if find_spec(name) is None:
        raise ImportError(f"the detector {name} is not installed: {INSTALL}")
    return DETECTORS[name](None if model is None else Path(model), search or Search())


def installed_detectors() -> tuple[str, ...]:
    """Those that can be imported, best first; nothing is imported to find out."""
    return tuple(name for name in DETECTORS if find_spec(name) is not None)


def _mediapipe(model: Path | None, search: Search) -> Detector:
    if model is not None:
        from .mediapipe_tasks import MediapipeTask

        return MediapipeTask(model, search)
    if not _carries_networks():
        from importlib.metadata import version

        raise ValueError(
            f"mediapipe {version('mediapipe')} carries no networks: give a .task file of its pose landmarker with "
            f"--detector-model, or take the release that does: {INSTALL}"
        )
    from .mediapipe_graph import MediapipeNetworks

    return MediapipeNetworks(search)


def _carries_networks() -> bool:
    """Whether the installed wheel is one of those with networks inside (up to 0.10.21)."""
    spec = find_spec("mediapipe")
    folders = [] if spec is None else spec.submodule_search_locations or []
    return any((Path(f) / "modules/pose_landmark/pose_landmark_full.tflite").is_file() for f in folders)


DETECTORS: dict[str, Callable[[Path | None, Search], Detector]] = {"mediapipe": _mediapipe}
"""Name (also the package's) -> what makes one; the best first."""
