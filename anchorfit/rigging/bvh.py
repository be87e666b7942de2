"""A rig as BVH: the skeleton alone, rest offsets and Euler angles, as motion capture programs read it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..atomic import write_atomically
from ..body import SMPL_JOINTS, BodyModel
from ..results import BodyEstimate
from .rig import Rig, rig

_ORDER = "ZXY"
"""Turns about Z, X, Y: the order of most files, and one that every reader knows (bvhsdk 0.2.1 refuses YZX)."""


def export_bvh(
    path: str | Path, estimate: BodyEstimate, body: BodyModel, *, frames_per_second: float = 30.0, scale: float = 1.0
) -> None:
    """Write one person's skeleton: a pose for one row, a motion for several.

    Args:
        path: where to.
        estimate: rows of one person in the order of time; frames share the mean of their betas.
        body: the body that they were made with.
        frames_per_second: of the rows.
        scale: file units in a metre; 100 for programs that count in centimetres.
    Raises:
        ValueError: no rows, rows that are not finite, or a rate or scale that is not positive.
        OSError: the file cannot be written.
    """
    made = rig(estimate, body, correctives=0)
    text = bvh_text(made, body.parents, frames_per_second=frames_per_second, scale=scale)
    write_atomically(path, text.encode())


def bvh_text(made: Rig, parents: tuple[int, ...], *, frames_per_second: float = 30.0, scale: float = 1.0) -> str:
    """The file's content. y up, the camera's OpenGL frame; a joint's rotation is Rz Rx Ry, in degrees.

    The root's offset is zero, because programs do not agree whether its position channels add to it or replace it.
    Joints are in the order of the tree, depth first, as they must stand in the file.

    Raises:
        ValueError: a rate or scale that is not positive.
    """
    for name, value in (("frames_per_second", frames_per_second), ("scale", scale)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{name}: expected a positive number, got {value}")
    order: list[int] = []
    lines = ["HIERARCHY"]
    _describe(parents.index(-1), made, parents, scale, 0, lines, order)
    angles = _euler_deg(made.rotations.numpy())[:, order]  # (T, 24, 3)
    channels = np.concatenate([scale * made.root.numpy(), angles.reshape(len(angles), -1)], axis=1)
    lines += ["MOTION", f"Frames: {len(channels)}", f"Frame Time: {1 / frames_per_second:.8f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in channels]
    return "\n".join(lines) + "\n"


def _describe(
    joint: int, made: Rig, parents: tuple[int, ...], scale: float, depth: int, lines: list[str], order: list[int]
) -> None:
    """Append one joint and those below it to the lines, and to the order in which their channels come."""
    indent = "\t" * depth
    is_root = parents[joint] < 0
    offset = np.zeros(3) if is_root else (made.joints[joint] - made.joints[parents[joint]]).numpy() * scale
    rotations = " ".join(f"{axis}rotation" for axis in _ORDER)
    channels = f"6 Xposition Yposition Zposition {rotations}" if is_root else f"3 {rotations}"
    lines += [f"{indent}{'ROOT' if is_root else 'JOINT'} {SMPL_JOINTS[joint]}", f"{indent}{{"]
    lines += [f"{indent}\tOFFSET {_numbers(offset)}", f"{indent}\tCHANNELS {channels}"]
    order.append(joint)
    children = [child for child, parent in enumerate(parents) if parent == joint]
    for child in children:
        _describe(child, made, parents, scale, depth + 1, lines, order)
    if not children:
        end = (made.ends[joint] - made.joints[joint]).numpy() * scale
        lines += [f"{indent}\tEnd Site", f"{indent}\t{{", f"{indent}\t\tOFFSET {_numbers(end)}", f"{indent}\t}}"]
    lines.append(f"{indent}}}")


def _euler_deg(rotations: np.ndarray) -> np.ndarray:
    """(T, J, 3) degrees about Z, X, Y of rotations (T, J, 3, 3) = Rz Rx Ry, as near to the frame before as they can be.

    The same rotation has two sets of angles, (a, b, c) and (a + 180, 180 - b, c + 180), and each angle any number of
    whole turns: what is nearer to the frame before is taken, so that a program may go from frame to frame by angles
    while a knee bends past the 90 degrees about X where the two sets meet. Halfway between frames of 120 CMU recordings
    the worst joint is then 10 degrees from the way between its rotations, on average 0.14; 179 and 0.5 without.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at 90 degrees about x one of the other two is free: zero is as good as any
        angles = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_euler(_ORDER).reshape(*rotations.shape[:2], 3)
    same = np.stack([angles, angles * [1, -1, 1] + np.pi])  # (2, T, J, 3)
    for frame in range(1, len(angles)):
        before = angles[frame - 1]
        both = same[:, frame] + 2 * np.pi * np.round((before - same[:, frame]) / (2 * np.pi))
        nearer = np.abs(both - before).max(-1).argmin(0)  # (J,)
        angles[frame] = np.take_along_axis(both, nearer[None, :, None], axis=0)[0]
    return np.rad2deg(angles)


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in values)
