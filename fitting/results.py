"""What a fit returns: parameters and honest numbers about them, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """B fitted people, in the order of the observations.

    Attributes:
        params: (B, 85) [pose 72 | betas 10 | transl 3]; finite in every row.
        reprojection: (B, K) pixels of the image, canonical joints; NaN where a joint was not observed.
        energy: name of a term -> (B,) its energy in the last stage.
        steps: (B,) int64 solver steps over all body stages.
        converged: (B,) bool: every stage's end was reached before its step limit.
        trusted: (B,) bool: nothing speaks against the fit.
        reasons: B sentences, why a row is not trusted; "" where it is.
    """

    params: Tensor
    reprojection: Tensor
    energy: dict[str, Tensor]
    steps: Tensor
    converged: Tensor
    trusted: Tensor
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.params)

    def rows(self, index: Sequence[int]) -> FitResult:
        """The chosen rows, in the given order."""
        chosen = torch.as_tensor(list(index), dtype=torch.long, device=self.params.device)
        return FitResult(
            params=self.params[chosen],
            reprojection=self.reprojection[chosen],
            energy={name: value[chosen] for name, value in self.energy.items()},
            steps=self.steps[chosen],
            converged=self.converged[chosen],
            trusted=self.trusted[chosen],
            reasons=tuple(self.reasons[i] for i in index),
        )


def _energy(part: FitResult, name: str) -> Tensor:
    """A term's energy, zero in a part that does not have the term."""
    return part.energy[name] if name in part.energy else torch.zeros_like(part.params[:, 0])


def join_rows(parts: Sequence[FitResult], order: Sequence[int]) -> FitResult:
    """Results of parts of a batch as one; ``order[i]`` is the row that the i-th of all their rows goes to."""
    names = dict.fromkeys(name for part in parts for name in part.energy)
    whole = FitResult(
        params=torch.cat([part.params for part in parts]),
        reprojection=torch.cat([part.reprojection for part in parts]),
        energy={name: torch.cat([_energy(part, name) for part in parts]) for name in names},
        steps=torch.cat([part.steps for part in parts]),
        converged=torch.cat([part.converged for part in parts]),
        trusted=torch.cat([part.trusted for part in parts]),
        reasons=tuple(reason for part in parts for reason in part.reasons),
    )
    place = {row: index for index, row in enumerate(order)}
    return whole.rows([place[row] for row in range(len(order))])
