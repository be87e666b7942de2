"""Training PosePrior's head for its uncertainty, the answer itself being fixed, and its calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from ...body import BodyModel, matrix_to_axis_angle
from ...body.parameters import NUM_JOINTS, Layout
from ...body.pose_library import Split, load_pose_library
from ...body.uncertainty import INSIDE
from ..normalisation import normalise
from ..pose_prior import PoseAnswer, PosePrior
from ..synthesis import PoseSource, Synthesis, Synthesizer, SyntheticPeople
from ..synthesis.poses import training_poses
from ..translation import Sightlines
from ..uncertainty import NUM_CAMERA, Sureness, UncertaintyHead
from .tasks import EXACT, HELDOUT_CAP, true_rotations

WIDTH = 96  # of the head's hidden layer: 0.2 MB in the file
FREEDOM = 6.0  # degrees of freedom of the t distributions that the errors are taken to have
SHARE = 0.9  # of people whose errors are to lie in the regions
CALIBRATING = ("05", "55", "exp38", "14", "r-lambada", "r-pirouette")
"""Subjects that scales and correlation are measured on: those kept aside, and held-out ones."""
JUDGING = ("13", "131", "135", "r-backflip", "r-charleston")
"""Held-out subjects that regions are judged on: other people."""
CALIBRATION_SEED = 79
CALIBRATION_PEOPLE = 1024  # of each set
RIDGE = 0.02  # added to the diagonal of the correlation: joints that always move together


class Errors(NamedTuple):
    """What an answer lacks, the turned camera's frame.

    rotation: (B, 24, 3) radians, R_true = exp(rotation) R_predicted; camera: (B, 3) as of `Sureness.camera`;
    placed: (B,) bool, where the predicted body has a place at all.
    """

    rotation: Tensor
    camera: Tensor
    placed: Tensor


class UncertaintyTask:
    """The head of a trained PosePrior.

    Args:
        body: the people's; sets the device.
        network: trained; its answer stays as it is. Without a head it gets a new one.
        synthesis: None for `Synthesis.photographed`.
        seed: of weights and data.
    """

    def __init__(
        self, body: BodyModel, network: PosePrior, *, synthesis: Synthesis | None = None, seed: int = 0
    ) -> None:
        torch.manual_seed(seed)
        self.network = network.with_uncertainty(WIDTH).to(body.device).eval()
        assert self.network.uncertainty is not None  # it has one now
        self._head = self.network.uncertainty.requires_grad_(True)
        self.body, self.rest_joints = body, body.rest_joints_table
        self.data = Synthesizer(body, training_poses(), synthesis or Synthesis.photographed(), seed=seed)
        self.calibrating = [
            one for part in ("aside", "heldout") for one in people_of_part(body, part, CALIBRATING).values()
        ]
        self.judging = people_of_part(body, "heldout", JUDGING)

    @property
    def model(self) -> UncertaintyHead:
        return self._head

    def loss(self, model: nn.Module, step: int, rows: slice, batch_size: int) -> Tensor:
        people = SyntheticPeople(*(value[rows] for value in self.data.people(step, batch_size)))
        answer, errors, size = self._answered(people)
        known = self._head.read(answer.head_numbers(cast(UncertaintyHead, model)), size)
        return negative_log_likelihood(known, errors)

    def evaluate(self) -> dict[str, float]:
        """Calibrates the head; percent of the judging people in the regions: of all joints, and of those that have
        fewest and most."""
        self.calibrate()
        found: dict[str, float] = {}
        for name, people in self.judging.items():
            answer, errors, size = self._answered(people)
            rotations, camera = distances(answer.sureness(self._head, size), errors)
            inside = 100 * (rotations < INSIDE[3]).double().mean(0)
            found |= {f"{name}_inside": float(inside.mean()), f"{name}_fewest": float(inside.min())}
            found |= {f"{name}_most": float(inside.max())}
            found[f"{name}_camera"] = 100 * float((camera.sum(-1) < INSIDE[3])[errors.placed].double().mean())
        return found

    def calibrate(self) -> None:
        """Sets each joint's scale, so that `SHARE` of calibrating people are in the regions, and the correlation."""
        head, parts = self._head, []
        head.scale.fill_(1)
        head.camera_scale.fill_(1)
        for people in self.calibrating:
            answer, errors, size = self._answered(people)
            parts.append((answer.sureness(head, size), errors))
        found = [distances(*part) for part in parts]
        placed = torch.cat([errors.placed for _, errors in parts])
        own = torch.cat([one for one, _ in found])
        rotations = torch.cat((own, own.index_select(1, head.order))).quantile(SHARE, 0)  # sides alike
        camera = torch.cat([one for _, one in found])[placed]
        place = camera / camera.quantile(SHARE, 0) * INSIDE[1]
        camera_scale = place.sum(-1).quantile(SHARE) / INSIDE[3] * camera.quantile(SHARE, 0) / INSIDE[1]
        head.scale.copy_((INSIDE[3] / rotations).sqrt())
        head.camera_scale.copy_(camera_scale.rsqrt())
        whitened = torch.cat([_whitened(known, errors.rotation) for known, errors in parts])
        head.correlation.copy_(correlation(whitened * head.scale[:, None], head.order))

    @torch.no_grad()
    def _answered(self, people: SyntheticPeople) -> tuple[PoseAnswer, Errors, Tensor]:
        """The answer, what it lacks, and the people's size, a tangent."""
        inputs = normalise(people.keypoints, people.confidence, people.intrinsics)
        answer = self.network.answer(inputs.features)
        found = self.network.output(answer)
        world, view = found.world, inputs.view
        _, true_world = true_rotations(people.params, view)
        rotation = matrix_to_axis_angle(true_world @ world.mT)
        standing = view.mT @ self.network.skeleton.points(world).mT
        place = Sightlines.of(inputs.seen).place(standing.mT.contiguous())
        placed = place.found & inputs.usable
        parts = Layout.of_size(people.params.shape[1]).split(people.params)
        mean, change = self.rest_joints
        pelvis = mean[0] + parts.betas @ change[0].mT + parts.transl
        (across, away), (true_across, true_away) = (_sighted(view, at) for at in (place.translation, pelvis))
        camera = torch.cat((true_across - across, (true_away / away).log()), 1)
        return answer, Errors(rotation, torch.where(placed[:, None], camera, 0), placed), inputs.features[:, -1].exp()


