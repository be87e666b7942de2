"""A summary of a body model for people to read."""

from __future__ import annotations

from typing import NamedTuple

import torch

from .model import BodyModel


class BodyDescription(NamedTuple):
    """Counts and sizes that `describe` returns; lengths in metres, volume in litres, of the rest pose at betas 0."""

    name: str
    gender: str
    people: str
    license: str
    num_vertices: int
    num_faces: int
    num_betas: int
    num_landmarks: int
    has_correctives: bool
    height_m: float
    arm_span_m: float
    volume_l: float


def describe(body: BodyModel) -> BodyDescription:
    """Counts and sizes of a body at betas 0 in the rest pose."""
    vertices = body.v_template.double()
    low, high = vertices.amin(0), vertices.amax(0)
    extent = (high - low).tolist()
    ages = body.ages_years
    return BodyDescription(
        name=body.name,
        gender=body.gender,
        people="adults" if ages is None else f"children of {ages[0]:g} to {ages[1]:g} years",
        license=str(body.meta.get("license", "not stated in the file")),
        num_vertices=body.num_vertices,
        num_faces=body.faces.shape[0],
        num_betas=body.num_betas,
        num_landmarks=len(body.landmark_names),
        has_correctives=body.posedirs is not None,
        height_m=extent[1],
        arm_span_m=extent[0],
        volume_l=1000.0 * mesh_volume(vertices, body.faces).item(),
    )


def mesh_volume(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Volume inside closed meshes.

    Args:
        vertices: (..., V, 3) metres.
        faces: (F, 3), counter-clockwise seen from outside.
    Returns:
        (...) cubic metres.
    Source: the divergence theorem; signed tetrahedra of each face with the mesh's mean point.
    """
    centred = vertices - vertices.mean(-2, keepdim=True)
    first, second, third = (centred[..., faces[:, corner], :] for corner in range(3))
    return (first * torch.linalg.cross(second, third)).sum((-2, -1)) / 6.0
