"""All baselines, trained and scored on the same people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ...body import BodyModel
from ...observations.people import Observations
from ...rendering import silhouette
from ..direct import body_errors
from ..metrics.pose import reconstruction_error
from ..synthetic import SyntheticPeople, SyntheticSet
from .convex_relaxation import ConvexRelaxation
from .forest import LandmarkForest
from .landmark_fit import LandmarkFit
from .landmarks import LandmarkObservations, observe_landmarks
from .limited_pursuit import LimitedPursuit
from .matching_pursuit import MatchingPursuit
from .result import BaselineResult
from .silhouette_networks import SilhouetteNetworks, make_pool

DRAWN_AT_ONCE = 16


class Baseline(Protocol):
    """What every method of this package is, once trained."""

    @property
    def name(self) -> str: ...

    def estimate(self, observations: Observations, body: BodyModel) -> BaselineResult: ...


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long training may take."""

    forest_people: int = 15_000
    network_steps: int = 1000
    network_silhouettes: int = 6144
    basis_poses: int = 8000


class Trained(NamedTuple):
    """A method, what it sees, and the processor seconds that its training took."""

    method: Baseline
    sees: str
    seconds: float


class Score(NamedTuple):
    """Means over people, and the processor time a person took; ``surface_mm`` is None for methods without a body."""

    reconstruction_mm: float
    surface_mm: float | None
    ms_a_person: float


def train_all(body: BodyModel, effort: Effort, *, seed: int = 0) -> Iterator[Trained]:
    """Trains one baseline after the other.

    Args:
        body: of the training people.
        effort: how long that may take.
        seed: everything random comes from it.
    """
    poses = effort.basis_poses
    yield _timed(lambda: MatchingPursuit.train(body, count=poses, seed=seed), "keypoints")
    yield _timed(lambda: ConvexRelaxation.train(body, count=poses, seed=seed), "keypoints")
    yield _timed(lambda: LimitedPursuit.train(body, count=poses, seed=seed), "keypoints")
    people = effort.forest_people
    yield _timed(lambda: LandmarkForest.train(body, landmarks="lsp14", count=people, seed=seed), "keypoints")
    yield _timed(lambda: LandmarkForest.train(body, landmarks="91", count=people, seed=seed), "91 landmarks")
    yield _timed(lambda: LandmarkFit.train(body, seed=seed), "91 landmarks")
    pool = make_pool(body, effort.network_silhouettes, seed=seed)
    steps = effort.network_steps
    yield _timed(
        lambda: SilhouetteNetworks.train(body, supervision="direct", steps=steps, pool=pool, seed=seed), "silhouette"
    )
    yield _timed(
        lambda: SilhouetteNetworks.train(body, supervision="indirect", steps=steps, pool=pool, seed=seed), "silhouette"
    )


def _timed(train: Callable[[], Baseline], sees: str) -> Trained:
    start = time.process_time()
    method = train()
    return Trained(method, sees, time.process_time() - start)


def observed(body: BodyModel, people: SyntheticSet, config: SyntheticPeople, *, seed: int) -> LandmarkObservations:
    """Synthetic people with all that any baseline looks at: keypoints, 91 landmarks, and true silhouettes as masks.

    Args:
        body: that the people have.
        people: from `synthetic.make_people` with the same ``config``.
        config: what spoils the landmarks. Masks are not spoiled.
        seed: of the landmarks' noise.
    """
    seen = observe_landmarks(body, people, config, seed=seed)
    masks: list[np.ndarray] = []
    for rows in torch.arange(len(seen)).split(DRAWN_AT_ONCE):
        vertices = body.from_params(people.params[rows]).vertices
        width, height = seen.image_size[rows[0]].tolist()
        drawn = silhouette(vertices, body.faces, seen.intrinsics[rows], (height, width), samples=1).mask
        masks.extend((drawn > 0.5).cpu().numpy())
    return replace(seen, masks=tuple(masks))


def score(body: BodyModel, estimate: Callable[[], BaselineResult], truth: Tensor) -> Score:
    """Runs an estimate of people whose parameters are ``truth`` (B, 85), and measures it."""
    start = time.process_time()
    result = estimate()
    milliseconds = 1000 * (time.process_time() - start) / len(truth)
    if result.params is not None:
        errors = body_errors(body, result.params, truth)
        return Score(float(errors.reconstruction_mm.mean()), float(errors.surface_mm.mean()), milliseconds)
    error = reconstruction_error(result.joints_cam, body.from_params(truth).joints)
    return Score(1000 * float(error.mean()), None, milliseconds)
