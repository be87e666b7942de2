"""An energy is a list of terms over one set of body points; it gives the solver its normal equations.

The unknowns of a row are the body's parameters (`anchorfit.body.Layout`). All terms look at the same points, evaluated
once with their Jacobian; a term defines itself by residuals and Jacobian rows, and may add a structured short cut that
comes to the same normal equations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import BodyModel, Layout, PointSet
from ..body.jacobian_blocks import JacobianBlocks
from ..body.kinematics import compiled_points
from .least_squares import NormalEquations

_CHUNK_ROWS = 128  # rows assembled at a time on a CPU: their Jacobians stay in the cache,
_CHUNK_POINTS = 6000  # of so many points in all
_FEWEST_IN_CHUNK = 32


class Residuals(NamedTuple):
    """A term's residuals (B, R) and their derivative (B, R, D); the term's energy is the sum of squares."""

    values: Tensor
    jacobian: Tensor


class BodyState(NamedTuple):
    """Where B rows stand.

    Attributes:
        params: (B, D), see ``layout``.
        points: (B, P, 3) metres, camera frame; P = 0 where no term wants points.
        derivative: (B, P, 3, D) of the points by the parameters, or None where only values were asked for.
        layout: of the parameters.
        blocks: in place of the derivative, where all terms that want points take it in blocks: its rows (B, R), and how
            they are put together.
    """

    params: Tensor
    points: Tensor
    derivative: Tensor | None
    layout: Layout
    blocks: tuple[Tensor, JacobianBlocks] | None = None

    @property
    def jacobian(self) -> Tensor:
        """(B, P, 3, D) the derivative; not a number where only values were asked for, which are right all the same."""
        if self.derivative is None:
            return self.points.new_full((), torch.nan).expand(*self.points.shape, self.layout.size)
        return self.derivative

    @classmethod
    def of(cls, params: Tensor, points: PointSet | None = None, *, derivative: bool = False) -> BodyState:
        """The state at parameters (B, D), with given points and on request their derivative."""
        layout = Layout.of_size(params.shape[-1])
        if points is None:
            blank = params.new_zeros(len(params), 0, 3)
            return cls(params, blank, blank.new_zeros(*blank.shape, layout.size), layout)
        if derivative:
            return cls(params, *points.points_and_jacobian(params), layout)
        return cls(params, points.points(params), None, layout)

    def share(self, columns: Tensor | slice) -> BodyState:
        """The same with some of the points alone."""
        derivative = None if self.derivative is None else self.derivative[:, columns]
        return self._replace(points=self.points[:, columns], derivative=derivative)


class Term(ABC):
    """One line of the energy.

    Attributes:
        name: how diagnostics speak of it; a term that a spec built has the spec's.
        point_names: the body points it looks at (see `anchorfit.body.compile_points`).
        evidence: (B,) bool, the rows that the term says anything of; None: all of them.
        holds: parameters that the term sets itself in ``refresh`` and the solver leaves alone.
        by_blocks: ``accumulate`` takes `BodyState.blocks` where they are there.
    """

    name: str = ""
    point_names: tuple[str, ...] = ()
    evidence: Tensor | None = None
    holds: tuple[slice, ...] = ()
    by_blocks: bool = False

    @abstractmethod
    def residuals(self, state: BodyState, rows: Tensor) -> Residuals:
        """Residuals and Jacobian rows of chosen rows; evaluated in inference mode, which `AutogradTerm` leaves.

        Args:
            state: where those rows stand; only the term's own points, in the order of ``point_names``.
            rows: (B,) int64, which rows of the batch they are.
        """

    def refresh(self, params: Tensor, energy: Energy) -> Tensor:
        """What the term holds on to, chosen anew at ``params`` (B, D) of the whole batch, between two solves.

        Args:
            params: where all rows stand.
            energy: the energy that the term is a part of.
        Returns:
            (B, D) where to go on from; ``params`` unless the term moves rows itself.
        """
        return params

    def energy(self, state: BodyState, rows: Tensor) -> Tensor:
        """(B,) the term's energy, without derivatives."""
        return self.residuals(state, rows).values.square().sum(-1)

    def accumulate(self, state: BodyState, rows: Tensor, normal: NormalEquations) -> None:
        """Adds the term to the normal equations ``normal``, in place."""
        values, jacobian = self.residuals(state, rows)
        if values.dim() != 2 or jacobian.shape != (*values.shape, state.layout.size):
            raise ValueError(
                f"{self.name or type(self).__name__}: expected residuals (B, R) and their Jacobian "
                f"(B, R, {state.layout.size}), got {tuple(values.shape)} and {tuple(jacobian.shape)}"
            )
        transposed = jacobian.transpose(1, 2)
        normal.cost.add_(values.square().sum(-1))
        normal.gradient.add_(torch.bmm(transposed, values[..., None])[..., 0])
        normal.hessian.baddbmm_(transposed, jacobian)


