"""Triangles cut at the near plane, so that a body which the camera stands in still draws what lies in front."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Triangles(NamedTuple):
    """A soup of triangles in the camera frame: corners_cam (M, 3, 3); body and face that each came from, (M,)."""

    corners_cam: Tensor
    body: Tensor
    face: Tensor


def clip_to_near(triangles: Triangles, near: float) -> Triangles:
    """Parts of the triangles with z >= near: each gives nothing, itself, one piece, or a quadrilateral as two pieces.

    A cut point is computed from the corner in front towards the corner behind, whichever face asks, so two faces that
    share an edge share the cut point bit for bit: no crack opens there.

    Args:
        triangles: M triangles, camera frame, metres; orientation is kept.
        near: distance of the near plane, metres.
    Source: Sutherland & Hodgman 1974, one plane.
    """
    inside = triangles.corners_cam[..., 2] >= near  # (M, 3)
    count = inside.sum(-1)
    whole = count == 3
    pieces = [Triangles(triangles.corners_cam[whole], triangles.body[whole], triangles.face[whole])]
    for kept in (1, 2):
        chosen = count == kept
        if not bool(chosen.any()):
            continue
        corners = triangles.corners_cam[chosen]
        # Turn each triangle until its odd corner (the one alone on its side) comes first.
        odd = (inside[chosen] == (kept == 1)).to(torch.int64).argmax(-1)
        order = (odd[:, None] + torch.arange(3, device=odd.device)) % 3
        first, second, third = torch.gather(corners, 1, order[..., None].expand(-1, -1, 3)).unbind(1)
        body, face = triangles.body[chosen], triangles.face[chosen]
        if kept == 1:
            cut = torch.stack([first, _cut(first, second, near), _cut(first, third, near)], 1)
            pieces.append(Triangles(cut, body, face))
        else:
            from_second, from_third = _cut(second, first, near), _cut(third, first, near)
            pieces.append(Triangles(torch.stack([from_second, second, third], 1), body, face))
            pieces.append(Triangles(torch.stack([from_second, third, from_third], 1), body, face))
    return Triangles(*(torch.cat(parts) for parts in zip(*pieces, strict=True)))


def _cut(front: Tensor, behind: Tensor, near: float) -> Tensor:
    """Where the segment from a corner in front to a corner behind meets z = near; (M, 3)."""
    share = (front[:, 2:] - near) / (front[:, 2:] - behind[:, 2:])
    point = front + share * (behind - front)
    return torch.cat([point[:, :2], torch.full_like(point[:, 2:], near)], -1)
