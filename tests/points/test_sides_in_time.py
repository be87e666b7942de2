"""Frames that do not tell themselves what is exchanged in them, beside frames that do."""

import torch

from anchorfit.body.kinematics import compiled_points
from anchorfit.points.exchanges import Exchanged
from anchorfit.points.sides import other_sides
from anchorfit.points.sides_in_time import told_by_neighbours

NAMES = tuple(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "heel") for side in ("left", "right"))
FAR = torch.tensor(["ankle" in name or "heel" in name for name in NAMES])
RATE = 30.0


def walking(body, frames=12):
    """(T, P, 3) somebody who is carried along by 5 cm a frame, ankles and heels exchanged in frames 4 to 8."""
    still = compiled_points(body, NAMES).points(body.layout.zeros(1, body.v_template))
    points = still + 0.05 * torch.arange(frames)[:, None, None] * torch.tensor([0.0, 0.0, 1.0])
    moved = points[:, other_sides(NAMES)]
    points[4:9] = torch.where(FAR[:, None], moved[4:9], points[4:9])
    return points


def told(body, *rows, part="shanks", missing=(), points=None, frames=12):
    points = walking(body, frames) if points is None else points
    seen = torch.ones(points.shape[:2])
    for row, name in missing:
        seen[row, NAMES.index(name)] = 0
    parts = tuple(part if row in rows else "" for row in range(len(points)))
    where = torch.stack([FAR & bool(name) for name in parts])
    return [
        row for row, name in enumerate(told_by_neighbours(Exchanged(parts, where), NAMES, points, seen, RATE)) if name
    ]


def test_frames_beside_one_that_tells_are_told_up_to_where_names_change(body):
    assert told(body, 6) == [4, 5, 6, 7, 8]
    assert told(body, 4, 8) == [4, 5, 6, 7, 8]
    assert told(body) == []


def test_gaps_leave_what_can_be_compared(body):
    one = [(5, "left_ankle"), (5, "right_ankle")]
    assert told(body, 6, missing=one) == [4, 5, 6, 7, 8]
    assert told(body, 6, missing=[*one, (5, "left_heel")]) == [4, 6, 7, 8]


def test_what_is_far_in_time_or_exchanged_as_a_whole_tells_nothing(body):
    points = torch.cat((walking(body)[4:9].repeat_interleave(4, 0),))  # 20 frames
    assert told(body, 0, points=points) == [*range(7)]  # 0.2 seconds
    whole = Exchanged(("all", *[""] * 11), torch.zeros(12, len(NAMES), dtype=torch.bool))
    assert told_by_neighbours(whole, NAMES, walking(body), torch.ones(12, len(NAMES)), RATE) == whole.parts
