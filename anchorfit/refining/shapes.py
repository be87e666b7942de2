"""Whose betas a program's are: exact for the body they belong to; else the shape is told by points, or not at all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, axis_angle_to_matrix
from ..interchange.results import GivenBodies
from ..points import fit_points

ROOT_OF = {"smpl": (0.0, -0.22, 0.03), "smplh": (0.0, -0.22, 0.03), "smplx": (0.0, -0.35, 0.01)}
"""Metres from the origin of the licensed models to their root joint, to a centimetre or two: to find people by."""


SMALLEST = 0.3
"""Metres: points nearer together are no body's."""


class Shaped(NamedTuple):
    """Poses (B, 24, 3, 3) and betas (B, S) of a body of ours, roots relative to the file's camera; ``exact`` where
    betas are the body's own; one line that says what was done."""

    rotations: Tensor
    betas: Tensor
    exact: bool
    said: str


def shaped(given: GivenBodies, body: BodyModel) -> Shaped:
    """Another program's bodies as poses and betas of ``body``."""
    rotations, exact = given.rotations, belongs_to(given, body)
    if exact:
        return Shaped(rotations, body.layout.fit_betas(given.betas), True, _exactly(given, body))
    has_pose = bool(torch.isfinite(rotations).all())
    name = body.source or body.name
    if _tell(given):
        found = fit_points(given.points.to(body.dtype), convention=given.convention, body=body, unit="m", up="auto")
        betas = found.world["betas"].double()
        if has_pose:
            return Shaped(
                rotations, betas, False, f"{_whose(given)} are not of {name}: rotations kept, shapes told by its joints"
            )
        pose = torch.cat([found.world["global_orient"], found.world["body_pose"]], 1).double()
        said = (
            f"no SMPL in it: poses and shapes are fitted to its joints ({float(found.mean_error_mm.median()):.0f} mm)"
        )
        return Shaped(axis_angle_to_matrix(pose.unflatten(1, (-1, 3))), betas, False, said)
    betas = rotations.new_zeros(len(given), body.layout.num_betas)
    said = f"{_whose(given)} are not of {name}: rotations kept, shapes told by the keypoints"
    if given.model == "smpl":
        said += "; --body SMPL_NEUTRAL.pkl takes them exactly"
    return Shaped(rotations, betas, False, said)


def _tell(given: GivenBodies) -> bool:
    """Whether a file's points are those of bodies: some programs write zeros where they have none."""
    if not given.points.shape[1]:
        return False
    extent = (given.points.amax(1) - given.points.amin(1)).norm(dim=-1)
    return bool((extent > SMALLEST).all())


def belongs_to(given: GivenBodies, body: BodyModel) -> bool:
    """Whether betas of a file are those of a body: of our own files the named one, of SMPL's any licensed file."""
    if not given.betas.shape[1]:
        return False
    own = body.source or body.name
    if given.program == "anchorfit":
        return given.model == own and given.gender in ("", body.gender)
    return given.model == "smpl" and not is_open(body) and given.gender in ("", body.gender)


def is_open(body: BodyModel) -> bool:
    """Whether a body is one of the package's, whose betas are no SMPL's."""
    return (body.source or body.name).startswith("open")


def root_from_origin(given: GivenBodies, body: BodyModel, found: Shaped) -> Tensor:
    """(B, 3) metres from the origin of a program's translation to the root joint, camera axes."""
    if found.exact:
        rest = body.to("cpu", torch.float64).rest_joints(found.betas)[:, 0]
    else:
        rest = torch.tensor(ROOT_OF.get(given.model, (0.0, 0.0, 0.0)), dtype=torch.float64).expand(len(given), 3)
    return torch.where(given.pelvis.isnan(), rest, given.pelvis)


def _whose(given: GivenBodies) -> str:
    if not given.betas.shape[1]:
        return "its shapes"
    return f"its {given.betas.shape[1]} betas ({given.model}{', ' + given.gender if given.gender else ''})"


def _exactly(given: GivenBodies, body: BodyModel) -> str:
    count, keeps = given.betas.shape[1], body.layout.num_betas
    more = f", of which {keeps} are used" if count > keeps else ""
    return f"made with the same body ({body.source or body.name}): poses and {count} betas are taken as they are{more}"
