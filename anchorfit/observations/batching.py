"""From people to the batch that fitting takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..camera import rays_of, rotation_to_axis
from .checks import believe
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

    Keypoints are those of `checks.sanitise` (which need not be called, but for its notes): joints that are not seen or
    cannot be believed are at (0, 0) with confidence 0, and every number is finite.

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
    believed = believe(people, [person.image_size or size for person, size in zip(people, known, strict=True)])
    if not isinstance(intrinsics, Tensor):
        matrices = [torch.as_tensor(matrix, dtype=dtype, device="cpu") for matrix in intrinsics]
        intrinsics = torch.stack(matrices) if matrices else torch.zeros(0, 3, 3)
    intrinsics = intrinsics.to("cpu", dtype)
    keypoints, confidence = (torch.from_numpy(values).to(dtype) for values in (believed.keypoints, believed.confidence))
    return Observations(
        keypoints=keypoints,
        confidence=confidence,
        intrinsics=intrinsics,
        image_size=torch.tensor(known, dtype=torch.int64).reshape(-1, 2),
        names=tuple(person.name for person in people),
        masks=tuple(
            check_mask(person.mask, size, person.name) if masks and person.mask is not None else None
            for person, size in zip(people, known, strict=True)
        ),
        world=_world(people, keypoints, confidence, intrinsics),
        time_s=keypoints.new_tensor([np.nan if person.time_s is None else person.time_s for person in people]),
    )


def _world(people: Sequence[Person], keypoints: Tensor, confidence: Tensor, intrinsics: Tensor) -> Tensor:
    """(B, K, 3) joints in space, turned from a camera that looks at the person to the camera (B, 3, 3) of the image."""
    world = keypoints.new_full((*confidence.shape, 3), torch.nan)
    rows = [row for row, person in enumerate(people) if person.world is not None]
    if not rows:
        return world
    seen = torch.from_numpy(np.stack([people[row].world for row in rows])).to(world)  # type: ignore[misc]
    weight = confidence[rows, :, None]
    middle = (keypoints[rows] * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp_min(1e-6)
    ray = pad(rays_of(middle, intrinsics[rows])[:, 0], (0, 1), value=1.0)
    # Sums written out: a matrix product of few rows rounds differently from one of many.
    world[rows] = (seen[..., None] * rotation_to_axis(ray)[:, None]).sum(-2)
    return world
