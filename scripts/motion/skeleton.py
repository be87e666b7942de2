"""ASF skeletons and AMC motions (Acclaim's text formats) and the forward kinematics of the two together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

METRES_PER_UNIT = 0.0254 / 0.45
"""CMU writes lengths in inches over 0.45 (the ``length`` line of its skeletons)."""


@dataclass(frozen=True, kw_only=True)
class Bone:
    """One segment of a skeleton.

    Attributes:
        parent: name of the parent bone; None for the root.
        direction: (3,) unit vector of the segment in the zero pose, world frame.
        length: metres.
        axis: (3, 3) rotation C whose columns are the axes that the bone's angles turn about, world frame, zero pose.
        dof: the angles that a motion gives for this bone, out of rx, ry, rz, in the file's order.
    """

    parent: str | None
    direction: np.ndarray
    length: float
    axis: np.ndarray
    dof: tuple[str, ...]


Skeleton = dict[str, Bone]
"""Bones by name, each after its parent; the first is ``root``."""

ROOT_DOF = ("tx", "ty", "tz", "rx", "ry", "rz")


def euler_matrices(angles_deg: np.ndarray) -> np.ndarray:
    """Acclaim's "XYZ" angles, (..., 3) degrees -> (..., 3, 3): Rz Ry Rx, acting on column vectors."""
    flat = np.asarray(angles_deg, dtype=np.float64).reshape(-1, 3)
    return Rotation.from_euler("xyz", flat, degrees=True).as_matrix().reshape(*np.shape(angles_deg)[:-1], 3, 3)


def parse_asf(text: str, name: str = "skeleton") -> Skeleton:
    """Read an ASF file.

    Args:
        text: the file's content.
        name: what error messages call it.
    Returns:
        The bones, parents first.
    Raises:
        ValueError: angles that are not degrees, an axis order other than XYZ, or a bone that the hierarchy names and
            the bone data lacks.
    """
    sections = _sections(text)
    if any(line[:2] == ["angle", "rad"] for line in sections.get("units", ())):
        raise ValueError(f"{name}: expected angles in degrees, got radians")
    root = Bone(parent=None, direction=np.zeros(3), length=0.0, axis=np.eye(3), dof=ROOT_DOF)
    bones: dict[str, Bone] = {"root": root}
    fields: dict[str, list[str]] = {}
    for words in sections.get("bonedata", ()):
        if words[0] == "begin":
            fields = {}
        elif words[0] == "end":
            bones[fields["name"][0]] = _bone(fields, name)
        else:
            fields[words[0]] = words[1:]
    ordered: Skeleton = {"root": root}
    for parent, *children in (line for line in sections.get("hierarchy", ()) if line[0] not in ("begin", "end")):
        for child in children:
            if child not in bones or parent not in ordered:
                raise ValueError(f"{name}: the hierarchy names {parent} -> {child}, which the bone data lacks")
            bone = bones[child]
            ordered[child] = Bone(
                parent=parent, direction=bone.direction, length=bone.length, axis=bone.axis, dof=bone.dof
            )
    if len(ordered) < 2:
        raise ValueError(f"{name}: no bones found; expected an ASF file with :bonedata and :hierarchy")
    return ordered


def _sections(text: str) -> dict[str, list[list[str]]]:
    """Lines as words, by the ``:keyword`` they follow; comments and empty lines dropped."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words and words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:], [])
        elif words:
            lines.append(words)
    return sections


def _bone(fields: dict[str, list[str]], name: str) -> Bone:
    *axis, order = fields["axis"]
    if order != "XYZ":
        raise ValueError(f"{name}: bone {fields['name'][0]}: expected axis order XYZ, got {order}")
    direction = np.array(fields["direction"], dtype=np.float64)
    return Bone(
        parent="root",
        direction=direction / np.linalg.norm(direction),
        length=float(fields["length"][0]) * METRES_PER_UNIT,
        axis=euler_matrices(np.array(axis, dtype=np.float64)),
        dof=tuple(fields.get("dof", ())),
    )


def parse_amc(text: str, skeleton: Skeleton, *, stride: int = 1, name: str = "motion") -> dict[str, np.ndarray]:
    """Read every ``stride``-th frame of an AMC file.

    Args:
        text: the file's content.
        skeleton: the skeleton that the motion was recorded with.
        stride: 1 for all frames.
        name: what error messages call the file.
    Returns:
        ``frame`` -> (T,) int places in the file, from 0 (the file's own numbers may start anywhere); for each bone its
        angles (T, 3) in degrees, x y z (angles that the bone does not have are 0); ``translation`` -> (T, 3) the
        root's place in metres.
    Raises:
        ValueError: a bone that the skeleton lacks, or a wrong count of numbers, or one that is not finite.
    """
    frames: list[int] = []
    index = -1
    rows: dict[str, list[list[float]]] = {bone: [] for bone, data in skeleton.items() if data.dof}
    take = False
    for line in text.splitlines():
        if line[:1].isdigit():
            index += 1
            take = index % stride == 0
            if take:
                frames.append(index)
        elif take and line[:1] not in ("", "#", ":"):
            bone, *numbers = line.split()
            if bone not in rows or len(numbers) != len(skeleton[bone].dof):
                expected = f"{len(skeleton[bone].dof)} numbers" if bone in skeleton else "a bone of the skeleton"
                raise ValueError(f"{name}: frame {frames[-1]}: {line.strip()!r}: expected {expected}")
            rows[bone].append([float(number) for number in numbers])
    motion: dict[str, np.ndarray] = {"frame": np.array(frames, dtype=np.int64)}
    for bone, values in rows.items():
        if len(values) != len(frames):
            raise ValueError(f"{name}: bone {bone}: expected {len(frames)} frames, got {len(values)}")
        dof = skeleton[bone].dof
        table = np.array(values, dtype=np.float64).reshape(len(frames), len(dof))
        if not np.isfinite(table).all():
            raise ValueError(f"{name}: bone {bone}: expected finite numbers, got NaN or infinity")
        motion[bone] = _columns(table, dof, ("rx", "ry", "rz"))
        if bone == "root":
            motion["translation"] = _columns(table, dof, ("tx", "ty", "tz")) * METRES_PER_UNIT
    return motion


def _columns(table: np.ndarray, have: Sequence[str], want: Sequence[str]) -> np.ndarray:
    columns = [table[:, have.index(key)] if key in have else np.zeros(len(table)) for key in want]
    return np.stack(columns, axis=1)


def global_rotations(skeleton: Skeleton, motion: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rotation of each bone from the zero pose, world frame: bone -> (T, 3, 3).

    With C the bone's axes and M its angles: global = global of the parent x C M C^-1.
    Source: the Acclaim format notes (J. Lander, "Working with motion capture file formats", 1998).
    """
    count = len(motion["frame"])
    rotations: dict[str, np.ndarray] = {}
    for name, bone in skeleton.items():
        if name in motion:
            local = bone.axis @ euler_matrices(motion[name]) @ bone.axis.T
        else:
            local = np.broadcast_to(np.eye(3), (count, 3, 3))
        rotations[name] = local if bone.parent is None else rotations[bone.parent] @ local
    return rotations
