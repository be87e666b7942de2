"""Lassner et al. 2017, "Unite the people", direct prediction: random forests from 2D landmarks to pose, shape, depth.

A forest for each joint learns its rotation relative to its parent as a matrix; the mean over trees is projected onto
SO(3). Two more learn betas and depth. They are trained on projected bodies of training subjects. Two versions:

- from the 91 landmarks of `landmarks`: a joint's forest sees those of the trunk and of the limb (or head) that the
  joint belongs to; the trunk's joints, betas and depth see the trunk's. Theirs did so too, but for lower limbs, which
  saw the limb alone.
- from LSP's 14 joints, which is what detectors give: too few to be shared out, each forest sees all.

Assumed: ten trees, as scikit-learn's default was then; leaves of at least ``leaf`` samples, to be quick and small.
Coordinates are relative to the person's middle and size, as `regressors.normalisation` makes them, with the size as one
more number; depth is learned times that size. Theirs were relative to the middle, people being scaled to one height
before. What was not seen is a missing value, for which scikit-learn's trees learn a way to go. Which part a landmark
belongs to is read from skinning weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from anchorfit.body import (
    CANONICAL_JOINTS,
    SIX_PARTS,
    SMPL_JOINTS,
    BodyModel,
    PointSet,
    axis_angle_to_matrix,
    compile_points,
    matrix_to_axis_angle,
)
from anchorfit.body.parameters import NUM_JOINTS, NUM_TRANSL
from anchorfit.body.parts import SEGMENT_PART
from anchorfit.camera import rays_of
from anchorfit.evaluation.answers import Answer, answer_of
from anchorfit.evaluation.landmarks import (
    LIMB_JOINTS,
    LSP_JOINTS,
    detected,
    landmark_points,
    landmark_vertices,
    landmarks_of,
)
from anchorfit.evaluation.synthetic import SyntheticConfig
from anchorfit.observations.people import Observations
from anchorfit.regressors.normalisation import NormalisedKeypoints, normalise
from anchorfit.regressors.synthesis import Synthesis, Synthesizer, shipped_poses

from .trees import RegressionForest

Landmarks = Literal["91", "lsp14"]
TRUNK = next(label for label, name in SIX_PARTS.items() if name == "torso")
BATCH = 2000  # people made at a time


@dataclass(frozen=True, kw_only=True)
class LandmarkForest:
    """The method, trained.

    Attributes:
        landmarks: which version it is.
        forests: "betas", "depth" and SMPL's joints -> a forest.
        columns: the same names -> the features it sees.
    """

    landmarks: Landmarks
    forests: Mapping[str, RegressionForest]
    columns: Mapping[str, np.ndarray]

    @property
    def name(self) -> str:
        return f"Lassner 2017, forests, {'91 landmarks' if self.landmarks == '91' else '14 LSP joints'}"

    @staticmethod
    def train(
        body: BodyModel,
        *,
        landmarks: Landmarks = "lsp14",
        count: int = 15_000,
        trees: int = 10,
        leaf: int = 5,
        synthesis: Synthesis | None = None,
        seed: int = 0,
    ) -> LandmarkForest:
        """Grows the forests on ``count`` people of training subjects.

        Args:
            body: that the people have.
            landmarks: "91" or "lsp14".
            count: people.
            trees: of each forest.
            leaf: fewest samples of a leaf.
            synthesis: what the people are like; by default as PosePrior's are.
            seed: everything random comes from it.
        Raises:
            ValueError: no such version.
            ModuleNotFoundError: scikit-learn is not installed.
        """
        if landmarks not in ("91", "lsp14"):
            raise ValueError(f"landmarks: expected 91 or lsp14, got {landmarks!r}")
        features, targets = _training_data(body, landmarks, count, synthesis or Synthesis(), seed)
        columns = _columns(body, landmarks)
        forests = {
            name: RegressionForest.grown(features[:, columns[name]], target, trees=trees, leaf=leaf, seed=seed + number)
            for number, (name, target) in enumerate(targets.items())
        }
        return LandmarkForest(landmarks=landmarks, forests=forests, columns=columns)

    def state(self) -> dict[str, Tensor]:
        """What was learned, for files."""
        parts = {f"{name}/{key}": value for name, f in self.forests.items() for key, value in f.state().items()}
        return parts | {f"{name}/columns": torch.from_numpy(value) for name, value in self.columns.items()}

    @staticmethod
    def restored(state: Mapping[str, Tensor], landmarks: Landmarks) -> LandmarkForest:
        """The inverse of `state`."""
        named: dict[str, dict[str, Tensor]] = {}
        for path, value in state.items():
            name, _, key = path.partition("/")
            named.setdefault(name, {})[key] = value
        columns = {name: parts.pop("columns").numpy() for name, parts in named.items()}
        forests = {name: RegressionForest.restored(parts) for name, parts in named.items()}
        return LandmarkForest(landmarks=landmarks, forests=forests, columns=columns)

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Bodies; see `Answer`.

        Raises:
            ValueError: the version from 91 landmarks was given observations without them.
        """
        keypoints, confidence = _seen(observations, self.landmarks)
        inputs = normalise(keypoints, confidence, observations.intrinsics)
        features, size = _features(inputs)
        answers = {
            name: torch.from_numpy(forest.predict(features[:, self.columns[name]])).to(body.v_template)
            for name, forest in self.forests.items()
        }
        local = nearest_rotations(torch.stack([answers[name].unflatten(1, (3, 3)) for name in SMPL_JOINTS], 1))
        local[:, 0] = inputs.view.to(local).mT @ local[:, 0]
        params = torch.cat(
            (matrix_to_axis_angle(local).flatten(1), answers["betas"], local.new_zeros(len(local), NUM_TRANSL)), 1
        )
        depth = answers["depth"][:, 0] / size.to(local)
        transl = self._translation(params, depth, keypoints, confidence, observations.intrinsics, body)
        params[:, body.layout.transl] = transl
        return answer_of(params, body)

    def _translation(
        self, params: Tensor, depth: Tensor, keypoints: Tensor, confidence: Tensor, intrinsics: Tensor, body: BodyModel
    ) -> Tensor:
        """(B, 3) at the given depths, the landmarks over where they were seen, in the mean."""
        points = _points(body, self.landmarks, params)
        rays = rays_of(keypoints, intrinsics).to(points)
        weight = confidence.to(points)[..., None]
        across = rays * (points[..., 2:] + depth[:, None, None]) - points[..., :2]
        mean = (across * weight).sum(1) / weight.sum(1).clamp_min(1e-6)
        return torch.cat((mean, depth[:, None]), 1)


