"""Records of rows: frozen dataclasses whose tensors, tuples and dictionaries of tensors have one entry a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Self

import torch
from torch import Tensor

_VECTORS = 64  # a multiple of the elements that PyTorch's loops take at a time, whatever the type
FEWEST_ROWS, FEWEST_COLUMNS = 4, 16
"""Batches are filled up to so many rows, and products in which a row of the batch is a column to so many columns: those
of fewer take other kernels, which round differently.

Measured with MKL: on AMD (AVX-512) matrix products of fewer than 4 rows or 12 columns, on Intel of one, differ in the
last bit from those of more; from there on no place in the batch changes a bit, and of most products no size. Wide ones
of surface points round by sizes that are no multiples of 4, too: `in_fours`.
"""


def filled(index: Tensor, fewest: int = FEWEST_ROWS) -> Tensor:
    """Row numbers (A,) repeated in turn until there are ``fewest`` of them, the first A as they are; of none, none."""
    if not 0 < len(index) < fewest:
        return index
    return index[torch.arange(fewest, device=index.device) % len(index)]


def in_fours(values: Tensor) -> Tensor:
    """Rows (B, N) and, behind them, the last one again until there are a multiple of `FEWEST_ROWS`.

    Products of float32 in such batches round alike whatever their number of rows is (measured up to 300); those of
    float64 take kernels by size even then.
    """
    more = -len(values) % FEWEST_ROWS
    return torch.cat((values, values[-1:].expand(more, -1))) if more else values


def rowwise_atan2(y: Tensor, x: Tensor) -> Tensor:
    """`torch.atan2` of two tensors of one shape, the same to the bit wherever in a batch a row stands.

    On CPUs PyTorch takes the last elements of a tensor, those that do not fill its vectors, through another routine,
    which rounds differently, and all elements of one that is not contiguous (also in sigmoid, pow and softplus; not in
    sin, exp or sqrt). So the vectors are filled.
    """
    count = y.numel()
    more = -count % _VECTORS
    flat = (torch.cat((part.reshape(-1), part.new_ones(more))) for part in (y, x))
    return torch.atan2(*flat)[:count].view(y.shape)


class Rows:
    """Mixin of a record of B rows: choosing rows and joining records, written once.

    A field that is a tensor or a tuple has one entry a row; a dictionary holds one tensor (B, ...) a key; a record in a
    record has the same rows; everything else (texts, numbers, None) holds for all rows.
    """

    def rows(self, index: Sequence[int] | Tensor | slice) -> Self:
        """The chosen rows, in the given order; of a slice they are views, of a mask (B,) bool those that it marks."""
        if not isinstance(index, slice):
            index = torch.as_tensor(index if isinstance(index, Tensor) else list(index))
            if index.dtype == torch.bool and index.shape != (len(self),):  # type: ignore[arg-type]
                raise ValueError(f"index: expected a mask ({len(self)},), got {tuple(index.shape)}")  # type: ignore[arg-type]
            index = torch.nonzero(index)[:, 0] if index.dtype == torch.bool else index.long()
        return replace(self, **{f.name: _chosen(getattr(self, f.name), index) for f in fields(self)})  # type: ignore[type-var, arg-type]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """The same on another device or in another floating-point type; whole numbers and flags keep theirs."""
        moved = {f.name: _moved(getattr(self, f.name), device, dtype) for f in fields(self)}  # type: ignore[arg-type]
        if all(value is getattr(self, name) for name, value in moved.items()):
            return self
        return replace(self, **moved)  # type: ignore[type-var]

    @classmethod
    def concatenate(cls, records: Sequence[Self]) -> Self:
        """Records joined, row after row.

        A key that a record's dictionary does not have is 0 there (the energy of a term that was off).

        Raises:
            ValueError: there is none, or a field that holds for all rows differs.
        """
        if not records:
            raise ValueError(f"concatenate: expected at least one {cls.__name__}, got none")
        joined = {}
        for field in fields(records[0]):  # type: ignore[arg-type]
            joined[field.name] = _joined(field.name, [getattr(record, field.name) for record in records], records)
        return replace(records[0], **joined)  # type: ignore[type-var]


def _chosen(value: Any, index: Tensor | slice) -> Any:
    if isinstance(value, Rows):
        return value.rows(index)
    if isinstance(value, Tensor):
        return value[index if isinstance(index, slice) else index.to(value.device)]
    if isinstance(value, tuple):
        return value[index] if isinstance(index, slice) else tuple(value[i] for i in index.tolist())
    if isinstance(value, dict):
        return {key: _chosen(entry, index) for key, entry in value.items()}
    return value


def _moved(value: Any, device: torch.device | str | None, dtype: torch.dtype | None) -> Any:
    if isinstance(value, Rows):
        return value.to(device, dtype)
    if isinstance(value, Tensor):
        return value.to(device=device, dtype=dtype if value.is_floating_point() else None)
    if isinstance(value, dict):
        return {key: _moved(entry, device, dtype) for key, entry in value.items()}
    return value


def _joined(name: str, values: list[Any], records: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, Rows):
        return type(first).concatenate(values)
    if isinstance(first, Tensor):
        return torch.cat(values)
    if isinstance(first, tuple):
        return tuple(entry for value in values for entry in value)
    if isinstance(first, dict):
        return _joined_tables(values, [len(record) for record in records])
    other = next((value for value in values if value != first), first)
    if other != first:
        raise ValueError(f"concatenate: {name} differs: {first!r}, {other!r}")
    return first


def _joined_tables(tables: list[dict[str, Tensor]], counts: list[int]) -> dict[str, Tensor]:
    like = {key: table[key] for table in tables for key in table}
    return {
        key: torch.cat(
            [
                table[key] if key in table else one.new_zeros(count, *one.shape[1:])
                for table, count in zip(tables, counts, strict=True)
            ]
        )
        for key, one in like.items()
    }