def _sighted(view: Tensor, point: Tensor) -> tuple[Tensor, Tensor]:
    """Direction (B, 2) and distance (B, 1) of points (B, 3) in the turned camera."""
    turned = (view @ point[..., None])[..., 0]
    away = turned[:, 2:].clamp_min(1e-3)
    return turned[:, :2] / away, away


def _whitened(known: Sureness, rotation: Tensor) -> Tensor:
    return (known.whitening @ rotation[..., None])[..., 0]


def distances(known: Sureness, errors: Errors) -> tuple[Tensor, Tensor]:
    """Squared Mahalanobis distances: (B, 24) of the rotations, and (B, 3) of each number of the camera."""
    return _whitened(known, errors.rotation).square().sum(-1), (errors.camera / known.camera).square()


def negative_log_likelihood(known: Sureness, errors: Errors) -> Tensor:
    """Mean over people and joints, under t distributions of `FREEDOM` degrees of freedom; constants are left out."""
    rotations, camera = distances(known, errors)
    volume = torch.diagonal(known.whitening, dim1=-2, dim2=-1).log().sum(-1)
    of_joints = (FREEDOM + 3) / 2 * torch.log1p(rotations / FREEDOM) - volume
    of_camera = (FREEDOM + 1) / 2 * torch.log1p(camera / FREEDOM) + known.camera.log()
    total = of_joints.sum(1) + torch.where(errors.placed[:, None], of_camera, 0).sum(1)
    return total.mean() / (NUM_JOINTS + NUM_CAMERA)


def correlation(whitened: Tensor, order: Tensor) -> Tensor:
    """(72, 72) second moments of whitened errors (B, 24, 3) and of their mirror images, scaled to unit diagonal; errors
    outside of the region count as on its border."""
    length = whitened.norm(dim=-1, keepdim=True)
    held = whitened * (INSIDE[3] ** 0.5 / length.clamp_min(1e-6)).clamp(max=1)
    image = held.index_select(1, order) * held.new_tensor([1.0, -1.0, -1.0])
    both = torch.cat((held, image)).flatten(1).double()
    moments = both.mT @ both / len(both)
    spread = torch.diagonal(moments).sqrt()
    found = moments / spread / spread[:, None]
    return (found + RIDGE * torch.eye(len(found)).to(found)) / (1 + RIDGE)


def people_of_part(body: BodyModel, split: Split, subjects: Sequence[str]) -> dict[str, SyntheticPeople]:
    """People in poses that some subjects were recorded in: ``clean`` COCO keypoints, ``noisy`` ones of all conventions,
    and ``photographed`` ones as training has them."""
    library = load_pose_library(split=split)
    source = PoseSource.from_library(library.of_subjects(subjects), cap=HELDOUT_CAP)
    plain, photographed = Synthesis(variation=None), replace(Synthesis.photographed(), variation=None)
    settings = {
        "clean": replace(plain, detector=EXACT),
        "noisy": replace(plain, detector=replace(plain.detector, clean=0.0)),
        "photographed": photographed,
    }
    return {
        name: Synthesizer(body, source, synthesis, seed=CALIBRATION_SEED).people(0, CALIBRATION_PEOPLE)
        for name, synthesis in settings.items()
    }
