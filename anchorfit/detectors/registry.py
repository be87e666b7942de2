"""Detectors by name. None is imported before it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ..plugins import load_plugin, plugin_names
from .mediapipe_package import INSTALL, check_carries_networks
from .protocol import Detector
from .search import Search

ENTRY_POINTS = "anchorfit.detectors"
"""Where packages that are installed beside this one name their own `Kind`."""

DEFAULT, HUMAN2D = "anchorfit", "human2d"


def load_detector(
    name: str = "auto",
    *,
    model: str | Path | None = None,
    search: Search | None = None,
    flip: bool = False,
    device: str = "cpu",
) -> Detector:
    """A detector, ready to look at pictures.

    Args:
        name: one of `known_detectors`, or "auto": the one whose model or option is given, else the package's own
            networks.
        model: a file with networks (MediaPipe's ``.task``, Human2D's ``.safetensors``).
        search: how thoroughly to look; None for the default.
        flip: Human2D's flip test, at twice the time; no other detector has one.
        device: of networks that run in PyTorch; MediaPipe's are on the CPU.
    Raises:
        ImportError: it is not installed, or cannot be used as it is; one line with what to do.
        FileNotFoundError, ValueError: no such detector, or a model that is missing, damaged or another detector's.
    """
    wanted = Wanted(None if model is None else Path(model), search or Search(), flip, device)
    name = chosen_detector(name, wanted.model, flip=flip)
    kind = DETECTORS[name] if name in DETECTORS else load_plugin(ENTRY_POINTS, name, Kind)
    return kind.load(wanted)


def chosen_detector(name: str, model: Path | None, *, flip: bool) -> str:
    """The detector that `load_detector` would load; nothing is loaded.

    Raises:
        ImportError: it is not installed.
        ValueError: there is none of this name, or it does not take the model or the flip test.
    """
    if name == "auto":
        name = _told(model, flip)
    if name not in known_detectors():
        raise ValueError(f"detector: expected auto, {', '.join(known_detectors())}; got {name!r}")
    if name not in DETECTORS:
        return name
    if name not in installed_detectors():
        raise ImportError(f"the detector {name} is not installed: {INSTALL}")
    if flip and name != HUMAN2D:
        raise ValueError(f"flip: {name} looks at nobody mirrored; only {HUMAN2D} does, so leave it out or take that")
    _check_ending(name, model)
    return name


def known_detectors() -> tuple[str, ...]:
    """The package's own, whether or not what they need is installed, and those of other packages."""
    return tuple(dict.fromkeys((*DETECTORS, *plugin_names(ENTRY_POINTS))))


def installed_detectors() -> tuple[str, ...]:
    """Those that are installed, of other packages, too; nothing is imported to find out."""
    ours = (name for name, kind in DETECTORS.items() if kind.package is None or find_spec(kind.package))
    return (*ours, *(name for name in plugin_names(ENTRY_POINTS) if name not in DETECTORS))


class Wanted(NamedTuple):
    """What a detector is loaded for: as `load_detector` takes it."""

    model: Path | None = None
    search: Search = Search()
    flip: bool = False
    device: str = "cpu"


def _embedded(wanted: Wanted) -> Detector:
    from .embedded import load_embedded_detector

    return load_embedded_detector(wanted.search, wanted.device)


def _mediapipe(wanted: Wanted) -> Detector:
    if wanted.model is not None:
        from .mediapipe_tasks import MediapipeTask

        return MediapipeTask(wanted.model, wanted.search)
    check_carries_networks()
    from .mediapipe_graph import MediapipeNetworks

    return MediapipeNetworks(wanted.search)


def _human2d(wanted: Wanted) -> Detector:
    """In the boxes of those whom the package's own networks find."""
    from .human2d import load_human2d_detector

    finder = _embedded(wanted._replace(search=replace(wanted.search, masks=False)))
    return load_human2d_detector(
        wanted.model, finder=finder, masks=wanted.search.masks, flip=wanted.flip, device=wanted.device
    )


def _told(model: Path | None, flip: bool) -> str:
    """The detector whose model or option is given; the default where neither is."""
    if model is None:
        return HUMAN2D if flip else DEFAULT
    for name, kind in DETECTORS.items():
        if kind.ending and model.suffix.lower() == kind.ending:
            return name
    known = " or ".join(f"{kind.ending} ({name})" for name, kind in DETECTORS.items() if kind.ending)
    raise ValueError(f"{model}: the ending tells no detector; expected {known}, or name the detector")


def _check_ending(name: str, model: Path | None) -> None:
    """Raises ValueError where the file is another detector's by its ending, or the detector takes none."""
    if model is None:
        return
    own = DETECTORS[name].ending
    if own is None:
        raise ValueError(f"{model}: {name} has its networks in the package and takes no file; leave it out")
    for other, kind in DETECTORS.items():
        if other != name and model.suffix.lower() == kind.ending:
            raise ValueError(f"{model}: {kind.ending} files are networks of {other}; {name} takes {own}")


class Kind(NamedTuple):
    """The package that a detector needs beyond our own, the ending of its files, and what makes one of a `Wanted`."""

    package: str | None
    ending: str | None
    load: Callable[[Wanted], Detector]


DETECTORS: dict[str, Kind] = {
    DEFAULT: Kind(None, None, _embedded),
    "mediapipe": Kind("mediapipe", ".task", _mediapipe),
    HUMAN2D: Kind(None, ".safetensors", _human2d),
}
