"""Picture to body and back to the picture, differentiably: Human2D, the priors, the body, the camera, the renderer.

Pavlakos et al. 2018, section 4.3: what the networks make of a picture is projected and drawn, and compared with what
people marked in it. Keypoints are soft maxima of heatmaps, confidences their maxima; the silhouette is the probability
of each pixel; both go to the priors framed as `prediction.predict_params` frames them, and the body is placed in
closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from ..body import BodyModel
from ..body.joint_sets import CANONICAL_JOINTS
from ..camera import project
from ..observations.people import Observations
from ..rendering import silhouette
from .heatmaps import soft_argmax
from .human2d import LEAST_SURE, STRIDE, Human2D, Human2DOutput, Sight
from .normalisation import normalise
from .pose_prior import PosePrior
from .prediction import Networks
from .shape_prior import SMALLEST_MASK, ShapePrior
from .synthesis.detector import DetectorNoise, detector_hips
from .synthesis.silhouettes import CROP_SCALE, MASK_SIZE
from .translation import translate_to_keypoints

Part = Literal["human2d", "pose", "shape"]
PARTS: tuple[Part, ...] = ("human2d", "pose", "shape")


class SeenAndDrawn(NamedTuple):
    """Output of the chain for B pictures.

    Attributes:
        outputs: of Human2D's stacks.
        positions: (B, J, 2) pixels of the picture, where Human2D sees its joints; confidence: (B, J).
        known: (B,) bool, whether pose and place could be told; what is drawn of the others means nothing.
        local: (B, 24, 3, 3) rotations relative to the parents, the pelvis's to the camera; betas: (B, S).
        joints: (B, J, 2) pixels of the picture, where the body's joints project to, hips as annotators see them.
        cover: (B, H / 4, H / 4) the body's silhouette.
    """

    outputs: list[Human2DOutput]
    positions: Tensor
    confidence: Tensor
    known: Tensor
    local: Tensor
    betas: Tensor
    joints: Tensor
    cover: Tensor


class EndToEnd(nn.Module):
    """The three networks and the body that ties them together.

    Args:
        human2d, pose, shape: the networks; changed in place when they are trained.
        body: whose betas ``shape`` knows.
    """

    def __init__(self, human2d: Human2D, pose: PosePrior, shape: ShapePrior, body: BodyModel) -> None:
        super().__init__()
        self.human2d, self.pose, self.shape, self.body = human2d, pose, shape, body
        self.joints = [CANONICAL_JOINTS.index(name) for name in human2d.config.joints]
        # The body's tables are made when they are first asked for: now, and not in inference mode, whose tensors
        # gradients cannot use.
        body.canonical_joints(body())

    @property
    def networks(self) -> Networks:
        return Networks(pose=self.pose, shapes={self.body.name: self.shape})

    def forward(self, compute: Callable[[EndToEnd, bool], Tensor]) -> Tensor:
        """``compute(self, half)``, without autocast; ``half`` says whether networks are to run in mixed precision.

        One call, whatever a step needs of the networks: processes that train together want it so.
        """
        kind = self.body.device.type
        half = torch.is_autocast_enabled(kind)
        with torch.autocast(kind, enabled=False):
            return compute(self, half)

    def seen_and_drawn(
        self,
        pictures: Tensor,
        intrinsics: Tensor,
        *,
        moves: Collection[Part] = PARTS,
        confidence: bool = True,
        half: bool = False,
    ) -> SeenAndDrawn:
        """The whole chain.

        Args:
            pictures: (B, 3, H, H) RGB, 0..1; the paper's have 256 pixels a side, and what is drawn has a quarter.
            intrinsics: (B, 3, 3) of the cameras that see them.
            moves: networks that gradients move; they go through the others all the same.
            confidence: whether they go through confidences, too.
            half: run the networks in mixed precision.
        """
        outputs: list[Human2DOutput] = run_forward(self.human2d, pictures, half, moves="human2d" in moves)
        heatmaps, logits = outputs[-1]
        maxima = heatmaps.flatten(2).amax(-1)
        # Of a faint heatmap the soft maximum would be the picture's middle: each is brought to a height of one.
        positions = soft_argmax(heatmaps / maxima.clamp_min(LEAST_SURE)[..., None, None], STRIDE)
        sure = torch.where(maxima >= LEAST_SURE, maxima.clamp(0, 1), 0)
        sure = sure if confidence else sure.detach()
        keypoints, weights = self._canonical(positions), self._canonical(sure[..., None])[..., 0]
        inputs = normalise(keypoints, weights, intrinsics)
        turned = run_forward(self.pose, inputs.features, half, moves="pose" in moves).local
        local = torch.cat((inputs.view.mT[:, None] @ turned[:, :1], turned[:, 1:]), 1)
        masks, outlined = frame_silhouettes(logits.softmax(1)[:, 1])
        shapes = self.body.layout.fit_betas(run_forward(self.shape, masks, half, moves="shape" in moves))
        betas = torch.where(outlined[:, None], shapes, 0)
        body = self.body.from_rotations(local, betas, local.new_zeros(len(local), 3))
        points = self.body.canonical_joints(body)
        placement = translate_to_keypoints(points, keypoints, weights, intrinsics)
        shift = placement.translation[:, None]
        joints = project(annotated_joints(points + shift, local[:, 0])[:, self.joints], intrinsics)
        cover_size = logits.shape[-1]
        cover = silhouette(body.vertices + shift, self.body.faces, drawn_by(intrinsics), (cover_size, cover_size)).mask
        known = placement.found & inputs.usable
        return SeenAndDrawn(outputs, positions, sure, known, local, betas, joints, cover)

    def _canonical(self, values: Tensor) -> Tensor:
        """(B, K, C) of (B, J, C); zero for joints that Human2D does not look for."""
        spread = values.new_zeros(len(values), len(CANONICAL_JOINTS), values.shape[-1])
        return spread.index_copy(1, torch.tensor(self.joints, device=values.device), values)


def drawn_by(intrinsics: Tensor) -> Tensor:
    """(B, 3, 3) of the cameras that see pictures -> of those that draw silhouettes, a quarter as many pixels a side."""
    return intrinsics * intrinsics.new_tensor([[1 / STRIDE], [1 / STRIDE], [1]])


def annotated_joints(points: Tensor, orientation: Tensor) -> Tensor:
    """Canonical joints (B, K, 3) with hips where annotators see them on average: a little higher and farther apart.

    Args:
        orientation: (B, 3, 3) of the pelvis.
    """
    return detector_hips(points, orientation, up=0.5 * DetectorNoise.hips_up, out=0.5 * DetectorNoise.hips_out)


def frame_silhouettes(cover: Tensor) -> tuple[Tensor, Tensor]:
    """Silhouettes (B, N, N) in 0..1 as ShapePrior sees them, (B, 64, 64), and (B,) whether they outline a person.

    Each is framed as `shape_prior.crop_mask` does it: a square around the box of what is more than half covered.
    Gradients reach the values, not the box.
    """
    inside = cover.detach() > 0.5
    size = cover.shape[-1]
    edges = [_ends(inside.any(dim)) for dim in (1, 2)]  # columns, rows
    low, high = (torch.stack([edge[end] for edge in edges], -1).to(cover) for end in (0, 1))
    outlined = inside.sum((1, 2)) >= SMALLEST_MASK
    side = torch.where(outlined, CROP_SCALE * (high - low).amax(-1), size)
    middle = torch.where(outlined[:, None], (low + high) / 2, size / 2)
    centres = (torch.arange(MASK_SIZE, dtype=cover.dtype, device=cover.device) + 0.5) / MASK_SIZE - 0.5
    places = middle[:, None] + side[:, None, None] * centres[:, None]  # (B, 64, 2) pixels: columns, rows
    scaled = 2 * places / size - 1
    columns, rows = scaled[:, None, :, 0], scaled[:, :, None, 1]
    grid = torch.stack(torch.broadcast_tensors(columns, rows), -1)
    framed = functional.grid_sample(cover[:, None], grid, mode="bilinear", align_corners=False)[:, 0]
    return framed, outlined


def _ends(present: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the end past the last of the true entries (B, N); 0 and 0 where there is none."""
    count = torch.arange(present.shape[1], device=present.device)
    last = torch.where(present, count + 1, 0).amax(1)
    first = torch.where(present, count, present.shape[1]).amin(1)
    return torch.minimum(first, last), last