class Energy:
    """The sum of terms, as a problem for `least_squares.minimise`.

    Args:
        body: the body model; its device and type are the energy's.
        terms: the terms that are on; what they hold keeps its value.
        frozen: further parameters that keep their value.
        observed: points that `state` has first, whether or not a term looks at them.
        rigid: the points' derivative leaves out how pose correctives move the surface, which takes two thirds of its
            time: millimetres for a radian beside the arm's hundreds. The points themselves are exact.
    """

    def __init__(
        self,
        body: BodyModel,
        terms: Sequence[Term],
        *,
        frozen: Sequence[slice] = (),
        observed: Sequence[str] = (),
        rigid: bool = False,
    ) -> None:
        self.terms = tuple(terms)
        self.body = body
        self.layout = body.layout
        wanted = [*observed, *(name for term in self.terms for name in term.point_names)]
        wanted.sort(key=lambda name: name.startswith("vertex:"))  # stable: vertices go last
        names = {name: place for place, name in enumerate(dict.fromkeys(wanted))}
        self._columns: list[Tensor | slice] = []
        for term in self.terms:
            wanted_columns = [names[name] for name in term.point_names]
            first = wanted_columns[0] if wanted_columns else 0
            run = slice(first, first + len(wanted_columns))
            is_run = wanted_columns == list(range(run.start, run.stop))
            self._columns.append(run if is_run else torch.tensor(wanted_columns, device=body.device))
        self._points = compiled_points(body, tuple(names)) if names else None
        corrected = self._points is not None and bool(self._points.corrective_joints.numel())
        self._rigid = compiled_points(body, tuple(names), correctives=False) if rigid and corrected else None
        self._chunk = max(_FEWEST_IN_CHUNK, min(_CHUNK_ROWS, _CHUNK_POINTS // max(1, len(names))))
        looking = [(t, c) for t, c in zip(self.terms, self._columns, strict=True) if t.point_names]
        self._by_blocks = bool(looking) and all(t.by_blocks and c == slice(0, len(names)) for t, c in looking)
        held = [*frozen, *(columns for term in self.terms for columns in term.holds)]
        self._frozen: Tensor | None = None
        if held:
            self._frozen = torch.zeros(self.layout.size, dtype=torch.bool, device=body.device)
            for columns in held:
                self._frozen[columns] = True

    def state(self, params: Tensor, *, derivative: bool = False) -> BodyState:
        """Where rows (B, D) stand, with all points that the energy looks at."""
        state = BodyState.of(params, self._points, derivative=derivative and self._rigid is None)
        if self._rigid is None or not derivative:
            return state
        return state._replace(derivative=self._rigid.points_and_jacobian(params)[1])

    def points_of(self, term: Term, params: Tensor) -> Tensor:
        """(B, P, 3) the points that one of the terms looks at, at ``params`` (B, D)."""
        return self.state(params).share(self._columns[self.terms.index(term)]).points

    def _shares(self, state: BodyState) -> list[tuple[Term, BodyState]]:
        own: dict[tuple[str, ...], BodyState] = {}
        for term, columns in zip(self.terms, self._columns, strict=True):
            if term.point_names not in own:
                own[term.point_names] = state.share(columns)
        return [(term, own[term.point_names]) for term in self.terms]

    def normal_equations(self, params: Tensor, rows: Tensor) -> NormalEquations:
        """See `least_squares.Problem`."""
        count = len(params)
        normal = NormalEquations.zeros(count, self.layout.size, params)
        pieces = -(-count // self._chunk) if params.device.type == "cpu" else 1  # of even size, so that none is small
        for piece in range(pieces):
            part = slice(piece * count // pieces, (piece + 1) * count // pieces)
            self._add(params[part], rows[part], NormalEquations(*(values[part] for values in normal)))
        if self._frozen is not None:
            normal.gradient[:, self._frozen] = 0
            normal.hessian[:, self._frozen] = 0
            normal.hessian[:, :, self._frozen] = 0
            torch.diagonal(normal.hessian, dim1=-2, dim2=-1)[:, self._frozen] = 1
        return normal

    def _add(self, params: Tensor, rows: Tensor, normal: NormalEquations) -> None:
        state = self._block_state(params) if self._by_blocks else self.state(params, derivative=True)
        for term, own in self._shares(state):
            term.accumulate(own, rows, normal)

    def _block_state(self, params: Tensor) -> BodyState:
        points, table = self._points, self._rigid or self._points
        if points is None or table is None:
            raise ValueError("no term looks at points")
        at, rows = table.points_and_rows(params)
        return BodyState(
            params, at if table is points else points.points(params), None, self.layout, (rows, table.blocks)
        )

    def residuals(self, params: Tensor, rows: Tensor) -> Residuals:
        """All terms' residuals (B, R) and Jacobian rows (B, R, D), for solvers that want them in full."""
        parts = [term.residuals(state, rows) for term, state in self._shares(self.state(params, derivative=True))]
        return Residuals(torch.cat([part.values for part in parts], 1), torch.cat([part.jacobian for part in parts], 1))

    def by_term(self, state: BodyState, rows: Tensor) -> dict[str, Tensor]:
        """Each term's energy where rows stand (see `state`), name -> (B,); terms of the same name are summed."""
        energies: dict[str, Tensor] = {}
        for term, own in self._shares(state):
            value = term.energy(own, rows)
            energies[term.name] = energies[term.name] + value if term.name in energies else value
        return energies


class CostedEnergy(Energy):
    """An energy whose cost is asked for alone where that is all that is needed: see `least_squares.CheapCosts`.

    It pays where many points make the derivatives most of the time.
    """

    def costs(self, params: Tensor, rows: Tensor) -> Tensor:
        """(B,) the sum of all terms' energies."""
        parts = [term.energy(state, rows) for term, state in self._shares(self.state(params))]
        return torch.stack(parts).sum(0)
