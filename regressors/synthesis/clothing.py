"""Clothes, hair, shoes and faces for a body without textures: a colour for every point, told by where it lies at rest.

Points go by the body's rest pose and its segments (``BodyModel.face_segments``), with joints and landmarks as
yardsticks, so that any body in SMPL's format with our landmarks can be dressed. Nothing hangs or folds: clothes are the
skin, pushed out a little.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...body import BodyModel
from ...body.joint_sets import SMPL_JOINTS

SKIN, TOP, BOTTOM, SHOES, HAIR, EYES, LIPS, UNDER = range(8)
KINDS = 8
PLAIN, ACROSS, ALONG, CHECKS, BLOTCHES = range(5)

_SKIN_TONES = ((0.96, 0.80, 0.69), (0.88, 0.67, 0.53), (0.76, 0.54, 0.40), (0.55, 0.37, 0.26), (0.33, 0.21, 0.15))
_HAIR_TONES = ((0.08, 0.06, 0.05), (0.22, 0.14, 0.09), (0.42, 0.27, 0.14), (0.72, 0.56, 0.32), (0.62, 0.60, 0.58))
_WAVES = 12


class Anatomy(NamedTuple):
    """A body at rest: vertices (V, 3), segments of faces (F,) and of vertices (V,), joints (24, 3), landmarks."""

    rest: Tensor
    face_segments: Tensor
    segments: Tensor
    joints: Tensor
    landmarks: dict[str, Tensor]

    @staticmethod
    def of(body: BodyModel) -> Anatomy:
        segments = body.weights.argmax(1)
        corners = segments[body.faces]
        faces = corners.mode(1).values if body.face_segments is None else body.face_segments
        points = (body.v_template[body.landmark_vertices] * body.landmark_weights[..., None]).sum(1)
        landmarks = {name: points[row] for name, row in body.landmarks.items()}
        return Anatomy(body.v_template, faces, segments, body.rest_joints_table[0], landmarks)

    def joint(self, name: str) -> Tensor:
        return self.joints[SMPL_JOINTS.index(name)]


class Outfit(NamedTuple):
    """Clothes of one person: cuts in shares of limbs, metres of looseness, colours and patterns of each kind."""

    sleeve: Tensor  # () of the arm, from the shoulder to the wrist
    trouser: Tensor  # () of the leg, from the hip to the ankle
    waist: Tensor  # () metres above the pelvis joint
    boot: Tensor  # () metres above the ankle
    opening: Tensor  # (2,) metres of half the width, at hips and neck, of what an open top shows; below 0: closed
    hairline: Tensor  # () metres above the eyes; above the head where there is no hair
    hair_length: Tensor  # () metres below the eyes
    loose: Tensor  # (8,) metres
    colors: Tensor  # (8, 3) linear light
    others: Tensor  # (8, 3) the pattern's second colour
    patterns: Tensor  # (8,)
    pitch: Tensor  # (8,) radians a metre
    waves: Tensor  # (12, 4) directions, radians a metre, and phases of creases and blotches


def draw_outfit(generator: torch.Generator) -> Outfit:
    """Draw the clothes of one person, on the CPU."""

    def uniform(low: float = 0.0, high: float = 1.0, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    def one_of(*values: float) -> Tensor:
        return torch.tensor(values)[torch.randint(len(values), (), generator=generator)]

    def tone(tones: tuple[tuple[float, float, float], ...]) -> Tensor:
        place = uniform(0, len(tones) - 1.001)
        first = int(place)
        share = place - first
        table = torch.tensor(tones)
        return (1 - share) * table[first] + share * table[first + 1]

    colors = cloth(uniform(0, 1, KINDS), uniform(0, 1, KINDS), uniform(0.02, 0.95, KINDS))
    colors[SKIN] = tone(_SKIN_TONES) ** 2.2
    colors[HAIR] = tone(_HAIR_TONES) ** 2.2 if uniform() < 0.9 else colors[HAIR]  # else a cap
    colors[EYES] = torch.tensor((0.02, 0.02, 0.03))
    colors[LIPS] = colors[SKIN] * torch.tensor((0.75, 0.45, 0.45))
    if uniform() < 0.2:  # one piece, or a tracksuit
        colors[BOTTOM] = colors[TOP]
    patterns = torch.where(uniform(0, 1, KINDS) < 0.5, PLAIN, torch.randint(1, 5, (KINDS,), generator=generator))
    patterns[[SKIN, HAIR, EYES, LIPS]] = PLAIN
    loose = uniform(0, 0.025, KINDS)
    loose[[SKIN, EYES, LIPS]] = 0
    loose[SHOES] = 0.004 + 0.4 * loose[SHOES]
    loose[UNDER] = 0.3 * loose[TOP]
    waves = torch.randn(_WAVES, 4, generator=generator) * torch.tensor([35.0, 35.0, 35.0, 3.0])
    return Outfit(
        sleeve=one_of(0.02, 0.3, 0.4, 0.75, 0.98, 0.98) + uniform(-0.05, 0.05),
        trouser=one_of(0.12, 0.35, 0.5, 0.97, 0.97, 0.97) + uniform(-0.05, 0.05),
        waist=uniform(-0.02, 0.12),
        boot=one_of(0.0, 0.0, 0.03, 0.2),
        opening=uniform(-0.04, 0.05) + uniform(0, 0.06) * torch.tensor([0.0, 1.0]),
        hairline=uniform(0.035, 0.06) if uniform() < 0.9 else torch.tensor(1.0),
        hair_length=one_of(0.0, 0.02, 0.1, 0.2),
        loose=loose,
        colors=colors,
        others=cloth(uniform(0, 1, KINDS), uniform(0, 1, KINDS), uniform(0.02, 0.95, KINDS)),
        patterns=patterns,
        pitch=uniform(30, 220, KINDS),
        waves=waves,
    )


def kinds_at(points: Tensor, segments: Tensor, anatomy: Anatomy, outfit: Outfit) -> Tensor:
    """(N,) what covers points (N, 3) of the body at rest that belong to segments (N,)."""
    side, up, front = points[:, 0].abs(), points[:, 1], points[:, 2]
    names = [name.rpartition("_")[2] for name in SMPL_JOINTS]

    def of(*parts: str) -> Tensor:
        return torch.tensor([name in parts for name in names], device=points.device)[segments]

    shoulder, wrist = (anatomy.joint(f"left_{name}")[0] for name in ("shoulder", "wrist"))
    hip, ankle = (anatomy.joint(f"left_{name}")[1] for name in ("hip", "ankle"))
    arm = (side - shoulder) / (wrist - shoulder)
    leg = (hip - up) / (hip - ankle)
    marks = anatomy.landmarks
    eyes, ears, nose, chin = (marks[name] for name in ("left_eye", "left_ear", "nose", "chin"))
    kinds = torch.zeros(len(points), dtype=torch.long, device=points.device)
    collar = anatomy.joint("neck")[1] + 0.02
    kinds[of("spine1", "spine2", "spine3", "collar") & (up < collar)] = TOP
    kinds[of("shoulder", "elbow", "wrist", "hand") & (arm < outfit.sleeve)] = TOP
    height = (up - anatomy.joint("pelvis")[1]) / (collar - anatomy.joint("pelvis")[1])
    wide = outfit.opening[0] + height.clamp(0, 1) * (outfit.opening[1] - outfit.opening[0])
    open_front = (front > anatomy.joint("spine2")[2]) & (side < wide)
    kinds[of("pelvis", "spine1") & (up >= outfit.waist)] = TOP
    kinds[(kinds == TOP) & open_front] = UNDER
    kinds[of("pelvis", "spine1") & (up < outfit.waist)] = BOTTOM
    kinds[of("hip", "knee", "ankle", "foot") & (leg < outfit.trouser)] = BOTTOM
    kinds[of("knee", "ankle", "foot") & (up < ankle + outfit.boot) & (leg >= outfit.trouser)] = SHOES
    kinds[of("ankle", "foot") & (up < ankle - 0.02)] = SHOES
    head = of("head")
    from_eyes = torch.stack((side - eyes[0], up - eyes[1]), 1).norm(dim=1)
    kinds[head & (from_eyes < 0.013) & (front > ears[2])] = EYES
    mouth = (up - (0.55 * nose[1] + 0.45 * chin[1])).abs() < 0.008
    kinds[head & mouth & (side < 0.025) & (front > ears[2] + 0.5 * (nose[2] - ears[2]))] = LIPS
    above = up > eyes[1] + outfit.hairline + 0.5 * (front - nose[2]).clamp_min(-0.08)
    behind = (front < ears[2] - 0.005) & (up > eyes[1] - outfit.hair_length - 0.02)
    kinds[(head | of("neck")) & (above | (behind & (outfit.hairline < 0.5)))] = HAIR
    return kinds


def colors_at(points: Tensor, kinds: Tensor, outfit: Outfit) -> Tensor:
    """(N, 3) linear light that points (N, 3) at rest throw back."""
    waves = torch.sin(points @ outfit.waves[:, :3].T + outfit.waves[:, 3]).mean(1)
    across = torch.sin(points[:, 1] * outfit.pitch[kinds]) > 0
    along = torch.sin(points[:, 0] * outfit.pitch[kinds]) > 0
    patterns = outfit.patterns[kinds]
    second = ((patterns == ACROSS) & across) | ((patterns == ALONG) & along)
    second |= ((patterns == CHECKS) & (across ^ along)) | ((patterns == BLOTCHES) & (waves > 0.1))
    color = torch.where(second[:, None], outfit.others[kinds], outfit.colors[kinds])
    creased = torch.tensor([0.1, 0.5, 0.5, 0.3, 0.8, 0.0, 0.1, 0.5], device=points.device)[kinds]
    return (color * (1 + creased * waves)[:, None]).clamp(0, 1)


def cloth(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """(N, 3) colours of hue, saturation and value (N,) in 0..1, linear light; many of them dull."""
    wheel = (hue[:, None] * 6 + torch.tensor([0.0, 4.0, 2.0])) % 6
    pure = ((wheel - 3).abs() - 1).clamp(0, 1)
    return (value[:, None] * (1 - saturation[:, None] ** 1.5 * (1 - pure))) ** 2.2
