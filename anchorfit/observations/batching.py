"""From people to the batch that fitting takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..body.joint_sets import CANONICAL_JOINTS
from .checks import sanitise
from .masks import check_mask
from .people import Observations, Person


def observe(
    people: Sequence[Person],
    intrinsics: Sequence[Tensor] | Tensor,
    *,
    image_sizes: Sequence[tuple[int, int]] | None = None,
    masks: bool = True,
    dtype: torch.dtype = torch.float32,
) -> Observations:
    """People, each with the camera that saw it, as one batch on the CPU; rows keep the order of ``people``.

    Everybody goes through `checks.sanitise` (again, if it was called for its notes): joints that are not seen or cannot
    be believed are at (0, 0) with confidence 0, and every number is finite.

    Args:
        intrinsics: for each person (3, 3) pixels.
        image_sizes: for each person (width, height); default: as the people say.
        masks: whether to decode masks; without them rows hold None.
        dtype: of keypoints, confidence and intrinsics.
    Raises:
        ValueError: the lengths differ, an image's size is not known, or a mask is not of its image's size; the message
            names the person.
    """
    if len(intrinsics) != len(people):
        raise ValueError(f"intrinsics: expected {len(people)}, one a person, got {len(intrinsics)}")
    if image_sizes is not None and len(image_sizes) != len(people):
        raise ValueError(f"image_sizes: expected {len(people)}, one a person, got {len(image_sizes)}")
    sizes = [person.image_size for person in people] if image_sizes is None else list(image_sizes)
    known: list[tuple[int, int]] = []
    for person, size in zip(people, sizes, strict=True):
        if size is None:
            raise ValueError(f"{person.name}: the size of the image is not known; give image_sizes")
        known.append(size)
    joints = len(CANONICAL_JOINTS)
    clean = [sanitise(person, size).person for person, size in zip(people, known, strict=True)]
    positions = np.array([person.keypoints for person in clean], dtype=np.float64).reshape(-1, joints, 2)
    confidence = np.array([person.confidence for person in clean], dtype=np.float64).reshape(-1, joints)
    matrices = [torch.as_tensor(matrix, dtype=dtype, device="cpu") for matrix in intrinsics]
    return Observations(
        keypoints=torch.from_numpy(positions).to(dtype),
        confidence=torch.from_numpy(confidence).to(dtype),
        intrinsics=torch.stack(matrices) if matrices else torch.zeros((0, 3, 3), dtype=dtype),
        image_size=torch.tensor(known, dtype=torch.int64).reshape(-1, 2),
        names=tuple(person.name for person in people),
        masks=tuple(
            check_mask(person.mask, size, person.name) if masks and person.mask is not None else None
            for person, size in zip(people, known, strict=True)
        ),
    )
