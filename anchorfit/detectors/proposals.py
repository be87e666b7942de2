"""Squares around the people in the windows of a picture, by BlazePose's detection network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .networks.pose_detection import DETECTION_SIZE, PoseBoxes, PoseDetection, anchors
from .running import run_network
from .sampling import sample_squares
from .squares import Square
from .windows import Window

LEAST_LIKELY = 0.5
MOST_OVERLAP = 0.3
"""Boxes with a larger intersection over union are one person's: MediaPipe's pose_detection graph."""


def propose(network: PoseDetection, image: np.ndarray, windows: Sequence[Window]) -> list[Square]:
    """Squares of all people that the network sees in any of the windows, in the windows' order.

    Args:
        image: (height, width, 3) uint8 RGB.
    """
    if not windows:
        return []
    frames = [Square.around_window(window) for window in windows]
    device = next(network.parameters()).device
    pictures = torch.cat(
        [
            sample_squares(image[top:bottom, left:right], [frame._replace(x=frame.x - left, y=frame.y - top)],
                           DETECTION_SIZE, replicate=False, device=device)
            for frame, (left, top, right, bottom) in zip(frames, windows, strict=True)
        ]
    )  # fmt: skip
    seen = PoseBoxes(*run_network(network, pictures))
    squares = []
    for row, frame in enumerate(frames):
        x0, y0 = frame.x - frame.side / 2, frame.y - frame.side / 2
        points, scores = _people(seen.boxes[row].double().cpu(), seen.logits[row].double().cpu())
        for (hips, edge), score in zip(points.tolist(), scores.tolist(), strict=True):
            if hips != edge:
                hips, edge = ((x0 + frame.side * x, y0 + frame.side * y) for x, y in (hips, edge))
                squares.append(Square.from_points(hips, edge, score))
    return squares


def _people(boxes: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Of one picture: hips and edge (N, 2, 2), shares of it, and scores (N,), surest first.

    Boxes that overlap are averaged, weighed by their scores (MediaPipe's weighted non-maximum suppression).
    """
    scores = logits.clamp(-100, 100).sigmoid()
    chosen = scores >= LEAST_LIKELY
    scores, order = scores[chosen].sort(descending=True, stable=True)
    values, places = (part[chosen][order] for part in (boxes / DETECTION_SIZE, anchors().double()))
    points = values[:, 4:8].reshape(-1, 2, 2) + places[:, None]
    middle, half = values[:, :2] + places, values[:, 2:4] / 2
    overlap = _overlaps(torch.cat((middle - half, middle + half), 1))
    left = torch.ones(len(scores), dtype=torch.bool)
    averaged, kept = [], []
    for number in range(len(scores)):
        if left[number]:
            group = left & (overlap[number] > MOST_OVERLAP)
            group[number] = True
            weights = scores[group] / scores[group].sum()
            averaged.append((points[group] * weights[:, None, None]).sum(0))
            kept.append(scores[number])
            left &= ~group
    if not kept:
        return points[:0], scores[:0]
    return torch.stack(averaged), torch.stack(kept)


def _overlaps(boxes: Tensor) -> Tensor:
    """(N, 4) left, top, right, bottom -> (N, N) intersections over unions."""
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(-1)
    return shared / (area[:, None] + area[None] - shared).clamp(min=1e-12)
