"""From a program's camera to ours: the body is seen at the same place, as large, and from the same side."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ..camera import project, rotation_to_axis, unproject
from ..interchange.results import GivenBodies, Roots, motion_between
from .shapes import Shaped, root_from_origin


class Carried(NamedTuple):
    """Parameters (B, D) of our body before our cameras; ``placed`` (B,) where the file's camera says where it is."""

    params: Tensor
    placed: Tensor


def carry(given: GivenBodies, found: Shaped, body: BodyModel, intrinsics: Tensor, sizes: Tensor) -> Carried:
    """Bodies before our cameras.

    The root joint stays on its pixel; its depth goes by the focal lengths, so that a metre there is as many pixels; and
    the body is turned by the angle between the two rays through it, for a network predicts what a body looks like,
    and the same pixel is seen along another ray by another camera. The same camera gives the same body, exactly.

    Args:
        given: B bodies.
        found: their poses and shapes as ours.
        body: ours.
        intrinsics: (B, 3, 3) of our cameras.
        sizes: (B, 2) of the images, pixels.
    """
    theirs = given.place(sizes)
    root = theirs.transl + root_from_origin(given, body, found)
    known = torch.isfinite(theirs.intrinsics).flatten(1).all(1) & torch.isfinite(root).all(1) & (root[:, 2] > 0)
    safe_root = torch.where(known[:, None], root, root.new_tensor((0.0, 0.0, 1.0)))
    matrix = torch.where(known[:, None, None], theirs.intrinsics, intrinsics.double())
    pixel = project(safe_root[:, None], matrix)
    ours = intrinsics.double()
    depth = safe_root[:, 2] * ours[:, 1, 1] / matrix[:, 1, 1]
    place = unproject(pixel, depth[:, None], ours)[:, 0]
    turn = rotation_to_axis(place).mT @ rotation_to_axis(safe_root)
    same = (ours == matrix).flatten(1).all(1)
    place = torch.where(same[:, None], safe_root, place)
    turn = torch.where(same[:, None, None], torch.eye(3, dtype=turn.dtype), turn)
    rotations = torch.cat([turn[:, None] @ found.rotations[:, :1], found.rotations[:, 1:]], 1)
    rest = body.to("cpu", torch.float64).rest_joints(found.betas)[:, 0]
    pose = matrix_to_axis_angle(rotations).flatten(1)
    params = body.layout.join(global_orient=pose[:, :3], body_pose=pose[:, 3:], betas=found.betas, transl=place - rest)
    return Carried(params, known)


def world_of_carried(given: GivenBodies, found: Shaped, params: Tensor, body: BodyModel, sizes: Tensor) -> Tensor:
    """The motions (B, 4, 4) that bring carried bodies from before our cameras to where their program has them in its
    world; NaN where it has none.

    Args:
        given, found, body, sizes: as for `carry`.
        params: (B, D) the carried bodies.
    """
    rest = root_from_origin(given, body, found)
    theirs = Roots(found.rotations[:, 0], given.place(sizes).transl + rest)
    parts = body.layout.split(params.double())
    own_rest = body.to("cpu", torch.float64).rest_joints(parts.betas)[:, 0]
    ours = Roots(axis_angle_to_matrix(parts.global_orient), parts.transl + own_rest)
    return motion_between(ours, given.world.roots(theirs, rest))
