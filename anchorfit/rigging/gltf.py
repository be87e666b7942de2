"""The binary form of glTF 2.0: arrays in one buffer, described by JSON. Only what a rig needs.

Format: Khronos Group, glTF 2.0 specification, sections 3.6 (buffers) and 4 (GLB).
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

_COMPONENT = {
    np.dtype(np.uint8): 5121,
    np.dtype(np.uint16): 5123,
    np.dtype(np.uint32): 5125,
    np.dtype(np.float32): 5126,
}
_SHAPE = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942

VERTICES, INDICES = 34962, 34963
"""What a vertex attribute and an array of vertex numbers are bound to."""


class Buffer:
    """Arrays that are appended to one binary chunk; each gets the number of its accessor."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: np.ndarray, *, target: int | None = None, bounds: bool = False) -> int:
        """Append an array (N, ...) and return its accessor's number.

        Args:
            values: uint8, uint16, uint32 or float32; matrices are stored column by column, as glTF has them.
            target: what it is bound to, for vertex data.
            bounds: whether the least and largest values are noted (positions and times must have them).
        """
        stored = np.ascontiguousarray(values.swapaxes(-1, -2) if values.ndim == 3 else values)
        self._data += b"\0" * (-len(self._data) % 4)
        view = {"buffer": 0, "byteOffset": len(self._data), "byteLength": stored.nbytes}
        self.views.append(view | ({} if target is None else {"target": target}))
        self._data += stored.tobytes()
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": _COMPONENT[values.dtype],
            "count": len(values),
            "type": _SHAPE[values.shape[1:]],
        }
        if bounds:
            flat = values.reshape(len(values), -1)
            accessor |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def to_glb(self, document: dict[str, Any]) -> bytes:
        """The document with this buffer as one GLB file."""
        data = bytes(self._data) + b"\0" * (-len(self._data) % 4)
        whole = document | {
            "buffers": [{"byteLength": len(data)}],
            "bufferViews": self.views,
            "accessors": self.accessors,
        }
        text = json.dumps(whole, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(data), _BIN) + data
        return struct.pack("<III", _MAGIC, 2, 12 + len(chunks)) + chunks
