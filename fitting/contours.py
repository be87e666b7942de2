"""Outlines of masks and of bodies, and the matches between them that the silhouette term holds on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..body import CANONICAL_JOINTS, BodyModel
from ..body.joint_sets import SMPL_JOINTS
from ..camera import NEAREST_DEPTH, project
from ..rendering import rasterize
from ..rows import Rows

BORDER = 2.0  # pixels: an outline so near to the image's border is the border's, not the person's


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Points (N, 2) on the outline of a mask, pixels of the image, and unit normals (N, 2)."""

    points: Tensor
    normals: Tensor


def usable_mask(mask: np.ndarray | None, image_size: tuple[int, int]) -> str | None:
    """Why a mask cannot be used, or None where it can. image_size: width, height."""
    if mask is None:
        return "no mask"
    if mask.shape != (image_size[1], image_size[0]):
        return f"its mask is {mask.shape[1]} x {mask.shape[0]} pixels, its image {image_size[0]} x {image_size[1]}"
    covered = int(np.count_nonzero(mask))
    if covered == 0:
        return "its mask is empty"
    if covered == mask.size:
        return "its mask covers the whole image"
    return None


def mask_outline(mask: np.ndarray, count: int) -> Outline:
    """``count`` points evenly along the outline of a mask (height, width), fewer where it meets the image's border.

    Pixel (0, 0) is the image's corner, so that the middle of the first pixel is at (0.5, 0.5).
    """
    height, width = mask.shape
    import cv2  # slow to import, and only needed where there are masks

    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    pieces, slopes = [], []
    for contour in contours:
        if len(contour) < 8:
            continue
        line = contour[:, 0].astype(np.float64) + 0.5
        smooth = _smoothed(line)
        tangent = np.roll(smooth, -1, 0) - np.roll(smooth, 1, 0)
        pieces.append(smooth)
        slopes.append(np.stack([tangent[:, 1], -tangent[:, 0]], -1) / (np.linalg.norm(tangent, axis=1) + 1e-9)[:, None])
    if not pieces:
        return Outline(points=torch.zeros(0, 2), normals=torch.zeros(0, 2))
    points, normals = np.concatenate(pieces), np.concatenate(slopes)
    inside = (points > BORDER).all(1) & (points[:, 0] < width - BORDER) & (points[:, 1] < height - BORDER)
    points, normals = points[inside], normals[inside]
    chosen = np.linspace(0, len(points) - 1, min(count, len(points))).astype(int)
    return Outline(points=torch.from_numpy(points[chosen]).float(), normals=torch.from_numpy(normals[chosen]).float())


def _smoothed(line: np.ndarray) -> np.ndarray:
    """A closed line of pixels, averaged over five neighbours: its normals are no longer those of stairs."""
    return np.mean([np.roll(line, shift, 0) for shift in (-2, -1, 0, 1, 2)], axis=0)


@lru_cache(maxsize=8)
def surface_sample(body: BodyModel, count: int) -> tuple[int, ...]:
    """``count`` vertices spread over the surface by farthest-point sampling, hands thinned by their size."""
    vertices = body.v_template.detach().cpu().double()
    chosen = [int(vertices[:, 1].argmax())]
    distance = (vertices - vertices[chosen[0]]).norm(dim=-1)
    for _ in range(count - 1):
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (vertices - vertices[chosen[-1]]).norm(dim=-1))
    return tuple(sorted(chosen))


# Where a joint was not seen, the part that leads to it may be hidden. By the SMPL joint that moves the skin.
_LEADS_TO: dict[str, str] = {"pelvis": "hip", "spine1": "hip"}
for _side in ("left_", "right_"):
    _LEADS_TO.update({f"{_side}hip": f"{_side}knee", f"{_side}knee": f"{_side}ankle", f"{_side}ankle": f"{_side}ankle"})
    _LEADS_TO.update({f"{_side}foot": f"{_side}ankle", f"{_side}shoulder": f"{_side}elbow"})
    _LEADS_TO.update({f"{_side}elbow": f"{_side}wrist", f"{_side}wrist": f"{_side}wrist"})
    _LEADS_TO[f"{_side}hand"] = f"{_side}wrist"


def vertices_in_sight(body: BodyModel, confidence: Tensor, sample: Tensor) -> Tensor:
    """Which vertices belong to parts whose end was seen: legs under a table must not curl up to fit into the mask.

    Args:
        confidence: (B, K) of the canonical joints.
        sample: (S,) vertex indices.
    Returns:
        (B, S) bool.
    """
    owner = body.weights[sample].argmax(-1)
    parts = []
    for joint in SMPL_JOINTS:
        wanted = _LEADS_TO.get(joint)
        names = [name for name in CANONICAL_JOINTS if wanted is not None and name.endswith(wanted)]
        index = [CANONICAL_JOINTS.index(name) for name in names]
        seen = (confidence[:, index] > 0).any(-1) if names else torch.ones_like(confidence[:, 0], dtype=torch.bool)
        parts.append(seen)
    return torch.stack(parts, -1)[:, owner]


