"""The shipped pose library and its reader."""

import numpy as np
import pytest
import torch

from anchorfit.body.joint_sets import SMPL_JOINTS, mirror_permutation
from anchorfit.body.pose_library import DEFAULT_PATH, Split, load_pose_library

HELD_OUT = {"13", "14", "131", "135", "r-backflip", "r-charleston", "r-lambada", "r-pirouette"}


@pytest.fixture(scope="module")
def everything():
    return load_pose_library(split="all", mirrored=False, dtype=torch.float64)


@pytest.fixture
def small(tmp_path):
    """A library of three poses in three parts."""
    path = tmp_path / "small.npz"
    rng = np.random.default_rng(0)
    arrays = {
        "poses_q": rng.integers(-9000, 9000, size=(3, 72)).astype(np.int16),
        "quantum": np.float64(1e-4),
        "subject": np.array([0, 1, 2], dtype=np.uint8),
        "take": np.array([2, 1, 0], dtype=np.int16),
        "frame": np.array([5, 6, 7], dtype=np.int32),
        "subject_names": np.array(["a", "b", "c"]),
        "subject_split": np.array(["train", "heldout", "aside"]),
        "take_names": np.array(["c_1", "b_1", "a_1"]),
        "meta": np.array('{"notice": "thanks"}'),
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path, arrays


def test_parts_subjects_takes_and_frames_stay_together(small):
    path, arrays = small
    parts: tuple[tuple[Split, str], ...] = (("train", "a"), ("heldout", "b"), ("aside", "c"))
    for row, (split, name) in enumerate(parts):
        library = load_pose_library(path, split, mirrored=False, dtype=torch.float64)
        assert library.subjects.tolist() == [name]
        assert library.takes.tolist() == [f"{name}_1"]
        assert library.frames.tolist() == [5 + row]
        np.testing.assert_allclose(library.poses.numpy(), arrays["poses_q"][row : row + 1] * 1e-4)
    assert len(load_pose_library(path, "all")) == 6
    assert library.meta["notice"] == "thanks"


def test_mirror_images_follow_and_are_reflections(small):
    library = load_pose_library(small[0], "all", dtype=torch.float64)
    recorded, mirrored = library.poses.view(2, 3, 24, 3)
    assert library.mirrored.tolist() == [False] * 3 + [True] * 3
    assert library.takes[:3].tolist() == library.takes[3:].tolist()
    for joint, other in enumerate(mirror_permutation(SMPL_JOINTS)):
        torch.testing.assert_close(mirrored[:, joint], recorded[:, other] * torch.tensor([1.0, -1.0, -1.0]))


def test_weights_cap_what_one_subject_counts_for(everything):
    weights = everything.subject_balanced_weights(500).numpy()
    shares = {subject: weights[everything.subjects == subject].sum() for subject in ("01", "13", "09")}
    counts = {subject: (everything.subjects == subject).sum() for subject in shares}
    assert weights.sum() == pytest.approx(1)
    assert counts["01"] > 5000 > counts["13"] > 500 > counts["09"]
    assert shares["01"] == pytest.approx(shares["13"])
    assert shares["09"] == pytest.approx(shares["01"] * counts["09"] / 500)


def test_the_shipped_file_is_small_and_carries_its_notices(everything):
    assert DEFAULT_PATH.stat().st_size < 8_000_000
    assert len(everything) > 30_000
    for notice in (
        "The data used in this project was obtained from mocap.cs.cmu.edu. "
        "The database was created with funding from NSF EIA-0196217.",
        "Open Motion Project by ACCAD/The Ohio State University is licensed under a Creative Commons Attribution 3.0 "
        "Unported License; its recordings were converted to SMPL poses and thinned.",
    ):
        assert notice in everything.meta["notice"]


def test_people_who_just_stand_have_straight_legs_and_trunks(everything):
    """Fourteen people stand idly: hips, knees and trunk of the median pose of each within a few degrees of straight."""
    idle = sorted({subject for subject in everything.subjects.tolist() if subject.startswith("idle-")})
    assert len(idle) == 14
    for subject in idle:
        median = everything.poses.view(-1, 24, 3)[everything.subjects == subject].median(0).values
        assert torch.rad2deg(median[[1, 2, 4, 5], 0].abs()).max() < 14
        assert torch.rad2deg(median[[3, 6, 9, 12, 15], 0].abs()).max() < 12
        assert torch.rad2deg(median[0, [0, 2]].abs()).max() < 8


def test_held_out_poses_are_those_that_figures_were_measured_on(everything):
    """Whatever the library gains: every test set is drawn from these, in this order."""
    heldout = load_pose_library(split="heldout", mirrored=False, dtype=torch.float64)
    assert len(heldout) == 3882
    where = torch.arange(1, len(heldout) + 1, dtype=torch.float64)
    assert float(where @ heldout.poses.sum(1)) == pytest.approx(-339571.6305772675, abs=1e-3)


def test_rows_that_were_there_come_first_and_are_the_same(everything):
    """What came later, climbers and a fencer, stands behind the poses that earlier figures were measured on; of those
    only ReActIdle's were made anew, whose upper arms had turned with their elbows."""
    assert set(everything.subjects[-1495:].tolist()) == {"climb-1", "climb-2", "fencer"}
    idle = np.char.startswith(everything.subjects.astype(str), "idle-")
    first = everything.poses[torch.from_numpy(~idle)][:-1495]
    assert len(first) == 38049
    where = torch.arange(1, len(first) + 1, dtype=torch.float64)
    assert float(where @ first.sum(1)) == pytest.approx(437049720.4933295, abs=1e-3)


def test_climbers_crouch_and_a_fencer_keeps_his_guard(everything):
    joints = torch.rad2deg(everything.poses.view(-1, 24, 3).norm(dim=2))
    climbing = np.isin(everything.subjects, ("climb-1", "climb-2"))
    assert (joints[climbing][:, [4, 5]].amin(1) > 80).sum() > 50  # both knees: they crouch and sit
    fencing = everything.subjects == "fencer"
    assert joints[fencing, 18].median() > 90 > 60 > joints[fencing, 19].median()  # one arm behind, one with the weapon


def test_no_person_is_in_two_parts(everything):
    parts = {split: load_pose_library(split=split, mirrored=False) for split in ("train", "heldout", "aside")}
    people = {split: set(part.subjects.tolist()) for split, part in parts.items()}
    assert people["heldout"] == HELD_OUT
    assert people["aside"] == {"exp38", "05", "55"}
    assert not people["train"] & (people["heldout"] | people["aside"])
    assert sum(map(len, parts.values())) == len(everything)
    takes = set(everything.takes.tolist())
    assert not any(take in takes for take in ("exp38-train_walking_1", "exp38-test_soccer_1"))


def test_no_pose_is_there_twice(everything):
    rows = np.unique(np.stack([everything.takes, everything.frames.astype(str)], axis=1), axis=0)
    assert len(rows) == len(everything)


def test_joints_bend_the_way_smpl_counts(everything):
    """Bent knees have x > 0, bent left elbows y < 0, right ones y > 0; people mostly stand upright."""
    joints = everything.poses.view(-1, 24, 3)
    angle = joints.norm(dim=2)
    for joint, axis, sign in ((4, 0, 1), (5, 0, 1), (18, 1, -1), (19, 1, 1)):
        bent = angle[:, joint] > 1.2
        assert bent.sum() > 500
        assert (sign * joints[bent, joint, axis] > 0).double().mean() > 0.999
        assert (sign * joints[:, joint, axis]).min() > -0.35  # hardly ever overstretched
    assert (joints[:, 22:] == 0).all()
    rotations = torch.linalg.matrix_exp(torch.zeros(len(joints), 3, 3, dtype=torch.float64) + _cross(joints[:, 0]))
    assert rotations[:, 1, 1].median() > 0.95


def test_heads_and_hands_rest_straight(everything):
    """The median subject's head, neck and hands: within 8 degrees, but for the twist that hands share with elbows."""
    joints = torch.rad2deg(everything.poses.view(-1, 24, 3))
    subjects = np.unique(everything.subjects)
    medians = torch.stack([joints[everything.subjects == name].median(dim=0).values for name in subjects])
    resting = medians.median(dim=0).values
    assert resting[[12, 15]].abs().max() < 8
    assert resting[[20, 21], 1:].abs().max() < 8


def test_errors_name_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.npz: no such pose library"):
        load_pose_library(tmp_path / "missing.npz")
    with pytest.raises(ValueError, match="split: expected one of train, heldout, aside, all, got 'test'"):
        load_pose_library(split="test")  # type: ignore[arg-type]
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ValueError, match=r"text.npz: expected a pose library"):
        load_pose_library(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", poses_q=np.zeros(3))
    with pytest.raises(ValueError, match=r"other.npz: .* lacks quantum, subject"):
        load_pose_library(tmp_path / "other.npz")


def _cross(vectors: torch.Tensor) -> torch.Tensor:
    matrices = vectors.new_zeros(len(vectors), 3, 3)
    matrices[:, 0, 1], matrices[:, 0, 2], matrices[:, 1, 2] = -vectors[:, 2], vectors[:, 1], -vectors[:, 0]
    return matrices - matrices.mT
