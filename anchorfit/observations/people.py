"""Observed people: one person as a reader returns it, and a batch as fitting takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from ..body.joint_sets import CANONICAL_JOINTS
from ..plain_text import short_name
from ..rows import Rows
from .masks import StoredMask

_NUMBERS = "fiub"  # kinds of numpy types


class CocoIds(NamedTuple):
    """Ids of an image and of a category in a file of COCO's."""

    image: int | str
    category: int = 1


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person in one image.

    Attributes:
        person_id: unique within its image; with the image's name it names the person in messages and file names.
        keypoints: (K, 2) float64 pixels of the image as displayed (EXIF rotation applied), canonical order;
            (0, 0) is the image's top-left corner. Only rows of positive confidence mean anything.
        confidence: (K,) float64 in [0, 1]; 0 is "not seen". As a reader found it: `checks.sanitise` makes sure.
        image: path of the image, as the file names it, or None. Some formats know no suffix (see `belongs_to`).
        image_size: (width, height) pixels, where the file says it, else None.
        box: (x, y, width, height) pixels, where known.
        mask: (height, width) bool, where known; ``numpy.asarray`` decodes one stored as polygons or run lengths.
        image_label: how messages call the image where its name alone would not do.
        score: a detector's confidence in the whole person, where the file says it.
        world: (K, 3) where a detector sees joints in space: metres from the middle of the hips, axes of a camera that
            looks at the person (x right, y down, z away from it), canonical order; NaN where it says nothing. Of files
            our own JSON holds it.
        time_s: of a video's person, seconds from the video's first frame to this one.
        coco: of COCO's files the image's and the category's ids, which results for its evaluation have to name.
    """

    person_id: str
    keypoints: np.ndarray
    confidence: np.ndarray
    image: Path | None = None
    image_size: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None
    mask: np.ndarray | StoredMask | None = None
    score: float | None = None
    image_label: str | None = None
    world: np.ndarray | None = None
    time_s: float | None = None
    coco: CocoIds | None = None

    def __post_init__(self) -> None:
        joints = len(CANONICAL_JOINTS)
        if isinstance(self.image, str):
            object.__setattr__(self, "image", Path(self.image))
        for name in ("keypoints", "confidence", "world"):
            values = getattr(self, name)
            if values is None and name == "world":
                continue
            if not (isinstance(values, np.ndarray) and values.dtype.kind in _NUMBERS):
                came = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
                raise ValueError(f"{name}: expected a numpy array of numbers, got {came}")
        if self.keypoints.shape != (joints, 2):
            raise ValueError(f"keypoints: expected ({joints}, 2) in canonical order, got {self.keypoints.shape}")
        if self.confidence.shape != (joints,):
            raise ValueError(f"confidence: expected ({joints},) in canonical order, got {self.confidence.shape}")
        if self.world is not None and self.world.shape != (joints, 3):
            raise ValueError(f"world: expected ({joints}, 3) in canonical order, got {self.world.shape}")

    @property
    def name(self) -> str:
        """``IMAGE#PERSON``: how messages speak of this person; can be printed, whatever the file calls the two."""
        image = self.image_label or (self.image.name if self.image else "?")
        return f"{short_name(image)}#{short_name(str(self.person_id))}"

    def belongs_to(self, image: str | Path) -> bool:
        """Whether this person was seen in that image file: the same name, with or without its suffix, in any folder."""
        image = Path(image)
        return self.image is not None and self.image.name in (image.name, image.stem)


@dataclass(frozen=True)
class PeopleFile(Sequence[Person]):
    """The people of a keypoint file, in its order: a sequence of `Person`, and what could not be read of it.

    Attributes:
        people: those who could be read.
        problems: a line for each person (or image, or file of a folder) that could not, naming the file and the person.
        images: that the file names, also those without people, where its format lists such: an empty frame 0 tells
            from where frames count. None given: those of the people.
    """

    people: tuple[Person, ...]
    problems: tuple[str, ...] = ()
    images: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not self.images:
            named = dict.fromkeys(person.image for person in self.people if person.image is not None)
            object.__setattr__(self, "images", tuple(named))

    def __len__(self) -> int:
        return len(self.people)

    @overload
    def __getitem__(self, index: int) -> Person: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Person, ...]: ...
    def __getitem__(self, index: int | slice) -> Person | tuple[Person, ...]:
        return self.people[index]

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people)


@dataclass(frozen=True, kw_only=True)
class Observations(Rows):
    """A batch of B people, each with the camera it was seen by. Rows are independent of each other.

    Attributes:
        keypoints: (B, K, 2) pixels, canonical order (K = len(CANONICAL_JOINTS)); finite everywhere.
        confidence: (B, K) in [0, 1]; 0 where not seen.
        intrinsics: (B, 3, 3) pixels.
        image_size: (B, 2) int64, width and height in pixels.
        names: B names for messages.
        masks: for each row a (height, width) bool array, or None.
        world: (B, K, 3) joints as a detector sees them in space, metres from the middle of the hips, axes of the
            camera; NaN where it does not, everywhere by default.
        time_s: (B,) seconds from the first frame of the row's video; NaN by default, as of photographs.
    """

    keypoints: Tensor
    confidence: Tensor
    intrinsics: Tensor
    image_size: Tensor
    names: tuple[str, ...]
    masks: tuple[np.ndarray | None, ...] = ()
    world: Tensor = field(default_factory=lambda: torch.zeros(0))
    time_s: Tensor = field(default_factory=lambda: torch.zeros(0))

    def __post_init__(self) -> None:
        count, joints = self.confidence.shape
        if joints != len(CANONICAL_JOINTS):
            raise ValueError(f"confidence: expected (B, {len(CANONICAL_JOINTS)}), got {tuple(self.confidence.shape)}")
        if not self.world.numel():
            object.__setattr__(self, "world", self.keypoints.new_full((count, joints, 3), torch.nan))
        if not self.time_s.numel():
            object.__setattr__(self, "time_s", self.keypoints.new_full((count,), torch.nan))
        expected = {
            "keypoints": (count, joints, 2),
            "intrinsics": (count, 3, 3),
            "image_size": (count, 2),
            "world": (count, joints, 3),
            "time_s": (count,),
        }
        for name, shape in expected.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(f"{name}: expected {shape}, got {tuple(getattr(self, name).shape)}")
        if len(self.names) != count:
            raise ValueError(f"names: expected {count}, got {len(self.names)}")
        if not self.masks:
            object.__setattr__(self, "masks", (None,) * count)
        elif len(self.masks) != count:
            raise ValueError(f"masks: expected {count} or none, got {len(self.masks)}")

    def __len__(self) -> int:
        return len(self.names)
