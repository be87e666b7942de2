"""The result of a fit: parameters and diagnostics, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import torch
from torch import Tensor

from ..body.floor import Floors
from ..results import Diagnostics


@dataclass(frozen=True, kw_only=True)
class FitResult(Diagnostics):
    """B fitted people, in the order of the observations: their diagnostics, and

    Attributes:
        params: (B, D), see `anchorfit.body.Layout`; finite in every row.
        floors: what rows stand on.
    """

    params: Tensor
    floors: Floors = field(default_factory=lambda: Floors(planes=torch.zeros(0, 4)))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.floors) != len(self):
            object.__setattr__(self, "floors", Floors.none(len(self), self.params))

    @property
    def diagnostics(self) -> Diagnostics:
        """The same without the parameters."""
        return Diagnostics(**{field.name: getattr(self, field.name) for field in fields(Diagnostics)})
