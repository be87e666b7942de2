"""The arguments of ``smplx.SMPL`` as others have them: tensors or arrays, one row or many, rotations of any form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from .body import matrix_to_axis_angle, rotation_from_6d
from .body.parameters import Layout, Parameters

SMPLX_ARGUMENTS = Parameters._fields
"""What ``smplx.SMPL`` takes."""

_ROTATIONS = ("global_orient", "body_pose")


def smplx_arguments(
    parameters: Mapping[str, Tensor | np.ndarray], count: int, *, six_d: str | None = None
) -> dict[str, Tensor]:
    """The four arguments as (B, N) on the CPU, rotations as axis-angle.

    Args:
        parameters: betas (B, S), or (S,) for all rows; transl (B, 3); global_orient and body_pose of 1 and 23
            joints as axis-angle (B, 3 J) or (B, J, 3), as matrices (B, J, 3, 3), or with ``six_d`` as (B, 6 J) or
            (B, J, 6). Of one row the leading dimension may be missing.
        count: B.
        six_d: layout of six numbers a rotation, see `anchorfit.body.rotation_from_6d`.
    Raises:
        ValueError: an argument is missing, unknown, no numbers, or of another shape.
    """
    if parameters.keys() != set(SMPLX_ARGUMENTS):
        wanted = ", ".join(sorted(SMPLX_ARGUMENTS))
        raise ValueError(f"parameters: expected {wanted}, got {', '.join(sorted(parameters)) or 'none'}")
    given = {name: _tensor(name, parameters[name]) for name in SMPLX_ARGUMENTS}
    betas = given["betas"]
    given["betas"] = betas.expand(count, -1) if betas.ndim < 2 else betas
    layout = Layout(max(1, betas.shape[-1] if betas.ndim else 1))
    values = {}
    for name in SMPLX_ARGUMENTS:
        where: slice = getattr(layout, name)
        size = where.stop - where.start
        value = _vectors(given[name], size // 3, count, six_d) if name in _ROTATIONS else given[name]
        value = value[None] if count == 1 and value.shape == (size,) else value
        if value.shape != (count, size):
            hint = "; SMPL-X's 21 joints: add six zeros for SMPL's hands" if value.shape[-1:] == (63,) else ""
            raise ValueError(f"{name}: expected ({count}, {size}), got {tuple(given[name].shape)}{hint}")
        values[name] = value.clone()
    kinds = {value.dtype for value in values.values()}
    widest = torch.float64 if torch.float64 in kinds else torch.float32
    return {name: value.to(widest) for name, value in values.items()}


def _tensor(name: str, value: Tensor | np.ndarray) -> Tensor:
    try:
        found = value.detach().cpu() if isinstance(value, Tensor) else torch.from_numpy(np.array(value, copy=True))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected a tensor or an array of numbers, got {type(value).__name__}") from error
    return found if found.is_floating_point() else found.float()


def _vectors(value: Tensor, joints: int, count: int, six_d: str | None) -> Tensor:
    """(B, 3 J) axis-angle of rotations of any form; what fits none comes back as it is."""
    for form, turn in _forms(joints, six_d):
        for shape in ((count, *form), *([form] if count == 1 else [])):
            if value.shape == shape:
                return turn(value.reshape(count, *form))
    return value


_Form = tuple[tuple[int, ...], Callable[[Tensor], Tensor]]


def _forms(joints: int, six_d: str | None) -> list[_Form]:
    """Shapes of a row, and what makes (B, 3 J) axis-angle of such rows."""
    if six_d is not None:

        def from_six(value: Tensor) -> Tensor:
            return matrix_to_axis_angle(rotation_from_6d(value.reshape(len(value), joints, 6), six_d)).flatten(1)

        return [((6 * joints,), from_six), ((joints, 6), from_six)]
    forms: list[_Form] = [
        ((3 * joints,), lambda value: value),
        ((joints, 3), lambda value: value.flatten(1)),
        ((joints, 3, 3), lambda value: matrix_to_axis_angle(value).flatten(1)),
    ]
    return forms + ([((3, 3), matrix_to_axis_angle)] if joints == 1 else [])
