"""Benchmarks as the loop sees them: people block by block, what was seen of them, and what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ..body import BodyModel
from ..camera import Crop, default_intrinsics
from ..observations import Observations, Person, observe
from ..observations.checks import believe
from .datasets.lsp import Annotation
from .datasets.roots import DatasetError
from .datasets.samples import BodyDataset, Sample
from .joint_regressor import JointRegressor
from .marks import marks_of
from .surface_landmarks import SurfaceLandmarks
from .truth import TrueJoints, Truth

BLOCK = 50


class Block(NamedTuple):
    """Some people of a benchmark.

    detected: what a detector saw of them, with their masks and 91 landmarks where there are any. Intrinsics are NaN and
        sizes 0 where no file says them and no method asks.
    annotated: the same without noise and gaps.
    truth: what is known of them.
    annotations: masks and part labels, where known.
    crops: what crop-based predictions see of each, where that is part of the protocol.
    photographs: of each, where there is one.
    """

    detected: Observations
    annotated: Observations
    truth: Truth = Truth()  # immutable
    annotations: tuple[Annotation, ...] | None = None
    crops: tuple[Crop, ...] | None = None
    photographs: tuple[Path | None, ...] | None = None


class Benchmark(Protocol):
    """People in blocks; a block is made when it is needed. Must be picklable."""

    @property
    def names(self) -> Sequence[Sequence[str]]:
        """Names of all people, block by block, no two alike."""

    @property
    def labels(self) -> Sequence[tuple[str, ...]]:
        """What results may call each person (`matching.Matcher`), in the same order."""

    def block(self, index: int, body: BodyModel) -> Block:
        """A block, the truth of which is of this body."""


def known_sizes(seen: Observations) -> list[tuple[int, int] | None]:
    """(width, height) of each image, None where no file says it."""
    return [(int(width), int(height)) if width and height else None for width, height in seen.image_size.tolist()]


def in_blocks(names: Sequence[str], size: int) -> list[list[str]]:
    """Names in blocks of a size; the last may be smaller."""
    return [list(names[start : start + size]) for start in range(0, len(names), size)]


@dataclass(frozen=True, kw_only=True)
class DatasetBlocks:
    """A data set, block by block.

    Attributes:
        dataset: the people.
        true_cameras: whether methods are given the cameras that the data set states; else the focal length is the
            image's diagonal for all.
        regressor: what takes surfaces to the joints that are compared; None: the body's own joints are.
        landmarks: surface points that are judged, too.
        truth_alone: whether no method looks, since results are there already: cameras need not be known.
    """

    dataset: BodyDataset
    true_cameras: bool = True
    regressor: JointRegressor | None = None
    landmarks: SurfaceLandmarks | None = None
    truth_alone: bool = False

    @cached_property  # of large sets names take long to make
    def names(self) -> list[list[str]]:
        """Names of all people, block by block."""
        return in_blocks(list(self.dataset.names), BLOCK)

    @property
    def labels(self) -> Sequence[tuple[str, ...]]:
        """As the data set has them."""
        return self.dataset.labels

    def block(self, index: int, body: BodyModel) -> Block:
        """Some people; the data set's own keypoints are both detected and annotated, unless it has marks."""
        names = self.names[index]
        samples = [self.dataset.sample(index * BLOCK + row, body) for row in range(len(names))]
        people = [sample.person for sample in samples]
        marked = [sample.marks or sample.person for sample in samples]
        seen = self._observed(people, samples, body, names)
        annotated = (
            seen if all(sample.marks is None for sample in samples) else self._observed(marked, samples, body, names)
        )
        photographs = tuple(person.image if person.image and person.image.is_file() else None for person in people)
        truth = truth_of(samples, self.dataset.judged, body, self.regressor, self.landmarks)
        return Block(detected=seen, annotated=annotated, truth=truth, photographs=photographs)

    def _observed(
        self, people: Sequence[Person], samples: Sequence[Sample], body: BodyModel, names: Sequence[str]
    ) -> Observations:
        if self.truth_alone:
            seen = _without_cameras(people)
        else:
            seen = observe(people, [self._camera(sample) for sample in samples], masks=False)
        return replace(seen.to(body.device, body.dtype), names=tuple(names))

    def _camera(self, sample: Sample) -> Tensor:
        if sample.intrinsics is not None and self.true_cameras:
            return sample.intrinsics
        if sample.person.image_size is None:
            raise ValueError(f"{sample.person.name}: the size of the image is not known")
        return default_intrinsics(*sample.person.image_size)


def _without_cameras(people: Sequence[Person]) -> Observations:
    """Keypoints alone: intrinsics are NaN, sizes 0 where they are not known."""
    believed = believe(people, [person.image_size for person in people])
    sizes = np.array([person.image_size or (0, 0) for person in people], dtype=np.int64)
    return Observations(
        keypoints=torch.from_numpy(believed.keypoints).float(),
        confidence=torch.from_numpy(believed.confidence).float(),
        intrinsics=torch.full((len(people), 3, 3), torch.nan),
        image_size=torch.from_numpy(sizes).reshape(-1, 2),
        names=tuple(person.name for person in people),
    )


def truth_of(
    samples: Sequence[Sample],
    judged: tuple[str, ...],
    body: BodyModel,
    regressor: JointRegressor | None = None,
    landmarks: SurfaceLandmarks | None = None,
) -> Truth:
    """The truth of some people: marks or bodies where all have such, else joints.

    Args:
        samples: the people.
        judged: joints that errors are over.
        body: sets device and type.
        regressor, landmarks: as `DatasetBlocks` has them.
    Raises:
        DatasetError: a person has neither a body as the others nor the joints that are judged, or numbers that are not
            finite.
    """
    for sample in samples:
        known = [*sample.joints.values(), *([] if sample.params is None else [sample.params])]
        if not all(bool(torch.isfinite(values).all()) for values in known):
            raise DatasetError(f"{sample.person.name}: the data set's truth holds numbers that are not finite")
    marked = [sample.marks for sample in samples if sample.marks is not None]
    if len(marked) == len(samples):
        return Truth(marks=marks_of(marked, judged))
    bodies = [sample.params for sample in samples if sample.params is not None]
    if len(bodies) == len(samples):
        regressed = None if regressor is None else (regressor, judged)
        return Truth(bodies=torch.stack(bodies).to(body.v_template), landmarks=landmarks, regressed=regressed)
    return Truth(joints=_joints(samples, judged)._replace(regressor=regressor))


def _joints(samples: Sequence[Sample], judged: tuple[str, ...]) -> TrueJoints:
    """Joints that all people have, the pelvis first."""
    names = ("pelvis", *judged)
    lacking = [sample.person.name for sample in samples if not set(names) <= sample.joints.keys()]
    if lacking:
        raise DatasetError(f"{lacking[0]}: some of the joints {', '.join(names)} are not known")
    positions = torch.stack([torch.stack([sample.joints[name] for name in names]) for sample in samples])
    return TrueJoints(positions, names, judged)
