"""Schedules: where a fit begins, and which energies are minimised one after the other.

`smplify` fits from keypoints alone: camera stage, several orientations, four stages of falling prior weights.
`anchored` starts from a prediction: camera stage, the last stage alone, and a term that holds the pose near it.

Rows stay apart, bit for bit: people are fitted together with those whose keypoints follow the same convention (which
each row decides for itself), in batches that are filled up to `rows.FEWEST_ROWS`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.standing import Gravity
from ..body.uncertainty import PoseUncertainty
from ..observations.conventions import CONVENTIONS
from ..observations.people import Observations
from ..rows import filled
from . import camera_stage
from .config import FitConfig, anchored_config, default_term
from .grounds import FloorWish
from .known_start import of_known_height
from .pose_prior import GaussianMixture
from .problem import FitProblem, Placement, believed, sanitised
from .results import FitResult
from .sequences import couple
from .stages import Starts, run_stages

SKELETONS = tuple(
    tuple(name for name in CONVENTIONS[convention] if name) for convention in ("coco17", "lsp14", "body25", "canonical")
)
"""Sets of joints that the data term is built for, the smallest that holds all joints a row has seen."""
_COVERED = torch.tensor([[name in joints for name in CANONICAL_JOINTS] for joints in SKELETONS])


def smplify(
    body: BodyModel,
    observations: Observations,
    pose_prior: GaussianMixture,
    *,
    init: Tensor | None = None,
    config: FitConfig | None = None,
    persons: Sequence[Hashable] = (),
    videos: Sequence[Hashable] = (),
    floor: FloorWish | None = None,
) -> FitResult:
    """Fits bodies to keypoints: camera stage, candidate orientations, stages of falling prior weights.

    Args:
        body: the body model; its device and type are the fit's.
        observations: B people.
        pose_prior: the mixture.
        init: (B, D) parameters whose body pose and betas to start from; the rest pose by default.
        config: the constants.
        persons: B labels, or none; rows of one label are one person and get one shape.
        videos: B labels, or none; neighbouring rows of one label are frames of one video and are smoothed.
        floor: that rows stand on one, given or to be estimated; None: nothing is known.
    Raises:
        ValueError: ``init`` is not (B, D), or there are not as many labels as rows.
    """
    # The zero pose, a T. The public code meant to start at the mixture's mean pose and, by a quirk of its weights (they
    # add up to 1e-29), starts here. It is the better start: from the mean pose more fits end in local minima.
    count = len(observations)
    start = body.layout.zeros(count, body.v_template) if init is None else body.layout.check(init, "init", count=count)
    config = config or FitConfig()
    return _fit(body, observations, pose_prior, start, config, persons, videos, floor=floor, keep_orientation=False)


def anchored(
    body: BodyModel,
    observations: Observations,
    pose_prior: GaussianMixture,
    init: Tensor,
    config: FitConfig | None = None,
    *,
    uncertainty: PoseUncertainty | None = None,
    persons: Sequence[Hashable] = (),
    videos: Sequence[Hashable] = (),
    gravity: Gravity | None = None,
    placed: bool = False,
    doubted: Tensor | None = None,
    floor: FloorWish | None = None,
) -> FitResult:
    """Fits bodies from a prediction and holds them near it.

    Args:
        body: the body model; its device and type are the fit's.
        observations: B people.
        pose_prior: the mixture.
        init: (B, D) predicted parameters; the translation is not looked at, the camera stage finds it.
        config: the constants, `anchored_config` by default.
        uncertainty: how sure ``init`` is, where that is known.
        persons, videos: as for `smplify`.
        gravity: what is known of it before each row's camera, for `Balance`; None: nothing.
        placed: the translation of ``init`` is known, from several views for instance: there is no camera stage.
        doubted: (B, K) bool, seen keypoints that bodies are not fitted to (`observations.doubts`); None: to all. Errors
            and trust look at all of them.
        floor: as for `smplify`.
    Raises:
        ValueError: ``init`` is not (B, D), or there are not as many labels as rows.
    """
    start = body.layout.check(init, "init", count=len(observations))
    config = config or anchored_config()
    return _fit(
        body,
        observations,
        pose_prior,
        start,
        config,
        persons,
        videos,
        keep_orientation=True,
        uncertainty=uncertainty,
        gravity=gravity,
        doubted=doubted,
        placed=placed,
        floor=floor,
    )


def _fit(
    body: BodyModel,
    observations: Observations,
    pose_prior: GaussianMixture,
    start: Tensor,
    config: FitConfig,
    persons: Sequence[Hashable],
    videos: Sequence[Hashable],
    floor: FloorWish | None = None,
    *,
    keep_orientation: bool,
    uncertainty: PoseUncertainty | None = None,
    gravity: Gravity | None = None,
    doubted: Tensor | None = None,
    placed: bool = False,
) -> FitResult:
    """Groups of rows by skeleton through the stages that leave rows apart, then all rows through those that do not."""
    if not len(observations):
        raise ValueError("observations: expected at least one person, got none")
    joined = _Joined.of(len(observations), persons, videos, floor)
    config = joined.with_terms(config)
    config.check()
    with torch.no_grad():
        like = body.v_template
        seen, start, whole = sanitised(observations.to(like.device, like.dtype), start.to(like))
        everyone = _Everyone(
            body=body,
            observations=seen,
            pose_prior=pose_prior.to(like.device, like.dtype),
            start=start,
            whole=whole,
            config=config,
            keep_orientation=keep_orientation,
            placed=placed,
            uncertainty=None if uncertainty is None else uncertainty.to(like.device, like.dtype),
            gravity=None if gravity is None else gravity.to(like.device, like.dtype),
            doubted=None if doubted is None else doubted.to(like.device),
        )
        result, placement = everyone.fit_apart()
        return everyone.fit_together(result, placement, joined) if joined.any else result


@dataclass(frozen=True, kw_only=True)
class _Joined:
    """What joins rows: labels of persons and of videos, one a row or none, and a floor with its scenes."""

    persons: tuple[Hashable, ...]
    videos: tuple[Hashable, ...]
    floor: FloorWish | None

    @staticmethod
    def of(count: int, persons: Sequence[Hashable], videos: Sequence[Hashable], floor: FloorWish | None) -> _Joined:
        """Raises ValueError where there are not as many labels as rows."""
        scenes = _plain(floor.scenes) if floor is not None else ()
        labels = {"persons": _plain(persons), "videos": _plain(videos), "scenes": scenes}
        for name, some in labels.items():
            if some and len(some) != count:
                raise ValueError(f"{name}: expected {count} labels, got {len(some)}")
        if floor is not None:
            floor = replace(floor, scenes=scenes or (0,) * count)  # what fills a batch is in none
        return _Joined(persons=labels["persons"], videos=labels["videos"], floor=floor)

    @property
    def any(self) -> bool:
        """Whether there are such rows."""
        return bool(self.persons or self.videos or self.floor)

    def with_terms(self, config: FitConfig) -> FitConfig:
        """The constants with the terms that labels and floors ask for, whichever terms were named."""
        asked = {"shared_shape": self.persons, "smoothness": self.videos, "floor": self.floor}
        for name, there in asked.items():
            if there and config.term(name) is None:
                config = config.with_term(default_term(name))
        return config

    def filled(self, count: int) -> _Joined:
        """Of a batch that is filled up to so many rows."""
        floor = None if self.floor is None else replace(self.floor, scenes=_labelled(self.floor.scenes, count))
        return _Joined(persons=_labelled(self.persons, count), videos=_labelled(self.videos, count), floor=floor)


@dataclass(frozen=True, kw_only=True)
class _Everyone:
    """All rows of a fit, finite, in the body's type and on its device; attributes are those of `anchored`."""

    body: BodyModel
    observations: Observations
    pose_prior: GaussianMixture
    start: Tensor
    whole: Tensor  # (B,) bool: nothing of the row had to be made finite
    config: FitConfig
    keep_orientation: bool
    placed: bool
    uncertainty: PoseUncertainty | None
    gravity: Gravity | None
    doubted: Tensor | None

    def fit_apart(self) -> tuple[FitResult, Placement]:
        """Rows through the stages that leave them apart, those of one skeleton together; in their order."""
        apart = [stage for stage in self.config.stages if not stage.couples]
        results, placements, order = [], [], []
        for skeleton, members in skeleton_groups(self.observations):
            problem, starts = self._placed(filled(torch.tensor(members, device=self.start.device)), skeleton)
            results.append(run_stages(problem, starts, apart).rows(slice(0, len(members))))
            placements.append(problem.placement.rows(slice(0, len(members))))
            order += members
        back = torch.tensor(order, device=self.start.device).argsort()
        result = results[0] if len(results) == 1 else FitResult.concatenate(results).rows(back)
        return result, Placement.concatenate(placements).rows(back)

    def _placed(self, rows: Tensor, skeleton: Sequence[str]) -> tuple[FitProblem, Starts]:
        """The problem of some rows behind the camera stage, which is told what is not doubted."""
        seen = self.observations.rows(rows)
        doubts = None if self.doubted is None else self.doubted[rows]
        told = seen if doubts is None else replace(seen, confidence=believed(seen.confidence, doubts))
        problem, starts = problem_of(
            self.body, told, self.pose_prior, self.start[rows], self.config, skeleton,
            keep_orientation=self.keep_orientation, placed=self.placed,
        )  # fmt: skip
        return replace(problem, observations=seen, **self._known(rows)), starts

    def _known(self, rows: Tensor) -> dict[str, Any]:
        """Attributes of a problem of some rows that the camera stage does not look at."""
        return {
            "whole": self.whole[rows],
            "uncertainty": None if self.uncertainty is None else self.uncertainty.rows(rows),
            "gravity": None if self.gravity is None else self.gravity.rows(rows),
            "doubted": None if self.doubted is None else self.doubted[rows],
        }

    def fit_together(self, result: FitResult, placement: Placement, joined: _Joined) -> FitResult:
        """All rows, from where they stand apart, through the stages that join them."""
        rows = filled(torch.arange(len(self.observations), device=self.start.device))
        batch = joined.filled(len(rows))
        problem = FitProblem(
            body=self.body,
            observations=self.observations.rows(rows),
            pose_prior=self.pose_prior,
            start=self.start[rows],
            predicted=self.keep_orientation,
            placement=placement.rows(rows),
            skeleton=CANONICAL_JOINTS,
            config=self.config,
            persons=batch.persons,
            videos=batch.videos,
            floor=batch.floor,
            **self._known(rows),
        )
        return couple(problem, result.rows(rows)).rows(slice(0, len(self.observations)))


