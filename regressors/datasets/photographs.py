"""Batches of people cut out of photographs: the same seed and step give the same batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...observations.images import read_image
from ...observations.people import Person
from ..human2d import HUMAN2D_JOINTS, INPUT_SIZE, check_size
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
            person = self.people[index]
            framing = framing_of(person, self.size)
            if self.augmentation is not None:
                framing = self.augmentation.vary(framing, torch.Generator().manual_seed(seed))
            image = self._read(person.image or Path())
            crops.append(crop_person(image, person, framing, joints=self.joints))
        return PersonCrops(*(torch.stack(values) for values in zip(*crops, strict=True)))
