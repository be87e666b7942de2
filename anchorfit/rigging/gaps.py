"""Motion through the frames in which a video's person was out of sight."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..body import axis_angle_to_matrix, matrix_to_axis_angle
from ..body.parameters import NUM_BODY_POSE
from ..observations.videos import frame_of
from ..results import BodyEstimate

HALF = 0.5  # of an interval: rows nearer than that to an even pace have it


class Motion(NamedTuple):
    """Rows equally far apart in time, and the number of the first, counted at their rate from the film's beginning."""

    rows: BodyEstimate
    first_frame: int


def motion_of(estimate: BodyEstimate, frames_per_second: float) -> Motion:
    """One person's rows at an even pace.

    Where the rows' own times (``time_s``) are no even pace, as in films of variable frame rate, there is a row for each
    interval from the first time to the last; else one for each frame, as `without_gaps` makes them.

    Args:
        estimate: as for `without_gaps`.
        frames_per_second: of the film, or wanted.
    """
    frames = [frame_of(name) for name in estimate.names]
    known = [frame for frame in frames if frame is not None]
    at = estimate.time_s.double() * frames_per_second
    if len(known) < len(frames) or not _is_uneven(torch.tensor(known, dtype=torch.float64), at):
        return Motion(without_gaps(estimate), (known or [0])[0])
    first, last = round(float(at[0])), round(float(at[-1]))
    place = torch.arange(first, last + 1, dtype=torch.float64)
    rows = _at(estimate, at, place.clamp(float(at[0]), float(at[-1])))
    return Motion(replace(rows, time_s=(place / frames_per_second).to(estimate.time_s)), first)


def _is_uneven(frames: Tensor, at: Tensor) -> bool:
    """Whether places in time (T,) of frames' numbers (T,) are half an interval from where an even pace has them."""
    if len(at) < 3 or not bool(torch.isfinite(at).all()) or not bool((at.diff() > 0).all()):
        return False
    pace = (at[-1] - at[0]) / (frames[-1] - frames[0])
    return bool(((at - at[0]) - pace * (frames - frames[0])).abs().max() > HALF * pace)


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
    place = torch.arange(known[0], known[-1] + 1, dtype=torch.float64)
    return _at(estimate, torch.tensor(known, dtype=torch.float64), place)


def _at(estimate: BodyEstimate, known: Tensor, place: Tensor) -> BodyEstimate:
    """Rows at the places (P,) between those of the rows (T,), rising float64."""
    earlier = (torch.searchsorted(known, place, right=True) - 1).clamp(max=len(known) - 2)
    share = ((place - known[earlier]) / (known[earlier + 1] - known[earlier])).to(estimate.transl)
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