def body_outline(
    vertices_cam: Tensor, faces: Tensor, intrinsics: Tensor, sample: Tensor, *, size: int = 160, width: float = 0.012
) -> Tensor:
    """Which of the sampled vertices lie on a body's outline.

    Args:
        vertices_cam: (V, 3). faces: (F, 3). intrinsics: (3, 3).
        sample: (S,) vertex indices.
        size: pixels of the longer side of the picture the outline is taken from.
        width: how near to the outline a vertex must be, as a share of the body's longer side in the image.
    Returns:
        (S,) bool.
    """
    pixels = project(vertices_cam, intrinsics)
    low, high = pixels.amin(0), pixels.amax(0)
    extent = float((high - low).amax())
    if not np.isfinite(extent) or extent <= 0 or float(vertices_cam[:, 2].amin()) <= NEAREST_DEPTH:
        return torch.zeros(len(sample), dtype=torch.bool, device=sample.device)
    zoom = (size - 8) / extent
    window = torch.eye(3, dtype=intrinsics.dtype, device=intrinsics.device)
    window[0, 0] = window[1, 1] = zoom
    window[:2, 2] = 4.0 - low * zoom
    drawn = rasterize(vertices_cam[None], faces, (window @ intrinsics)[None], (size, size)).face_ids[0] >= 0
    padded = np.pad(drawn.cpu().numpy().astype(np.uint8), 1)
    import cv2  # as above

    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    at = ((pixels[sample] - low) * zoom + 4.0).floor().long().clamp(0, size - 1)
    depth = torch.from_numpy(inside).to(at.device)[at[:, 1], at[:, 0]]
    return depth <= max(2.0, width * size)


@dataclass(frozen=True, kw_only=True)
class Matches(Rows):
    """Matches of B rows, padded with weight 0: see `terms.SilhouetteTerm`.

    Attributes:
        index: (B, M) which of the sampled vertices.
        target: (B, M, 2) points of the masks' outlines, pixels.
        normal: (B, M, 2) unit normals of the outlines there.
        weights: (B, M).
    """

    index: Tensor
    target: Tensor
    normal: Tensor
    weights: Tensor

    @classmethod
    def blank(cls, count: int, points: int, like: Tensor) -> Matches:
        """No match in any of ``count`` rows, with room for ``points`` each way."""
        flat = like.new_zeros(count, 2 * points)
        pairs = like.new_zeros(count, 2 * points, 2)
        return cls(index=flat.long(), target=pairs, normal=pairs, weights=flat)

    def put(self, rows: Tensor, other: Matches) -> Matches:
        """The same with some rows replaced."""
        return Matches(
            index=self.index.index_copy(0, rows, other.index),
            target=self.target.index_copy(0, rows, other.target),
            normal=self.normal.index_copy(0, rows, other.normal),
            weights=self.weights.index_copy(0, rows, other.weights),
        )


def match_outlines(
    vertices_cam: Tensor,
    faces: Tensor,
    intrinsics: Tensor,
    outlines: Sequence[Outline],
    image_size: Tensor,
    sample: Tensor,
    *,
    in_sight: Tensor,
    weight: float,
    count: int,
) -> Matches:
    """Matches both ways: each vertex on the outline to the nearest point of the mask's, and the other way round.

    Args:
        vertices_cam: (B, V, 3). faces: (F, 3). intrinsics: (B, 3, 3). image_size: (B, 2).
        outlines: of the B masks.
        sample: (S,) vertices that may take part.
        in_sight: (B, S) bool, which of them do, see `vertices_in_sight`.
        weight: the root of the sum of squared weights of a row, each way: numbers of points do not matter.
        count: at most so many matches each way.
    """
    rows = []
    for row, outline in enumerate(outlines):
        pixels = project(vertices_cam[row, sample], intrinsics[row], nearest=NEAREST_DEPTH)
        on_outline = body_outline(vertices_cam[row], faces, intrinsics[row], sample)
        seen = (pixels > BORDER).all(-1) & (pixels < image_size[row].to(pixels) - BORDER).all(-1)
        vertices = torch.nonzero(on_outline & seen & in_sight[row])[:, 0]
        vertices = vertices[torch.linspace(0, len(vertices) - 1, min(count, len(vertices))).long()]
        points, normals = outline.points[:count].to(pixels), outline.normals[:count].to(pixels)
        if len(vertices) == 0 or len(points) == 0:
            rows.append((sample.new_zeros(0), points[:0], normals[:0], pixels.new_zeros(0)))
            continue
        distance = torch.cdist(pixels[vertices], points)
        to_mask, to_body = distance.argmin(1), distance.argmin(0)
        each = torch.cat(
            [
                pixels.new_full((len(vertices),), weight / len(vertices) ** 0.5),
                pixels.new_full((len(points),), weight / len(points) ** 0.5),
            ]
        )
        index = torch.cat([vertices, vertices[to_body]])
        rows.append((index, torch.cat([points[to_mask], points]), torch.cat([normals[to_mask], normals]), each))
    padded = [[_pad(part, 2 * count) for part in row] for row in rows]
    index, target, normal, weights = (torch.stack(parts) for parts in zip(*padded, strict=True))
    return Matches(index=index, target=target, normal=normal, weights=weights)


def _pad(values: Tensor, length: int) -> Tensor:
    out = values.new_zeros(length, *values.shape[1:])
    out[: len(values)] = values
    return out
