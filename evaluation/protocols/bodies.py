"""Methods on data sets with known bodies or joints: Tables 2 to 4 of Pavlakos et al. 2018, and 3DPW."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from ...body import BodyModel
from ...camera import default_intrinsics
from ...observations import observe
from ..datasets.roots import DatasetError
from ..datasets.samples import BodyDataset, Sample
from ..joint_regressor import JointRegressor
from ..surface_landmarks import SurfaceLandmarks
from ..truth import TrueJoints, Truth
from .runner import Block

BLOCK = 50


@dataclass(frozen=True, kw_only=True)
class BodyBenchmark:
    """A data set, block by block.

    Attributes:
        dataset: the people.
        true_cameras: whether methods are given the cameras that the data set states; else the focal length is the
            image's diagonal for all.
        regressor: what takes surfaces to the joints that are compared; None: the body's own joints are.
        landmarks: surface points that are judged, too.
    """

    dataset: BodyDataset
    true_cameras: bool = True
    regressor: JointRegressor | None = None
    landmarks: SurfaceLandmarks | None = None

    @cached_property  # of large sets names take long to make
    def names(self) -> list[list[str]]:
        """Names of all people, block by block."""
        every = list(self.dataset.names)
        return [every[start : start + BLOCK] for start in range(0, len(every), BLOCK)]

    def block(self, index: int, body: BodyModel) -> Block:
        """Some people; the data set's own keypoints are both detected and annotated."""
        names = self.names[index]
        samples = [self.dataset.sample(index * BLOCK + row, body) for row in range(len(names))]
        cameras = [self._camera(sample) for sample in samples]
        seen = observe([sample.person for sample in samples], cameras).to(body.device, body.dtype)
        seen = replace(seen, names=tuple(names))
        photographs = tuple(s.person.image if s.person.image and s.person.image.is_file() else None for s in samples)
        truth = truth_of(samples, self.dataset.judged, body, self.regressor, self.landmarks)
        return Block(detected=seen, annotated=seen, truth=truth, photographs=photographs)

    def _camera(self, sample: Sample) -> torch.Tensor:
        if sample.intrinsics is not None and self.true_cameras:
            return sample.intrinsics
        if sample.person.image_size is None:
            raise ValueError(f"{sample.person.name}: the size of the image is not known")
        return default_intrinsics(*sample.person.image_size)


def truth_of(
    samples: Sequence[Sample],
    judged: tuple[str, ...],
    body: BodyModel,
    regressor: JointRegressor | None = None,
    landmarks: SurfaceLandmarks | None = None,
) -> Truth:
    """The truth of some people: bodies where all have one, else joints.

    Args:
        samples: the people.
        judged: joints that errors are over.
        body: sets device and type.
        regressor, landmarks: as `BodyBenchmark` has them.
    Raises:
        DatasetError: a person has neither a body as the others nor the joints that are judged, or numbers that are not
            finite.
    """
    for sample in samples:
        known = [*sample.joints.values(), *([] if sample.params is None else [sample.params])]
        if not all(bool(torch.isfinite(values).all()) for values in known):
            raise DatasetError(f"{sample.person.name}: the data set's truth holds numbers that are not finite")
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
