"""The parameter vector: one row of pose, shape and translation.

A row is [global_orient 3 | body_pose 69 | betas S | transl 3], D = 75 + S numbers: axis-angle radians of SMPL's 24
joints, coefficients of the body's S shape components, metres. No other module knows where each of them stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .joint_sets import SMPL_JOINTS

NUM_JOINTS = len(SMPL_JOINTS)
NUM_POSE = 3 * NUM_JOINTS
NUM_BODY_POSE = NUM_POSE - 3
NUM_TRANSL = 3


class Parameters(NamedTuple):
    """The parts of parameter rows (..., D): (..., 3), (..., 69), (..., S) and (..., 3)."""

    global_orient: Tensor
    body_pose: Tensor
    betas: Tensor
    transl: Tensor

    @property
    def pose(self) -> Tensor:
        """(..., 72) axis-angle: ``global_orient`` and ``body_pose`` as SMPL joins them."""
        return torch.cat((self.global_orient, self.body_pose), -1)


@dataclass(frozen=True)
class Layout:
    """Slices of the parts of a parameter row; ``body.layout`` is that of a body.

    Attributes:
        num_betas: S, the shape components that the body keeps.

    >>> layout = Layout(10)
    >>> layout.size, layout.betas, layout.depth
    (85, slice(72, 82, None), 84)
    """

    num_betas: int

    @classmethod
    @lru_cache(maxsize=32)
    def of_size(cls, size: int) -> Layout:
        """The layout of rows of ``size`` numbers.

        Raises:
            ValueError: so few that no shape component is among them.
        """
        num_betas = size - NUM_POSE - NUM_TRANSL
        if num_betas < 1:
            raise ValueError(f"params: expected rows of at least {NUM_POSE + NUM_TRANSL + 1} numbers, got {size}")
        return cls(num_betas)

    @cached_property
    def size(self) -> int:
        """D, the numbers of a row."""
        return self.transl.stop

    @cached_property
    def pose(self) -> slice:
        """All 24 joints, the global orientation first."""
        return slice(0, NUM_POSE)

    @cached_property
    def global_orient(self) -> slice:
        return slice(0, NUM_POSE - NUM_BODY_POSE)

    @cached_property
    def body_pose(self) -> slice:
        return slice(NUM_POSE - NUM_BODY_POSE, NUM_POSE)

    @cached_property
    def betas(self) -> slice:
        return slice(NUM_POSE, NUM_POSE + self.num_betas)

    @cached_property
    def transl(self) -> slice:
        return slice(NUM_POSE + self.num_betas, NUM_POSE + self.num_betas + NUM_TRANSL)

    @cached_property
    def depth(self) -> int:
        """The column of the translation along the camera's axis."""
        return self.size - 1

    def join(self, *, global_orient: Tensor, body_pose: Tensor, betas: Tensor, transl: Tensor) -> Tensor:
        """Rows (..., D) of parts; the inverse of `split`.

        Raises:
            ValueError: a part is of another size.
        """
        parts = Parameters(global_orient, body_pose, betas, transl)
        for name, part in parts._asdict().items():
            where: slice = getattr(self, name)
            if part.shape[-1] != where.stop - where.start:
                raise ValueError(f"{name}: expected (..., {where.stop - where.start}), got {tuple(part.shape)}")
        return torch.cat(parts, -1)

    def split(self, params: Tensor) -> Parameters:
        """The parts of rows (..., D), as views.

        Raises:
            ValueError: rows of another size.
        """
        if params.shape[-1] != self.size:
            raise ValueError(f"params: expected (..., {self.size}), got {tuple(params.shape)}")
        return Parameters(*(params[..., getattr(self, name)] for name in Parameters._fields))

    def check(self, params: Tensor, name: str = "params", *, count: int | None = None) -> Tensor:
        """``params`` as it is, if it is (B, D), or (``count``, D) where a count is given.

        Raises:
            ValueError: another shape; the message calls the argument ``name``.
        """
        if params.ndim != 2 or params.shape[1] != self.size or count not in (None, len(params)):
            rows = "B" if count is None else count
            raise ValueError(f"{name}: expected ({rows}, {self.size}), got {tuple(params.shape)}")
        return params

    def zeros(self, count: int, like: Tensor) -> Tensor:
        """(count, D) rest poses of the mean shape at the origin, in the type and on the device of ``like``."""
        return torch.zeros(count, self.size, dtype=like.dtype, device=like.device)

    def fit_betas(self, betas: Tensor) -> Tensor:
        """Coefficients (..., any) as (..., S): later components are left out, missing ones are 0.

        A body's components are ordered by the variance they explain, so the first ones mean the same in each layout.
        """
        kept = betas[..., : self.num_betas]
        return torch.nn.functional.pad(kept, (0, self.num_betas - kept.shape[-1]))
