"""Synthetic pictures of people with everything Human2D learns: joints, heatmaps, silhouettes.

The body in library poses, dressed (`clothing`), lit, before invented or the user's own backdrops, sometimes with
another person behind and things in front (`scenery`), seen through a camera that blurs, grains and compresses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...body import BodyModel, PointSet, axis_angle_to_matrix, compile_points
from ...body.joint_sets import CANONICAL_JOINTS
from ...camera import STANDING_HEIGHT, project
from ...rendering import rasterize
from ...rendering.shading import linear_to_srgb, vertex_normals
from ..datasets.crops import PersonCrops
from ..heatmaps import draw_heatmaps
from ..human2d import HUMAN2D_JOINTS, INPUT_SIZE, STRIDE, check_picture_size
from .clothing import Anatomy, Outfit, colors_at, draw_outfit, kinds_at
from .detector import detector_hips
from .people import Synthesis, Synthesizer
from .poses import PoseSource
from .scenery import Lens, backdrop, cast_shadow, occluder, photograph, piece_of, surface, uniform


@dataclass(frozen=True, kw_only=True)
class ImageSynthesis:
    """Settings of the pictures, beyond the people and cameras of ``people``."""

    size: int = INPUT_SIZE  # pixels of the square pictures; smaller ones are for the first part of a training
    people: Synthesis = field(default_factory=lambda: replace(Synthesis(), roll_deg=15.0, facing=0.7))
    framing: tuple[float, float] = (1.0, 1.7)  # the crop's side, in longer sides of the person's box
    shift: float = 0.12  # of the crop's side, how far the person is off its middle at most
    company: float = 0.25  # share of pictures with somebody else behind
    occluded: float = 0.35  # share of pictures with something in front
    shadow: float = 0.7  # of the light behind people, at most
    ambient: tuple[float, float] = (0.25, 0.8)  # light from everywhere; the rest comes from one side
    lens: Lens = field(default_factory=Lens)
    wardrobe: Callable[[torch.Generator], Outfit] = draw_outfit  # who is dressed how
    scenery: Callable[[int, torch.Generator], Tensor] = backdrop  # what is invented behind them

    def __post_init__(self) -> None:
        check_picture_size(self.size)


class SyntheticImages:
    """Makes batches of pictures: the same seed and step give the same batch, and rows do not depend on each other.

    Args:
        body: sets the device that bodies are drawn on; pictures come on the CPU's way through the camera, then there.
        source: of poses.
        config: what the rest is like.
        backdrops: photographs without people to put behind, (H, W, 3) uint8 RGB (see `read_backdrops`); without any,
            backdrops are invented.
        joints: what heatmaps are made of.
        seed: with the step, everything random comes from it.
    """

    def __init__(
        self,
        body: BodyModel,
        source: PoseSource,
        config: ImageSynthesis | None = None,
        *,
        backdrops: Sequence[np.ndarray] = (),
        joints: tuple[str, ...] = HUMAN2D_JOINTS,
        seed: int = 0,
    ) -> None:
        self.body, self.config, self.joints, self.seed = body, config or ImageSynthesis(), joints, seed
        self.people = Synthesizer(body, source, self.config.people, seed=seed)
        self.anatomy = Anatomy.of(body)
        self._points: PointSet = compile_points(body)
        self._backdrops = list(backdrops)

    @torch.no_grad()
    def batch(self, step: int, count: int, rows: slice = slice(None)) -> PersonCrops:
        """The rows of batch number ``step`` of ``count`` pictures."""
        generator = self.people.generator(step)
        main, behind = (self.people.placed(count, generator) for _ in range(2))
        chances = torch.rand(count, 4, generator=generator)
        seeds = torch.randint(2**62, (count,), generator=generator).tolist()[rows]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        outfits = [_moved(self.config.wardrobe(own), self.body.device) for own in generators]
        params, intrinsics = (value[rows].to(self.body.v_template) for value in main)
        vertices = self._dressed(params, outfits)
        crops = self._crops(vertices, intrinsics, chances[rows])
        front, body = self._drawn(vertices, crops, outfits, generators)
        scenes = torch.stack([self._backdrop(own) for own in generators]).to(front)
        scenes = self._company(scenes, behind[0][rows], crops, outfits, generators)
        shade = torch.stack(
            [cast_shadow(cover, self.config.shadow, own) for cover, own in zip(body, generators, strict=True)]
        )
        scenes = front + ((1 - body) * shade)[:, None] * scenes
        scenes, body = self._occluded(scenes, body, generators)
        seen = [photograph(scene, self.config.lens, own) for scene, own in zip(scenes.cpu(), generators, strict=True)]
        positions = self._joints(params, crops)
        return PersonCrops(
            picture=torch.stack(seen).to(body),
            positions=positions,
            heatmaps=draw_heatmaps(positions, int(self.config.size / STRIDE), STRIDE),
            known=torch.ones(positions.shape[:2], dtype=torch.bool, device=body.device),
            body=functional.avg_pool2d(body[:, None], int(STRIDE))[:, 0],
            has_body=torch.ones(len(body), dtype=torch.bool, device=body.device),
            intrinsics=crops,
        )

    def truth(self, step: int, count: int) -> Tensor:
        """(B, D) the bodies of batch number ``step`` of ``count`` pictures, in the camera that sees the picture."""
        return self.people.placed(count, self.people.generator(step))[0].to(self.body.v_template)

    def _dressed(self, params: Tensor, outfits: Sequence[Outfit]) -> Tensor:
        """(B, V, 3) vertices of bodies (B, D), pushed out where there are clothes or hair."""
        vertices = self.body.from_params(params).vertices
        kinds = torch.stack(
            [kinds_at(self.anatomy.rest, self.anatomy.segments, self.anatomy, outfit) for outfit in outfits]
        )
        loose = torch.stack([outfit.loose for outfit in outfits]).gather(1, kinds)
        return vertices + loose[..., None] * vertex_normals(vertices, self.body.faces)

    def _crops(self, vertices: Tensor, intrinsics: Tensor, chances: Tensor) -> Tensor:
        """(B, 3, 3) intrinsics of square crops around bodies, larger and off the middle by chance (B, 4)."""
        pixels = project(vertices, intrinsics)
        low, high = pixels.amin(1), pixels.amax(1)
        smallest, largest = self.config.framing
        chances = chances.to(pixels)
        side = (high - low).amax(1) * (smallest + (largest - smallest) * chances[:, 0])
        centre = (low + high) / 2 + self.config.shift * (2 * chances[:, 1:3] - 1) * side[:, None]
        zoom = self.config.size / side
        crops = intrinsics * zoom[:, None, None]
        crops[:, :2, 2] = (intrinsics[:, :2, 2] - centre) * zoom[:, None] + self.config.size / 2
        crops[:, 2, 2] = 1
        return crops

    def _drawn(
        self, vertices: Tensor, crops: Tensor, outfits: Sequence[Outfit], generators: Sequence[torch.Generator]
    ) -> tuple[Tensor, Tensor]:
        """People in clothes and light: (B, 3, S, S) sRGB before black, and their cover (B, S, S)."""
        fragments = rasterize(vertices, self.body.faces, crops, (self.config.size, self.config.size))
        normals = vertex_normals(vertices, self.body.faces)
        pictures = torch.zeros(len(vertices), self.config.size, self.config.size, 3).to(vertices)
        covered = fragments.face_ids >= 0
        for row, (outfit, own) in enumerate(zip(outfits, generators, strict=True)):
            faces = fragments.face_ids[row][covered[row]]
            shares = fragments.barycentrics[row][covered[row]][..., None]
            corners = self.body.faces[faces]
            points = (shares * self.anatomy.rest[corners]).sum(1)
            kinds = kinds_at(points, self.anatomy.face_segments[faces], self.anatomy, outfit)
            towards = functional.normalize((shares * normals[row][corners]).sum(1), dim=1)
            light = _light(towards, self.config.ambient, own)
            pictures[row][covered[row]] = linear_to_srgb((colors_at(points, kinds, outfit) * light).clamp(0, 1))
        return pictures.permute(0, 3, 1, 2), covered.to(vertices)

    def _backdrop(self, generator: torch.Generator) -> Tensor:
        if not self._backdrops:
            return self.config.scenery(self.config.size, generator)
        chosen = int(torch.randint(len(self._backdrops), (), generator=generator))
        return piece_of(self._backdrops[chosen], self.config.size, generator)

    def _company(
        self,
        scenes: Tensor,
        params: Tensor,
        crops: Tensor,
        outfits: Sequence[Outfit],
        generators: Sequence[torch.Generator],
    ) -> Tensor:
        """Add a second person to some of the scenes: other poses (B, D), farther away and to one side."""
        params = params.clone()
        chosen = []
        for row, own in enumerate(generators):
            chance, side, farther, apart = (uniform(own, 0, 1) for _ in range(4))
            focal, middle = (
                float(crops[row, 0, 0]),
                (crops[row, :2, 2].cpu() - self.config.size / 2) / crops[row, 0, 0].cpu(),
            )
            depth = (1.0 + farther) * focal * STANDING_HEIGHT / (0.75 * self.config.size)
            away = (0.25 + 0.5 * apart) * (1 if side < 0.5 else -1) * self.config.size / focal
            across = depth * (torch.tensor([away, 0.0]) - middle)
            params[row, self.body.layout.transl] = torch.cat((across, torch.tensor([depth])))
            if chance < self.config.company:
                chosen.append(row)
        if not chosen:
            return scenes
        dressed = [_moved(self.config.wardrobe(generators[row]), self.body.device) for row in chosen]
        vertices = self._dressed(params[chosen].to(scenes), dressed)
        drawn, cover = self._drawn(vertices, crops[chosen], dressed, [generators[row] for row in chosen])
        scenes = scenes.clone()
        scenes[chosen] = drawn + (1 - cover)[:, None] * scenes[chosen]
        return scenes

    def _occluded(self, scenes: Tensor, body: Tensor, generators: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
        """Scenes with things in front in some of them, and what of the body they leave to be seen."""
        scenes, body = scenes.clone(), body.clone()
        for row, own in enumerate(generators):
            if uniform(own, 0, 1) >= self.config.occluded:
                continue
            for _ in range(1 + int(uniform(own, 0, 2))):
                hidden = occluder(self.config.size, own).to(scenes.device)
                scenes[row] = torch.where(hidden, surface(self.config.size, own).to(scenes), scenes[row])
                body[row] = torch.where(hidden, 0.0, body[row])
        return scenes, body

    def _joints(self, params: Tensor, crops: Tensor) -> Tensor:
        """(B, J, 2) pixels of the crops, with the hips where annotators see them."""
        detector = self.config.people.detector
        orientation = axis_angle_to_matrix(params[:, self.body.layout.global_orient])
        up, out = 0.5 * detector.hips_up, 0.5 * detector.hips_out
        points = detector_hips(self._points.points(params), orientation, up=up, out=out)
        return project(points, crops)[:, [CANONICAL_JOINTS.index(name) for name in self.joints]]


def _light(normals: Tensor, ambient: tuple[float, float], generator: torch.Generator) -> Tensor:
    """(N, 3) light that falls on surfaces with normals (N, 3), camera frame: from the sky and from one lamp."""
    angle, height = uniform(generator, -math.pi, math.pi), uniform(generator, -0.2, 1.2)
    lamp = normals.new_tensor(
        [math.cos(height) * math.sin(angle), -math.sin(height), -math.cos(height) * abs(math.cos(angle))]
    )
    everywhere = uniform(generator, *ambient)
    warm = normals.new_tensor([uniform(generator, 0.85, 1.15) for _ in range(3)])
    sky = everywhere * (0.75 - 0.25 * normals[:, 1:2])
    return sky + (1.6 - everywhere) * (normals @ lamp).clamp_min(0)[:, None] * warm


def _moved(outfit: Outfit, device: torch.device) -> Outfit:
    return Outfit(*(value.to(device) for value in outfit))
