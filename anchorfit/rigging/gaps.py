"""Motion through the frames in which a video's person was out of sight."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..body import axis_angle_to_matrix, matrix_to_axis_angle
from ..body.parameters import NUM_BODY_POSE
from ..observations.videos import frame_of
from ..results import BodyEstimate


def without_gaps(estimate: BodyEstimate) -> BodyEstimate:
    """A row for every frame from the first to the last, so that rows are equally far apart in time.

    Added rows are on the straight way between their neighbours (each joint's shortest turn at an even pace); the rest
    of what they hold is the earlier neighbour's, its name too.

    Args:
        estimate: one person's rows in the order of time, named by frames of a video; others come back as they are.
    """
    frames = [frame_of(name) for name in estimate.names]
    known = [frame for frame in frames if frame is not None]
    if len(known) < len(frames) or len(known) == known[-1] - known[0] + 1:
        return estimate
    place = torch.arange(known[0], known[-1] + 1)
    earlier = (torch.searchsorted(torch.tensor(known), place, right=True) - 1).clamp(max=len(known) - 2)
    at = torch.tensor(known)
    share = ((place - at[earlier]) / (at[earlier + 1] - at[earlier])).to(estimate.transl)
    row = earlier + (share == 1)  # those that were there stay bit for bit
    share = torch.where(share == 1, 0.0, share)
    after = (row + 1).clamp(max=len(known) - 1)
    pose = _between(estimate.pose[row], estimate.pose[after], share)
    filled = estimate.rows(row.tolist())
    return replace(
        filled,
        global_orient=pose[:, :-NUM_BODY_POSE],
        body_pose=pose[:, -NUM_BODY_POSE:],
        transl=torch.lerp(estimate.transl[row], estimate.transl[after], share[:, None]),
    )


def _between(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Poses (T, 72) at a share (T,) of the way from one to the other."""
    first, last = (axis_angle_to_matrix(pose.unflatten(-1, (24, 3))) for pose in (start, end))
    turn = matrix_to_axis_angle(first.mT @ last)
    pose = matrix_to_axis_angle(first @ axis_angle_to_matrix(share[:, None, None] * turn)).flatten(1)
    return torch.where(share[:, None] == 0, start, pose)
