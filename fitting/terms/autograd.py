"""A term written as a function alone: its Jacobian comes from automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...body import Parameters
from ..energy import BodyState, Residuals, Term

ResidualFunction = Callable[[Parameters, Tensor, Tensor], Tensor]


class AutogradTerm(Term):
    """Residuals of one row as a function of its parameters, its points and its data; slower than a term by hand.

    Args:
        name: how diagnostics speak of it.
        function: (parameters of one row, points (P, 3) metres in the camera frame, data (...)) -> residuals (R,)
            or one (), in PyTorch operations that `torch.func.vmap` can take (no branches on values).
        point_names: the P body points that the function is given.
        data: (B, ...) what it is told of each row; nothing by default.

    >>> from anchorfit.body import load_body
    >>> from anchorfit.fitting.energy import Energy
    >>> level = AutogradTerm("level", lambda row, points, _: 100 * (points[0, 1:2] - points[1, 1:2]),
    ...                      point_names=("left_ankle", "right_ankle"))
    >>> body = load_body()
    >>> energy = Energy(body, [level])
    >>> found = energy.by_term(energy.state(body.layout.zeros(2, body.v_template)), torch.arange(2))
    >>> bool((found["level"] < 1).all())
    True
    """

    def __init__(
        self, name: str, function: ResidualFunction, *, point_names: Sequence[str] = (), data: Tensor | None = None
    ) -> None:
        self.name = name
        self.point_names = tuple(point_names)
        self._function = function
        self._data = data

    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        def one(params: Tensor, points: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
            values = self._function(state.layout.split(params), points, told).flatten()
            return values, values

        by_both = torch.func.vmap(torch.func.jacrev(one, argnums=(0, 1), has_aux=True))
        with torch.inference_mode(False):  # there are no derivatives in inference mode
            data = rows.new_zeros(len(rows), 0) if self._data is None else self._data[rows]
            (by_params, by_points), values = by_both(state.params.clone(), state.points.clone(), data)
        through_points = by_points.flatten(2) @ state.jacobian.flatten(1, 2)  # (B, R, P 3) (B, P 3, D)
        return Residuals(values, by_params + through_points)
