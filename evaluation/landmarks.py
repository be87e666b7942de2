"""91 landmarks as in Lassner et al. 2017: LSP's 12 limb joints and 79 points of the surface.

Theirs are named vertices of SMPL; here the 79 are spread over the open body's surface, each the farthest from those
before it. No detector finds them: `observe_landmarks` projects true ones with a detector's noise, so whatever is made
from them was told more than methods that see keypoints alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import torch
from torch import Tensor

from ..body import BodyModel, PointSet
from ..body.kinematics import compiled_points
from ..camera import project
from ..fitting.contours import surface_sample
from ..observations.conventions import LSP14
from ..observations.people import Observations
from ..observations.person_size import stature
from .synthetic import SyntheticConfig, SyntheticSet

SURFACE_LANDMARKS = 79
LSP_JOINTS: tuple[str, ...] = tuple(name for name in LSP14 if name is not None)
LIMB_JOINTS: tuple[str, ...] = LSP_JOINTS[:12]
"""LSP's joints without neck and head top, which are points of the surface."""


@lru_cache(maxsize=4)
def landmark_vertices(body: BodyModel) -> tuple[int, ...]:
    """The 79 vertices."""
    return surface_sample(body, SURFACE_LANDMARKS)


def landmark_names(body: BodyModel) -> tuple[str, ...]:
    """91 names of body points, as energy terms take them."""
    return (*LIMB_JOINTS, *(f"vertex:{vertex}" for vertex in landmark_vertices(body)))


def landmark_points(body: BodyModel) -> PointSet:
    """The 91 points of a body."""
    return compiled_points(body, landmark_names(body))


@dataclass(frozen=True, kw_only=True)
class LandmarkObservations(Observations):
    """Observations with landmarks (B, 91, 2) in pixels and their confidences (B, 91), in the order of
    ``landmark_names``; 0 where not seen."""

    landmarks: Tensor
    landmark_confidence: Tensor

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = (len(self), len(LIMB_JOINTS) + SURFACE_LANDMARKS, 2)
        if tuple(self.landmarks.shape) != expected or tuple(self.landmark_confidence.shape) != expected[:2]:
            shapes = f"{tuple(self.landmarks.shape)} and {tuple(self.landmark_confidence.shape)}"
            raise ValueError(f"landmarks and landmark_confidence: expected {expected} and {expected[:2]}, got {shapes}")


def with_landmarks(observations: Observations, landmarks: Tensor, confidence: Tensor) -> LandmarkObservations:
    """The same people with landmarks (B, 91, 2) and confidences (B, 91).

    Raises:
        ValueError: a shape does not fit.
    """
    return LandmarkObservations(
        keypoints=observations.keypoints,
        confidence=observations.confidence,
        intrinsics=observations.intrinsics,
        image_size=observations.image_size,
        names=observations.names,
        masks=observations.masks,
        landmarks=landmarks,
        landmark_confidence=confidence,
    )


def without_landmarks(observations: Observations) -> Observations:
    """The same people without landmarks."""
    return Observations(**{field.name: getattr(observations, field.name) for field in fields(Observations)})


def landmarks_of(observations: Observations) -> LandmarkObservations:
    """The observations, which must have landmarks.

    Raises:
        ValueError: they have none.
    """
    if not isinstance(observations, LandmarkObservations):
        raise ValueError("observations: expected LandmarkObservations with 91 landmarks; see `with_landmarks`")
    return observations


def observe_landmarks(
    body: BodyModel, people: SyntheticSet, config: SyntheticConfig, *, seed: int
) -> LandmarkObservations:
    """True landmarks of synthetic people, as noisy, wrong and missing as ``config`` says of keypoints.

    Args:
        body: that the people have.
        people: from `synthetic.make_people` with the same ``config``.
        config: noise, outliers and missing.
        seed: everything random comes from it.
    """
    observations, count = people.observations, len(people.params)
    spread, missing = torch.full((count,), config.noise), torch.full((count,), config.missing)
    generator = torch.Generator().manual_seed(seed)
    seen = detected(body, people.params, observations.intrinsics, spread, missing, config, generator)
    return with_landmarks(observations, *seen)


def detected(
    body: BodyModel,
    params: Tensor,
    intrinsics: Tensor,
    noise: Tensor,
    missing: Tensor,
    config: SyntheticConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Landmarks (B, 91, 2) in pixels and confidences (B, 91) of bodies (B, D).

    Args:
        body: that the people have.
        params: (B, D).
        intrinsics: (B, 3, 3) pixels.
        noise: (B,) standard deviations, in heights of a standing person.
        missing: (B,) shares of landmarks that are not seen.
        config: of outliers; there are none where ``noise`` is 0.
        generator: on the CPU.
    """
    pixels = project(landmark_points(body).points(params), intrinsics)
    shape = tuple(pixels.shape[:2])
    size = intrinsics[:, 0, 0] * stature(body) / params[:, body.layout.depth]  # as `make_people` has it
    outlier = (torch.rand(shape, generator=generator) < config.outliers) & (noise > 0)[:, None]
    spread = torch.where(outlier, config.outlier_noise, noise[:, None]).to(pixels) * size[:, None]
    moved = pixels + torch.randn(*shape, 2, generator=generator).to(pixels) * spread[..., None]
    seen = torch.rand(shape, generator=generator) >= missing[:, None]
    sure = torch.where(seen, 0.6 + 0.4 * torch.rand(shape, generator=generator), 0.0).to(pixels)
    return torch.where((sure > 0)[..., None], moved, 0.0), sure
