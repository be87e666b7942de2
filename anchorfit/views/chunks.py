"""A run's bodies chunk by chunk: fitted, kept on disk and drawn in one process or several, and put together again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..body import BodyModel
from ..looks import OverlayLook
from ..results import BodyEstimate, concatenate
from ..runs.index_lines import index_lines
from ..tables import write_arrays
from .config import ViewOptions
from .drawing import draw_pictures
from .files import PEOPLE, ViewNames
from .fitting import ViewFit, fit_sighted
from .settling import Sighted
from .solving import seen_as_believed

CHUNK = 64  # bodies that are fitted, drawn and noted down at once, or little more: an instant's stay together


@dataclass(frozen=True, kw_only=True)
class ViewChunk:
    """Bodies that are fitted together.

    Attributes:
        number: 0, 1, ... in the run.
        first: the number in the run of the first of them; the others follow.
        saw: what the cameras saw of them.
    """

    number: int
    first: int
    saw: Sighted

    @property
    def files(self) -> tuple[str, str]:
        """Names of what is kept of it until all are through: estimates, and what more there is of views."""
        return f".part-{self.number:05}.npz", f".part-{self.number:05}_views.npz"


def chunks_of(saw: Sighted, *, whole: bool) -> Iterator[ViewChunk]:
    """The chunks of a run; the bodies of people in time are ``whole``, one chunk."""
    rows: list[int] = []
    first = number = 0
    for _, some in groupby(range(len(saw.names)), key=lambda row: saw.names[row].rpartition("#")[0]):
        instant = [*some]
        if rows and not whole and len(rows) + len(instant) > CHUNK:
            yield ViewChunk(number=number, first=first, saw=saw.rows(rows))
            first, number, rows = first + len(rows), number + 1, []
        rows += instant
    yield ViewChunk(number=number, first=first, saw=saw.rows(rows))


class ChunkDone(NamedTuple):
    """A chunk whose files are there: lines of the folder's index, and of pictures that could not be drawn."""

    lines: list[dict[str, Any]]
    problems: list[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class ChunkWork:
    """What is done with a chunk, perhaps in another process."""

    body: BodyModel
    options: ViewOptions
    output: Path
    kinds: tuple[str, ...]
    names: ViewNames
    look: OverlayLook

    def __call__(self, chunk: ViewChunk) -> ChunkDone:
        found = fit_sighted(chunk.saw, self.body, options=self.options)
        _keep(found, self.output, chunk)
        problems = draw_pictures(found, self.body, self.output, self.kinds, self.names, self.look)
        file = PEOPLE["npz"] if "npz" in self.kinds else None
        return ChunkDone(index_lines(found.estimate, file, chunk.first), problems)


def _keep(found: ViewFit, folder: Path, chunk: ViewChunk) -> None:
    estimates, views = (folder / name for name in chunk.files)
    found.estimate.save(estimates)
    told = {
        "main": np.array(found.main),
        "errors_px": found.errors_px.numpy(),
        "rows": np.array([row for row, _ in found.problems], np.int64),
        "problems": np.array([text for _, text in found.problems], np.str_),
    }
    write_arrays(views, told | {f"world.{name}": value.numpy() for name, value in found.world.items()})


def put_together(saw: Sighted, chunks: Sequence[ViewChunk], folder: Path) -> ViewFit:
    """All bodies of a run whose chunks are on disk.

    Raises:
        ValueError: one of them is not there any more, or was changed.
    """
    estimates, kept = [], []
    for chunk in chunks:
        one, other = (folder / name for name in chunk.files)
        try:
            estimates.append(BodyEstimate.load(one))
            with np.load(other, allow_pickle=False) as arrays:
                kept.append({name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{one}: is gone or was changed; give --restart to begin anew") from error
    problems = [
        (chunk.first + int(row), str(text))
        for chunk, arrays in zip(chunks, kept, strict=True)
        for row, text in zip(arrays["rows"], arrays["problems"], strict=True)
    ]
    return ViewFit(
        estimate=concatenate(estimates),
        main=tuple(str(name) for arrays in kept for name in arrays["main"]),
        world=_joined(kept),
        cameras=saw.cameras,
        seen=seen_as_believed(saw.seen, saw.agreement),
        errors_px=torch.cat([torch.from_numpy(arrays["errors_px"]) for arrays in kept]),
        weights=saw.agreement.weight,
        remarks=saw.remarks,
        problems=tuple(problems),
        persons=saw.persons,
    )


def _joined(kept: Sequence[Mapping[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    names = [name for name in kept[0] if name.startswith("world.")]
    return {
        name.removeprefix("world."): torch.cat([torch.from_numpy(arrays[name]) for arrays in kept]) for name in names
    }
