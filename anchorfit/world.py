"""Bodies in the world that their floor shows: y up, the floor at 0, whatever way the camera looked.

The origin is the point of the floor below the camera; z is level and points from what the camera looks at towards it,
x to the camera's right. So a level camera's world is its OpenGL frame, and meshes, rigs and motion files keep their
axes; bodies move to the floor, and stand upright on it.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from .body.floor import Floor, Floors, world_rotation
from .options import Frame
from .results import BodyEstimate

_LEVEL_FROM_WORLD = (1.0, -1.0, -1.0)
"""Diagonal of the half turn from the world's axes to those of a level camera: y down, z forward."""


def to_world(estimate: BodyEstimate, body: BodyModel) -> dict[str, Tensor]:
    """The bodies in the world: what ``smplx.SMPL`` takes, metres, y up, the floor at 0.

    Args:
        estimate: B rows.
        body: the body that they were made with.
    Returns:
        global_orient (B, 3), body_pose (B, 69), betas (B, S), transl (B, 3); NaN in rows that have no floor.

    >>> import anchorfit, torch
    >>> from anchorfit.world import on_floor, to_world
    >>> body = anchorfit.load_body()
    >>> given = {"global_orient": torch.tensor([[torch.pi, 0, 0]]), "body_pose": torch.zeros(1, 69)}
    >>> given |= {"betas": torch.zeros(1, 10), "transl": torch.tensor([[0.0, 0.5, 4.0]])}
    >>> one = anchorfit.BodyEstimate.from_smplx(
    ...     given, intrinsics=torch.eye(3), image_size=(640, 480), names=["one"]
    ... )
    >>> one = on_floor(one, anchorfit.Floor.of_camera(height=1.5))
    >>> [round(float(number), 2) + 0.0 for number in to_world(one, body)["transl"][0]]
    [0.0, 1.0, -4.0]
    """
    turn = world_rotation(estimate.floors.planes)
    orient, transl = _moved(estimate, body, turn)
    unknown = ~estimate.floors.known[:, None]
    values = estimate.to_smplx()
    values |= {
        "global_orient": orient.masked_fill(unknown, torch.nan),
        "transl": transl.masked_fill(unknown, torch.nan),
    }
    return values


def on_floor(estimate: BodyEstimate, floor: Floor) -> BodyEstimate:
    """The same rows, before one camera of that floor; bodies stay where they are."""
    return replace(estimate, floors=Floors.of(floor, len(estimate), estimate.transl))


def levelled(estimate: BodyEstimate, body: BodyModel) -> BodyEstimate:
    """Rows that have a floor as a level camera on it would see them (y down, the floor at y = 0); others as they are.

    What writes bodies of the camera's frame then writes them in the world's. The cameras are no longer theirs.
    """
    known = estimate.floors.known
    if not bool(known.any()):
        return estimate
    half = torch.diag(estimate.transl.new_tensor(_LEVEL_FROM_WORLD))
    orient, transl = _moved(estimate, body, world_rotation(estimate.floors.planes), half)
    return replace(
        estimate,
        global_orient=torch.where(known[:, None], orient, estimate.global_orient),
        transl=torch.where(known[:, None], transl, estimate.transl),
    )


def camera_matrix(estimate: BodyEstimate, frame: Frame) -> tuple[float, ...] | None:
    """Where the first row's camera stands in the axes of files of a frame, 16 numbers, column by column; None: at their
    origin. It looks along its -z, as OpenGL's and glTF's do."""
    if frame != "world" or not bool(estimate.floors.known.all()):
        return None
    plane = estimate.floors.planes[:1].double()
    turn = world_rotation(plane)[0] @ torch.diag(plane.new_tensor(_LEVEL_FROM_WORLD))
    columns = torch.eye(4, dtype=plane.dtype)
    columns[:3, :3], columns[1, 3] = turn, plane[0, 3]
    return tuple(columns.T.flatten().tolist())


def in_frame(estimate: BodyEstimate, body: BodyModel, frame: Frame) -> BodyEstimate:
    """The bodies as files of a frame hold them; rows of one person must all have a floor to be in the world."""
    return levelled(estimate, body) if frame == "world" and bool(estimate.floors.known.all()) else estimate


def _moved(estimate: BodyEstimate, body: BodyModel, turn: Tensor, then: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Orientation and translation (B, 3) each after ``then (turn x + height)``: bodies turn about the pelvis."""
    root = body.to("cpu", torch.float64).rest_joints(body.layout.fit_betas(estimate.betas).double().cpu())[:, 0]
    turn = turn.double().cpu()
    at = (turn @ (estimate.transl.double().cpu() + root)[..., None])[..., 0]
    at[:, 1] += estimate.floors.planes[:, 3].double().cpu()
    if then is not None:
        turn, at = then.double().cpu() @ turn, at @ then.double().cpu().T
    safe = torch.where(turn.isfinite(), turn, torch.eye(3, dtype=turn.dtype))
    orient = matrix_to_axis_angle(safe @ axis_angle_to_matrix(estimate.global_orient.double().cpu()))
    return orient.to(estimate.transl), (at - root).to(estimate.transl)
