"""Numbers of a file by name: their shapes are checked, and rotations of any form become matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...body import axis_angle_to_matrix, rotation_from_6d
from ...body.parameters import NUM_JOINTS
from ...results import FARTHEST
from .record import ResultFileError
from .worlds import GivenWorld

BODY_JOINTS_OF_OTHERS = 21
"""Joints beside the root that SMPL-H and SMPL-X share with SMPL; SMPL's two hands are theirs no more."""
_LEAST_VOLUME = 1e-3  # a determinant; the mean of two rotations that are 120 degrees apart has a quarter
_MOST_RADIANS = 1e3  # of an axis-angle vector: larger numbers are no angles


def named_numbers(content: Mapping[str, Any], key: str, *shape: int | None) -> Tensor:
    """A float64 tensor of a file.

    Args:
        content: what the file holds.
        key: its name.
        shape: sizes, None for any.
    Raises:
        ResultFileError: it is not there, no numbers, or of another shape.
    """
    if key not in content:
        raise ResultFileError(f"the key {key!r} is missing")
    try:
        values = np.asarray(content[key], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ResultFileError(f"{key}: expected numbers, got {type(content[key]).__name__}") from error
    if len(values.shape) != len(shape) or any(
        n is not None and n != m for n, m in zip(shape, values.shape, strict=True)
    ):
        wanted = ", ".join("N" if n is None else str(n) for n in shape)
        raise ResultFileError(f"{key}: expected ({wanted}), got {values.shape}")
    return torch.from_numpy(np.ascontiguousarray(values))


def rows_of(content: Mapping[str, Any], key: str) -> int:
    """How many rows an array has.

    Raises:
        ResultFileError: it is not there, or has none.
    """
    if key not in content:
        raise ResultFileError(f"the key {key!r} is missing")
    if np.ndim(content[key]) == 0 and not isinstance(content[key], list | tuple):
        raise ResultFileError(f"{key}: expected a row a body, got one number")
    return len(content[key])


def need_rows(content: Mapping[str, Any], count: int, *keys: str) -> None:
    """Raises ResultFileError where an array of another number of rows is among those that are there."""
    for key in keys:
        if content.get(key) is not None and rows_of(content, key) != count:
            raise ResultFileError(f"{rows_of(content, key)} rows of {key}, but {count} bodies; write the file again")


def turns(content: Mapping[str, Any], key: str, *, six_d: str | None = None) -> Tensor:
    """(N, J, 3, 3) rotations of an array of axis-angle vectors (N, 3 J) or (N, J, 3), or of matrices (N, J, 3, 3).

    Args:
        content, key: as for `named_numbers`.
        six_d: the array is (N, 6 J) or (N, J, 6), of this layout (`rotation_from_6d`).
    Raises:
        ResultFileError: none of these shapes.
    """
    if key not in content:
        raise ResultFileError(f"the key {key!r} is missing")
    values = named_numbers(content, key, *(None,) * np.ndim(content[key]))
    if six_d is not None:
        return rotation_from_6d(values.reshape(len(values), -1, 6), six_d)
    if values.ndim == 4 and values.shape[2:] == (3, 3):
        return rotations_near(values)
    if values.ndim == 3 and values.shape[1:] == (3, 3):
        return rotations_near(values[:, None])
    if values.ndim == 3 and values.shape[2] == 9:
        return rotations_near(values.unflatten(2, (3, 3)))
    flat = values.flatten(1) if values.ndim == 3 and values.shape[2] in (1, 3) else values
    if flat.ndim != 2 or flat.shape[1] == 0 or flat.shape[1] % 3:
        raise ResultFileError(f"{key}: expected axis-angle vectors or 3 x 3 matrices, got {tuple(values.shape)}")
    return axis_angle_to_matrix(torch.where(flat.abs() < _MOST_RADIANS, flat, torch.nan).unflatten(1, (-1, 3)))


def rotations_near(matrices: Tensor) -> Tensor:
    """The rotations nearest to matrices (..., 3, 3), as smoothing by entries leaves them; NaN where there are none:
    of NaN, mirrors, and zeros that fill rows up."""
    known = torch.isfinite(matrices).flatten(-2).all(-1)[..., None, None]
    clean = torch.where(known, matrices, torch.eye(3, dtype=matrices.dtype))
    exact = (clean @ clean.mT - torch.eye(3, dtype=clean.dtype)).abs().amax((-1, -2)) < 1e-6
    left, _, right = torch.linalg.svd(clean)
    sign = torch.linalg.det(left @ right)
    left = torch.cat([left[..., :2], left[..., 2:] * sign[..., None, None]], -1)
    volume = torch.linalg.det(clean)[..., None, None]
    found = torch.where(exact[..., None, None], clean, left @ right)
    return torch.where(known & (volume > _LEAST_VOLUME), found, torch.nan)


def whole_body(rotations: Tensor, key: str = "pose") -> Tensor:
    """(N, 24, 3, 3) of 24 joints; of the first 22 of SMPL-H's or SMPL-X's, whose SMPL hands are straight.

    Raises:
        ResultFileError: fewer than 22, or 23.
    """
    joints = rotations.shape[1]
    if joints == NUM_JOINTS:
        return rotations
    if joints < BODY_JOINTS_OF_OTHERS + 1 or joints == NUM_JOINTS - 1:
        raise ResultFileError(f"{key}: expected rotations of 24 joints, or of 22 and hands, got {joints}")
    straight = torch.eye(3, dtype=rotations.dtype).expand(len(rotations), 2, 3, 3)
    return torch.cat([rotations[:, : BODY_JOINTS_OF_OTHERS + 1], straight], 1)


def root_and_body(content: Mapping[str, Any], root: str = "global_orient", body: str = "body_pose") -> Tensor:
    """(N, 24, 3, 3) of a root and of 23 or 21 joints of the body, each of any form."""
    first, rest = turns(content, root), turns(content, body)
    if len(first) != len(rest):
        raise ResultFileError(f"{len(first)} rows of {root}, but {len(rest)} of {body}; write the file again")
    return whole_body(torch.cat([first[:, :1], rest], 1), body)


def stated_world(
    held: Any, roots: str, transl: str, count: int, *, of: str = "body", rows: Tensor | None = None
) -> tuple[GivenWorld | None, tuple[str, ...]]:
    """The world of a file, and what is wrong with it: without it the bodies before the camera are as good.

    Args:
        held: what holds it.
        roots, transl: names of the rotations, any form, and of the translations.
        count: of the bodies.
        of: as `GivenWorld` has it.
        rows: (B,) which row is each body's; None: they are the bodies'.
    Returns:
        None where the file has none.
    """
    if not isinstance(held, Mapping) or not {roots, transl} & held.keys():
        return None, ()
    try:
        turned, moved = turns(held, roots)[:, 0], named_numbers(held, transl, None, 3)
        if rows is not None and len(turned) == len(moved):
            outside = rows[~((rows >= 0) & (rows < len(turned)))]
            if len(outside):
                raise ResultFileError(f"{len(turned)} rows of {roots}, but frame {float(outside[0]):g}")
            turned, moved = turned[rows.long()], moved[rows.long()]
        if not len(turned) == len(moved) == count:
            raise ResultFileError(f"{len(turned)} rows of {roots}, {len(moved)} of {transl}, but {count} bodies")
    except ResultFileError as error:
        return None, (f"its world is not read: {error}",)
    lost = ~(torch.isfinite(turned).flatten(1).all(1) & (moved.abs() < FARTHEST).all(1))
    if not bool(lost.any()):
        return GivenWorld(of=of, rotation=turned, transl=moved), ()
    nowhere = torch.where(lost[:, None], torch.nan, moved)
    said = f"its world is not known of {int(lost.sum())} of {count} bodies: {roots} and {transl} are none there"
    return GivenWorld(of=of, rotation=turned, transl=nowhere), (said,)


def texts(values: Any) -> list[str]:
    """Names of a file: texts, bytes or paths."""
    flat = values.tolist() if isinstance(values, np.ndarray) else values
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in flat]


def gender_of(content: Mapping[str, Any], key: str = "gender") -> str:
    """ "neutral", "male" or "female", however a file writes it; "" where it does not, or where rows differ."""
    if key not in content:
        return ""
    held = content[key]
    words = texts(held if isinstance(held, list | tuple) else np.atleast_1d(np.asarray(held)))
    found = {_GENDERS.get(word.strip().lower()[:1], "") for word in words}
    return found.pop() if len(found) == 1 else ""


_GENDERS = {"m": "male", "f": "female", "n": "neutral"}


def boxes_around(centre: Tensor, width: Tensor, height: Tensor) -> Tensor:
    """(N, 4) x, y, width, height of boxes by their middles (N, 2) and sides (N,)."""
    return torch.stack([centre[:, 0] - width / 2, centre[:, 1] - height / 2, width, height], -1)


def square(centre: Tensor, side: Tensor) -> Tensor:
    """(N, 3) cx, cy, b."""
    return torch.cat([centre, side[:, None]], -1)
