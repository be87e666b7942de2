"""Detectors by name. None is imported before it is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from .mediapipe_package import INSTALL, check_carries_networks
from .protocol import Detector
from .search import Search

OWN = "human2d"


def load_detector(
    name: str = "auto",
    *,
    model: str | Path | None = None,
    search: Search | None = None,
    flip: bool = False,
    device: str = "cpu",
    warn: Callable[[str], object] = warnings.warn,
) -> Detector:
    """A detector, ready to look at pictures.

    Args:
        name: one of `DETECTORS`, or "auto": the one whose model or option is given, else the first that can be used.
        model: a file with networks (MediaPipe's ``.task``, Human2D's ``.safetensors``).
        search: how thoroughly to look; None for the default.
        flip: Human2D looks at everybody mirrored, too, at twice the time; no other detector does.
        device: of networks that run in PyTorch; MediaPipe's are on the CPU.
        warn: is told in one line of a detector that is installed, and would be taken, but cannot be used.
    Raises:
        ImportError: it is not installed, or cannot be used as it is; one line with what to do.
        FileNotFoundError, ValueError: no such detector, or a model that is missing, damaged or another detector's.
    """
    wanted = Wanted(None if model is None else Path(model), search or Search(), flip, device, warn)
    if name == "auto":
        name = _told(wanted)
    if name == "auto":
        return find_other(wanted.search, warn) or _own(wanted, None)
    if name not in DETECTORS:
        raise ValueError(f"detector: expected auto, {', '.join(DETECTORS)}; got {name!r}")
    if name not in installed_detectors():
        raise ImportError(f"the detector {name} is not installed: {INSTALL}")
    _check_ending(name, wanted.model)
    return DETECTORS[name].load(wanted)


def installed_detectors() -> tuple[str, ...]:
    """Those that are installed, best first, our own Human2D always; nothing is imported to find out."""
    return tuple(name for name, kind in DETECTORS.items() if kind.package is None or find_spec(kind.package))


class Wanted(NamedTuple):
    """What a detector is loaded for: as `load_detector` takes it."""

    model: Path | None = None
    search: Search = Search()
    flip: bool = False
    device: str = "cpu"
    warn: Callable[[str], object] = warnings.warn


def find_other(search: Search = Search(), warn: Callable[[str], object] = warnings.warn) -> Detector | None:
    """The best detector beside our own that can be used; of one that is installed and cannot, `warn` is told."""
    for name in installed_detectors():
        if name != OWN:
            try:
                return DETECTORS[name].load(Wanted(search=search))
            except ImportError as error:
                warn(f"the detector {name} is passed over: {error}")
    return None


def _mediapipe(wanted: Wanted) -> Detector:
    if wanted.flip:
        raise ValueError(f"flip: mediapipe looks at nobody mirrored; only {OWN} does, so leave it out or take that")
    if wanted.model is not None:
        from .mediapipe_tasks import MediapipeTask

        return MediapipeTask(wanted.model, wanted.search)
    check_carries_networks()
    from .mediapipe_graph import MediapipeNetworks

    return MediapipeNetworks(wanted.search)


def _human2d(wanted: Wanted) -> Detector:
    return _own(wanted, find_other(replace(wanted.search, masks=False), wanted.warn))


def _own(wanted: Wanted, finder: Detector | None) -> Detector:
    """Human2D in the boxes of another detector, or of whole pictures."""
    from .human2d import load_human2d_detector

    return load_human2d_detector(
        wanted.model, finder=finder, masks=wanted.search.masks, flip=wanted.flip, device=wanted.device
    )


def _told(wanted: Wanted) -> str:
    """The detector whose model or option is given; "auto" where neither is."""
    if wanted.model is None:
        return OWN if wanted.flip else "auto"
    for name, kind in DETECTORS.items():
        if wanted.model.suffix.lower() == kind.ending:
            return name
    known = " or ".join(f"{kind.ending} ({name})" for name, kind in DETECTORS.items())
    raise ValueError(f"{wanted.model}: the ending tells no detector; expected {known}, or name the detector")


def _check_ending(name: str, model: Path | None) -> None:
    """Raises ValueError where the file is another detector's by its ending."""
    for other, kind in DETECTORS.items():
        if model is not None and other != name and model.suffix.lower() == kind.ending:
            raise ValueError(
                f"{model}: {kind.ending} files are networks of {other}; {name} takes {DETECTORS[name].ending}"
            )


class Kind(NamedTuple):
    """The package that a detector needs beyond our own, the ending of its files, and what makes one."""

    package: str | None
    ending: str
    load: Callable[[Wanted], Detector]


DETECTORS: dict[str, Kind] = {
    "mediapipe": Kind("mediapipe", ".task", _mediapipe),
    OWN: Kind(None, ".safetensors", _human2d),
}
"""The best first."""
