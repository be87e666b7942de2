"""The methods of this package by name: how each is trained, and kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from anchorfit.body import BodyModel
from anchorfit.body.pose_library import DEFAULT_PATH as POSE_LIBRARY
from anchorfit.evaluation.answers import Answer
from anchorfit.evaluation.storage import Store
from anchorfit.observations.people import Observations
from anchorfit.regressors.synthesis import Synthesis

from .convex_relaxation import ConvexRelaxation
from .forest import LandmarkForest
from .landmark_fit import LandmarkFit
from .limited_pursuit import LimitedPursuit
from .matching_pursuit import MatchingPursuit
from .silhouette_networks import Pool, SilhouetteNetworks, make_pool

VERSION = 1
"""Changes whenever a training gives something else from the same settings: what was kept before is left aside."""


class Baseline(Protocol):
    """What every method of this package is, once trained."""

    @property
    def name(self) -> str: ...

    def estimate(self, observations: Observations, body: BodyModel) -> Answer: ...


class Learned(Baseline, Protocol):
    """One that has something to keep."""

    def state(self) -> dict[str, Tensor]: ...


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long training may take; and the seed of everything random in it."""

    forest_people: int = 15_000
    network_steps: int = 1000
    network_silhouettes: int = 6144
    basis_poses: int = 8000
    seed: int = 0


class _Training(NamedTuple):
    """How a method is learned, which of `Effort` that depends on, how it comes back from what was kept, and whose
    release, beside this package's, decides what is learned."""

    train: Callable[[BodyModel, Effort], Learned]
    depends_on: tuple[str, ...]
    restored: Callable[[Mapping[str, Tensor]], Learned]
    grower: str | None = None


@lru_cache(maxsize=1)  # both networks learn from the same silhouettes
def _pool(body: BodyModel, effort: Effort) -> Pool:
    return make_pool(body, effort.network_silhouettes, seed=effort.seed)


_FORESTER = "scikit-learn"
_NETWORKS = ("network_steps", "network_silhouettes")
_TRAININGS: dict[str, _Training] = {
    "ramakrishna": _Training(
        lambda body, effort: MatchingPursuit.train(body, count=effort.basis_poses, seed=effort.seed),
        ("basis_poses",),
        MatchingPursuit.restored,
    ),
    "akhter-black": _Training(
        lambda body, effort: LimitedPursuit.train(body, count=effort.basis_poses, seed=effort.seed),
        ("basis_poses",),
        LimitedPursuit.restored,
    ),
    "zhou": _Training(
        lambda body, effort: ConvexRelaxation.train(body, count=effort.basis_poses, seed=effort.seed),
        ("basis_poses",),
        ConvexRelaxation.restored,
    ),
    "forest": _Training(
        lambda body, effort: LandmarkForest.train(
            body, landmarks="lsp14", count=effort.forest_people, seed=effort.seed
        ),
        ("forest_people",),
        lambda state: LandmarkForest.restored(state, "lsp14"),
        _FORESTER,
    ),
    "forest-91": _Training(
        lambda body, effort: LandmarkForest.train(body, landmarks="91", count=effort.forest_people, seed=effort.seed),
        ("forest_people",),
        lambda state: LandmarkForest.restored(state, "91"),
        _FORESTER,
    ),
    "tan-direct": _Training(
        lambda body, effort: SilhouetteNetworks.train(
            body, supervision="direct", steps=effort.network_steps, pool=_pool(body, effort), seed=effort.seed
        ),
        _NETWORKS,
        lambda state: SilhouetteNetworks.restored(state, "direct"),
    ),
    "tan-indirect": _Training(
        lambda body, effort: SilhouetteNetworks.train(
            body, supervision="indirect", steps=effort.network_steps, pool=_pool(body, effort), seed=effort.seed
        ),
        _NETWORKS,
        lambda state: SilhouetteNetworks.restored(state, "indirect"),
    ),
}

BASELINES: tuple[str, ...] = (*_TRAININGS, "landmarks-91")


def baseline(name: str, body: BodyModel, store: Store | None = None, *, effort: Effort | None = None) -> Baseline:
    """A method, trained: taken from the store, or trained and put there.

    Args:
        name: one of ``BASELINES``.
        body: of the training people.
        store: None: trained here and now, and not kept.
        effort: of the training.
    Raises:
        ValueError: there is no such method.
        ModuleNotFoundError: a forest is to be grown and scikit-learn is not installed.
        OSError: the store cannot be written to.
    """
    if name == "landmarks-91":  # learns nothing: its pose prior is in the package
        return LandmarkFit.train(body)
    if name not in _TRAININGS:
        raise ValueError(f"baseline: expected one of {', '.join(BASELINES)}; got {name}")
    effort = effort or Effort()
    training = _TRAININGS[name]
    if store is None:
        return training.train(body, effort)
    settings = settings_of(name, body, effort)
    kept = store.read(name, settings)
    if kept is not None:
        return training.restored(kept)
    store.check()
    store.say(f"training {name}; it will be kept as {store.path(name, settings)}")
    start = time.monotonic()
    method = training.train(body, effort)
    store.write(name, settings, method.state())
    store.say(f"trained {name} in {time.monotonic() - start:.0f} s")
    return method


def settings_of(name: str, body: BodyModel, effort: Effort) -> dict[str, Any]:
    """All that what is learned depends on."""
    used = {key: value for key, value in asdict(effort).items() if key in (*_TRAININGS[name].depends_on, "seed")}
    made_from = {"people": repr(Synthesis()), "body": _digest_of(body), "poses": _digest_of_poses()}
    grower = _TRAININGS[name].grower
    if grower is not None:
        made_from[grower] = _version_of(grower)
    return {"version": VERSION, "method": name, **used, **made_from}


def _version_of(distribution: str) -> str:
    """Of an installed distribution; "" where there is none, and so nothing that it grew elsewhere is taken."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


@lru_cache(maxsize=4)
def _digest_of(body: BodyModel) -> str:
    """SHA-256 of a body's numbers: the same for the same body, wherever its file lies."""
    digest = hashlib.sha256()
    for field in fields(body):
        value = getattr(body, field.name)
        if isinstance(value, Tensor):
            digest.update(field.name.encode() + value.detach().cpu().to_dense().contiguous().numpy().tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _digest_of_poses() -> str:
    return hashlib.sha256(POSE_LIBRARY.read_bytes()).hexdigest()
