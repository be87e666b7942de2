"""Delta mush (Mancewicz et al. 2014) around the shoulders, where dual-quaternion skinning bulges.

The posed skin is smoothed, and the detail that smoothing takes from the rest pose is put back in the turned local
frames. Elsewhere Anny's deformation stays as it is: at hips and knees smoothing would lose the volume that dual
quaternions keep.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, diags

Array = np.ndarray

STEPS = 15
FULL_M, NONE_M = (
    0.12,
    0.24,
)  # distance from a shoulder joint: smoothed wholly within the first, not at all beyond the second


class ShoulderMush:
    """Made for one rest shape (V, 3); call it with posed skins (S, V, 3) of the same mesh."""

    def __init__(self, rest: Array, faces: Array, shoulders: Array, size: float = 1.0) -> None:
        self.faces = faces
        edges = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])  # closed: each edge comes both ways
        adjacency = coo_matrix((np.ones(len(edges)), edges.T), (len(rest), len(rest))).tocsr()
        self.mean = (diags(1 / np.asarray(adjacency.sum(1)).ravel()) @ adjacency).tocsr()
        self.neighbour = self.mean.indices[self.mean.indptr[:-1]]
        distance = np.linalg.norm(rest[:, None] - shoulders, axis=-1).min(1) / size
        ramp = np.clip((NONE_M - distance) / (NONE_M - FULL_M), 0, 1)
        self.share = (ramp**2 * (3 - 2 * ramp))[:, None]
        smooth = self._smooth(rest)
        self.detail = np.einsum("vba,vb->va", self._frames(smooth), rest - smooth)

    def __call__(self, posed: Array) -> Array:
        return np.stack([self._one(skin) for skin in posed])

    def _one(self, skin: Array) -> Array:
        smooth = self._smooth(skin)
        mushed = smooth + np.einsum("vab,vb->va", self._frames(smooth), self.detail)
        return skin + self.share * (mushed - skin)

    def _smooth(self, skin: Array) -> Array:
        for _ in range(STEPS):
            skin = (skin + self.mean @ skin) / 2
        return skin

    def _frames(self, skin: Array) -> Array:
        """(V, 3, 3) columns: normal, an edge's direction across it, their cross product."""
        a, b, c = (skin[self.faces[:, k]] for k in range(3))
        face_normal = np.cross(b - a, c - a)
        normal = np.stack(
            [np.bincount(self.faces.T.ravel(), np.tile(face_normal[:, k], 3), len(skin)) for k in range(3)], 1
        )
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        along = skin[self.neighbour] - skin
        along -= (along * normal).sum(1, keepdims=True) * normal
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        return np.stack([normal, along, np.cross(normal, along)], axis=-1)