def observations_of(sight: Sight, intrinsics: Tensor, joints: tuple[str, ...]) -> Observations:
    """Convert Human2D's output to observations for `anchorfit.predict` and `anchorfit.fit`.

    Args:
        intrinsics: (B, 3, 3) of the cameras that see the pictures.
        joints: of the network.
    """
    count = len(sight.body)
    chosen = torch.tensor([CANONICAL_JOINTS.index(name) for name in joints], device=sight.body.device)
    sure = torch.where(sight.confidence >= LEAST_SURE, sight.confidence, 0)
    keypoints = sure.new_zeros(count, len(CANONICAL_JOINTS), 2).index_copy(1, chosen, sight.positions)
    confidence = sure.new_zeros(count, len(CANONICAL_JOINTS)).index_copy(1, chosen, sure)
    size = round(STRIDE * sight.body.shape[-1])
    masks = functional.interpolate(sight.body[:, None], (size, size), mode="bilinear")[:, 0] > 0.5
    return Observations(
        keypoints=keypoints,
        confidence=confidence,
        intrinsics=intrinsics,
        image_size=torch.full((count, 2), size),
        names=tuple(str(row) for row in range(count)),
        masks=tuple(masks.cpu().numpy()),
    )


def run_forward(network: nn.Module, values: Tensor, half: bool, *, moves: bool = True) -> Any:
    """The network's answer; where it does not move, gradients go through it and not into its weights."""
    with torch.autocast(values.device.type, torch.bfloat16, enabled=half):
        if moves:
            return network(values)
        return functional_call(network, {name: weight.detach() for name, weight in network.named_parameters()}, values)
