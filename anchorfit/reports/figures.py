"""The pictures of a report: each photograph small, and each person's bodies drawn on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..body import BodyModel
from ..observations import read_image
from ..rendering import overlay
from ..results import BodyEstimate
from .packing import picture_source

PHOTO_SIDE = 640  # pixels of the longer side of the photograph behind a body
DRAWN_SIDE = 1600  # pixels of the longer side that overlays are drawn at
_GROUND = 230  # grey
CROP_SIDE = 360  # pixels of the longer side of one person's picture


def draw_pictures(
    estimate: BodyEstimate, body: BodyModel, progress: Callable[[int], None]
) -> tuple[list[str], list[int | None], list[dict[str, Any]], list[str]]:
    """Pictures of all rows.

    Returns:
        the photographs, for each row the number of its photograph (None where there is none that can be read) and its
        own picture (then on plain ground), and a line for each photograph that could not be read.
    """
    photos: list[str] = []
    numbers: list[int | None] = [None] * len(estimate)
    pictures: list[dict[str, Any]] = [{}] * len(estimate)
    problems: list[str] = []
    for image, rows in _rows_by_photograph(estimate).items():
        try:
            photograph = read_image(Path(image)) if image else None
        except (OSError, ValueError) as error:
            problems.append(f"{error}; shown without it")
            photograph = None
        if photograph is not None:
            photos.append(picture_source(_scaled(photograph, PHOTO_SIDE)))
            found = _draw_people(photograph, estimate.rows(rows), body)
            for row, picture in zip(rows, found, strict=True):
                numbers[row], pictures[row] = len(photos) - 1, picture
        else:
            for row in rows:
                (pictures[row],) = _draw_people(_plain_ground(estimate, row), estimate.rows([row]), body)
        progress(len(rows))
    return photos, numbers, pictures, problems


def _rows_by_photograph(estimate: BodyEstimate) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, image in enumerate(estimate.images):
        rows.setdefault(image, []).append(row)
    return rows


def _plain_ground(estimate: BodyEstimate, row: int) -> np.ndarray:
    """What stands for a photograph that is not there, in its proportions."""
    width, height = estimate.image_size[row].tolist()
    share = min(1.0, PHOTO_SIDE / max(width, height))
    return np.full((max(1, round(height * share)), max(1, round(width * share)), 3), _GROUND, np.uint8)


def _draw_people(photograph: np.ndarray, people: BodyEstimate, body: BodyModel) -> list[dict[str, Any]]:
    """Each person's window of the photograph with the bodies in it; people of other cameras are drawn apart."""
    small = _scaled(photograph, DRAWN_SIDE)
    full = people.image_size[0].float()
    zoom = torch.tensor([small.shape[1] / float(full[0]), small.shape[0] / float(full[1]), 1.0])
    vertices = people.bodies(body).vertices
    same = (people.intrinsics == people.intrinsics[:1]).flatten(1).all(1)
    together = overlay(small, vertices[same], body.faces, zoom[:, None] * people.intrinsics[0].float())
    pictures = []
    for row in range(len(people)):
        matrix = people.intrinsics[row].float()
        drawn = together if same[row] else overlay(small, vertices[row : row + 1], body.faces, zoom[:, None] * matrix)
        box = _window(vertices[row], matrix, people, row)
        x, y, width, height = (box * zoom[[0, 1, 0, 1]].numpy()).round().astype(int)
        crop = drawn[max(0, y) : y + height, max(0, x) : x + width]
        if crop.size == 0:
            crop, box = small, np.array([0.0, 0.0, *full.tolist()])
        pictures.append({"src": picture_source(_scaled(crop, CROP_SIDE)), "box": [round(v, 2) for v in box.tolist()]})
    return pictures


def _window(vertices_cam: Tensor, intrinsics: Tensor, people: BodyEstimate, row: int) -> np.ndarray:
    """x, y, width, height in pixels: around the body and its keypoints, with a margin, inside the photograph."""
    seen = people.keypoints[row][people.confidence[row] > 0]
    front = vertices_cam[vertices_cam[:, 2] > 0.05].float()
    homogeneous = front @ intrinsics.T
    pixels = torch.cat([homogeneous[:, :2] / homogeneous[:, 2:], seen.float()])
    size = people.image_size[row].float()
    if not len(pixels):
        return np.array([0.0, 0.0, *size.tolist()])
    low, high = pixels.amin(0), pixels.amax(0)
    margin = 0.06 * (high - low).max()
    low, high = (low - margin).clamp(min=0).minimum(size - 1), (high + margin).minimum(size).clamp(min=1)
    return torch.cat([low, (high - low).clamp(min=1)]).double().numpy()


def _scaled(image: np.ndarray, longest: int) -> np.ndarray:
    """The image, smaller where its longer side is longer than that."""
    height, width = image.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return image
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
