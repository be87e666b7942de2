"""A file's camera held against the file's own joints: in space and in the image they must agree."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..camera import project
from ..interchange.results import GivenBodies, Pinhole, solve_pinhole

OFF = 0.05
"""In sizes of the body in the image: a camera by which joints lie farther off (median) is not the file's; weak
perspective drawn by a pinhole costs up to half of it."""
GOOD = 0.02


class Settled(NamedTuple):
    """Bodies, before the camera that their own joints tell where the documented one does not fit; and what is said."""

    bodies: GivenBodies
    remarks: tuple[str, ...]


def settle_camera(given: GivenBodies, sizes: Tensor) -> Settled:
    """Keep the program's documented camera where it draws the file's joints in space onto those in the image.

    Args:
        given: bodies of one file.
        sizes: (B, 2) of their images, pixels.
    """
    count = given.pixels.shape[1]
    placed = given.place(sizes)
    at = given.points[:, :count] + placed.transl[:, None]
    known = torch.isfinite(placed.intrinsics).flatten(1).all(1) & torch.isfinite(at).flatten(1).all(1)
    extent = (given.pixels.amax(1) - given.pixels.amin(1)).norm(dim=-1) if count else torch.zeros(len(given))
    known &= extent > 1.0
    if not bool(known.any()):
        return Settled(given, ())
    off = _off(project(at, placed.intrinsics), given.pixels, extent)[known].median()
    if off <= OFF:
        return Settled(given, ())
    solved = solve_pinhole(at, given.pixels)
    again = Pinhole.of(placed.transl, solved.focal, solved.centre)
    better = _off(project(at, again.place(sizes).intrinsics), given.pixels, extent)[known].median()
    said = f"{given.program}: its camera puts its own joints {100 * float(off):.0f} % of the body's size off"
    if better <= GOOD:
        focal = float(solved.focal[known].median())
        told = f"{said}; taken is the one that its joints tell, f = {focal:.0f} px"
        return Settled(replace(given, camera=again), (told,))
    return Settled(given, (f"{said}: another version of the program? Results start from doubtful places",))


def _off(drawn: Tensor, pixels: Tensor, extent: Tensor) -> Tensor:
    """(B,) mean distances in sizes of the body."""
    return (drawn - pixels).norm(dim=-1).mean(1) / extent.clamp_min(1.0)
