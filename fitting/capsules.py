"""Capsules that approximate the body's parts for the interpenetration term.

A capsule's axis runs along a bone, from a share ``first`` to a share ``last`` of the way between two joints, so it
follows pose and shape with the joints; its radius is linear in betas. Spheres are put along the axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..array_files import ArrayFile
from ..body import BodyModel
from ..body.joint_sets import SMPL_JOINTS

_SIDES = ("left", "right")

# name: (from joint, to joint, first, last, joints whose skin the capsule stands for)
_AXES: dict[str, tuple[str, str, float, float, tuple[str, ...]]] = {
    "head": ("neck", "head", 0.9, 2.0, ("head",)),
    "waist": ("pelvis", "spine2", 0.0, 0.7, ("pelvis", "spine1")),
    "trunk": ("spine1", "spine3", 0.4, 1.0, ("spine1", "spine2")),
}
for _side in _SIDES:
    _AXES[f"{_side}_chest"] = ("spine3", f"{_side}_shoulder", 0.1, 0.6, ("spine3", f"{_side}_collar"))
    _AXES[f"{_side}_upper_arm"] = (f"{_side}_shoulder", f"{_side}_elbow", 0.1, 0.9, (f"{_side}_shoulder",))
    _AXES[f"{_side}_forearm"] = (f"{_side}_elbow", f"{_side}_wrist", 0.1, 0.95, (f"{_side}_elbow",))
    _AXES[f"{_side}_hand"] = (f"{_side}_wrist", f"{_side}_hand", 0.3, 1.7, (f"{_side}_wrist", f"{_side}_hand"))
    _AXES[f"{_side}_thigh"] = (f"{_side}_hip", f"{_side}_knee", 0.1, 0.9, (f"{_side}_hip",))
    _AXES[f"{_side}_calf"] = (f"{_side}_knee", f"{_side}_ankle", 0.05, 0.95, (f"{_side}_knee",))
    _AXES[f"{_side}_foot"] = (f"{_side}_ankle", f"{_side}_foot", 0.0, 1.2, (f"{_side}_ankle", f"{_side}_foot"))

CAPSULES = tuple(_AXES)


def _pairs() -> tuple[tuple[str, str], ...]:
    pairs = [("left_hand", "right_hand"), ("left_calf", "right_calf"), ("left_foot", "right_foot")]
    for side, other in (_SIDES, _SIDES[::-1]):
        pairs += [(f"{side}_{arm}", trunk) for arm in ("forearm", "hand") for trunk in ("waist", "trunk")]
        pairs += [(f"{side}_{arm}", f"{one}_chest") for arm in ("forearm", "hand") for one in _SIDES]
        pairs += [(f"{side}_calf", f"{other}_foot"), (f"{side}_hand", "head")]
    return tuple(pairs)


COLLIDING = _pairs()
"""23 pairs, chosen like SMPLify's: forearms and hands against trunk, head and each other; calves and feet."""


@dataclass(frozen=True, kw_only=True)
class Capsules:
    """Radii of a body's capsules, metres: radius (C,) at betas 0 and its change (C, S) with betas."""

    radius: Tensor
    radius_shape: Tensor

    def radii(self, betas: Tensor) -> Tensor:
        """(B, C) metres, at least 1 cm."""
        return (self.radius + betas @ self.radius_shape.mT).clamp(min=0.01)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Capsules:
        return Capsules(
            radius=self.radius.to(device=device, dtype=dtype),
            radius_shape=self.radius_shape.to(device=device, dtype=dtype),
        )


def fit_capsules(body: BodyModel) -> Capsules:
    """Radii from the rest pose: the 0.3 quantile of the distances of a part's skin from its axis.

    Not the median: trunks are wider than deep, and what touches them comes from the front.

    Args:
        body: the body model; vertices go to the joint that moves them most.
    """
    owner = body.weights.argmax(-1)
    shapes = torch.cat([torch.zeros(1, body.num_betas), torch.eye(body.num_betas), -torch.eye(body.num_betas)])
    shapes = shapes.to(body.v_template)
    vertices = body.v_template + torch.einsum("vcs,bs->bvc", body.shapedirs, shapes)
    joints = body.rest_joints(shapes)
    radii = []
    for start, end, first, last, parts in (_AXES[name] for name in CAPSULES):
        a, b = joints[:, SMPL_JOINTS.index(start)], joints[:, SMPL_JOINTS.index(end)]
        skin = torch.stack([owner == SMPL_JOINTS.index(part) for part in parts]).any(0)
        away = vertices[:, skin] - a[:, None]
        along = b - a
        share = (away * along[:, None]).sum(-1) / along.square().sum(-1, keepdim=True)
        inside = (share[0] > first) & (share[0] < last)  # the same vertices for all shapes
        nearest = share[:, inside].clamp(first, last)[..., None] * along[:, None]
        radii.append((away[:, inside] - nearest).norm(dim=-1).quantile(0.3, dim=-1))
    table = torch.stack(radii, -1)  # (1 + 2 S, C)
    plus, minus = table[1 : 1 + body.num_betas], table[1 + body.num_betas :]
    return Capsules(radius=table[0], radius_shape=((plus - minus) / 2).mT.contiguous())


