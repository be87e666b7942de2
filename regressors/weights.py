"""Trained networks as files: safetensors with the configuration in the header; nothing in them is ever executed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..assets import ASSETS
from ..atomic import write_atomically
from ..body.joint_sets import CANONICAL_JOINTS
from .human2d import Human2D, Human2DConfig
from .pose_prior import PosePrior, PosePriorConfig
from .shape_prior import ShapePrior, ShapePriorConfig

FORMAT = "anchorfit-prior-2"
WEIGHTS = ASSETS / "weights"
HUMAN2D = WEIGHTS / "human2d.safetensors"
POSE_PRIOR = WEIGHTS / "pose_prior.safetensors"
SHAPE_PRIOR = WEIGHTS / "shape_prior.safetensors"

Network = TypeVar("Network", bound=nn.Module)


class Stored(NamedTuple):
    """A file's network configuration, what it says of its training, and its tensors."""

    config: dict[str, Any]
    training: dict[str, Any]
    tensors: dict[str, Tensor]


def save_network(
    model: PosePrior | ShapePrior | Human2D, path: str | Path, *, training: Mapping[str, Any] | None = None
) -> None:
    """Write a network (formerly ``save_prior``); weights in half precision, running statistics and lengths as they are.

    Args:
        training: what to record of how it was made; must go into JSON.
    """
    tensors = {
        name: (value.half() if value.is_floating_point() and _is_weight(name) else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "kind": _kind(model),
        "config": json.dumps(asdict(model.config)),
        "joints": json.dumps(CANONICAL_JOINTS),
        "training": json.dumps(dict(training or {})),
    }
    write_atomically(Path(path), save(tensors, header))


def load_pose_prior_network(path: str | Path | None = None) -> PosePrior:
    """A trained PosePrior, float32, in evaluation mode.

    Args:
        path: None for the one in the package.
    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, damaged, of another version, or of another skeleton.
    """
    path = Path(path or POSE_PRIOR)
    stored = read_weights(path, "pose")
    with _configured(path):
        network = PosePrior(PosePriorConfig(**stored.config))
    return _filled(network, stored, path)


def load_shape_prior_network(path: str | Path | None = None) -> ShapePrior:
    """A trained ShapePrior; as `load_pose_prior_network`."""
    path = Path(path or SHAPE_PRIOR)
    stored = read_weights(path, "shape")
    with _configured(path):
        network = ShapePrior(ShapePriorConfig(**{**stored.config, "channels": tuple(stored.config["channels"])}))
    return _filled(network, stored, path)


def load_human2d_network(path: str | Path | None = None) -> Human2D:
    """A trained Human2D, in channels-last layout; as `load_pose_prior_network`."""
    path = Path(path or HUMAN2D)
    stored = read_weights(path, "human2d")
    with _configured(path):
        blank = Human2D(Human2DConfig(**{**stored.config, "joints": tuple(stored.config["joints"])}))
    network = _filled(blank, stored, path)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def read_weights(path: Path, kind: str) -> Stored:
    """A file's contents, checked; raises as `load_pose_prior_network`."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights; `anchorfit train` makes them")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not readable as safetensors ({error}); get the file again") from error
    for name, wanted in (("format", FORMAT), ("kind", kind)):
        if header.get(name) != wanted:
            raise ValueError(f"{path}: expected weights with {name} {wanted!r}, got {header.get(name)!r}")
    try:
        joints, config, training = (json.loads(header[name]) for name in ("joints", "config", "training"))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: weights of another version, their header is not whole; train them again") from error
    if tuple(joints) != CANONICAL_JOINTS:
        raise ValueError(f"{path}: trained for another canonical skeleton; train it again")
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        raise ValueError(f"{path}: the weights are not finite; get the file again")
    return Stored(config, training, tensors)


@contextmanager
def _configured(path: Path) -> Iterator[None]:
    """A configuration that this version does not know is one clear line."""
    try:
        yield
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: weights of another version ({error}); train them again") from error


def _filled(model: Network, stored: Stored, path: Path) -> Network:
    try:
        model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in stored.tensors.items()})
    except RuntimeError as error:
        raise ValueError(f"{path}: the weights do not fit their configuration; get the file again") from error
    return model.eval()


def _is_weight(name: str) -> bool:
    return name.endswith((".weight", ".bias"))


def _kind(model: PosePrior | ShapePrior | Human2D) -> str:
    if isinstance(model, Human2D):
        return "human2d"
    return "pose" if isinstance(model, PosePrior) else "shape"
