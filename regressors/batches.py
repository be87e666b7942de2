"""Batches as functions of a seed and a step: a run that was stopped goes on with the batches it would have had."""

from __future__ import annotations

from typing import NamedTuple

import torch


def generator_of(seed: int, step: int) -> torch.Generator:
    """Where everything random of a batch comes from."""
    # torch seeds a Mersenne twister from this one number; neighbouring numbers give unrelated streams.
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


class Drawn(NamedTuple):
    """One row of a batch: the place of what it shows in the data, and the seed of everything random about it."""

    place: int
    seed: int

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


def draw_rows(seed: int, step: int, count: int, among: int, rows: slice = slice(None)) -> list[Drawn]:
    """The rows of batch number ``step``, of ``count`` drawn with replacement among so many.

    Each row has a seed of its own, so that rows stay themselves wherever a batch is divided.
    """
    generator = generator_of(seed, step)
    chosen = torch.randint(among, (count,), generator=generator).tolist()
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    return [Drawn(*row) for row in zip(chosen, seeds, strict=True)][rows]
