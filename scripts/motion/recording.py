"""Rotations of a rig's joints over time, whatever file format they were stored in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A motion of a rig of J joints, T frames.

    Attributes:
        name: what messages call it.
        joints: names, parents before children; tips of the last bones are joints of their own, named "... end".
        parents: (J,) indices; -1 for the root.
        offsets: (J, 3) place of each joint in its parent's frame, in the file's unit: directions alone are used, so
            metres, centimetres and inches give the same poses.
        rest: (J, 3, 3) rotations of the file's zero pose, world frame.
        rotations: (T, J, 3, 3) rotations, world frame.
        frames: (T,) places in the file.
    """

    name: str
    joints: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    rest: np.ndarray
    rotations: np.ndarray
    frames: np.ndarray

    def __post_init__(self) -> None:
        for what, values in (("offsets", self.offsets), ("rotations", self.rotations)):
            if not np.isfinite(values).all():
                raise ValueError(f"{self.name}: {what}: expected finite numbers, got NaN or infinity")
        if not len(self.rotations):
            raise ValueError(f"{self.name}: expected at least one frame, got none")


def chain_rotations(parents: np.ndarray, local: np.ndarray) -> np.ndarray:
    """World rotations (..., J, 3, 3) of rotations against the parent (..., J, 3, 3), parents before children."""
    world = local.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[..., joint, :, :] = world[..., parent, :, :] @ local[..., joint, :, :]
    return world


def joint_places(parents: np.ndarray, offsets: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Places (J, 3) of the joints of one pose with world rotations (J, 3, 3), the root at the origin."""
    places = np.zeros((len(parents), 3))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            places[joint] = places[parent] + rotations[parent] @ offsets[joint]
    return places
