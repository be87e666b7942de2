"""Answers of methods: bodies, or joints alone; and bodies that bring their own cameras."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor

from ..body import BodyModel
from ..camera import Crop


class MethodResult(Protocol):
    """A method's answer for B people; any object with these attributes will do."""

    @property
    def params(self) -> Tensor | None:
        """(B, D), see `anchorfit.body.parameters.Layout`; camera frame; None for methods that know no body. A row that
        is not finite counts as failed."""

    @property
    def joints_cam(self) -> Tensor:
        """(B, 24, 3) metres, camera frame, SMPL's joints."""


class Answer(NamedTuple):
    """B people; rows are in the order of the observations and finite.

    Attributes:
        params: (B, D), see `anchorfit.body.parameters.Layout`; camera frame; None for methods that know no body.
        joints_cam: (B, 24, 3) metres, camera frame, SMPL's joints. Where ``params`` is None their size and distance are
            guessed from the mean body: compare after a similarity alignment.
        problems: why a row is not finite, "" where it is, of methods that know it; or none.
        world_from_camera: (B, 4, 4) from before the camera to a world of the method's own; NaN where it knows none, or
            None for all.
    """

    params: Tensor | None
    joints_cam: Tensor
    problems: tuple[str, ...] = ()
    world_from_camera: Tensor | None = None


class PlacedAnswer(NamedTuple):
    """B bodies before cameras of their own, as files of results have them.

    Attributes:
        params: (B, D), each in its own camera's frame; NaN where there is none.
        joints_cam: (B, 24, 3) metres.
        intrinsics: (B, 3, 3) pixels of the whole image; a principal point of NaN is the image's middle.
        image_sizes: (width, height) of each image, None where the file does not say it.
        crops: those that the bodies were predicted on, None for the whole image.
        problems: what is wrong with each, "" where nothing.
        world_from_camera: as of `Answer`.
    """

    params: Tensor
    joints_cam: Tensor
    intrinsics: Tensor
    image_sizes: tuple[tuple[int, int] | None, ...]
    crops: tuple[Crop | None, ...]
    problems: tuple[str, ...]
    world_from_camera: Tensor | None = None


def answer_of(params: Tensor, body: BodyModel) -> Answer:
    """Bodies (B, D) and their joints, without the mesh."""
    params = body.own_params(params)
    return Answer(params, joints_of(params, body))


def joints_of(params: Tensor, body: BodyModel) -> Tensor:
    """(B, 24, 3) metres, camera frame, of bodies (B, D)."""
    global_orient, body_pose, betas, transl = body.layout.split(params)
    joints = body.skeleton(betas=betas, body_pose=body_pose, global_orient=global_orient).joints
    return joints + transl[:, None]
