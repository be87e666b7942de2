"""Detectors by name. None is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, cast

from .protocol import Detector
from .search import Search

INSTALL = "pip install 'anchorfit[detect]'"


def load_detector(
    name: str = "auto", *, model: str | Path | None = None, search: Search | None = None, device: str = "cpu"
) -> Detector:
    """A detector, ready to look at pictures.

    Args:
        name: one of `DETECTORS`, or "auto": the first of them that can be used.
        model: a file with networks (MediaPipe's ``.task``, Human2D's ``.safetensors``).
        search: how thoroughly to look; None for the default.
        device: of networks that run in PyTorch; MediaPipe's are on the CPU.
    Raises:
        ImportError: it is not installed; one line with the command that installs it.
        FileNotFoundError, ValueError: no such detector, or a model that is missing or damaged.
    """
    if name == "auto":
        name = installed_detectors()[0]
    if name not in DETECTORS:
        raise ValueError(f"detector: expected auto, {', '.join(DETECTORS)}; got {name!r}")
    if name not in installed_detectors():
        raise ImportError(f"the detector {name} is not installed: {INSTALL}")
    return DETECTORS[name].load(None if model is None else Path(model), search or Search(), device)


def installed_detectors() -> tuple[str, ...]:
    """Those that can be used, best first, our own Human2D always; nothing is imported to find out."""
    return tuple(name for name, kind in DETECTORS.items() if kind.package is None or find_spec(kind.package))


def _mediapipe(model: Path | None, search: Search, device: str) -> Detector:
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


def _human2d(model: Path | None, search: Search, device: str) -> Detector:
    module = import_module("anchorfit.regressors.human2d_detector")  # by name: observations know no networks
    return cast(Detector, module.load_human2d_detector(model, search, device=device))


class Kind(NamedTuple):
    """The package that a detector needs beyond our own, and what makes one."""

    package: str | None
    load: Callable[[Path | None, Search, str], Detector]


DETECTORS: dict[str, Kind] = {"mediapipe": Kind("mediapipe", _mediapipe), "human2d": Kind(None, _human2d)}
"""The best first."""
