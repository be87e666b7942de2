"""Where programs that follow a moving camera put their bodies in a world of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ...rows import Rows


class Roots(NamedTuple):
    """Rotations (B, 3, 3) of root joints and their places (B, 3) in metres, in one frame."""

    rotation: Tensor
    place: Tensor


@dataclass(frozen=True, kw_only=True)
class GivenWorld(Rows):
    """B bodies, or the cameras that see them, in their program's world.

    Attributes:
        of: "body": as the body model turns and moves its bodies; "camera": how the camera stands and where.
        rotation: (B, 3, 3) from the root, or the camera, to the world; NaN where not known.
        transl: (B, 3) metres: what moves the body model's vertices, or the camera's place.
    """

    of: str
    rotation: Tensor
    transl: Tensor

    def __len__(self) -> int:
        return len(self.transl)

    @staticmethod
    def unknown(count: int) -> GivenWorld:
        """Of programs that know no world."""
        nothing = torch.full((count, 3, 4), torch.nan, dtype=torch.float64)
        return GivenWorld(of="body", rotation=nothing[..., :3], transl=nothing[..., 3])

    @staticmethod
    def of_cameras(world_from_camera: Tensor) -> GivenWorld:
        """By the motions (B, 4, 4) from cameras to the world."""
        moved = world_from_camera.double()
        return GivenWorld(of="camera", rotation=moved[:, :3, :3], transl=moved[:, :3, 3])

    def roots(self, before_camera: Roots, rest_root: Tensor) -> Roots:
        """Where the program has the roots in its world.

        Args:
            before_camera: the same roots before the program's camera.
            rest_root: (B, 3) metres, root joints of the shaped bodies at rest: a body model turns bodies about them.
        """
        rotation, transl = self.rotation.double(), self.transl.double()
        if self.of == "body":
            return Roots(rotation, rest_root.double() + transl)
        turned, place = before_camera.rotation.double(), before_camera.place.double()
        return Roots(rotation @ turned, (rotation @ place[..., None])[..., 0] + transl)


def motion_between(start: Roots, end: Roots) -> Tensor:
    """(B, 4, 4) float64, the rigid motions that bring roots from one place to another; NaN where one is not known."""
    rotation = end.rotation.double() @ start.rotation.double().mT
    moved = torch.eye(4, dtype=torch.float64).repeat(len(rotation), 1, 1)
    moved[:, :3, :3] = rotation
    moved[:, :3, 3] = end.place.double() - (rotation @ start.place.double()[..., None])[..., 0]
    return torch.where(torch.isfinite(moved).flatten(1).all(1)[:, None, None], moved, torch.nan)
