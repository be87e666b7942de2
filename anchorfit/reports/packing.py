"""Arrays, meshes and pictures as text inside a page."""

from __future__ import annotations

import base64
import gzip
import io
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, features

STEP_M = 0.0003  # of vertices: 0.15 mm at most beside where they are
_STEPS = 65535  # of 16 bits


def pack_bytes(data: bytes) -> str:
    """gzip, then base64: what ``unpack`` of the page's script undoes. The same bytes give the same text."""
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode("ascii")


@dataclass(frozen=True, kw_only=True)
class MeshOrder:
    """An order of a topology's vertices in which each is guessed from three earlier ones: the parallelogram across the
    edge of a triangle that is there already.

    Attributes:
        order: (V,) the vertex at each place.
        guides: (V, 3) places a, b, c of earlier vertices: a + b - c is the guess. The first place has none, (0, 0, 0).
    Source: Touma & Gotsman 1998, "Triangle mesh compression".
    """

    order: np.ndarray
    guides: np.ndarray

    @staticmethod
    def of(faces: np.ndarray, count: int) -> MeshOrder:
        """Walk from triangle to triangle; ``faces`` (F, 3) of ``count`` vertices, in one piece or several."""
        across = {}
        for a, b, c in faces.tolist():
            across[a, b], across[b, c], across[c, a] = c, a, b
        place: dict[int, int] = {}
        guides: list[tuple[int, int, int]] = []

        def put(vertex: int, guide: tuple[int, int, int]) -> None:
            if vertex not in place:
                place[vertex] = len(guides)
                guides.append(guide)

        def put_beside(vertex: int) -> None:
            last = max(0, len(guides) - 1)
            put(vertex, (last, last, last))

        for seed in faces.tolist():
            if seed[0] in place:
                continue
            for vertex in seed:
                put_beside(vertex)
            a, b, c = seed
            edges = deque([(a, b), (b, c), (c, a)])
            while edges:
                a, b = edges.popleft()
                beyond = across.get((b, a))
                if beyond is not None and beyond not in place:
                    put(beyond, (place[a], place[b], place[across[a, b]]))
                    edges += [(a, beyond), (beyond, b)]
        for vertex in range(count):  # in no triangle
            put_beside(vertex)
        return MeshOrder(order=np.array(list(place)), guides=np.array(guides))

    def renumbered(self, faces: np.ndarray) -> np.ndarray:
        """The faces (F, 3) by places."""
        place = np.empty_like(self.order)
        place[self.order] = np.arange(len(self.order))
        return place[faces]

    def pack(self, meshes: np.ndarray) -> dict[str, Any]:
        """Meshes (T, V, 3) in metres: what each vertex differs from its guess by, and that from frame to frame.

        Returns:
            ``low`` corner (3,) and ``step`` of the grid, ``count`` T, and ``rest``: (T, 3, V) differences modulo 2^16,
            small ones of either sign as small numbers, all low bytes before all high bytes; packed.
        """
        low = meshes.min((0, 1))
        step = max(STEP_M, float((meshes.max((0, 1)) - low).max()) / _STEPS)
        grid = np.rint((meshes - low) / step).astype(np.uint16)[:, self.order]
        a, b, c = self.guides.T
        rest = grid - (grid[:, a] + grid[:, b] - grid[:, c])
        rest[:, 0] = grid[:, 0]
        rest[1:] -= rest[:-1].copy()
        signed = rest.view(np.int16)
        folded = ((signed << 1) ^ (signed >> 15)).view(np.uint16).transpose(0, 2, 1)
        planes = np.stack([folded & 0xFF, folded >> 8]).astype(np.uint8)
        return {"low": low.tolist(), "step": step, "count": len(meshes), "rest": pack_bytes(planes.tobytes())}


def pack_indices(values: np.ndarray) -> dict[str, Any]:
    """Whole numbers of any shape, packed little-endian in ``bits`` 16 or 32."""
    wide = int(values.max(initial=0)) >= 2**16
    return {"bits": 32 if wide else 16, "values": pack_bytes(values.astype("<u4" if wide else "<u2").tobytes())}


def picture_source(image: np.ndarray, quality: int) -> str:
    """(H, W, 3) uint8 RGB as a data URL: WebP, or JPEG where Pillow was built without it."""
    kind = "webp" if features.check("webp") else "jpeg"
    options: dict[str, int] = {"method": 2} if kind == "webp" else {}
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format=kind, quality=quality, **options)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
