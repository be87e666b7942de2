"""Bodies as mesh files: OBJ, PLY and GLB, by trimesh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .atomic import write_atomically
from .rendering import PALETTE
from .rendering.shading import vertex_normals

MESH_FORMATS = ("obj", "ply", "glb")


def body_surface() -> dict[str, Any]:
    """glTF's metallic-roughness material of the first body: the palette's first colour in linear light, no metal."""
    linear = [((channel + 0.055) / 1.055) ** 2.4 for channel in PALETTE[0]]
    return {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}


def unit_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals (B, V, 3) of vertices (B, V, 3), y up; where a vertex has no area, and so no normal: up."""
    normals = vertex_normals(vertices, faces)
    up = torch.tensor([0.0, 1.0, 0.0], dtype=normals.dtype)
    return torch.where(normals.norm(dim=-1, keepdim=True) > 0.5, normals, up)


def export_mesh(path: str | Path, vertices_cam: Tensor, faces: Tensor) -> None:
    """Write one or several bodies as one mesh file; the file's ending chooses the format.

    The camera's frame (x right, y down, z forward) is turned by half a turn about x, so that the bodies stand upright
    in viewers, which have y up and look along -z: the file is in the OpenGL frame of the same camera, in metres.

    Args:
        path: ends in .obj, .ply or .glb.
        vertices_cam: (V, 3) or (N, V, 3) metres, camera frame.
        faces: (F, 3) vertex numbers.
    Raises:
        ValueError: another ending, vertices that are not finite, or faces that are not of these vertices.
        OSError: the file cannot be written.
    """
    import trimesh  # slow to import, and only needed here

    path = Path(path)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in MESH_FORMATS:
        raise ValueError(f"{path}: expected a name that ends in {', '.join('.' + f for f in MESH_FORMATS)}")
    bodies = vertices_cam.detach().cpu().double().numpy().reshape(-1, *vertices_cam.shape[-2:])
    if not np.isfinite(bodies).all():
        raise ValueError(f"{path}: the vertices are not finite")
    triangles = _checked_faces(faces, bodies.shape[1], path)
    upright = torch.from_numpy(bodies * np.array([1.0, -1.0, -1.0]))
    many = len(upright) * upright.shape[1]
    mesh = trimesh.Trimesh(
        vertices=upright.reshape(many, 3).numpy(),
        faces=np.concatenate([triangles + first for first in range(0, many, upright.shape[1])]),
        vertex_normals=unit_normals(upright, torch.from_numpy(triangles).long()).reshape(many, 3).numpy(),
        process=False,
    )
    if kind == "glb":
        surface = trimesh.visual.material.PBRMaterial(name="body", **body_surface())
        mesh.visual = trimesh.visual.TextureVisuals(material=surface)
    normals: dict[str, Any] = {"vertex_normal": True} if kind == "ply" else {"include_normals": True}
    data: Any = mesh.export(file_obj=None, file_type=kind, **normals)
    write_atomically(path, data.encode() if isinstance(data, str) else data)


def _checked_faces(faces: Tensor, vertices: int, path: Path) -> np.ndarray:
    triangles: np.ndarray = faces.cpu().numpy()
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.dtype.kind not in "iu":
        raise ValueError(f"{path}: faces: expected vertex numbers (F, 3), got {triangles.dtype} {triangles.shape}")
    if triangles.size and not (triangles.min() >= 0 and triangles.max() < vertices):
        raise ValueError(
            f"{path}: faces: expected numbers of {vertices} vertices, 0 to {vertices - 1}, got "
            f"{triangles.min()} to {triangles.max()}; they are another body's"
        )
    return triangles
