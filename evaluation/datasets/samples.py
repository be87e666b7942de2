"""Samples of data sets with known bodies: one person at a time, in this library's frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from torch import Tensor

from ...body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from ...observations import Person


class Sample(NamedTuple):
    """One person.

    person: keypoints, image where there is one, image_size.
    intrinsics: (3, 3) pixels where the data set says them, else None.
    params: (D,) the true body in the camera frame, or None where only joints are known.
    joints: canonical joints by name, (3,) metres, camera frame; empty where bodies are known.
    marks: annotated keypoints by which projections are judged, where nothing is known in space.
    """

    person: Person
    intrinsics: Tensor | None = None
    params: Tensor | None = None
    joints: dict[str, Tensor] = {}  # noqa: RUF012  # never written to
    marks: Person | None = None


class BodyDataset(Protocol):
    """People with known bodies or joints; must be picklable."""

    @property
    def names(self) -> Sequence[str]:
        """Names of all people, no two alike."""

    @property
    def labels(self) -> Sequence[tuple[str, ...]]:
        """What results may call each person (`matching.Matcher`): paths without suffix, the most exact first."""

    @property
    def files(self) -> Sequence[Path]:
        """All that truth and keypoints are read from: what a run must be the same in to go on."""

    @property
    def judged(self) -> tuple[str, ...]:
        """Canonical joints that errors are over where only joints are known."""

    def sample(self, index: int, body: BodyModel) -> Sample: ...


class WorldDataset(BodyDataset, Protocol):
    """The same, of which the cameras' ways through a world are known."""

    @property
    def sequences(self) -> dict[str, list[int]]:
        """Indices of each person's frames in each sequence, in the order of time."""

    def frame(self, index: int) -> int:
        """Number of a frame in its video: frames that follow each other have numbers that do."""

    def camera_from_world(self, index: int) -> Tensor:
        """(4, 4) float64, from the world to the camera."""


def transformed_params(body: BodyModel, params: Tensor, rotation: Tensor, translation: Tensor) -> Tensor:
    """Parameters of the same body after x -> rotation @ x + translation.

    Args:
        params: (D,).
        rotation: (3, 3).
        translation: (3,) metres.
    Returns:
        (D,). A body turns about its pelvis, not about the origin, so its translation changes with its shape.
    """
    rotation, translation = rotation.to(params), translation.to(params)
    parts = body.layout.split(body.own_params(params[None]))
    pelvis = body.rest_joints(parts.betas.to(body.v_template))[0, 0].to(params)
    orient = matrix_to_axis_angle(rotation @ axis_angle_to_matrix(parts.global_orient))
    transl = (pelvis + parts.transl) @ rotation.mT - pelvis + translation
    return body.layout.join(**parts._replace(global_orient=orient, transl=transl)._asdict())[0]
