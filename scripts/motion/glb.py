"""GLB files: the rotations that an animation gives to the joints of a skin (glTF 2.0, binary)."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from .bvh import CANDIDATE_RATE
from .recording import Recording, chain_rotations

LONGEST = 3600.0  # seconds of an animation

MAGIC, JSON_CHUNK = b"glTF", 0x4E4F534A


def parse_glb(content: bytes, name: str = "animations") -> Iterator[Recording]:
    """Read the animations of a GLB file, 30 frames a second, each a recording named after it.

    Raises:
        ValueError: no GLB file, one that is cut, or one without skin or animations.
    """
    document, binary = _chunks(content, name)
    try:
        nodes = document["nodes"]
        order = _parents_first(nodes)
        place = {node: index for index, node in enumerate(order)}
        parents = np.full(len(order), -1)
        for node, data in enumerate(nodes):
            for child in data.get("children", ()):
                parents[place[child]] = place[node]
        still = np.array([nodes[node].get("rotation", (0, 0, 0, 1)) for node in order], dtype=np.float64)
        offsets = np.array([nodes[node].get("translation", (0, 0, 0)) for node in order], dtype=np.float64)
        joints = tuple(str(nodes[node].get("name", node)) for node in order)
        rest = chain_rotations(parents, Rotation.from_quat(still).as_matrix())
        for animation in document["animations"]:
            turns = {}
            for channel in animation["channels"]:
                if channel["target"]["path"] == "rotation":
                    sampler = animation["samplers"][channel["sampler"]]
                    times, values = (_accessor(document, binary, sampler[key]) for key in ("input", "output"))
                    if sampler.get("interpolation") == "CUBICSPLINE":
                        values = values[1::3]
                    turns[place[channel["target"]["node"]]] = (times[:, 0], values)
            if not turns:
                continue
            end = max(times[-1] for times, _ in turns.values())
            if not 0 <= end <= LONGEST:
                raise ValueError(f"an animation of {end:g} seconds")
            clock = np.arange(0, end + 1e-6, 1 / CANDIDATE_RATE)
            local = np.tile(Rotation.from_quat(still).as_matrix(), (len(clock), 1, 1, 1))
            for joint, (times, values) in turns.items():
                local[:, joint] = _sampled(times, values, clock)
            yield Recording(
                name=str(animation.get("name", "animation")),
                joints=joints,
                parents=parents,
                offsets=offsets,
                rest=rest,
                rotations=chain_rotations(parents, local),
                frames=np.arange(len(clock)),
            )
    except (KeyError, IndexError, TypeError, AttributeError, struct.error) as error:
        raise ValueError(f"{name}: expected glTF 2.0 with nodes and animations; {error!r} is missing") from error


def _chunks(content: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    if content[:4] != MAGIC or len(content) < 20 or struct.unpack("<I", content[8:12])[0] != len(content):
        raise ValueError(f"{name}: expected a GLB file of the length that it states, got {len(content)} bytes")
    length, kind = struct.unpack("<II", content[12:20])
    if kind != JSON_CHUNK:
        raise ValueError(f"{name}: expected a JSON chunk first")
    try:
        return json.loads(content[20 : 20 + length]), content[28 + length :]
    except ValueError as error:
        raise ValueError(f"{name}: the JSON chunk is damaged: {error}") from error


def _parents_first(nodes: list[dict[str, Any]]) -> list[int]:
    children = {child for data in nodes for child in data.get("children", ())}
    order = [node for node in range(len(nodes)) if node not in children]
    for node in order:  # grows while it is read
        order.extend(nodes[node].get("children", ()))
        if len(order) > len(nodes):
            raise ValueError("a node that hangs on several, or below itself")
    return order


def _accessor(document: dict[str, Any], binary: bytes, index: int) -> np.ndarray:
    """(N, columns) float numbers."""
    accessor = document["accessors"][index]
    if accessor["componentType"] != 5126:
        raise KeyError("float accessor")
    columns = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
    view = document["bufferViews"][accessor["bufferView"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    numbers = np.frombuffer(binary, "<f4", accessor["count"] * columns, start) if start < len(binary) else np.zeros(0)
    if len(numbers) != accessor["count"] * columns:
        raise IndexError("binary chunk")
    return numbers.astype(np.float64).reshape(-1, columns)


def _sampled(times: np.ndarray, values: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations at the clock's times."""
    if len(times) == 1:
        return Rotation.from_quat(np.repeat(values, len(clock), 0)).as_matrix()
    return Slerp(times, Rotation.from_quat(values))(clock.clip(times[0], times[-1])).as_matrix()
