"""Results of any program as methods: a file of results is a method that looks its answer up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ...body import BodyModel
from ...observations import Observations
from ..answers import Answer, PlacedAnswer, answer_of, joints_of
from ..blocks import known_sizes
from ..estimates import Entry, PlacedBody, read_estimate, what_is_wrong
from ..storage import Store
from .refined import SUFFIX, refined
from .variant import Variant

RESULTS = "results"
"""Name of what files say, seen by the set's camera; with `SUFFIX` the same refined by its keypoints."""
MISSING = "no estimate"
_NOWHERE = torch.full((4, 4), torch.nan, dtype=torch.float64)  # in no world


@dataclass(frozen=True)
class LookedUp:
    """A method whose answers stand in files, each before its own camera.

    Attributes:
        entries: the result of each person, by the benchmark's name.
        enlarged: as `estimates.read_estimate` takes it.
    """

    entries: Mapping[str, Entry]
    enlarged: float = 1.0

    def estimate(self, observations: Observations, body: BodyModel) -> PlacedAnswer:
        """The results of the people of these names; nothing of what was seen of them is looked at."""
        nowhere = torch.full((3, 3), torch.nan, dtype=torch.float64)
        sized = zip(observations.names, known_sizes(observations), strict=True)
        read = [self._read(name, size, body) for name, size in sized]
        nothing = body.v_template.new_full((body.layout.size,), torch.nan)
        rows = [nothing if one is None or problem else one.params for one, problem in read]
        params = torch.stack([row.to(body.v_template) for row in rows])
        return PlacedAnswer(
            params=params,
            joints_cam=joints_of(params, body),
            intrinsics=torch.stack([nowhere if one is None else one.intrinsics for one, _ in read]),
            image_sizes=tuple(None if one is None else one.image_size for one, _ in read),
            crops=tuple(None if one is None else one.crop for one, _ in read),
            problems=tuple(problem for _, problem in read),
            world_from_camera=torch.stack(
                [_NOWHERE if one is None or problem else one.to_world(one.params, body) for one, problem in read]
            ),
        )

    def _read(self, name: str, size: tuple[int, int] | None, body: BodyModel) -> tuple[PlacedBody | None, str]:
        """A result in the body's layout, and what is wrong with it."""
        entry = self.entries.get(name)
        if entry is None:
            return None, MISSING
        try:
            placed = read_estimate(entry, enlarged=self.enlarged, image_size=size)
            params = placed.params_of(body)
        except (OSError, ValueError) as error:
            return None, _said(entry, error)
        (problem,) = what_is_wrong(params[None])
        return replace(placed, params=params, pelvis=None), problem


@dataclass(frozen=True)
class SeenResults:
    """The same before the cameras of the observations, as all other methods' bodies are.

    Attributes:
        entries: the result of each person, by the benchmark's name.
    """

    entries: Mapping[str, Entry]

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Bodies in the camera of the observations; rows without a usable result are NaN, and so count as failed."""
        read = [self._read(observations, row, body) for row in range(len(observations))]
        params = torch.stack([row for row, _, _ in read]).to(body.v_template)
        problems = tuple(told or one for (_, told, _), one in zip(read, what_is_wrong(params), strict=True))
        wrong = torch.tensor([bool(problem) for problem in problems])
        found = answer_of(params.masked_fill(wrong.to(params.device)[:, None], torch.nan), body)
        return found._replace(problems=problems, world_from_camera=torch.stack([world for _, _, world in read]))

    def _read(self, observations: Observations, row: int, body: BodyModel) -> tuple[Tensor, str, Tensor]:
        """A result in the body's layout, what is wrong with it, and the motion from there to its program's world."""
        nothing = torch.full((body.layout.size,), torch.nan, dtype=torch.float64)
        entry = self.entries.get(observations.names[row])
        if entry is None:
            return nothing, MISSING, _NOWHERE
        try:
            width, height = (int(side) for side in observations.image_size[row])
            placed = read_estimate(entry, image_size=(width, height))
            placed = replace(placed, params=placed.params_of(body), pelvis=None)
        except (OSError, ValueError) as error:
            return nothing, _said(entry, error), _NOWHERE
        camera = observations.intrinsics[row].double().cpu()
        seen = seen_by_camera(placed, camera, observations.image_size[row].cpu(), body)
        return seen, "", placed.to_world(seen, body)


def _said(entry: Entry, error: Exception) -> str:
    """What is wrong, with the file's name."""
    return str(error) if entry.path.name in str(error) else f"{entry.path.name}: {error}"


def seen_by_camera(placed: PlacedBody, intrinsics: Tensor, image_size: Tensor, body: BodyModel) -> Tensor:
    """Parameters of the same body as another camera sees it where and as large as its own does.

    The root joint keeps its pixel, and its depth over the focal length: exact where the two cameras are one, else as
    exact as weak perspective is.

    Args:
        placed: a result with its camera.
        intrinsics: (3, 3) pixels of the camera that is wanted.
        image_size: (2,) width and height.
        body: that the result is of.
    Returns:
        (D,) float64 on the CPU.
    """
    params = body.own_params(placed.params[None].to(body.v_template)).double().cpu()
    parts = body.layout.split(params)
    pelvis = body.rest_joints(parts.betas.to(body.v_template))[0, 0].double().cpu()
    own = placed.intrinsics.double()
    middle = torch.where(own[:2, 2].isnan(), image_size.double() / 2, own[:2, 2])
    root = pelvis + parts.transl[0]
    focal, wanted = own.diagonal()[:2], intrinsics.diagonal()[:2]
    pixel = focal * root[:2] / root[2] + middle
    depth = root[2] * wanted.mean() / focal.mean()
    moved = torch.cat([(pixel - intrinsics[:2, 2]) * depth / wanted, depth[None]])
    return body.layout.join(**parts._replace(transl=(moved - pelvis)[None])._asdict())[0]


def looked_up(entries: Mapping[str, Entry], enlarged: float = 1.0) -> Variant:
    """The method of some results, by the names of the benchmark's people, each judged before its own camera."""
    make = partial(_look_up, entries, enlarged)
    return Variant(make=make, about="results that are there already", keypoints="none", timed=False)


def methods_of_results(entries: Mapping[str, Entry]) -> dict[str, Variant]:
    """The two methods of some results, by name: seen by the set's camera, and the same refined."""
    seen = Variant(make=partial(_make, entries), about="results that are there already", timed=False)
    return {RESULTS: seen, RESULTS + SUFFIX: refined(seen)}


def entries_by_name(names: Sequence[Sequence[str]], entries: Sequence[Entry | None]) -> dict[str, Entry]:
    """The result of each person who has one, by the benchmark's name; ``entries`` in the order of the names."""
    flat = [name for block in names for name in block]
    return {name: entry for name, entry in zip(flat, entries, strict=True) if entry is not None}


def _look_up(entries: Mapping[str, Entry], enlarged: float, body: BodyModel, store: Store | None) -> LookedUp:
    return LookedUp(entries, enlarged)


def _make(entries: Mapping[str, Entry], body: BodyModel, store: Store | None) -> SeenResults:
    return SeenResults(entries)
