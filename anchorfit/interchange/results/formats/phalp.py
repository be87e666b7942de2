"""PHALP's pkl (4D-Humans ``track.py``, TokenHMR ``track.py``): by frame a list for each quantity, an entry a person.

``camera`` is a translation before a pinhole of f = 5000 / 256 D, D the longer side, whose principal point is the middle
of the padded square: half a pixel off the image's where the padding is odd. ``size`` is height, width; ``scale`` the
padded box's two sides. Lost tracks are carried on as copies: only entries of ``tracked_time`` 0 were seen in a frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ..arrays import boxes_around, named_numbers, root_and_body
from ..cameras import FocalRule, Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, ResultFileError, given_bodies

FOCAL = FocalRule("longer", 5000.0 / 256.0)
BODY25_POINTS = 25
"""The first of its joints are OpenPose's, by name."""

_NEEDED = ("tid", "smpl", "camera", "size", "tracked_time")


def _read(stored: StoredResult) -> ResultFile:
    seen = list[tuple[str, int, Mapping[str, Any], int]]()
    ghosts = 0
    for number, (label, frame) in enumerate(stored.records.items()):
        times = frame["tracked_time"]
        for place in range(len(frame["tid"])):
            if place < len(times) and int(times[place]) != 0:
                ghosts += 1
            else:
                seen.append((_image(label, frame), int(frame.get("time", number)), frame, place))
    if not seen:
        raise ResultFileError("no frame of it has a person")
    smpl = {key: np.stack([_smpl(frame, place)[key] for _, _, frame, place in seen]) for key in _SMPL}
    taken = {key: _taken(seen, key) for key in ("camera", "size", "center", "scale", "3d_joints", "2d_joints")}
    size = named_numbers(taken, "size", None, 2).flip(1)  # height, width
    side = size.amax(1)
    padding = torch.floor((side[:, None] - size) / 2)
    camera = Pinhole.of(named_numbers(taken, "camera", None, 3), centre=side[:, None] / 2 - padding, rule=FOCAL)
    joints = named_numbers(taken, "3d_joints", None, None, 3)
    pixels = (
        named_numbers(taken, "2d_joints", None, None).unflatten(1, (-1, 2)) * side[:, None, None] - padding[:, None]
    )
    width, height = named_numbers(taken, "scale", None, 2).unbind(1)
    bodies = given_bodies(
        "HMR2",
        camera,
        root_and_body(smpl),
        named_numbers(smpl, "betas", None, None),
        gender="neutral",
        points=joints[:, :BODY25_POINTS],
        convention="body25",
        pixels=pixels[:, :BODY25_POINTS],
        boxes=boxes_around(named_numbers(taken, "center", None, 2), width, height),
        sizes=size,
        images=[image for image, *_ in seen],
        tracks=[frame["tid"][place] for _, _, frame, place in seen],
        frames=torch.tensor([number for _, number, *_ in seen]),
    )
    lost = (f"{ghosts} entries of lost tracks, which were not seen in their frames, are left out",) if ghosts else ()
    return ResultFile(bodies, lost)


_SMPL = ("global_orient", "body_pose", "betas")


def _smpl(frame: Mapping[str, Any], place: int) -> dict[str, np.ndarray]:
    held = frame["smpl"][place]
    if not isinstance(held, Mapping) or not all(key in held for key in _SMPL):
        raise ResultFileError(f"smpl: expected {', '.join(_SMPL)} of each person")
    return {key: np.asarray(held[key], np.float64) for key in _SMPL}


def _image(label: Any, frame: Mapping[str, Any]) -> str:
    path = frame.get("img_path")
    return str(path) if isinstance(path, str) and path else str(label)


def _taken(seen: list[tuple[str, int, Mapping[str, Any], int]], key: str) -> np.ndarray:
    """One quantity of all people; of a frame itself where it has one for all."""
    found = []
    for label, _, frame, place in seen:
        held = frame.get(key)
        if held is None:
            raise ResultFileError(f"the key {key!r} is missing in frame {label}")
        each = len(held) == len(frame["tid"]) and np.ndim(held[0]) > 0
        found.append(np.asarray(held[place] if each else held, np.float64).reshape(_SHAPES[key]))
    if len({one.shape for one in found}) > 1:
        raise ResultFileError(f"{key}: people have different numbers of it")
    return np.stack(found)


_SHAPES: dict[str, tuple[int, ...]] = {
    "camera": (3,),
    "size": (2,),
    "center": (2,),
    "scale": (2,),
    "3d_joints": (-1, 3),
    "2d_joints": (-1,),
}


FORMAT = ResultFormat(name="PHALP (4D-Humans, TokenHMR)", recognises=lambda s: s.each_has(*_NEEDED), read=_read)