def nearest_rotations(matrices: Tensor) -> Tensor:
    """The rotations nearest to matrices (..., 3, 3) in the Frobenius norm (Arun et al. 1987)."""
    u, _, vt = torch.linalg.svd(matrices)
    sign = torch.ones_like(matrices[..., 0])
    sign[..., 2] = torch.where(torch.linalg.det(u @ vt) < 0, -1.0, 1.0)
    return (u * sign[..., None, :]) @ vt


def _seen(observations: Observations, landmarks: Landmarks) -> tuple[Tensor, Tensor]:
    """Pixels (B, L, 2) and confidences (B, L)."""
    if landmarks == "91":
        with_them = landmarks_of(observations)
        return with_them.landmarks, with_them.landmark_confidence
    index = [CANONICAL_JOINTS.index(name) for name in LSP_JOINTS]
    return observations.keypoints[:, index], observations.confidence[:, index]


@lru_cache(maxsize=4)
def _lsp_points(body: BodyModel) -> PointSet:
    return compile_points(body, LSP_JOINTS)


def _points(body: BodyModel, landmarks: Landmarks, params: Tensor) -> Tensor:
    """(B, L, 3) metres of bodies (B, D)."""
    if landmarks == "91":
        return landmark_points(body).points(params)
    return _lsp_points(body).points(params)


def _features(inputs: NormalisedKeypoints) -> tuple[np.ndarray, Tensor]:
    """(B, 2 L + 1) numbers, NaN for what was not seen; and the persons' sizes (B,)."""
    count = (inputs.features.shape[1] - 1) // 3
    positions, confidence = inputs.features[:, : 2 * count], inputs.features[:, 2 * count : -1]
    known = (confidence > 0).repeat_interleave(2, 1)
    positions = torch.where(known, positions, torch.nan)
    features = torch.cat((positions, inputs.features[:, -1:]), 1)
    return features.cpu().numpy().astype(np.float32), inputs.features[:, -1].exp()


