"""Random backgrounds, occluders and camera effects, drawn one picture at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Lens:
    """Camera effects; each picture draws its own."""

    brightness: tuple[float, float] = (0.5, 1.5)
    contrast: tuple[float, float] = (0.6, 1.3)
    tint: float = 0.12  # of white, either way at most
    noise: float = 0.05  # largest standard deviation
    blur: float = 2.0  # largest standard deviation, pixels
    coarse: float = 0.6  # share of pictures in which the person was seen small, and was enlarged:
    pixels: tuple[float, float] = (0.2, 1.0)  # so many of the picture's there were, each way
    compressed: float = 0.6  # share of pictures that were JPEGs,
    quality: tuple[int, int] = (15, 90)


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def backdrop(size: int, generator: torch.Generator) -> Tensor:
    """(3, size, size) 0..1: a surface, a horizon sometimes, shapes with surfaces of their own; few things or many."""
    picture = surface(size, generator)
    if uniform(generator, 0, 1) < 0.5:
        line = uniform(generator, 0.3, 0.9) * size
        below = (torch.arange(size) > line)[:, None].expand(size, size)
        picture = torch.where(below, surface(size, generator), picture)
    largest = uniform(generator, 0.15, 0.6)
    for _ in range(int(uniform(generator, 0, 4) ** 2)):
        picture = torch.where(shape(size, generator, 0.03, largest), surface(size, generator), picture)
    return picture


def surface(size: int, generator: torch.Generator) -> Tensor:
    """(3, size, size) 0..1: clouds, or two of them in bars, in a grid as of bricks and windows, or in speckles."""
    kind = uniform(generator, 0, 1)
    first = clouds(size, generator)
    if kind < 0.5:
        return first
    if kind < 0.8:
        return torch.where(_grid(size, generator, crossed=kind < 0.65), clouds(size, generator), first)
    speckles = clouds(size, generator)[0]
    return torch.where(speckles > speckles.mean(), clouds(size, generator), first)


def _grid(size: int, generator: torch.Generator, *, crossed: bool) -> Tensor:
    """(size, size) bool: parallel bars at any angle, or those and others across them."""
    angle = uniform(generator, -math.pi, math.pi)
    steps = torch.arange(size) / size
    inside = torch.zeros(size, size, dtype=torch.bool)
    for turn in (0.0, math.pi / 2)[: 2 if crossed else 1]:
        period, share = uniform(generator, 0.02, 0.2), uniform(generator, 0.1, 0.6)
        along = math.cos(angle + turn) * steps + math.sin(angle + turn) * steps[:, None]
        inside |= (along / period) % 1 < share
    return inside


def cast_shadow(cover: Tensor, darkest: float, generator: torch.Generator) -> Tensor:
    """(H, W) light left, 0..1, behind a person of cover (H, W): the shape sheared, squeezed about its feet, blurred."""
    height, width = cover.shape
    strength = uniform(generator, 0, darkest)
    rows = torch.nonzero(cover.sum(1))
    if not len(rows):
        return torch.ones_like(cover)
    foot = float(rows[-1]) + 1
    shear, squeeze = uniform(generator, -1.5, 1.5), uniform(generator, -0.5, 1.0)
    turned = np.array([[1, shear, -shear * foot], [0, squeeze, foot * (1 - squeeze)]])
    fallen = cv2.warpAffine(cover.cpu().numpy(), turned, (width, height))
    soft = cv2.GaussianBlur(fallen, (0, 0), uniform(generator, 0.003, 0.03) * width)
    return 1 - strength * torch.from_numpy(soft).to(cover)


def clouds(size: int, generator: torch.Generator) -> Tensor:
    """(3, size, size) 0..1: a colour, with noise of many sizes whose strengths fall by a power of their own."""
    hue, dullness = torch.rand(3, 1, 1, generator=generator), uniform(generator, 0, 1)
    base = dullness * hue.mean() + (1 - dullness) * hue
    roughness = uniform(generator, 0.3, 1.3)
    strength = uniform(generator, 0.02, 0.5)
    grey = uniform(generator, 0, 1)
    mixed = (1 - grey) * torch.eye(3) + grey / math.sqrt(3)  # of independent channels, and their mean
    total = np.zeros((1, 1, 3), np.float32)
    for octave in range(1, 8):  # each on the next finer grid: the finest alone is as large as the picture
        cells = min(size, 2**octave)
        noise = torch.randn(cells, cells, 3, generator=generator) @ (strength * 2 ** (-roughness * octave) * mixed)
        total = _enlarged(total, cells) + noise.numpy()
    return (base + torch.from_numpy(_enlarged(total, size)).permute(2, 0, 1)).clamp(0, 1).contiguous()


def _enlarged(picture: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)


def shape(size: int, generator: torch.Generator, smallest: float, largest: float) -> Tensor:
    """(size, size) bool: a turned rectangle or ellipse; extents in shares of the size."""
    x, y = (uniform(generator, -0.1, 1.1) * size for _ in range(2))
    width, height = (uniform(generator, smallest, largest) * size for _ in range(2))
    angle = uniform(generator, -math.pi, math.pi)
    columns = torch.arange(size) + 0.5 - x
    rows = (torch.arange(size) + 0.5 - y)[:, None]
    along = (math.cos(angle) * columns + math.sin(angle) * rows) / width
    across = (-math.sin(angle) * columns + math.cos(angle) * rows) / height
    if uniform(generator, 0, 1) < 0.5:
        return along**2 + across**2 < 0.25
    return (along.abs() < 0.5) & (across.abs() < 0.5)


def occluder(size: int, generator: torch.Generator) -> Tensor:
    """(size, size) bool: something in front: a shape, or all below a slanted edge, as of a table."""
    if uniform(generator, 0, 1) < 0.7:
        return shape(size, generator, 0.08, 0.4)
    height, slope = uniform(generator, 0.6, 0.95) * size, uniform(generator, -0.2, 0.2)
    return torch.arange(size)[:, None] > height + slope * (torch.arange(size) - size / 2)


def piece_of(photograph: np.ndarray, size: int, generator: torch.Generator) -> Tensor:
    """(3, size, size) 0..1: a square of a photograph (H, W, 3) uint8, from anywhere, of any size."""
    height, width = photograph.shape[:2]
    side = max(1, int(uniform(generator, 0.4, 1.0) * min(height, width)))
    top, left = (int(uniform(generator, 0, 1) * (length - side)) for length in (height, width))
    square = photograph[top : top + side, left : left + side]
    resized = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)
    return torch.from_numpy(resized).permute(2, 0, 1).float() / 255


def photograph(scene: Tensor, lens: Lens, generator: torch.Generator) -> Tensor:
    """(3, H, W) 0..1 on the CPU: the scene as a camera stores it, with 8 bits a colour."""
    white = torch.tensor([uniform(generator, 1 - lens.tint, 1 + lens.tint) for _ in range(3)])[:, None, None]
    bright, contrast = uniform(generator, *lens.brightness), uniform(generator, *lens.contrast)
    picture = ((scene * white * bright - 0.5) * contrast + 0.5).clamp(0, 1)
    spread = uniform(generator, 0, 1) ** 3 * lens.blur
    values = picture.permute(1, 2, 0).contiguous().numpy()
    height, width = values.shape[:2]
    zoom = uniform(generator, *lens.pixels) if uniform(generator, 0, 1) < lens.coarse else 1.0
    if zoom < 1:
        small = max(1, round(zoom * width)), max(1, round(zoom * height))
        values = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
    if spread * zoom > 0.3:
        values = cv2.GaussianBlur(values, (0, 0), spread * zoom)
    grain = uniform(generator, 0, 1) ** 2 * lens.noise
    values = values + grain * torch.randn(values.shape, generator=generator).numpy()
    stored = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    if uniform(generator, 0, 1) < lens.compressed:
        quality = int(uniform(generator, *lens.quality))
        coded = cv2.imencode(".jpg", stored[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        stored = np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
    if zoom < 1:
        stored = cv2.resize(stored, (width, height), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(stored).permute(2, 0, 1).float() / 255
