"""Half-edge collapses that keep a subset of the vertices where they are.

A vertex is only ever dropped, never moved, so every shape, weight and bone of the source carries over by indexing. The
error is the quadric one of Garland & Heckbert 1997, summed over several shapes so that one mesh serves all, plus a
small term in the edge's length that thins the densest places (face, fingers) first and keeps triangles even.
"""

from __future__ import annotations

import heapq

import numpy as np

Array = np.ndarray

EVENNESS = 0.02  # weight of length^4 beside the quadric error (both m^4); 0 leaves long thin triangles on flat skin
MAX_VALENCE = 9


def decimate(shapes: Array, faces: Array, keep: int, *, importance: Array | None = None) -> Array:
    """Collapse edges of an open half mesh until ``keep`` vertices are left; its boundary stays a boundary.

    Args:
        shapes: (S, N, 3) positions of the same mesh in several shapes.
        faces: (F, 3).
        keep: number of vertices wanted among those that the faces use.
        importance: (N,) factor on the cost of dropping each vertex, or None for 1.
    Returns:
        (F', 3) faces on the kept vertices, numbered as before.
    """
    return _Collapser(shapes, faces, importance).run(keep)


class _Collapser:
    def __init__(self, shapes: Array, faces: Array, importance: Array | None) -> None:
        self.shapes = shapes
        self.importance = np.ones(shapes.shape[1]) if importance is None else importance
        self.faces: dict[int, tuple[int, int, int]] = {i: tuple(f) for i, f in enumerate(faces.tolist())}
        self.around: dict[int, set[int]] = {}
        for index, face in self.faces.items():
            for vertex in face:
                self.around.setdefault(vertex, set()).add(index)
        self.quadrics = self._quadrics(faces)
        directed = {(a, b) for f in faces.tolist() for a, b in zip(f, f[1:] + f[:1], strict=True)}
        self.boundary = {v for a, b in directed if (b, a) not in directed for v in (a, b)}
        self.stamp = dict.fromkeys(self.around, 0)
        self.heap: list[tuple[float, int, int, int]] = []

    def _quadrics(self, faces: Array) -> Array:
        """(S, N, 4, 4) area-weighted plane quadrics; boundary edges get the plane across them."""
        corners = self.shapes[:, faces]  # (S, F, 3, 3)
        normal = np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
        area = np.linalg.norm(normal, axis=-1, keepdims=True)
        normal = normal / np.maximum(area, 1e-18)
        plane = np.concatenate([normal, -(normal * corners[:, :, 0]).sum(-1, keepdims=True)], axis=-1)
        quadric = plane[..., :, None] * plane[..., None, :] * area[..., None] / 2
        total = np.zeros((*self.shapes.shape[:2], 4, 4))
        for corner in range(3):
            for shape in range(len(self.shapes)):
                np.add.at(total[shape], faces[:, corner], quadric[shape])
        return total

    def _neighbours(self, vertex: int) -> set[int]:
        return {v for index in self.around[vertex] for v in self.faces[index]} - {vertex}

    def _cost(self, gone: int, kept: int) -> float:
        point = np.concatenate([self.shapes[:, kept], np.ones((len(self.shapes), 1))], axis=1)
        error = np.einsum("si,sij,sj->", point, self.quadrics[:, gone], point) / len(self.shapes)
        length = np.linalg.norm(self.shapes[0, gone] - self.shapes[0, kept])
        return float((max(error, 0.0) + EVENNESS * length**4) * self.importance[gone])

    def _push(self, gone: int) -> None:
        """The cheapest collapse that takes ``gone`` away, if any is allowed."""
        self.stamp[gone] += 1
        options = sorted((self._cost(gone, kept), kept) for kept in self._neighbours(gone))
        for cost, kept in options:
            if self._allowed(gone, kept):
                heapq.heappush(self.heap, (cost, gone, kept, self.stamp[gone]))
                return

    def _allowed(self, gone: int, kept: int) -> bool:
        shared = self.around[gone] & self.around[kept]
        if gone in self.boundary and (kept not in self.boundary or len(shared) != 1):
            return False
        common = self._neighbours(gone) & self._neighbours(kept)
        if len(common) != len(shared):  # link condition: the surface stays a surface
            return False
        moving = self.around[gone] - shared
        if len(self.around[kept]) + len(moving) - len(shared) > MAX_VALENCE:
            return False
        before = np.array([self.faces[i] for i in sorted(moving)])
        if len(before) == 0:
            return False
        after = np.where(before == gone, kept, before)
        old, new = (self._normals(triangles) for triangles in (before, after))
        lengths = np.linalg.norm(old, axis=-1) * np.linalg.norm(new, axis=-1)
        if ((old * new).sum(-1) < 0.35 * lengths).any():  # a face would turn by more than 70 degrees
            return False
        return bool(self._quality(after).min() > min(0.15, 0.8 * self._quality(before).min()))

    def _normals(self, triangles: Array) -> Array:
        corners = self.shapes[:, triangles]
        return np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])

    def _quality(self, triangles: Array) -> Array:
        """1 for an equilateral triangle, 0 for a needle."""
        corners = self.shapes[0, triangles]
        sides = corners - np.roll(corners, 1, axis=1)
        area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=-1)
        return 2 * np.sqrt(3) * area / np.maximum((sides**2).sum((1, 2)), 1e-18)

    def run(self, keep: int) -> Array:
        for vertex in sorted(self.around):
            self._push(vertex)
        while len(self.around) > keep and self.heap:
            _, gone, kept, stamp = heapq.heappop(self.heap)
            if gone not in self.around or kept not in self.around or stamp != self.stamp[gone]:
                continue
            if not self._allowed(gone, kept):
                self._push(gone)
                continue
            self._collapse(gone, kept)
        return np.array([self.faces[i] for i in sorted(self.faces)])

    def _collapse(self, gone: int, kept: int) -> None:
        for index in sorted(self.around.pop(gone)):
            face = self.faces[index]
            if kept in face:
                for vertex in face:
                    if vertex != gone:
                        self.around[vertex].discard(index)
                del self.faces[index]
            else:
                a, b, c = (kept if v == gone else v for v in face)
                self.faces[index] = (a, b, c)
                self.around[kept].add(index)
        self.quadrics[:, kept] += self.quadrics[:, gone]
        for vertex in sorted(self._neighbours(kept) | {kept}):
            self._push(vertex)
