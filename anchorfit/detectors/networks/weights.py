"""The networks' files: half-precision safetensors, made by ``scripts/build_detectors.py``; nothing in them is run."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from ...assets import ASSETS
from .movenet import MoveNet
from .pose_detection import PoseDetection
from .pose_landmarks import PoseLandmarks

FORMAT = "anchorfit-detector-1"
FILES: dict[type[nn.Module], str] = {
    PoseDetection: "blazepose_detection.safetensors",
    PoseLandmarks: "blazepose_landmarks.safetensors",
    MoveNet: "movenet_thunder.safetensors",
}
Network = TypeVar("Network", bound=nn.Module)


def load_network(kind: type[Network], path: str | Path | None = None) -> Network:
    """A network that ships with the package, float32, in evaluation mode, channels last.

    Args:
        kind: one of the classes in `FILES`.
        path: None for the file in the package.
    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, or another network's.
    """
    path = Path(path or ASSETS / "weights" / FILES[kind])
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights; install anchorfit again, or run scripts/build_detectors.py")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not readable as safetensors ({error}); install anchorfit again") from error
    wanted = (FORMAT, kind.__name__)
    if (found := (header.get("format"), header.get("network"))) != wanted:
        raise ValueError(f"{path}: expected weights of {' '.join(wanted)}, got {found[0]} {found[1]}")
    network = _without_values(kind)
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{path}: the weights do not fit the network; install anchorfit again") from error
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        raise ValueError(f"{path}: the weights are not finite; install anchorfit again")
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _without_values(kind: type[Network]) -> Network:
    """The network's shape alone: drawing initial weights would take longer than reading those of the file."""
    with torch.device("meta"):
        return kind()
