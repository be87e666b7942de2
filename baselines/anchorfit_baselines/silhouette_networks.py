"""Tan, Budvytis, Cipolla 2017, "Indirect deep structured learning for 3D human body shape and pose prediction".

A decoder learns to draw silhouettes from parameters. An encoder then learns to answer with parameters from which the
decoder, held, draws the silhouette it was shown: "indirect", no parameters are needed for that. "direct": the encoder
learns parameters from parameters.

Assumed: theirs sees photographs and is a large convolutional network; here are no photographs, so the encoder sees
silhouettes, cropped to the person at 64 x 64 as ShapePrior's are, and all networks are small. Parameters are rotation
matrices of all joints (the encoder's come from six numbers a joint, Zhou et al. 2019) and betas; the pelvis's is
relative to a camera turned towards the person, so that a crop tells it. Encoders start at the mean pose, and the
indirect one is pulled back to it weakly: the decoder has never drawn what is no person, and without a pull the encoder
finds its answers there. Camera parameters are not learned: the body is placed so that its outline's box is the mask's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from anchorfit.body import BodyModel, axis_angle_to_matrix, matrix_to_axis_angle
from anchorfit.body.parameters import NUM_JOINTS, NUM_TRANSL
from anchorfit.camera import project, rays_of, rotation_to_axis
from anchorfit.evaluation.answers import Answer, answer_of
from anchorfit.observations import Observations, mask_box
from anchorfit.regressors.representations import matrix_from_6d, matrix_to_6d
from anchorfit.regressors.shape_prior import crop_mask
from anchorfit.regressors.synthesis import MASK_SIZE, Synthesis, Synthesizer, shipped_poses
from anchorfit.regressors.translation import FALLBACK_DEPTH, NEAREST

Supervision = Literal["direct", "indirect"]
RENDERED_AT_ONCE = 64
PLACING_ROUNDS = 5


class Pool(NamedTuple):
    """N silhouettes (N, 64, 64), rotations (N, 24, 3, 3), the pelvis's relative to the turned camera, betas (N, S)."""

    masks: Tensor
    rotations: Tensor
    betas: Tensor


class Decoder(nn.Module):
    """Silhouettes, as logits (B, 64, 64), of parameters (B, 24 * 9 + S)."""

    def __init__(self, num_betas: int, width: int = 512, channels: tuple[int, int, int] = (32, 16, 8)) -> None:
        super().__init__()
        first, second, third = channels
        self.cells = MASK_SIZE // 8
        self.first = nn.Sequential(
            *(nn.Linear(9 * NUM_JOINTS + num_betas, width), nn.ReLU()),
            *(nn.Linear(width, first * self.cells**2), nn.ReLU()),
        )
        self.deconvolutions = nn.Sequential(
            nn.Unflatten(1, (first, self.cells, self.cells)),
            *(nn.ConvTranspose2d(first, second, 4, 2, 1), nn.ReLU()),
            *(nn.ConvTranspose2d(second, third, 4, 2, 1), nn.ReLU()),
            nn.ConvTranspose2d(third, 1, 4, 2, 1),
        )

    def forward(self, parameters: Tensor) -> Tensor:
        logits: Tensor = self.deconvolutions(self.first(parameters))[:, 0]
        return logits


