"""Plain readers of GLB and BVH, written from the formats' descriptions and sharing nothing with the writers."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

_TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb(NamedTuple):
    document: dict
    data: bytes

    def array(self, number: int) -> np.ndarray:
        accessor = self.document["accessors"][number]
        view = self.document["bufferViews"][accessor["bufferView"]]
        size = _SIZES[accessor["type"]]
        start = view["byteOffset"]
        kind = np.dtype(_TYPES[accessor["componentType"]])
        values = np.frombuffer(self.data, kind, accessor["count"] * size, start)
        return values.reshape(-1, size).astype(np.float64)


def read_glb(path: Path) -> Glb:
    content = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    size, kind = struct.unpack_from("<I4s", content, 12)
    assert kind == b"JSON"
    rest = 20 + size
    size_of_data, kind = struct.unpack_from("<I4s", content, rest)
    assert kind == b"BIN\0"
    return Glb(json.loads(content[20:rest]), content[rest + 8 : rest + 8 + size_of_data])


def quaternion_matrix(q: np.ndarray) -> np.ndarray:
    x, y, z, w = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def skinned_vertices(glb: Glb, frame: int | None = None) -> np.ndarray:
    """(V, 3) of the mesh as a viewer poses it: nodes as they stand, or as the animation has them in a frame."""
    nodes = [dict(node) for node in glb.document["nodes"]]
    mesh_node = next(node for node in nodes if "mesh" in node)
    mesh = glb.document["meshes"][mesh_node["mesh"]]
    morph = np.array(mesh.get("weights", []))
    if frame is not None:
        (animation,) = glb.document["animations"]
        for channel in animation["channels"]:
            values = glb.array(animation["samplers"][channel["sampler"]]["output"])
            target = channel["target"]
            if target["path"] == "weights":
                morph = values.reshape(-1, len(morph))[frame]
            else:
                nodes[target["node"]][target["path"]] = values[frame]
    world: dict[int, np.ndarray] = {}

    def place(number: int, above: np.ndarray) -> None:
        node = nodes[number]
        own = np.eye(4)
        own[:3, :3] = quaternion_matrix(np.array(node.get("rotation", [0, 0, 0, 1.0])))
        own[:3, 3] = node.get("translation", [0, 0, 0])
        world[number] = above @ own
        for child in node.get("children", []):
            place(child, world[number])

    for root in glb.document["scenes"][0]["nodes"]:
        place(root, np.eye(4))
    (primitive,) = mesh["primitives"]
    attributes = primitive["attributes"]
    vertices = glb.array(attributes["POSITION"])
    for weight, target in zip(morph, primitive.get("targets", []), strict=True):
        vertices = vertices + weight * glb.array(target["POSITION"])
    skin = glb.document["skins"][mesh_node["skin"]]
    inverse = glb.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)  # stored by columns
    moves = np.array([world[joint] for joint in skin["joints"]]) @ inverse
    homogeneous = np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
    total = np.zeros_like(homogeneous)
    for number in range(sum(name.startswith("JOINTS_") for name in attributes)):
        joints = glb.array(attributes[f"JOINTS_{number}"]).astype(int)
        weights = glb.array(attributes[f"WEIGHTS_{number}"])
        for slot in range(4):
            total += weights[:, slot, None] * np.einsum("vij,vj->vi", moves[joints[:, slot]], homogeneous)
    return total[:, :3]


class Bvh(NamedTuple):
    names: list[str]
    parents: list[int]
    offsets: np.ndarray
    ends: dict[str, np.ndarray]
    positions: np.ndarray  # (T, J, 3)
    frame_time: float


def read_bvh(path: Path) -> Bvh:
    words = path.read_text().split()
    names, parents, offsets, channels, ends = [], [], [], [], {}
    stack: list[int] = []
    is_end = False
    at = 1
    while words[at] != "MOTION":
        word = words[at]
        if word in ("ROOT", "JOINT"):
            names.append(words[at + 1])
            parents.append(stack[-1] if stack else -1)
            stack.append(len(names) - 1)
            at += 2
        elif word == "End":
            is_end = True
            at += 2
        elif word == "OFFSET":
            offset = np.array([float(value) for value in words[at + 1 : at + 4]])
            if is_end:
                ends[names[stack[-1]]] = offset
            else:
                offsets.append(offset)
            at += 4
        elif word == "CHANNELS":
            count = int(words[at + 1])
            channels.append(words[at + 2 : at + 2 + count])
            at += 2 + count
        else:
            if word == "}":
                if is_end:
                    is_end = False
                else:
                    stack.pop()
            at += 1
    frames = int(words[at + 2])
    frame_time = float(words[at + 5])
    motion = np.array([float(value) for value in words[at + 6 :]]).reshape(frames, -1)
    positions = np.zeros((frames, len(names), 3))
    for frame, row in enumerate(motion):
        _pose_frame(row, parents, offsets, channels, positions[frame])
    return Bvh(names, parents, np.array(offsets), ends, positions, frame_time)


def _pose_frame(row: np.ndarray, parents: list, offsets: list, channels: list, positions: np.ndarray) -> None:
    turns: list[np.ndarray] = []
    values = iter(row)
    for joint, names in enumerate(channels):
        moved, turn = np.array(offsets[joint]), np.eye(3)
        for name in names:
            value, axis = next(values), "XYZ".index(name[0])
            if name.endswith("position"):
                moved[axis] += value
            else:
                turn = turn @ _about(axis, np.deg2rad(value))
        parent = parents[joint]
        positions[joint] = moved if parent < 0 else positions[parent] + turns[parent] @ moved
        turns.append(turn if parent < 0 else turns[parent] @ turn)


def _about(axis: int, angle: float) -> np.ndarray:
    second, third = (axis + 1) % 3, (axis + 2) % 3
    turn = np.eye(3)
    turn[second, second] = turn[third, third] = np.cos(angle)
    turn[third, second] = np.sin(angle)
    turn[second, third] = -np.sin(angle)
    return turn
