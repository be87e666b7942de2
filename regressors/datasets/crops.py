"""A training example of Human2D from one annotated person: the picture, the heatmaps, the silhouette."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...body.joint_sets import CANONICAL_JOINTS
from ...camera import default_intrinsics
from ...observations.checks import size_problem
from ...observations.masks import check_mask
from ...observations.people import Person
from ..heatmaps import draw_heatmaps
from ..human2d import HUMAN2D_JOINTS, INPUT_SIZE, STRIDE
from ..image_crops import Framing, exchange_sides


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Augmentation of pictures. The defaults are the paper's (Pavlakos et al. 2018, section 4.1)."""

    turn_deg: float = 30.0  # either way at most
    scale: tuple[float, float] = (0.75, 1.25)  # of the person in the crop
    mirrored: float = 0.5  # share of pictures

    def vary(self, framing: Framing, generator: torch.Generator) -> Framing:
        """A framing, changed by chance."""
        turn, scale, mirror = torch.rand(3, generator=generator, dtype=torch.float64).tolist()
        low, high = self.scale
        return framing._replace(
            side=framing.side / (low + (high - low) * scale),
            turn=framing.turn + math.radians(self.turn_deg) * (2 * turn - 1),
            mirrored=framing.mirrored != (mirror < self.mirrored),
        )


class PersonCrops(NamedTuple):
    """People, each in a picture of its own; any leading dimensions.

    picture: (..., 3, 256, 256) 0..1; positions: (..., J, 2) pixels of it; heatmaps: (..., J, 64, 64);
    known: (..., J) bool; body: (..., 64, 64) cover in 0..1; has_body: (...) bool, whether the silhouette is known;
    intrinsics: (..., 3, 3) of the camera that sees the picture, pixels of it.
    """

    picture: Tensor
    positions: Tensor
    heatmaps: Tensor
    known: Tensor
    body: Tensor
    has_body: Tensor
    intrinsics: Tensor

    @staticmethod
    def stacked(crops: Iterable[PersonCrops]) -> PersonCrops:
        """Of single people: a batch."""
        return PersonCrops(*(torch.stack(values) for values in zip(*crops, strict=True)))

    @staticmethod
    def joined(batches: Iterable[PersonCrops]) -> PersonCrops:
        """Of batches: one, of them all in a row."""
        return PersonCrops(*(torch.cat(values) for values in zip(*batches, strict=True)))

    def rows(self, rows: slice | Tensor | int) -> PersonCrops:
        """Some of a batch, or one of it alone."""
        return PersonCrops(*(value[rows] for value in self))

    def to(self, device: torch.device) -> PersonCrops:
        return PersonCrops(*(value.to(device) for value in self))


def crop_person(
    image: np.ndarray,
    person: Person,
    framing: Framing,
    *,
    joints: tuple[str, ...] = HUMAN2D_JOINTS,
    focal: float | None = None,
) -> PersonCrops:
    """One person in a framing.

    Joints that were not annotated are not known: nothing is learned of them. Those that were and lie outside the crop
    are known to be nowhere in it.

    Args:
        image: (H, W, 3) uint8.
        person: pixels of the image; the mask, if there is one, of its size.
        focal: pixels of the image; None for its diagonal.
    Raises:
        ValueError: the person, or the mask, is of an image of another size.
    """
    size = (image.shape[1], image.shape[0])
    problem = size_problem(person, size)
    if problem is not None:
        raise ValueError(f"{person.name}: {problem}")
    positions, confidence = framing.points(person.keypoints), person.confidence
    if framing.mirrored:
        positions, confidence = exchange_sides(positions), exchange_sides(confidence)
    chosen = [CANONICAL_JOINTS.index(name) for name in joints]
    places = torch.from_numpy(positions[chosen]).float()
    known = torch.from_numpy(confidence[chosen] > 0)
    small = int(framing.size / STRIDE)
    body = np.zeros((small, small), np.float32)
    if person.mask is not None:
        body = framing._replace(size=small).cut(check_mask(person.mask, size, person.name))
    picture = torch.from_numpy(framing.cut(image)).permute(2, 0, 1).float() / 255
    heatmaps = draw_heatmaps(places[None], small, STRIDE)[0] * known[:, None, None]
    has_body = torch.tensor(person.mask is not None)
    camera = framing.camera(default_intrinsics(*size, focal))
    return PersonCrops(picture, places, heatmaps, known, torch.from_numpy(body), has_body, camera)


def framing_of(person: Person, size: int = INPUT_SIZE) -> Framing:
    """The square around a person, to be seen in ``size`` pixels: its box, or where there is none its joints."""
    return Framing.around(box_of(person), size)


def box_of(person: Person) -> tuple[float, float, float, float]:
    """A person's box, x, y, width, height, pixels; where there is none, that of the annotated joints."""
    if person.box is not None:
        return person.box
    seen = person.keypoints[person.confidence > 0]
    low, high = seen.min(0), seen.max(0)
    extent = np.maximum(high - low, 1.0)
    return float(low[0]), float(low[1]), float(extent[0]), float(extent[1])
