"""ROMP's and BEV's npz: one pickled dictionary ``results``; of a video one by file name.

ROMP's ``cam`` = s, x, y on the whole image padded to a square (`PaddedImage`); its ``cam_trans`` comes from a
fit whose rotation is thrown away and is not read. BEV's ``cam_trans`` is exact, for f = D / (2 tan 30 degrees), but
from the middle of the hips, to which its joints are relative, too. BEV has 11 betas, the last the weight of a child's
template.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arrays import named_numbers, need_rows, turns, whole_body
from ..cameras import FocalRule, GivenCamera, PaddedImage, Pinhole
from ..format import ResultFormat, StoredResult
from ..record import GivenBodies, ResultFile, ResultFileError, given_bodies

FOCAL = FocalRule("longer", 0.5 / math.tan(math.radians(30.0)))
CHILD = 0.8
"""Above this weight BEV's body is SMIL's, another template."""
SMPL_POINTS = 24
_NEEDED = ("cam", "smpl_thetas", "smpl_betas")


def _results(stored: StoredResult) -> Mapping[str, Any]:
    held = stored.content.get("results") if isinstance(stored.content, Mapping) else None
    return held if isinstance(held, Mapping) else {}


def _has(held: Mapping[str, Any]) -> bool:
    return all(key in held for key in _NEEDED)


def _recognises(stored: StoredResult) -> bool:
    held = _results(stored)
    each = [one for one in held.values() if isinstance(one, Mapping)]
    return _has(held) or (bool(each) and len(each) == len(held) and all(map(_has, each)))


def _read(stored: StoredResult) -> ResultFile:
    held = _results(stored)
    if _has(held):
        name = stored.path.name.removesuffix(".npz").removesuffix("_0.08").removesuffix("__2")
        frames = [(name, -1, held)]
    else:
        frames = [(str(name), number, held[name]) for name, number in _frame_numbers(held).items()]
    if not frames:
        raise ResultFileError("nobody is in it")
    bodies = GivenBodies.concatenate([_bodies(one, name, number) for name, number, one in frames])
    young = torch.cat([_child_weight(one) for *_, one in frames])
    if not bool((young > 0).any()):
        return ResultFile(bodies)
    said = f"{int((young > CHILD).sum())} bodies of {len(bodies)} are children's (SMIL)"
    return ResultFile(bodies, (f"{said}; the weight of the child's template, the 11th beta, is left out",))


def _frame_numbers(held: Mapping[str, Any]) -> dict[str, int]:
    """The frame of each name, 00000012.jpg: frames without people are left out of the file; -1 where one says none."""
    found = [re.search(r"(\d+)\D*$", Path(str(name)).stem) for name in held]
    return {name: int(one.group(1)) if one and all(found) else -1 for name, one in zip(held, found, strict=True)}


def _child_weight(held: Mapping[str, Any]) -> Tensor:
    betas = named_numbers(held, "smpl_betas", None, None)
    return betas[:, 10] if betas.shape[1] == 11 else betas.new_zeros(len(betas))


def _bodies(held: Mapping[str, Any], image: str, frame: int) -> GivenBodies:
    rotations = whole_body(turns(held, "smpl_thetas"), "smpl_thetas")
    count = len(rotations)
    need_rows(held, count, "cam", "smpl_betas", "cam_trans", "joints", "track_ids", "pj2d_org")
    betas = named_numbers(held, "smpl_betas", None, None)
    bev = betas.shape[1] == 11
    points = named_numbers(held, "joints", None, None, 3)[:, :SMPL_POINTS] if "joints" in held else None
    pixels = named_numbers(held, "pj2d_org", None, None, 2)[:, :SMPL_POINTS] if "pj2d_org" in held else None
    return given_bodies(
        "BEV" if bev else "ROMP",
        _bev_camera(held) if bev else PaddedImage(weak=named_numbers(held, "cam", None, 3)),
        rotations,
        betas[:, :10],
        gender="neutral",
        pelvis=points[:, 0] if bev and points is not None else None,
        points=points,
        convention="smpl24",
        pixels=pixels if points is not None else None,
        images=[image] * count,
        tracks=[int(one) for one in held["track_ids"]] if "track_ids" in held else (),
        frames=torch.full((count,), frame),
    )


def _bev_camera(held: Mapping[str, Any]) -> GivenCamera:
    """The translation of the hips' middle. ``cam`` is s, y, x there."""
    if "cam_trans" in held:
        return Pinhole.of(named_numbers(held, "cam_trans", None, 3), rule=FOCAL)
    scale, y, x = named_numbers(held, "cam", None, 3).unbind(1)
    tangent = math.tan(math.radians(30.0))
    depth = 1 / (scale * tangent + 1e-3)
    return Pinhole.of(torch.stack([x * depth * tangent, y * depth * tangent, depth], 1), rule=FOCAL)


FORMAT = ResultFormat(name="ROMP or BEV", recognises=_recognises, read=_read)
