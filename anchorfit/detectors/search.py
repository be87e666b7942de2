"""How thoroughly a picture is searched for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ..observations.people import PeopleFile, Person


@dataclass(frozen=True, kw_only=True)
class Search:
    """The default finds people from a fifth of the picture's height on; `thorough` smaller ones, 40 times as slow."""

    levels: int = 0  # of windows beyond the whole picture that are always looked through,
    most_levels: int = 3  # and one by one so many while nobody was found
    most_people: int = 30  # the surest
    least_score: float = 0.3  # of a person: the detection's score times the mean visibility of the landmarks
    largest_side: int = 2048  # pixels; larger pictures are searched scaled down
    masks: bool = False  # whether people carry masks

    @staticmethod
    def thorough(*, masks: bool = False) -> Search:
        """Search all levels, whether people were found before or not."""
        return Search(levels=Search.most_levels, masks=masks)

    def at_least(self, levels: int) -> Search:
        """The same for a detector that needs so many levels to find who is to be found by default."""
        return replace(self, levels=max(self.levels, levels))

    def limited(self, people: Sequence[Person]) -> PeopleFile:
        """Of people, surest first, so many as are wanted, and a line where there may be more."""
        most = self.most_people
        crowd = (f"a crowd; the surest {most} people of it are taken",) if len(people) >= most else ()
        return PeopleFile(tuple(people[:most]), crowd)

    def reduced(self, image: np.ndarray) -> np.ndarray:
        """The picture, (height, width, 3), or a smaller copy where it is too large."""
        height, width = image.shape[:2]
        zoom = self.largest_side / max(height, width)
        if zoom >= 1:
            return image
        smaller = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        return np.array(Image.fromarray(image).resize(smaller, Image.Resampling.BOX))
