"""Batches of people cut out of photographs: the same seed and step give the same batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...camera import focal_from_exif
from ...observations.images import read_image
from ...observations.people import Person
from ..human2d import HUMAN2D_JOINTS, INPUT_SIZE, check_size
from ..image_crops import Framing
from .crops import Augmentation, PersonCrops, crop_person, framing_of


class AnnotatedPhotographs:
    """People of any of the readers, together.

    Args:
        people: with images, and at least one annotated joint each.
        augmentation: None for none.
        joints: what heatmaps are made of.
        size: pixels of the square pictures.
        seed: with the step, everything random comes from it.
        read: an image from its path, (H, W, 3) uint8 RGB: from the disk, or from wherever they are kept.
    Raises:
        ValueError: nobody is left who can be used; a size that the network cannot take.
    """

    def __init__(
        self,
        people: Sequence[Person],
        *,
        augmentation: Augmentation | None = Augmentation(),
        joints: tuple[str, ...] = HUMAN2D_JOINTS,
        size: int = INPUT_SIZE,
        seed: int = 0,
        read: Callable[[Path], np.ndarray] = read_image,
    ) -> None:
        check_size(size)
        self.people = [person for person in people if person.image is not None and (person.confidence > 0).any()]
        if not self.people:
            raise ValueError("people: expected at least one with an image and an annotated joint, got none")
        self.augmentation, self.joints, self.size, self.seed, self._read = augmentation, joints, size, seed, read

    def batch(self, step: int, count: int, rows: slice = slice(None)) -> PersonCrops:
        """The rows of batch number ``step`` of ``count`` people.

        Raises:
            FileNotFoundError, ImageFileError: as `read_image`.
        """
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + step) % 2**63)
        chosen = torch.randint(len(self.people), (count,), generator=generator).tolist()
        seeds = torch.randint(2**62, (count,), generator=generator).tolist()  # each person's own: rows stay themselves
        crops = []
        for index, seed in list(zip(chosen, seeds, strict=True))[rows]:
            framing = framing_of(self.people[index], self.size)
            if self.augmentation is not None:
                framing = self.augmentation.vary(framing, torch.Generator().manual_seed(seed))
            crops.append(self._cut(index, framing))
        return _stacked(crops)

    def chosen(self, index: Sequence[int]) -> PersonCrops:
        """Some of the people, as they are; raises as `batch`."""
        return _stacked([self._cut(place, framing_of(self.people[place], self.size)) for place in index])

    def _cut(self, index: int, framing: Framing) -> PersonCrops:
        person = self.people[index]
        path = person.image or Path()
        focal = focal_from_exif(path) if path.is_file() else None  # pieces kept in memory have lost theirs
        return crop_person(self._read(path), person, framing, joints=self.joints, focal=focal)


def _stacked(crops: Sequence[PersonCrops]) -> PersonCrops:
    return PersonCrops(*(torch.stack(values) for values in zip(*crops, strict=True)))
