"""Motions given as exponential maps of the 38-joint BVH skeleton (B. Hahne's conversion, as DMGNN passes it on)."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

JOINTS: tuple[tuple[str, str | None], ...] = (
    ("root", None),
    ("lhipjoint", "root"),
    ("lfemur", "lhipjoint"),
    ("ltibia", "lfemur"),
    ("lfoot", "ltibia"),
    ("ltoes", "lfoot"),
    ("ltoes end", "ltoes"),
    ("rhipjoint", "root"),
    ("rfemur", "rhipjoint"),
    ("rtibia", "rfemur"),
    ("rfoot", "rtibia"),
    ("rtoes", "rfoot"),
    ("rtoes end", "rtoes"),
    ("lowerback", "root"),
    ("upperback", "lowerback"),
    ("thorax", "upperback"),
    ("lowerneck", "thorax"),
    ("upperneck", "lowerneck"),
    ("head", "upperneck"),
    ("head end", "head"),
    ("lclavicle", "thorax"),
    ("lhumerus", "lclavicle"),
    ("lradius", "lhumerus"),
    ("lwrist", "lradius"),
    ("lhand", "lwrist"),
    ("lfingers", "lhand"),
    ("lfingers end", "lfingers"),
    ("lthumb", "lwrist"),
    ("lthumb end", "lthumb"),
    ("rclavicle", "thorax"),
    ("rhumerus", "rclavicle"),
    ("rradius", "rhumerus"),
    ("rwrist", "rradius"),
    ("rhand", "rwrist"),
    ("rfingers", "rhand"),
    ("rfingers end", "rfingers"),
    ("rthumb", "rwrist"),
    ("rthumb end", "rthumb"),
)
"""The 38 joints in the files' order, under the names of the ASF bones that they turn, each with its parent."""

COLUMNS = 3 + 3 * len(JOINTS)


def parse_expmap(text: str, *, stride: int = 1, name: str = "motion") -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read every ``stride``-th frame of a comma-separated table of exponential maps, without its first frame.

    Args:
        text: the file's content: per line the root's place and 38 exponential maps (radians). The stored maps act on
            row vectors: the rotation of column vectors is exp(-r). Frame 0 is a T-pose that the conversion added.
        stride: 1 for all frames.
        name: what error messages call the file.
    Returns:
        (T,) places in the file; rotation of each bone from the zero pose, world frame: bone -> (T, 3, 3).
    Raises:
        ValueError: a line without 117 numbers, or one that is not finite.
    """
    lines = [line.split(",") for line in text.splitlines() if line.strip()]
    if not lines or {len(line) for line in lines} != {COLUMNS}:
        raise ValueError(f"{name}: expected {COLUMNS} numbers a line, got {sorted({len(line) for line in lines})}")
    frames = np.arange(len(lines))[1::stride]
    table = np.array([lines[index] for index in frames], dtype=np.float64)
    if not np.isfinite(table).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    maps = table[:, 3:].reshape(-1, 3)
    local = Rotation.from_rotvec(-maps).as_matrix().reshape(len(frames), len(JOINTS), 3, 3)
    rotations: dict[str, np.ndarray] = {}
    for index, (joint, parent) in enumerate(JOINTS):
        rotations[joint] = local[:, index] if parent is None else rotations[parent] @ local[:, index]
    return frames, rotations
