"""Results of images of another size than those that keypoints are of: cameras and boxes in the latter's pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..interchange.results import GivenBodies, Pinhole

SAME_SHAPE = 0.02
"""Relative difference of the two sides' ratios beyond which an image was cut, not resized."""


class Resized(NamedTuple):
    """Bodies in the pixels of the images that are there, and what is said of it."""

    bodies: GivenBodies
    remarks: tuple[str, ...]


def in_pixels_of(given: GivenBodies, sizes: Tensor, known: Tensor) -> Resized:
    """Bodies before cameras of images of the given sizes.

    Args:
        given: bodies of one file, which may state the sizes of its images.
        sizes: (B, 2) width and height of the images that are there.
        known: (B,) bool, whose image is there.
    """
    stated = given.sizes
    other = known & torch.isfinite(stated).all(1) & ((stated - sizes).abs().amax(1) > 1.0)
    if not bool(other.any()):
        return Resized(given, ())
    ratio = torch.where(other[:, None], sizes / stated, 1.0)
    first = int(torch.nonzero(other)[0, 0])
    theirs, ours = (" x ".join(f"{side:.0f}" for side in one[first].tolist()) for one in (stated, sizes))
    cut = (ratio[:, 0] / ratio[:, 1] - 1).abs() > SAME_SHAPE
    placed = given.place()
    focal = torch.where(cut, torch.nan, placed.intrinsics[:, 0, 0] * ratio[:, 0])
    transl = torch.where(cut[:, None], torch.nan, placed.transl)
    scaled = replace(
        given,
        camera=Pinhole.of(transl, focal, placed.intrinsics[:, :2, 2] * ratio),
        boxes=torch.where(cut[:, None], torch.nan, given.boxes * ratio.repeat(1, 2)),
        pixels=given.pixels * ratio[:, None],
        sizes=sizes.double(),
    )
    does = "where people are is not taken from it" if bool(cut.any()) else "they are scaled"
    return Resized(scaled, (f"{given.program}: its images are {theirs}, the keypoints' {ours}; {does}",))
