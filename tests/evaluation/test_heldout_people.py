"""People whom tables judge: whose poses they are in, and what is the same by every kind of keypoints."""

import numpy as np
import torch

from anchorfit.body import CANONICAL_JOINTS, compile_points, load_body
from anchorfit.body.pose_library import load_pose_library
from anchorfit.camera import project
from anchorfit.evaluation.heldout_people import KEYPOINTS, balanced_poses, people_with_keypoints

BODY = load_body()
HELD_OUT = load_pose_library(split="heldout")


def test_poses_are_the_librarys_and_no_subject_counts_for_more_than_300():
    poses = balanced_poses(HELD_OUT)
    assert np.array_equal(poses, balanced_poses(HELD_OUT))
    assert not np.array_equal(poses, balanced_poses(HELD_OUT, 1))
    rows = {pose.tobytes(): row for row, pose in enumerate(HELD_OUT.poses.numpy())}
    subjects = HELD_OUT.subjects[[rows[pose.tobytes()] for pose in poses]]
    own = {subject: min(int((HELD_OUT.subjects == subject).sum()), 300) for subject in set(HELD_OUT.subjects)}
    for subject, count in own.items():
        share = count / sum(own.values())
        deviation = np.sqrt(share * (1 - share) / len(poses))
        assert abs((subjects == subject).mean() - share) < 4 * deviation, subject


def test_keypoints_differ_and_people_do_not():
    poses = balanced_poses(HELD_OUT)
    clean, noisy, detected = (people_with_keypoints(BODY, poses, 60, kind) for kind in KEYPOINTS)
    assert torch.equal(clean.params, noisy.params)
    assert torch.equal(clean.params, detected.params)
    pixels = project(compile_points(BODY, CANONICAL_JOINTS).points(clean.params), clean.observations.intrinsics)
    off = []
    for people in (clean, noisy, detected):
        seen = people.observations
        off.append(float((seen.keypoints - pixels).norm(dim=-1)[seen.confidence > 0].median()))
    assert off[0] < 0.01
    assert off[0] < off[1] < off[2] < 30
    other = people_with_keypoints(BODY, poses, 60, "clean", seed=1)
    assert not torch.equal(other.params, clean.params)