class Encoder(nn.Module):
    """Rotations (B, 24, 3, 3) and betas (B, S) of silhouettes (B, 64, 64); untrained, those of a mean pose (24, 6)."""

    def __init__(
        self, mean: Tensor, num_betas: int, width: int = 512, channels: tuple[int, ...] = (16, 32, 64, 128)
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((1, *channels), channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        cells = (MASK_SIZE // 2 ** len(channels)) ** 2
        last = nn.Linear(width, mean.numel() + num_betas)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * cells, width), nn.ReLU(), last)
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()
            last.bias[:-num_betas].copy_(mean.flatten())

    def forward(self, masks: Tensor) -> tuple[Tensor, Tensor]:
        answer = self.layers(masks[:, None] - 0.25)
        rotations, betas = answer.tensor_split((6 * NUM_JOINTS,), 1)
        return matrix_from_6d(rotations.unflatten(1, (NUM_JOINTS, 6))), betas


@dataclass(frozen=True, kw_only=True)
class SilhouetteNetworks:
    """The method, trained; ``decoder`` is None where the supervision was direct, and where it was read from a file.

    Attributes:
        supervision: which version it is.
        encoder, decoder: in evaluation mode.
        steps: of each training.
    """

    supervision: Supervision
    encoder: Encoder
    decoder: Decoder | None
    steps: int

    @property
    def name(self) -> str:
        return f"Tan 2017, {self.supervision}, silhouettes"

    @staticmethod
    def train(
        body: BodyModel,
        *,
        supervision: Supervision = "direct",
        steps: int = 1000,
        count: int = 6144,
        batch: int = 64,
        width: int = 512,
        rate: float = 1e-3,
        pull: float = 3e-3,
        pool: Pool | None = None,
        seed: int = 0,
    ) -> SilhouetteNetworks:
        """Trains the decoder, where it is needed, and the encoder, ``steps`` each.

        Args:
            body: of the silhouettes.
            supervision: "direct" or "indirect".
            steps: of each network.
            count: silhouettes of training subjects to make, unless a ``pool`` is given.
            batch: silhouettes a step.
            width: of the networks' fully connected layers.
            rate: Adam's, falling to nothing along a cosine.
            pull: of the indirect encoder to the mean pose and shape.
            pool: silhouettes to share between trainings.
            seed: everything random comes from it.
        Raises:
            ValueError: no such supervision, or no steps.
        """
        if supervision not in ("direct", "indirect"):
            raise ValueError(f"supervision: expected direct or indirect, got {supervision!r}")
        if steps < 1:
            raise ValueError(f"steps: expected at least 1, got {steps}")
        pool = pool or make_pool(body, count, seed=seed)
        draw = _Batches(pool, batch, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            num_betas = pool.betas.shape[1]
            encoder = Encoder(matrix_to_6d(pool.rotations).mean(0), num_betas, width)
            decoder = Decoder(num_betas, width) if supervision == "indirect" else None
        if decoder is not None:
            _descend(decoder, steps, rate, lambda: _drawing_loss(decoder, draw.next()))
            decoder.requires_grad_(False)
        held = decoder
        if held is None:
            _descend(encoder, steps, rate, lambda: _parameter_loss(encoder, draw.next()))
        else:
            mean = pool.rotations.mean(0)
            _descend(encoder, steps, rate, lambda: _indirect_loss(encoder, held, draw.next(), mean, pull))
        return SilhouetteNetworks(supervision=supervision, encoder=encoder, decoder=decoder, steps=steps)

    def state(self) -> dict[str, Tensor]:
        """What was learned and answers, for files: the encoder. The decoder has done its work."""
        return {"steps": torch.tensor(self.steps), **self.encoder.state_dict(prefix="encoder.")}

    @staticmethod
    def restored(state: Mapping[str, Tensor], supervision: Supervision) -> SilhouetteNetworks:
        """The inverse of `state`, without a decoder."""
        weights = {name.removeprefix("encoder."): value for name, value in state.items() if name != "steps"}
        first, last = (len(weights[f"layers.{number}.bias"]) for number in (13, 15))  # linear layers
        encoder = Encoder(torch.zeros(NUM_JOINTS, 6), last - 6 * NUM_JOINTS, width=first)
        encoder.load_state_dict(weights)
        steps = int(state["steps"])
        return SilhouetteNetworks(supervision=supervision, encoder=encoder.eval(), decoder=None, steps=steps)

    def estimate(self, observations: Observations, body: BodyModel) -> Answer:
        """Bodies; see `Answer`. A row without a usable mask gets the answer to an empty one, 5 m away.

        Raises:
            ValueError: no row has a mask.
        """
        if all(mask is None for mask in observations.masks):
            raise ValueError("observations: expected masks, these networks see nothing else; no row has one")
        crops = [None if mask is None else crop_mask(mask) for mask in observations.masks]
        blank = torch.zeros(MASK_SIZE, MASK_SIZE)
        with torch.inference_mode():
            rotations, betas = self.encoder(torch.stack([blank if crop is None else crop for crop in crops]))
        box = _mask_boxes(
            [None if crop is None else mask for crop, mask in zip(crops, observations.masks, strict=True)]
        )
        corners = rays_of(box, observations.intrinsics.cpu().float())  # (B, 2, 2): low and high
        middle = torch.cat((corners.mean(1).nan_to_num(0.0), torch.ones(len(corners), 1)), 1)
        rotations = torch.cat((rotation_to_axis(middle).mT[:, None] @ rotations[:, :1], rotations[:, 1:]), 1)
        params = torch.cat((matrix_to_axis_angle(rotations).flatten(1), betas, torch.zeros(len(box), NUM_TRANSL)), 1)
        params = params.to(body.v_template)
        params[:, body.layout.transl] = _into_boxes(body, params, corners.to(params))
        return answer_of(params, body)


def make_pool(body: BodyModel, count: int, *, seed: int) -> Pool:
    """Silhouettes of training subjects, spoiled as ShapePrior's are."""
    source = shipped_poses("train")
    synthesizer = Synthesizer(body, source, Synthesis(simple=0.0), seed=seed)
    batches = [synthesizer.masks(step, RENDERED_AT_ONCE) for step in range(math.ceil(count / RENDERED_AT_ONCE))]
    parts = body.layout.split(torch.cat([batch.params for batch in batches])[:count].float())
    rotations = axis_angle_to_matrix(parts.pose.unflatten(1, (NUM_JOINTS, 3)))
    rotations[:, 0] = rotation_to_axis(parts.transl) @ rotations[:, 0]
    return Pool(torch.cat([batch.masks for batch in batches])[:count].float(), rotations, parts.betas)


class _Batches:
    """Rows of a pool, drawn with replacement."""

    def __init__(self, pool: Pool, size: int, seed: int) -> None:
        self.pool, self.size = pool, size
        self.generator = torch.Generator().manual_seed(seed)

    def next(self) -> Pool:
        rows = torch.randint(len(self.pool.masks), (self.size,), generator=self.generator)
        return Pool(*(value[rows] for value in self.pool))


def _descend(network: nn.Module, steps: int, rate: float, loss: Callable[[], Tensor]) -> None:
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()
        schedule.step()
    network.eval()


def _parameters(rotations: Tensor, betas: Tensor) -> Tensor:
    return torch.cat((rotations.flatten(1), betas), 1)


def _drawing_loss(decoder: Decoder, some: Pool) -> Tensor:
    """Binary cross-entropy of the silhouettes drawn from true parameters."""
    return functional.binary_cross_entropy_with_logits(decoder(_parameters(some.rotations, some.betas)), some.masks)


def _indirect_loss(encoder: Encoder, decoder: Decoder, some: Pool, mean: Tensor, pull: float) -> Tensor:
    """The same, of those drawn from the encoder's parameters; and a pull to mean rotations (24, 3, 3) and betas."""
    rotations, betas = encoder(some.masks)
    drawn = functional.binary_cross_entropy_with_logits(decoder(_parameters(rotations, betas)), some.masks)
    apart = (rotations - mean)[:, 1:].square().sum((1, 2, 3)).mean() + 0.1 * betas.square().sum(1).mean()
    return drawn + pull * apart


def _parameter_loss(encoder: Encoder, some: Pool) -> Tensor:
    """Squared errors of rotation matrices and, ten times less, of betas."""
    rotations, betas = encoder(some.masks)
    return (rotations - some.rotations).square().sum((1, 2, 3)).mean() + 0.1 * (betas - some.betas).square().sum(
        1
    ).mean()


def _mask_boxes(masks: list[np.ndarray | None]) -> Tensor:
    """(B, 2, 2) pixels, upper left and lower right, of masks; NaN where there is none."""
    boxes = torch.full((len(masks), 2, 2), torch.nan)
    for row, mask in enumerate(masks):
        box = None if mask is None else mask_box(mask)
        if box is not None:
            boxes[row] = torch.tensor([box[:2], (box[0] + box[2], box[1] + box[3])])
    return boxes


def _into_boxes(body: BodyModel, params: Tensor, corners: Tensor) -> Tensor:
    """(B, 3) translations that bring bodies (B, D) into boxes (B, 2, 2) of rays; NaN boxes: straight ahead.

    Scaled orthography first, then what perspective changes is corrected in turns.
    """
    vertices = body.from_params(params).vertices
    found = torch.isfinite(corners).all((1, 2))
    low, high = vertices.amin(1), vertices.amax(1)
    sides = torch.where(found, (corners[:, 1] - corners[:, 0]).amax(1), 1.0)
    middles = torch.where(found[:, None], corners.mean(1), 0.0)
    depth = torch.where(found, (high - low)[:, :2].amax(1) / sides, FALLBACK_DEPTH)
    translation = torch.cat((middles * depth[:, None], depth[:, None]), 1) - (low + high) / 2
    for _ in range(PLACING_ROUNDS):
        moved = vertices + translation[:, None]
        rays = project(moved, torch.eye(3).to(moved), nearest=NEAREST)
        low, high = rays.amin(1), rays.amax(1)
        factor = torch.where(found, ((high - low).amax(1) / sides).clamp(0.5, 2.0), 1.0)
        translation = translation * factor[:, None]
        translation[:, :2] += (middles - (low + high) / 2) * translation[:, 2:]
    return translation
