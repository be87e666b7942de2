"""An energy is a list of terms over one set of body points; it gives the solver its normal equations.

The unknowns of a row are the 85 numbers [pose 72 | betas 10 | transl 3] (`anchorfit.body`). All terms look at the same
points, evaluated once with their Jacobian; a term defines itself by residuals and Jacobian rows, and may add a
structured short cut that comes to the same normal equations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, PointSet, compile_points
from .least_squares import NormalEquations

NUM_PARAMS = 85
POSE = slice(0, 72)
GLOBAL_ORIENT = slice(0, 3)
BODY_POSE = slice(3, 72)
BETAS = slice(72, 82)
TRANSL = slice(82, 85)


_CHUNK_ROWS = 128  # rows assembled at a time on a CPU: their Jacobians stay in the cache


class Residuals(NamedTuple):
    """A term's residuals (B, R) and their derivative (B, R, 85); the term's energy is the sum of squares."""

    values: Tensor
    jacobian: Tensor


class BodyState(NamedTuple):
    """Where B rows stand: params (B, 85), points of the body in the camera frame (B, P, 3), their derivative.

    Attributes:
        params: (B, 85).
        points: (B, P, 3) metres; P = 0 where no term wants points.
        jacobian: (B, P, 3, 85), or None where only values were asked for.
    """

    params: Tensor
    points: Tensor
    jacobian: Tensor | None


class Term(ABC):
    """One line of the energy.

    Attributes:
        name: how diagnostics speak of it.
        point_names: the body points it looks at (see `anchorfit.body.compile_points`).
    """

    name: str
    point_names: tuple[str, ...] = ()

    @abstractmethod
    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        """Residuals and Jacobian rows of chosen rows.

        Args:
            state: where those rows stand; only the term's own points, in the order of ``point_names``.
            rows: (B,) int64, which rows of the batch they are.
        """

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        """(B,) the term's energy, without derivatives."""
        return self.residuals(state, rows).values.square().sum(-1)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> NormalEquations:
        """The normal equations with this term added; may write into ``normal``, which belongs to the caller."""
        values, jacobian = self.residuals(state, rows)
        transposed = jacobian.transpose(1, 2)
        return NormalEquations(
            normal.cost + values.square().sum(-1),
            torch.baddbmm(normal.gradient[..., None], transposed, values[..., None])[..., 0],
            torch.baddbmm(normal.hessian, transposed, jacobian),
        )


@lru_cache(maxsize=32)
def compiled_points(body: BodyModel, names: tuple[str, ...]) -> PointSet:
    """`compile_points`, remembered for the bodies and names used last; ``vertex:INDEX`` comes after all other names."""
    vertices = [int(name.removeprefix("vertex:")) for name in names if name.startswith("vertex:")]
    return compile_points(body, names[: len(names) - len(vertices)], vertices=vertices)


class Energy:
    """The sum of terms, as a problem for `least_squares.minimise`.

    Args:
        body: the body model; its device and type are the energy's.
        terms: the terms that are on.
        frozen: (85,) bool, or None: unknowns that keep their value.
    """

    def __init__(self, body: BodyModel, terms: Sequence[Term], *, frozen: Tensor | None = None) -> None:
        self.terms = tuple(terms)
        wanted = [name for term in self.terms for name in term.point_names]
        wanted.sort(key=lambda name: name.startswith("vertex:"))  # stable: vertices go last
        names = {name: place for place, name in enumerate(dict.fromkeys(wanted))}
        self._columns: list[Tensor | slice] = []
        for term in self.terms:
            columns = [names[name] for name in term.point_names]
            first = columns[0] if columns else 0
            run = columns == list(range(first, first + len(columns)))
            index = slice(first, first + len(columns)) if run else torch.tensor(columns, device=body.v_template.device)
            self._columns.append(index)
        self._points = compiled_points(body, tuple(names)) if names else None
        self._frozen = frozen

    def _state(self, params: Tensor, derivative: bool) -> BodyState:
        if self._points is None:
            return BodyState(params, params.new_zeros(len(params), 0, 3), None)
        if derivative:
            return BodyState(params, *self._points.points_and_jacobian(params))
        return BodyState(params, self._points.points(params), None)

    def _share(self, state: BodyState, columns: Tensor | slice) -> BodyState:
        jacobian = None if state.jacobian is None else state.jacobian[:, columns]
        return BodyState(state.params, state.points[:, columns], jacobian)

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        """See `least_squares.Problem`."""
        count = len(params)
        if params.device.type != "cpu" or count <= _CHUNK_ROWS:
            return self._normal_equations(params, rows)
        pieces = -(-count // _CHUNK_ROWS)  # of even size, so that none is of a single row (see `schedules`)
        parts = [
            self._normal_equations(some, those)
            for some, those in zip(params.tensor_split(pieces), rows.tensor_split(pieces), strict=True)
        ]
        return NormalEquations(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        state = self._state(params, derivative=True)
        count = len(params)
        normal = NormalEquations(
            params.new_zeros(count),
            params.new_zeros(count, NUM_PARAMS),
            params.new_zeros(count, NUM_PARAMS, NUM_PARAMS),
        )
        for term, columns in zip(self.terms, self._columns, strict=True):
            normal = term.accumulate(self._share(state, columns), rows, normal)
        if self._frozen is None:
            return normal
        free = (~self._frozen).to(params.dtype)
        hessian = normal.hessian * free[:, None] * free
        torch.diagonal(hessian, dim1=-2, dim2=-1).add_(self._frozen.to(params.dtype))
        return NormalEquations(normal.cost, normal.gradient * free, hessian)

    def residuals(self, params: Tensor, rows: Tensor) -> Residuals:
        """All terms' residuals (B, R) and Jacobian rows (B, R, 85), for solvers that want them in full."""
        state = self._state(params, derivative=True)
        parts = [
            term.residuals(self._share(state, columns), rows)
            for term, columns in zip(self.terms, self._columns, strict=True)
        ]
        return Residuals(torch.cat([part.values for part in parts], 1), torch.cat([part.jacobian for part in parts], 1))

    def by_term(self, params: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """Each term's energy, name -> (B,); terms of the same name are summed."""
        state = self._state(params, derivative=False)
        energies: dict[str, Tensor] = {}
        for term, columns in zip(self.terms, self._columns, strict=True):
            value = term.energy(self._share(state, columns), rows)
            energies[term.name] = energies[term.name] + value if term.name in energies else value
        return energies
