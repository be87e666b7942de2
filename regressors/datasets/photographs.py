"""Batches of people cut out of photographs: the same seed and step give the same batch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...camera import focal_from_exif
from ...observations.images import read_image
from ...observations.people import Person
from ..batches import draw_rows
from ..human2d import HUMAN2D_JOINTS, INPUT_SIZE, check_picture_size
from ..image_crops import Framing
from .crops import Augmentation, PersonCrops, crop_person, framing_of


class AnnotatedPhotographs:
    """People of any of the readers, together.

    A photograph that turns out to be unreadable, or of another size than its annotations say, costs its people and a
    line: the next person takes the place of each, so that batches stay functions of seed and step.

    Args:
        people: with images, and at least one annotated joint each (see `usable_people`).
        augmentation: None for none.
        joints: what heatmaps are made of.
        size: pixels of the square pictures.
        seed: with the step, everything random comes from it.
        read: an image from its path, (H, W, 3) uint8 RGB: from the disk, or from wherever they are kept.
        tell: called with a line for each such photograph, once.
    Raises:
        ValueError: no usable person is left; a size that the network cannot take.
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
        tell: Callable[[str], None] = warnings.warn,
    ) -> None:
        check_picture_size(size)
        self.people = [person for person in people if person.image is not None and (person.confidence > 0).any()]
        if not self.people:
            raise ValueError("people: expected at least one with an image and an annotated joint, got none")
        self.augmentation, self.joints, self.size, self.seed = augmentation, joints, size, seed
        self._read, self._tell = read, tell
        self._refused: dict[int, str] = {}

    def batch(self, step: int, count: int, rows: slice = slice(None)) -> PersonCrops:
        """The rows of batch number ``step`` of ``count`` people.

        Raises:
            ValueError: not one photograph is usable.
        """
        drawn = draw_rows(self.seed, step, count, len(self.people), rows)
        return PersonCrops.stacked(self._next(row.place, row.generator()) for row in drawn)

    def chosen(self, index: Sequence[int]) -> PersonCrops:
        """Some of the people, as they are, without those whose photographs are not usable; raises as `batch`."""
        crops = [crop for place in index if (crop := self._cut(place)) is not None]
        if not crops:
            raise self._nobody()
        return PersonCrops.stacked(crops)

    def _next(self, index: int, generator: torch.Generator) -> PersonCrops:
        """A person, varied; or the first after them whose photograph is usable."""
        for place in range(index, index + len(self.people)):
            crop = self._cut(place % len(self.people), generator)
            if crop is not None:
                return crop
        raise self._nobody()

    def _cut(self, index: int, generator: torch.Generator | None = None) -> PersonCrops | None:
        """A person, varied where there is a generator; None where that cannot be."""
        if index in self._refused:
            return None
        framing = framing_of(self.people[index], self.size)
        if self.augmentation is not None and generator is not None:
            framing = self.augmentation.vary(framing, generator)
        try:
            return self._read_and_cut(self.people[index], framing)
        except (OSError, ValueError) as error:
            if str(error) not in self._refused.values():
                self._tell(f"{error}; left out of the training")
            self._refused[index] = str(error)
            return None

    def _read_and_cut(self, person: Person, framing: Framing) -> PersonCrops:
        path = person.image or Path()
        focal = focal_from_exif(path) if path.is_file() else None  # pieces kept in memory have lost theirs
        return crop_person(self._read(path), person, framing, joints=self.joints, focal=focal)

    def _nobody(self) -> ValueError:
        reason = next(iter(self._refused.values()), "nobody was asked for")
        return ValueError(f"people: none of {len(self.people)} photographed people can be used ({reason})")
