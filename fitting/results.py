"""The result of a fit: parameters and diagnostics, row by row."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor

from ..results import Diagnostics


@dataclass(frozen=True, kw_only=True)
class FitResult(Diagnostics):
    """B fitted people, in the order of the observations: their diagnostics, and

    Attributes:
        params: (B, D), see `anchorfit.body.Layout`; finite in every row.
    """

    params: Tensor

    @property
    def diagnostics(self) -> Diagnostics:
        """The same without the parameters."""
        return Diagnostics(**{field.name: getattr(self, field.name) for field in fields(Diagnostics)})
