"""What a fit returns: parameters and honest numbers about them, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..rows import Rows


@dataclass(frozen=True, kw_only=True)
class FitResult(Rows):
    """B fitted people, in the order of the observations.

    Attributes:
        params: (B, 85) [pose 72 | betas 10 | transl 3]; finite in every row.
        reprojection: (B, K) pixels of the image, canonical joints; NaN where a joint was not observed.
        energy: name of a term -> (B,) its energy in the last stage.
        steps: (B,) int64 solver steps over all body stages.
        converged: (B,) bool: every stage's end was reached before its step limit.
        score: (B,) in [0, 1], 1 is surely right; see `trust`.
        trusted: (B,) bool: nothing speaks against the fit.
        reasons: B sentences, why a row is not trusted; "" where it is.
    """

    params: Tensor
    reprojection: Tensor
    energy: dict[str, Tensor]
    steps: Tensor
    converged: Tensor
    score: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.params)
