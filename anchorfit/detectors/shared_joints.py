"""A joint is one person's: of two who are given the same one, the one whom it suits less is given another, unsurely.

MoveNet takes the highest peak of a joint's heatmap near where a person's middle expects the joint; where another
person stands in front, that may be a joint of theirs, and a body is made of two people.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .poses import Pose

SAME = 0.04
"""Joints of two people that lie nearer than this, in sides of the smaller one's square, are one joint."""
STRAYED = 0.08
"""From where it is expected, in sides of the square. In 180 pictures of two people, one pasted over the other, four of
five joints of somebody else lay farther off, and one of four own ones that the two shared by chance."""
_LEFT = 0.25  # of the confidence


def settle(poses: Sequence[Pose]) -> list[Pose]:
    """The poses, each joint that is another one's moved to where it is expected, with a quarter of its confidence."""
    strayed = [np.linalg.norm(pose.positions - pose.expected, axis=1) / pose.square().side for pose in poses]
    sides = [pose.square().side for pose in poses]
    taken = np.zeros((len(poses), 17), bool)
    for one, other in combinations(range(len(poses)), 2):
        away = np.linalg.norm(poses[one].positions - poses[other].positions, axis=1)
        shared = away < SAME * min(sides[one], sides[other])
        taken[one] |= shared & (strayed[one] > np.maximum(strayed[other], STRAYED))
        taken[other] |= shared & (strayed[other] > np.maximum(strayed[one], STRAYED))
    return [
        pose._replace(
            positions=np.where(theirs[:, None], pose.expected, pose.positions),
            confidence=np.where(theirs, _LEFT * pose.confidence, pose.confidence),
        )
        for pose, theirs in zip(poses, taken, strict=True)
    ]
