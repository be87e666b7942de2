"""Synthetic pictures of another look: a domain that networks trained on `images` have not seen.

As from a cheap camera under a ceiling: wide and from above, flat, tinted, grainy, compressed hard; harsh light; tiled
walls and floors; people in gaudy patterned clothes cut and worn otherwise. Brightness, contrast, compression, light,
backdrops, and the colours, lengths and patterns of clothes lie outside of what `images`, `clothing.draw_outfit` and
`scenery` draw from; tint, grain, blur and framing reach farther or lie within, and a tenth of the cameras there look
down as steeply as these.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...body import BodyModel
from ...body.pose_library import load_pose_library
from ..datasets.crops import PersonCrops
from ..human2d import HUMAN2D_JOINTS, INPUT_SIZE
from .clothing import ACROSS, ALONG, BOTTOM, CHECKS, HAIR, SHOES, TOP, Outfit, cloth, draw_outfit
from .images import ImageSynthesis, SyntheticImages
from .people import Synthesis
from .poses import PoseSource
from .scenery import Lens, uniform

UnseenPart = Literal["annotated", "heldout"]
AT_ONCE = 16  # pictures
MOST_OF_ONE = 300  # poses that a subject counts for at most


def draw_other_outfit(generator: torch.Generator) -> Outfit:
    """Draw one person's clothes: bright, always patterned and finely so, of other lengths, closed, and skin-tight."""
    outfit = draw_outfit(generator)

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    colors, others = outfit.colors.clone(), outfit.others.clone()
    worn = [TOP, BOTTOM, SHOES, HAIR]
    colors[worn] = cloth(between(0, 1, 4), between(0.9, 1, 4), between(0.96, 1, 4))
    others[worn] = cloth(between(0, 1, 4), between(0.9, 1, 4), between(0.96, 1, 4))
    patterns, loose = outfit.patterns.clone(), outfit.loose.clone()
    patterns[[TOP, BOTTOM]] = torch.tensor([ACROSS, ALONG, CHECKS])[torch.randint(3, (2,), generator=generator)]
    loose[:] = 0
    return outfit._replace(
        sleeve=between(0.5, 0.65),
        trouser=between(0.6, 0.85),
        waist=between(-0.06, -0.03),
        boot=between(0.06, 0.15),
        opening=between(-0.2, -0.1, 2),
        hair_length=between(0.25, 0.35),
        loose=loose,
        colors=colors,
        others=others,
        patterns=patterns,
        pitch=between(240, 400, len(outfit.pitch)),
    )


def tiles(size: int, generator: torch.Generator) -> Tensor:
    """(3, size, size) 0..1: a tiled wall and a tiled floor before it, which runs away in perspective."""
    rows = (torch.arange(size) + 0.5)[:, None].expand(size, size)
    columns = (torch.arange(size) + 0.5)[None].expand(size, size)
    line = uniform(generator, 0.1, 0.5) * size
    depth = size / (rows - line).clamp_min(1.0)
    wall = _tiled(columns, rows, uniform(generator, 0.04, 0.2) * size, generator)
    turn = uniform(generator, -0.6, 0.6)
    across, along = (columns - size / 2) * depth / size, depth
    turned = math.cos(turn) * across - math.sin(turn) * along, math.sin(turn) * across + math.cos(turn) * along
    floor = _tiled(*turned, uniform(generator, 0.08, 0.5), generator)
    return torch.where(rows > line, floor, wall)


def _tiled(x: Tensor, y: Tensor, side: float, generator: torch.Generator) -> Tensor:
    """(3, H, W) checks of two colours with joints between them, of places (H, W)."""
    first, second, joint = torch.rand(3, 3, 1, 1, generator=generator)
    odd = ((x / side).floor() + (y / side).floor()) % 2 > 0
    between = torch.minimum((x / side) % 1, (y / side) % 1) < 0.06
    return torch.where(between, joint, torch.where(odd, first, second))


OTHER_LENS = Lens(
    brightness=(0.42, 0.49), contrast=(0.45, 0.59), tint=0.25, noise=0.06, blur=2.5, coarse=0, quality=(10, 14)
)


def other_look(size: int = INPUT_SIZE) -> ImageSynthesis:
    """The settings of such pictures of ``size`` pixels a side, with poses as they were recorded."""
    people = replace(Synthesis(), variation=None, pitch_deg=(32.0, 55.0), wide_pitch=0.0, focal_range=(0.42, 0.65))
    return ImageSynthesis(
        size=size,
        people=replace(people, height_range=(150.0, 300.0)),
        framing=(1.05, 1.5),
        shadow=0.0,
        ambient=(0.12, 0.24),
        lens=OTHER_LENS,
        wardrobe=draw_other_outfit,
        scenery=tiles,
    )


class Unseen(NamedTuple):
    """Pictures, and the bodies (B, D) in them."""

    crops: PersonCrops
    bodies: Tensor


def unseen_pictures(
    body: BodyModel,
    count: int,
    *,
    part: UnseenPart,
    joints: tuple[str, ...] = HUMAN2D_JOINTS,
    size: int = INPUT_SIZE,
    seed: int = 0,
) -> Unseen:
    """Pictures of another look of subjects whom no training saw.

    Args:
        part: ``annotated`` has every other take of theirs, ``heldout`` the rest: no picture of one is like one of the
            other.
        seed: of people, cameras and pictures.
    """
    library = load_pose_library(split="heldout")
    takes = np.unique(library.takes, return_inverse=True)[1]
    rows = np.flatnonzero(takes % 2 == (1 if part == "annotated" else 0))
    own = replace(
        library,
        poses=library.poses[rows],
        subjects=library.subjects[rows],
        takes=library.takes[rows],
        frames=library.frames[rows],
        mirrored=library.mirrored[rows],
    )
    source = PoseSource.from_library(own, cap=MOST_OF_ONE)
    pictures = SyntheticImages(body, source, other_look(size), joints=joints, seed=2 * seed + (part == "heldout"))
    sizes = [min(AT_ONCE, count - start) for start in range(0, count, AT_ONCE)]
    made = [(pictures.batch(step, size), pictures.truth(step, size)) for step, size in enumerate(sizes)]
    return Unseen(PersonCrops.joined(crops for crops, _ in made), torch.cat([bodies for _, bodies in made]))
