"""The edges of a mesh with the two faces of each, made once for a face table and kept as long as it lives."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary


class EdgeTable(NamedTuple):
    """Edges as pairs of half-edges; every table is contiguous, so that fetching from it copies nothing first.

    ends: (2, E) int64 vertex indices, from which to which the edge runs in the first of its faces.
    faces: (2, E) int64; an edge at the rim of an open mesh has its only face twice.
    second_direction: (E,) int64: +1 where the second face runs the same way as the first, -1 where it runs back, 0 for
        a face repeated.
    flip: (E,) bool. The edge is a contour where (first face turns to us) ^ (second face does) ^ flip: never set in a
        closed mesh whose faces all run the same way round; at a rim always true.
    closed: no edge has `flip` set.
    """

    ends: Tensor
    faces: Tensor
    second_direction: Tensor
    flip: Tensor
    closed: bool


_tables = WeakTensorKeyDictionary()


def edge_table(faces: Tensor) -> EdgeTable:
    """The table of faces (F, 3), from the cache where this very tensor was seen before and has not changed since.

    An edge of more than two faces (a mesh that is no surface) is listed once for every two of them.
    """
    version = 0 if faces.is_inference() else faces._version
    known = _tables.get(faces)
    if known is None or known[0] != version:
        known = (version, _build(faces))
        _tables[faces] = known
    table: EdgeTable = known[1]
    return table


def _build(faces: Tensor) -> EdgeTable:
    count = faces.shape[0]
    first = faces.t().reshape(-1)
    second = faces.t().roll(-1, 0).reshape(-1)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    key, order = (low * (int(faces.max()) + 1 if count else 1) + high).sort(stable=True)
    first, second, face = first[order], second[order], order % max(count, 1)
    # Place within its run of equal keys: even places open a pair, odd places close it.
    opens = torch.ones_like(key, dtype=torch.bool)
    opens[1:] = key[1:] != key[:-1]
    place = torch.arange(key.shape[0], device=key.device)
    place = place - torch.where(opens, place, 0).cummax(0).values if count else place
    leader = (place % 2 == 0).nonzero()[:, 0]
    follower = (leader + 1).clamp_max(max(key.shape[0] - 1, 0))
    paired = (follower > leader) & (place[follower] % 2 == 1)
    same_way = first[leader] == first[follower]
    flip = same_way | ~paired
    return EdgeTable(
        torch.stack([first[leader], second[leader]]),
        torch.stack([face[leader], face[torch.where(paired, follower, leader)]]),
        torch.where(paired, torch.where(same_way, 1, -1), 0),
        flip,
        not bool(flip.any()),
    )
