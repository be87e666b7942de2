"""``openbody``: a benchmark that needs no licensed file. People of the open body in poses of held-out subjects.

Everything is made from the package's own files and one seed, block by block, so that the first N people are the same
whatever their number, and nothing need be stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ...body import BodyModel
from ...body.pose_library import load_pose_library
from ..blocks import Block, in_blocks
from ..datasets.lsp import Annotation
from ..landmarks import observe_landmarks
from ..part_labels import draw_labels
from ..summary import POSE, SEGMENTATION, SURFACE
from ..synthetic import SyntheticConfig, make_people
from ..truth import Truth
from .benchmark import BenchmarkSet, OpenedSet, SetOptions

VERSION = "openbody-1"
"""Changes whenever the people, their cameras or their keypoints do. The body's and pose library's checksums stand in
the manifest: numbers compare only where these are the same, too."""

BLOCK = 25
_POOL = 4000  # poses that people are drawn from
_CAP = 300  # poses that one subject may count for


@dataclass(frozen=True, kw_only=True)
class OpenBody:
    """The benchmark.

    Attributes:
        count: people; a smaller set is the beginning of a larger one.
        seed: everything random comes from it.
        people: what they, their cameras and their detector are like.
    """

    count: int = 200
    seed: int = 2018
    people: SyntheticConfig = SyntheticConfig()

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count: expected at least one person, got {self.count}")

    @property
    def names(self) -> list[list[str]]:
        """Names of all people, block by block."""
        return in_blocks([f"person{i:06d}" for i in range(self.count)], BLOCK)

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The names."""
        return [(name,) for block in self.names for name in block]

    def block(self, index: int, body: BodyModel) -> Block:
        """Some people: noisy keypoints as a detector gives them, the same without noise, outliers and gaps (the hips
        where annotators see them), masks, part labels, bodies; and for methods that ask for them 91 landmarks."""
        names = tuple(self.names[index])
        poses = _poses(self.seed)
        seed = self.seed * 100_003 + index
        people = make_people(body, poses, BLOCK, seed=seed, config=self.people)
        detected, truth = observe_landmarks(body, people, self.people, seed=seed), people.params
        exact = replace(self.people, noise=0.0, outliers=0.0, missing=0.0)
        annotated, _ = make_people(body, poses, BLOCK, seed=seed, config=exact)
        rows = range(len(names))
        truth = truth[: len(names)]
        sizes = [self.people.image_size] * len(names)
        labels = draw_labels(body, truth, detected.intrinsics[: len(names)], sizes)
        masks = tuple(parts > 0 for parts in labels)
        return Block(
            detected=replace(detected.rows(rows), names=names, masks=masks),
            annotated=replace(annotated.rows(rows), names=names, masks=masks),
            truth=Truth(bodies=truth),
            annotations=tuple(Annotation(*pair) for pair in zip(masks, labels, strict=True)),
        )


@lru_cache(maxsize=2)
def _poses(seed: int) -> np.ndarray:
    """Poses of held-out subjects, none of whom counts for more than a few hundred."""
    library = load_pose_library(split="heldout")
    weights = library.subject_balanced_weights(_CAP).numpy()
    return library.poses[np.random.default_rng(seed).choice(len(library), _POOL, p=weights)].numpy()


def _open(wanted: SetOptions) -> OpenedSet:
    people = OpenBody(count=wanted.count, seed=wanted.seed)
    keys = {"version": VERSION, "seed": str(wanted.seed)}
    return OpenedSet(people=people, columns=(*SEGMENTATION, SURFACE, *POSE), keys=keys)


BENCHMARK = BenchmarkSet(
    name="openbody",
    about="Synthetic people in held-out poses: no licensed file is needed.",
    open=_open,
    options=("count", "seed"),
    rootless=True,
    own_body="open",
    annotated=True,
    given=("masks", "landmarks"),
    smpl=False,
)
