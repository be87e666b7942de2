"""BVH files: any order of channels, positions on any joint."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .recording import Recording, chain_rotations

CANDIDATE_RATE = 30  # frames a second that are worth converting


def parse_bvh(text: str, name: str = "motion") -> Recording:
    """Read a BVH file, about 30 frames of each second.

    Args:
        text: the file's content. Rotations act in the order in which the channels stand; positions are not used.
        name: what error messages call the file.
    Raises:
        ValueError: no BVH file, or one that is cut, or numbers that are none.
    """
    head, _, motion = text.partition("MOTION")
    joints, parents, offsets, channels = _hierarchy(head, name)
    words = motion.split()
    try:
        count, seconds = int(words[1]), float(words[4])
    except (IndexError, ValueError) as error:
        raise ValueError(f"{name}: expected MOTION with Frames: and Frame Time:, got {motion[:40]!r}") from error
    width = sum(len(some) for some in channels)
    numbers = words[5:]
    if not joints or len(numbers) != count * width:
        raise ValueError(f"{name}: expected {count} frames of {width} numbers, got {len(numbers)}; the file is cut")
    try:
        table = np.array(numbers, dtype=np.float64).reshape(count, width)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if not np.isfinite(table).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    frames = np.arange(0, count, max(1, round(1 / (max(seconds, 1e-3) * CANDIDATE_RATE))))
    table = table[frames]
    local = np.tile(np.eye(3), (len(frames), len(joints), 1, 1))
    start = 0
    for joint, names in enumerate(channels):
        turning = [index for index, channel in enumerate(names) if channel.lower().endswith("rotation")]
        if turning:
            axes = "".join(names[index][0].upper() for index in turning)  # upper case: each about the turned axes
            angles = table[:, [start + index for index in turning]]
            local[:, joint] = Rotation.from_euler(
                axes, angles.squeeze(1) if len(axes) == 1 else angles, True
            ).as_matrix()
        start += len(names)
    return Recording(
        name=name,
        joints=tuple(joints),
        parents=np.array(parents),
        offsets=np.array(offsets),
        rest=np.tile(np.eye(3), (len(joints), 1, 1)),
        rotations=chain_rotations(np.array(parents), local),
        frames=frames,
    )


def _hierarchy(head: str, name: str) -> tuple[list[str], list[int], list[list[float]], list[list[str]]]:
    """Names, parents, offsets and channels of the joints and tips."""
    joints: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    open_joints: list[int] = []
    try:
        for line in head.splitlines():
            words = line.split()
            key = words[0].upper() if words else ""
            if key in ("ROOT", "JOINT", "END"):
                parents.append(open_joints[-1] if open_joints else -1)
                joints.append(" ".join(words[1:]) if key != "END" else f"{joints[open_joints[-1]]} end")
                offsets.append([0.0, 0.0, 0.0])
                channels.append([])
            elif key == "{":
                open_joints.append(len(joints) - 1)
            elif key == "}":
                open_joints.pop()
            elif key == "OFFSET":
                offsets[open_joints[-1]] = [float(word) for word in words[1:4]]
            elif key == "CHANNELS":
                channels[open_joints[-1]] = words[2 : 2 + int(words[1])]
    except (IndexError, ValueError) as error:
        raise ValueError(f"{name}: expected a BVH hierarchy, got {line.strip()[:40]!r}") from error
    if open_joints:
        raise ValueError(f"{name}: the hierarchy is not closed; the file is cut")
    return joints, parents, offsets, channels
