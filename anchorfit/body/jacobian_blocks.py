"""Normal equations of points by blocks: most of a Jacobian is zero, since a point moves with its own limb alone.

Points that move with about the same joints form a block, whose columns are those of its joints; the columns that all
blocks have (the root's, betas, the translation) stand first in each. With a column of residuals r before them, the
product of a block's rows with themselves holds its share of J^T J, J^T r and r^T r; the shares are put in their places
by a table. For 84 points on the body that is a sixth of the multiplications, and a third of the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

_OF_ENTRY, _OF_NUMBER, _OF_BLOCK = 10.0, 60.0, 50_000.0
"""What an entry of a product, a number of the Jacobian and a block itself cost, in multiplications of a product."""


class JacobianBlock(NamedTuple):
    """Some of the points, (n,), and where their Jacobian's entries stand among a point set's rows, (n * 3 * C,):
    C - 1 columns behind one that is left blank."""

    points: Tensor
    rows: Tensor
    width: int


class Places(NamedTuple):
    """Where entries of the normal equations come from: a place among the products of all blocks, a 0 behind them, and
    behind that M sums of several places."""

    gradient: Tensor  # (D,)
    hessian: Tensor  # (D * D,)
    sums: tuple[Tensor, ...]  # (M,) each: what the sums are of


@dataclass(frozen=True, kw_only=True, eq=False)
class JacobianBlocks:
    """The blocks of a point set and the tables of their products. ``common``: columns that all blocks begin with."""

    blocks: tuple[JacobianBlock, ...]
    common: int
    places: Places

    @classmethod
    def of(cls, table: Tensor, zero: int) -> JacobianBlocks:
        """Blocks of a table (P, 3, D) of rows; ``zero`` is the row of an entry that is always 0."""
        moved = (table != zero).any(1).cpu()  # (P, D)
        groups = _grouped([frozenset(torch.nonzero(row)[:, 0].tolist()) for row in moved])
        shared = frozenset.intersection(*(columns for columns, _ in groups))
        blocks, columns = [], []
        for own, points in groups:
            order = [*sorted(shared), *sorted(own - shared)]
            chosen = table[points][:, :, order]
            blank = chosen.new_full((len(points), 3, 1), zero)
            rows = torch.cat((blank, chosen), -1).flatten()
            blocks.append(JacobianBlock(torch.tensor(points, device=table.device), rows, 1 + len(order)))
            columns.append(order)
        places = _places(columns, len(shared), table.shape[-1], table.device)
        return cls(blocks=tuple(blocks), common=1 + len(shared), places=places)

    def accumulate(self, rows: Tensor, residuals: Tensor, weights: Tensor, gradient: Tensor, hessian: Tensor) -> None:
        """Add J^T W^2 r and J^T W^2 J to the last two, in place.

        Args:
            rows: (B, R) of the point set, transposed.
            residuals: (B, P, 3) r. weights: (B, P) w of the points.
            gradient: (B, D). hessian: (B, D, D).
        """
        count, shared = len(rows), self.common
        pulled = weights[..., None] * residuals
        products = []
        for block in self.blocks:
            jacobian = rows.index_select(1, block.rows).view(count, -1, 3, block.width)
            jacobian.mul_(weights.index_select(1, block.points)[..., None, None])
            jacobian[..., 0] = pulled.index_select(1, block.points)
            flat = jacobian.flatten(1, 2)
            products.append(torch.bmm(flat.transpose(1, 2), flat))
            if len(products) > 1:
                products[0][:, :shared, :shared] += products[-1][:, :shared, :shared]
        together = self._with_sums(products)
        gradient.add_(together.index_select(1, self.places.gradient))
        hessian.add_(together.index_select(1, self.places.hessian).view_as(hessian))

    def _with_sums(self, products: Sequence[Tensor]) -> Tensor:
        """(B, Q + 1 + M): entries of products (B, C, C), a 0, and the sums that some places are of."""
        flat = [product.flatten(1) for product in products]
        length, sums = sum(one.shape[1] for one in flat), self.places.sums
        together = flat[0].new_zeros(len(flat[0]), length + 1 + (len(sums[0]) if sums else 0))
        torch.cat(flat, 1, out=together[:, :length])
        for places in sums:
            together[:, length + 1 :] += together.index_select(1, places)
        return together


def _grouped(columns: Sequence[frozenset[int]]) -> list[tuple[frozenset[int], list[int]]]:
    """Groups of points by their columns, joined two at a time as long as that saves work."""
    held: dict[frozenset[int], list[int]] = {}
    for point, own in enumerate(columns):
        held.setdefault(own, []).append(point)
    groups = list(held.items())

    def work(own: frozenset[int], points: list[int]) -> float:
        wide = len(own) + 1
        return 3 * len(points) * wide * (wide + _OF_NUMBER) + _OF_ENTRY * wide**2 + _OF_BLOCK

    while len(groups) > 1:
        saved = [
            (work(*one) + work(*other) - work(one[0] | other[0], one[1] + other[1]), first, second)
            for second, other in enumerate(groups)
            for first, one in enumerate(groups[:second])
        ]
        most, first, second = max(saved)
        if most <= 0:
            break
        (one, points), (other, others) = groups[first], groups.pop(second)
        groups[first] = (one | other, points + others)
    return groups


def _places(columns: list[list[int]], shared: int, size: int, device: torch.device) -> Places:
    """Where the gradient (D,) and the Hessian (D, D) come from in the products of blocks with those columns."""
    start, blank = 0, sum((1 + len(own)) ** 2 for own in columns)
    sources: list[list[int]] = [[] for _ in range(size + size * size)]  # of the gradient, then of the Hessian
    for number, own in enumerate(columns):
        width = 1 + len(own)
        for row, first in enumerate(own):
            if number == 0 or row >= shared:
                sources[first].append(start + 1 + row)
            for column, second in enumerate(own):
                if number == 0 or max(row, column) >= shared:
                    sources[size * (1 + first) + second].append(start + (1 + row) * width + 1 + column)
        start += width**2
    several = [entry for entry, one in enumerate(sources) if len(one) > 1]
    found = [one[0] if one else blank for one in sources]
    for number, entry in enumerate(several):
        found[entry] = blank + 1 + number
    most = max(len(one) for one in sources) if several else 0
    padded = [[*sources[entry], *[blank] * most] for entry in several]
    sums = tuple(torch.tensor([one[layer] for one in padded], device=device) for layer in range(most))
    where = torch.tensor(found, device=device)
    return Places(where[:size], where[size:], sums)