def save_capsules(capsules: Capsules, path: str | Path) -> None:
    """Writes them as ``.npz``."""
    np.savez(
        path,
        names=np.array(CAPSULES),
        radius=capsules.radius.cpu().numpy().astype(np.float32),
        radius_shape=capsules.radius_shape.cpu().numpy().astype(np.float32),
    )


def load_capsules(path: str | Path) -> Capsules:
    """Reads what ``scripts/fit_capsules.py`` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file of other capsules; make it again with ``scripts/fit_capsules.py``.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; scripts/fit_capsules.py makes it from a body")
    data = ArrayFile(path)
    if not {"names", "radius", "radius_shape"} <= data.keys() or tuple(data["names"].tolist()) != CAPSULES:
        raise ValueError(f"{path}: expected the radii of {len(CAPSULES)} capsules; run scripts/fit_capsules.py again")
    return Capsules(radius=torch.from_numpy(data["radius"]), radius_shape=torch.from_numpy(data["radius_shape"]))


def capsules_of(body: BodyModel) -> Capsules:
    """The capsules stored beside an open body, or fitted now (20 ms) for a body that has none stored."""
    from .. import assets

    of = body.name.removeprefix("open_")
    stored = Path(assets.__file__).resolve().parent / "bodies" / f"capsules_{of}.npz"
    capsules = load_capsules(stored) if of != body.name and stored.is_file() else fit_capsules(body)
    if capsules.radius_shape.shape[1] < body.num_betas:
        capsules = fit_capsules(body)
    shape = body.layout.fit_betas(capsules.radius_shape)
    return Capsules(radius=capsules.radius, radius_shape=shape).to(body.device, body.dtype)


@dataclass(frozen=True, kw_only=True)
class SpherePairs:
    """All pairs of spheres that may collide.

    Attributes:
        offsets: (P, 24) joints to the vector between the centres: centre_a - centre_b = offsets @ joints.
        first, second: (P,) which capsule each sphere is of.
    """

    offsets: Tensor
    first: Tensor
    second: Tensor


def sphere_pairs(body: BodyModel, capsules: Capsules) -> SpherePairs:
    """Spheres about a radius apart along each axis (at most 6), and the pairs of `COLLIDING`."""
    joints = body.rest_joints(torch.zeros(1, body.num_betas).to(body.v_template))[0].double().cpu()
    centres: dict[str, list[Tensor]] = {}
    for number, (name, (start, end, first, last, _)) in enumerate(_AXES.items()):
        a, b = SMPL_JOINTS.index(start), SMPL_JOINTS.index(end)
        length = float((joints[a] - joints[b]).norm()) * (last - first)
        count = min(6, max(1, math.ceil(length / float(capsules.radius[number]))))
        shares = torch.linspace(first, last, count) if count > 1 else torch.tensor([(first + last) / 2])
        spheres = torch.zeros(count, len(SMPL_JOINTS), dtype=torch.float64)
        spheres[:, a], spheres[:, b] = 1 - shares, shares
        centres[name] = list(spheres)
    offsets, one, other = [], [], []
    for a_name, b_name in COLLIDING:
        for sphere_a in centres[a_name]:
            for sphere_b in centres[b_name]:
                offsets.append(sphere_a - sphere_b)
                one.append(CAPSULES.index(a_name))
                other.append(CAPSULES.index(b_name))
    device = body.device
    return SpherePairs(
        offsets=torch.stack(offsets).to(device, body.dtype),
        first=torch.tensor(one, device=device),
        second=torch.tensor(other, device=device),
    )
