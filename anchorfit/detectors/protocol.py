"""What a detector is: a picture in, the people in it out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..observations.people import PeopleFile

FEWEST_JOINTS = 5
"""A pose with fewer seen joints is no person."""


class Detector(Protocol):
    """Finds the people in one picture. Adapters load their networks when they are made, and keep them."""

    @property
    def name(self) -> str:
        """What messages call it, with its version."""

    @property
    def most_people(self) -> int:
        """So many in a picture it finds at most."""

    def people(self, image: np.ndarray) -> PeopleFile:
        """The people in a picture, surest first, and what is to be said of those who are left out.

        Args:
            image: (height, width, 3) uint8 RGB.
        Returns:
            Persons with ids "0", "1", ..., keypoints in pixels of the image, canonical order, confidences, ``score``,
            ``box`` around what is seen of them, ``image_size``, and ``mask`` where the detector has one; problems, such
            as a crowd, in lines without the picture's name.
        """