def _columns(body: BodyModel, landmarks: Landmarks) -> dict[str, np.ndarray]:
    """Which features each forest sees; the person's size, which comes last, always."""
    if landmarks == "lsp14":
        everything = np.arange(2 * len(LSP_JOINTS) + 1)
        return dict.fromkeys((*SMPL_JOINTS, "betas", "depth"), everything)
    carriers = body.weights[list(landmark_vertices(body))].argmax(1).tolist()
    of_joints = [SMPL_JOINTS.index(name) for name in LIMB_JOINTS]
    parts = np.array([SEGMENT_PART[joint] for joint in (*of_joints, *carriers)])
    # Hips and shoulders end the trunk and begin a limb.
    ends = np.array([name.endswith(("hip", "shoulder")) for name in LIMB_JOINTS] + [False] * len(carriers))

    def of(*wanted: int) -> np.ndarray:
        chosen = np.flatnonzero(np.isin(parts, wanted) | (ends & (TRUNK in wanted)))
        return np.concatenate((2 * chosen, 2 * chosen + 1, [2 * len(parts)]))

    columns = {name: of(TRUNK, SEGMENT_PART[joint]) for joint, name in enumerate(SMPL_JOINTS)}
    for side in ("left", "right"):
        columns[f"{side}_collar"] = columns[f"{side}_shoulder"]
    columns["neck"] = columns["head"]
    return columns | {"betas": of(TRUNK), "depth": of(TRUNK)}


def _training_data(
    body: BodyModel, landmarks: Landmarks, count: int, synthesis: Synthesis, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Features (N, F), and for each forest what it is to learn (N, D)."""
    source = shipped_poses("train")
    synthesizer = Synthesizer(body, source, synthesis, seed=seed)
    index = [CANONICAL_JOINTS.index(name) for name in LSP_JOINTS]
    features, targets = [], []
    for batch in range(math.ceil(count / BATCH)):
        people = synthesizer.people(batch, BATCH)
        keypoints, confidence = people.keypoints[:, index], people.confidence[:, index]
        if landmarks == "91":
            keypoints, confidence = _training_landmarks(body, people.params, people.intrinsics, synthesis, seed + batch)
        inputs = normalise(keypoints, confidence, people.intrinsics)
        numbers, size = _features(inputs)
        parts = body.layout.split(people.params)
        rotations = axis_angle_to_matrix(parts.pose.unflatten(1, (NUM_JOINTS, 3)))
        rotations[:, 0] = inputs.view @ rotations[:, 0]
        depth = people.params[:, -1:] * size[:, None]
        usable = inputs.usable
        features.append(numbers[usable.numpy()])
        targets.append(torch.cat((rotations.flatten(1), parts.betas, depth), 1)[usable])
    table = torch.cat(targets)[:count].double().numpy()
    named = {name: table[:, 9 * joint : 9 * joint + 9] for joint, name in enumerate(SMPL_JOINTS)}
    named |= {"betas": table[:, 9 * NUM_JOINTS : -1], "depth": table[:, -1:]}
    return np.concatenate(features)[:count], named


def _training_landmarks(
    body: BodyModel, params: Tensor, intrinsics: Tensor, synthesis: Synthesis, seed: int
) -> tuple[Tensor, Tensor]:
    """The 91 landmarks, as spoiled as the synthesis's detector spoils keypoints: each person by another amount."""
    detector, generator = synthesis.detector, torch.Generator().manual_seed(seed)
    count = len(params)
    spoiled = torch.rand(count, generator=generator) >= detector.clean
    noise = torch.rand(count, generator=generator) * detector.noise * spoiled
    missing = torch.rand(count, generator=generator) * detector.missing
    config = SyntheticConfig(outliers=detector.outliers, outlier_noise=detector.outlier_noise)
    return detected(body, params, intrinsics, noise, missing, config, generator)
