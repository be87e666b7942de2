"""What cameras saw of the same rows, as ideal pinholes have it: keypoints and masks without the lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS
from ..cameras import CalibratedCamera
from ..observations import Observations, Person, image_size, observe, sanitise
from ..observations.checks import checked_size

_JOINTS = len(CANONICAL_JOINTS)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """B rows in V cameras.

    Attributes:
        observations: of each camera B rows, all of the same names; confidence 0 where it has not seen the person.
        images: of each camera B paths, "" where there is none.
        problems: (row, text) of what was wrong with single sightings.
    """

    observations: tuple[Observations, ...]
    images: tuple[tuple[str, ...], ...]
    problems: tuple[tuple[int, str], ...]

    def rows(self, index: Sequence[int]) -> Seen:
        """Some of the rows."""
        places = {row: place for place, row in enumerate(index)}
        return Seen(
            observations=tuple(one.rows(list(index)) for one in self.observations),
            images=tuple(tuple(images[row] for row in index) for images in self.images),
            problems=tuple((places[row], text) for row, text in self.problems if row in places),
        )

    def named(self, names: Sequence[str]) -> Seen:
        """The same rows of other names."""
        return replace(self, observations=tuple(replace(one, names=tuple(names)) for one in self.observations))

    def stacked(self, name: str) -> Tensor:
        """A tensor of the observations, (B, V, ...)."""
        return torch.stack([getattr(one, name) for one in self.observations], 1)


class _Sighting(NamedTuple):
    person: Person
    camera: CalibratedCamera
    notes: tuple[str, ...]


def observe_views(
    rows: Sequence[Sequence[Person | None]], cameras: Sequence[CalibratedCamera], names: Sequence[str], *, masks: bool
) -> Seen:
    """The observations of rows of sightings, one for each camera or None.

    A sighting that cannot be used (an image of another shape than the camera's, no joints) is a problem and counts as
    not seen; the other cameras go on.
    """
    problems: list[tuple[int, str]] = []
    found, images = [], []
    for place, camera in enumerate(cameras):
        people, matrices, sizes, paths = [], [], [], []
        for row, sightings in enumerate(rows):
            person = sightings[place]
            own = camera
            if person is not None:
                try:
                    person, own, notes = ideal_sighting(person, camera, masks=masks)
                    problems += [(row, f"camera {camera.name}: {note}") for note in notes]
                except (ValueError, OSError) as error:
                    problems.append((row, f"{_named(str(error), camera)}; not used"))
                    person = None
            people.append(person or _nobody())
            matrices.append(own.intrinsics)
            sizes.append(own.image_size or (1, 1))
            there = person is not None and person.image is not None and person.image.is_file()
            paths.append(str(person.image.absolute()) if there and person is not None and person.image else "")
        seen = observe(people, matrices, image_sizes=sizes, masks=masks, dtype=torch.float64)
        found.append(replace(seen, names=tuple(names)))
        images.append(tuple(paths))
    return Seen(observations=tuple(found), images=tuple(images), problems=tuple(problems))


def _named(text: str, camera: CalibratedCamera) -> str:
    return text if f"camera {camera.name}" in text else f"camera {camera.name}: {text}"


def _nobody() -> Person:
    return Person(person_id="", keypoints=np.zeros((_JOINTS, 2)), confidence=np.zeros(_JOINTS), image_size=(1, 1))


def ideal_sighting(person: Person, camera: CalibratedCamera, *, masks: bool = True) -> _Sighting:
    """A person without the lens, the camera of the person's image, and what was changed.

    Raises:
        ValueError: the image's size is not known, or is of another shape than the camera's.
    """
    size = _size_of(person, camera)
    notes = []
    own = camera.of_size(size)
    if camera.image_size is not None and size != camera.image_size:
        notes.append(
            f"calibrated at {camera.image_size[0]} x {camera.image_size[1]}, K is scaled to {size[0]} x {size[1]}"
        )
    person, said = sanitise(replace(person, image_size=size), size)
    notes += said
    if not own.distortion:
        return _Sighting(person, own, tuple(notes))
    pixels, known = own.undistort(torch.from_numpy(np.asarray(person.keypoints, dtype=np.float64)))
    lost = (person.confidence > 0) & ~known.numpy()
    if lost.any():
        joints = ", ".join(CANONICAL_JOINTS[joint] for joint in np.flatnonzero(lost)[:3])
        notes.append(f"{joints}: where the lens folds over; taken as not seen")
    confidence = np.where(known.numpy(), person.confidence, 0.0)
    mask = person.mask
    if mask is not None:
        mask = undistorted_image(np.asarray(mask).astype(np.uint8), own, smooth=False) > 0 if masks else None
    keypoints = np.where((confidence > 0)[:, None], pixels.numpy(), 0.0)
    return _Sighting(
        replace(person, keypoints=keypoints, confidence=confidence, mask=mask, box=None), own, tuple(notes)
    )


def _size_of(person: Person, camera: CalibratedCamera) -> tuple[int, int]:
    if person.image_size is not None:
        return checked_size(person.image_size)
    if person.image is not None and person.image.is_file():
        return image_size(person.image)
    if camera.image_size is None:
        raise ValueError("the size of the image is not known; give size in the camera file, or the images")
    return camera.image_size


def undistorted_image(image: np.ndarray, camera: CalibratedCamera, *, smooth: bool = True) -> np.ndarray:
    """An image (H, W) or (H, W, 3) as the ideal pinhole of the same intrinsics has it; black where it sees more."""
    if not camera.distortion:
        return image
    import cv2

    height, width = image.shape[:2]
    across, down = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1).double()
    there = camera.distorted(grid).sub(0.5).float().numpy()  # OpenCV counts from the first pixel's middle
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return cv2.remap(image, there[..., 0], there[..., 1], how, borderMode=cv2.BORDER_CONSTANT)
