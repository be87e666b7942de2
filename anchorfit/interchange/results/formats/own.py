"""This package's own npz (`BodyEstimate.save`)."""

from __future__ import annotations

import torch

from ....body import axis_angle_to_matrix
from ....observations.videos import frame_of
from ....results import BodyEstimate
from ..cameras import Pinhole
from ..format import ResultFormat, StoredResult
from ..record import ResultFile, given_bodies
from ..worlds import GivenWorld


def _read(stored: StoredResult) -> ResultFile:
    estimate = BodyEstimate.load(stored.path)
    frames = [frame_of(name) for name in estimate.names]
    matrix = estimate.intrinsics.double()
    bodies = given_bodies(
        "anchorfit",
        Pinhole.of(estimate.transl.double(), matrix[:, 0, 0], matrix[:, :2, 2]),
        axis_angle_to_matrix(estimate.pose.double().unflatten(1, (-1, 3))),
        estimate.betas.double(),
        model=estimate.body,
        gender=estimate.gender,
        sizes=torch.where(estimate.image_size > 0, estimate.image_size.double(), torch.nan),
        images=[
            image or (name.rpartition("#")[0] if frame is None else "")
            for image, name, frame in zip(estimate.images, estimate.names, frames, strict=True)
        ],
        tracks=[name.rpartition("#")[2] for name in estimate.names],
        frames=torch.tensor([-1 if frame is None else frame for frame in frames]),
        names=estimate.names,
        world=GivenWorld.of_cameras(estimate.world_from_camera),
    )
    return ResultFile(bodies)


FORMAT = ResultFormat(name="anchorfit", recognises=lambda s: s.has("format_version", "global_orient"), read=_read)
