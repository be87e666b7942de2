"""MoveNet's joints in a picture: of all people in a window, and of the person in the middle of a square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from .networks.movenet import MOVENET_SIZE, JointMaps, Joints, MoveNet, decode_joints, everybody, middle_person
from .running import run_network
from .sampling import sample_squares
from .squares import ROI_SCALE, Square
from .windows import Window

LEAST_CENTRE = 0.15
"""Centres below it are nobody: on the demo's photographs one in eleven above it is, and one in two below."""
WINDOW_SIZE = 384  # pixels of the longer side, at most, for everybody in a window
SIGMA = 0.1
_LEAST_SEEN = 0.1  # confidence of joints that a square goes around
_SEEN_HIPS, _SEEN_SHOULDERS = 0.25, 0.4
_SHOULDERS, _HIPS = (5, 6), (11, 12)
_LARGER = 1.45  # than before, in a second look: at 1.3 it takes twice as many and finds joints no better
_ROOM = 1.15  # of 1, 1.15 and 1.3 the best for masks of the demo's people


class Pose(NamedTuple):
    """One person's joints.

    Attributes:
        positions: (17, 2) pixels of the picture, COCO's order.
        confidence: (17,) in 0..1.
        expected: (17, 2) where the person's middle alone has the joints, pixels of the picture.
        zoom: pixels of the network's input in one of the picture.
    """

    positions: np.ndarray
    confidence: np.ndarray
    expected: np.ndarray
    zoom: float = 1.0

    @property
    def sureness(self) -> float:
        """The mean confidence."""
        return float(self.confidence.mean())

    def square(self) -> Square:
        """Upright, around the hips, as far as the farthest joint that is seen, as BlazePose's squares are."""
        hips = self.positions[list(_HIPS)].mean(0)
        seen = self.confidence >= min(_LEAST_SEEN, float(self.confidence.max()))
        reach = float(np.linalg.norm(self.positions[seen] - hips, axis=1).max())
        return Square(float(hips[0]), float(hips[1]), 2 * ROI_SCALE * max(reach, 1.0), 0.0, self.sureness)

    def hides_hips(self) -> bool:
        """Whether the hips are guesses: most often the picture ends above them."""
        return bool(self.confidence[list(_HIPS)].max() < _SEEN_HIPS)

    def is_head_and_shoulders(self) -> bool:
        """Whether the hips are guesses, and the shoulders are not."""
        return self.hides_hips() and bool(self.confidence[list(_SHOULDERS)].min() > _SEEN_SHOULDERS)

    def square_below_shoulders(self) -> Square:
        """Upright, for a whole person with these shoulders, also where that is beyond the picture."""
        shoulders = self.positions[list(_SHOULDERS)]
        (x, y), (nose_x, nose_y) = shoulders.mean(0), self.positions[0]
        width = max(math.dist(*shoulders), 1.5 * math.hypot(x - nose_x, y - nose_y), 1.0)
        return Square(float(x), float(y + 1.3 * width), 5 * width, 0.0, self.sureness)

    def leaning_square(self) -> Square:
        """The square for BlazePose, which learned people turned upright, with room for the head's top and the feet."""
        square = self.square()
        across, down = self.positions[list(_SHOULDERS)].mean(0) - (square.x, square.y)
        return square._replace(side=_ROOM * square.side, angle=math.atan2(across, -down))

    def likeness(self, others: np.ndarray, size: float) -> np.ndarray:
        """(N,) how like (N, 17, 2) positions are to these, 0..1; a joint off by SIGMA sizes counts exp(-1/2)."""
        away = np.linalg.norm(others - self.positions, axis=-1) / (SIGMA * size)
        return np.average(np.exp(-0.5 * away**2), axis=-1, weights=self.confidence + 1e-9)


def see_everybody(
    network: MoveNet, image: np.ndarray, windows: Sequence[Window], *, size: int = WINDOW_SIZE
) -> list[Pose]:
    """The poses of all whose middle the network sees in any of the windows of a picture.

    Args:
        image: (height, width, 3) uint8 RGB.
        size: of the windows' longer side as the network sees it, pixels, a multiple of 64; less of a smaller window,
            which would not show more.
    """
    device = next(network.parameters()).device
    poses = []
    for window in windows:
        left, top, right, bottom = window
        frame = Square.around_window(window)
        seen = min(size, max(MOVENET_SIZE, -(-int(frame.side) // 64) * 64))
        rows, columns = (
            max(32, -(-round(seen * side / frame.side) // 32) * 32) for side in (bottom - top, right - left)
        )
        placed = frame._replace(x=frame.x - left, y=frame.y - top)
        inside = image[top:bottom, left:right]
        picture = sample_squares(inside, [placed], seen, part=(rows, columns), replicate=False, device=device)
        maps = JointMaps(*(values.cpu() for values in run_network(network, picture)))
        joints = decode_joints(maps, everybody(maps, LEAST_CENTRE)[0])
        corner = torch.tensor([seen - columns, seen - rows]) / 2  # of the part, in the square
        poses.extend(
            _placed(
                joints._replace(positions=joints.positions + corner, expected=joints.expected + corner), frame, seen
            )
        )
    return poses


def see_middle(network: MoveNet, image: np.ndarray, squares: Sequence[Square]) -> list[Pose]:
    """The pose of the person in the middle of each of the squares of a picture, which are taken upright."""
    upright = [square._replace(angle=0.0) for square in squares]
    return [
        _placed(decode_joints(maps, middle_person(maps)), square, MOVENET_SIZE)[0]
        for square, maps in zip(upright, _maps(network, image, upright), strict=True)
    ]


def see_again(network: MoveNet, image: np.ndarray, poses: Sequence[Pose]) -> list[Pose]:
    """Each of the poses, seen in the square around it: of those who are there, whose pose is the most like it.

    Who would be seen less than `_LARGER` times as large stays as they are; but for those whom the picture cuts off
    above the hips: seen from so near MoveNet puts the rest of them into the picture, and seen as whole people below it.
    """
    squares = {}
    for number, pose in enumerate(poses):
        near = pose.is_head_and_shoulders()
        square = pose.square_below_shoulders() if near else pose.square()
        if near or MOVENET_SIZE / square.side > _LARGER * pose.zoom:
            squares[number] = square
    again = list(poses)
    for (number, square), maps in zip(squares.items(), _maps(network, image, list(squares.values())), strict=True):
        pose = poses[number]
        places = torch.cat((everybody(maps, LEAST_CENTRE / 2)[0], middle_person(maps)))
        there = _placed(decode_joints(maps, places), square, MOVENET_SIZE)
        alike = pose.likeness(np.stack([other.positions for other in there]), square.side / 2)
        again[number] = there[int(alike.argmax())]
    return again


def _maps(network: MoveNet, image: np.ndarray, squares: Sequence[Square]) -> list[JointMaps]:
    """What the network sees in upright squares, one by one."""
    if not squares:
        return []
    device = next(network.parameters()).device
    maps = JointMaps(
        *(v.cpu() for v in run_network(network, sample_squares(image, squares, MOVENET_SIZE, device=device)))
    )
    return [maps.row(number) for number in range(len(squares))]


def _placed(joints: Joints, square: Square, size: int) -> list[Pose]:
    """Joints of people in a square that the network saw in so many pixels."""
    positions, confidence, expected = (values.double().numpy() for values in joints)
    positions, expected = square.place(positions / size), square.place(expected / size)
    return [Pose(*pose, size / square.side) for pose in zip(positions, confidence, expected, strict=True)]