def _plain(labels: Sequence[Hashable] | np.ndarray | Tensor) -> tuple[Hashable, ...]:
    """Labels as they compare: the entries of an array or tensor as numbers, not each an object of its own."""
    return tuple(labels.tolist() if isinstance(labels, np.ndarray | Tensor) else labels)


def _labelled(labels: tuple[Hashable, ...], count: int) -> tuple[Hashable, ...]:
    """The labels, and one of its own for each row that fills the batch up; none where there are none."""
    return (*labels, *(object() for _ in range(count - len(labels)))) if labels else ()


def problem_of(
    body: BodyModel,
    observations: Observations,
    pose_prior: GaussianMixture,
    start: Tensor,
    config: FitConfig,
    skeleton: Sequence[str],
    *,
    keep_orientation: bool,
    placed: bool = False,
) -> tuple[FitProblem, Starts]:
    """The camera stage: what the body stages are given.

    Args:
        body, observations, pose_prior, config: as for `smplify`; all finite.
        start: (B, D).
        skeleton: the joints that the rows may have seen.
        keep_orientation: whether the start's orientation stands, or orientations are tried.
        placed: whether its translation stands, too.
    Returns:
        The problem, and where its stages begin.
    """
    height = config.reference_height
    predicted = keep_orientation and not placed
    start, known = of_known_height(body, observations.names, start, config) if predicted else (start, None)
    if placed:
        found = camera_stage.placed_already(body, observations, start, reference_height=height)
    else:
        found = camera_stage.place(
            body,
            observations,
            start,
            config.camera,
            reference_height=height,
            orientation=start[:, body.layout.global_orient] if keep_orientation else None,
        )
    candidates, worth = camera_stage.choose(found, config.candidates, config.candidate_margin)
    starts = torch.stack([camera_stage.apply(start, candidate) for candidate in candidates.unbind(1)], 1)
    depth = starts[:, 0, body.layout.depth]
    if known is not None:
        depth = torch.where(known, start[:, body.layout.depth], depth)
    problem = FitProblem(
        body=body,
        observations=observations,
        pose_prior=pose_prior,
        start=start,
        whole=torch.ones(len(start), dtype=torch.bool, device=start.device),
        predicted=keep_orientation,
        placement=Placement(depth=depth, zoom=found.zoom, shoulders=found.shoulders),
        skeleton=tuple(skeleton),
        config=config,
    )
    return problem, Starts(starts, worth)


def skeleton_groups(observations: Observations) -> list[tuple[tuple[str, ...], list[int]]]:
    """Group rows by the smallest skeleton that covers their seen joints: its joints, and the rows."""
    seen = (observations.confidence > 0).cpu()
    fits = (~seen[:, None] | _COVERED).all(-1)  # (B, skeletons)
    groups: dict[int, list[int]] = {}
    for row, choice in enumerate(fits.int().argmax(1).tolist()):
        groups.setdefault(choice, []).append(row)
    return [(SKELETONS[choice], groups[choice]) for choice in sorted(groups)]
