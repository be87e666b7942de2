"""The fitting problem: a body, observations, a start, and the camera stage's placement."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from ..body import BodyModel
from ..body.kinematics import compiled_points
from ..body.standing import STANDING_POINTS, Gravity, standing
from ..body.uncertainty import PoseUncertainty
from ..observations.people import Observations
from ..rows import Rows
from .config import FitConfig, Stage
from .energy import Term
from .grounds import FloorWish, Grounds
from .pose_prior import GaussianMixture
from .reference_frame import ReferenceFrame

LARGEST_PIXEL = 1e6  # a keypoint further out than this is taken as not seen


@dataclass(frozen=True, kw_only=True)
class Placement(Rows):
    """Placement of B people by the camera stage.

    Attributes:
        depth: (B,) metres, t_z of the best placement.
        zoom: (B,) pixels of the reference frame in one of the image.
        shoulders: (B,) distance of the shoulders in the image, reference pixels; infinite where one is not seen.
    """

    depth: Tensor
    zoom: Tensor
    shoulders: Tensor

    def __len__(self) -> int:
        return len(self.depth)


@dataclass(frozen=True, kw_only=True)
class FitProblem:
    """B rows to be fitted, checked: everything is finite. Terms are built from it.

    Attributes:
        body: the body model; its device and type are the problem's.
        observations: what was seen; what is not finite has confidence 0.
        pose_prior: the mixture.
        start: (B, D) where the rows begin, and what anchors hold on to: the prediction, or the rest pose.
        whole: (B,) bool, the row's own input was finite.
        predicted: whether ``start`` is a prediction.
        uncertainty: how sure it is, where that is known.
        placement: of the camera stage.
        skeleton: names of the joints that the rows may have seen.
        config: the schedule's constants.
        persons: B labels, or none: rows of one label are one person and get one shape.
        videos: B labels, or none: neighbouring rows of one label are frames of one video and are smoothed.
        sure: (B,) bool, rows that have a say in shared shapes.
        lost: (B,) bool, frames that lie off their keypoints: their neighbours see past them.
        gravity: what is known of it before each row's camera; None: nothing.
        doubted: (B, K) bool, seen keypoints that are not to be believed; None: all are.
        floor: what was asked for; None: rows have no floor.
        grounds: what rows stand on, once that is found.
    """

    body: BodyModel
    observations: Observations
    pose_prior: GaussianMixture
    start: Tensor
    whole: Tensor
    predicted: bool
    placement: Placement
    skeleton: tuple[str, ...]
    config: FitConfig
    uncertainty: PoseUncertainty | None = None
    persons: tuple[Hashable, ...] = ()
    videos: tuple[Hashable, ...] = ()
    sure: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))
    lost: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))
    gravity: Gravity | None = None
    doubted: Tensor | None = None
    floor: FloorWish | None = None
    grounds: Grounds | None = None

    def __len__(self) -> int:
        return len(self.start)

    def terms(self, stage: Stage) -> list[Term]:
        """The energy of one stage, without terms that no row has evidence for."""
        built = ((spec.name, spec.build(self, stage)) for spec in self.config.terms_of(stage))
        return [_named(term, name) for name, term in built if term is not None]

    @cached_property
    def frame(self) -> ReferenceFrame:
        """The frame that pixel constants are of."""
        return ReferenceFrame(intrinsics=self.observations.intrinsics, zoom=self.placement.zoom)

    @property
    def believed(self) -> Tensor:
        """(B, K) the keypoints' confidence, 0 where they are doubted."""
        return believed(self.observations.confidence, self.doubted)

    @property
    def reference_intrinsics(self) -> Tensor:
        """(B, 3, 3) pixels of the reference frame."""
        return self.frame.matrix

    @cached_property
    def reference_keypoints(self) -> Tensor:
        """(B, K, 2) pixels of the reference frame, canonical joints."""
        return self.frame.pixels(self.observations.keypoints)

    @cached_property
    def standing(self) -> Tensor:
        """(B,) how certainly the bodies stand that the rows start from, 0 to 1."""
        return standing(compiled_points(self.body, STANDING_POINTS).points(self.start))

    def to_reference(self, pixels: Tensor, rows: Tensor) -> Tensor:
        """(R, N, 2) pixels of the images of some rows -> of their reference frames."""
        return self.frame.rows(rows).pixels(pixels)


def believed(confidence: Tensor, doubted: Tensor | None) -> Tensor:
    """Confidences (B, K), 0 where keypoints are doubted (B, K)."""
    return confidence if doubted is None else torch.where(doubted, 0.0, confidence)


def _named(term: Term, name: str) -> Term:
    """The term under the name of its spec, by which diagnostics find it; what it was built from may be shared."""
    if term.name == name:
        return term
    renamed = copy(term)
    renamed.name = name
    return renamed


def sanitised(observations: Observations, start: Tensor) -> tuple[Observations, Tensor, Tensor]:
    """Empties what is not finite; says which rows were whole (B,)."""
    confidence, keypoints, intrinsics = observations.confidence, observations.keypoints, observations.intrinsics
    sane = torch.isfinite(keypoints).all(-1) & (torch.nan_to_num(keypoints).abs().amax(-1) < LARGEST_PIXEL)
    confidence = torch.where(sane & (confidence > 0), confidence.nan_to_num(), 0.0).clamp(0.0, 1.0)
    focal = torch.diagonal(intrinsics[:, :2, :2], dim1=-2, dim2=-1)
    whole = torch.isfinite(start).all(-1) & torch.isfinite(intrinsics).flatten(1).all(-1) & (focal > 0).all(-1)
    confidence = torch.where(whole[:, None], confidence, 0.0)
    stand_in = torch.diag(intrinsics.new_tensor([1000.0, 1000.0, 1.0]))
    clean = replace(
        observations,
        keypoints=torch.where((confidence > 0)[..., None], keypoints, 0.0),
        confidence=confidence,
        intrinsics=torch.where(whole[:, None, None], intrinsics, stand_in),
    )
    return clean, torch.where(whole[:, None], start, 0.0), whole
