"""A person's body that results have twice: the first counts, and one line says so."""

import joblib
import numpy as np
import pytest
import torch
from refine_scenes import make_scene, off  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.camera import default_intrinsics
from anchorfit.cli.main import app
from anchorfit.interchange.results import read_all_results
from anchorfit.observations import read_people
from anchorfit.refining.starts import find_starts
from anchorfit.results import BodyEstimate


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("scene"))


def save_own(scene, path, rows, names, poses_off=0.0):
    """Our own file of some of the people; with joints turned by so many radians."""
    layout = scene.body.layout
    params = scene.params[rows].clone()
    params[:, layout.body_pose] += poses_off
    BodyEstimate.from_smplx(
        layout.split(params)._asdict(), intrinsics=default_intrinsics(640, 480), image_size=(640, 480), names=names
    ).save(path)
    return path


def starts(scene, *paths):
    return find_starts(list(read_people(scene.keypoints).people), read_all_results(paths), scene.body)


def test_of_two_files_of_one_person_the_first_counts_and_a_line_says_so(scene, tmp_path):
    names = [f"{scene.images[row]}#{row + 1}" for row in range(4)]
    first = save_own(scene, tmp_path / "a.npz", [0, 1], names[:2])
    second = save_own(scene, tmp_path / "b.npz", [0, 1, 2, 3], names, poses_off=0.05)
    found = starts(scene, tmp_path)
    (said,) = [line for line in found.remarks if "once more" in line]
    assert said == (
        f"anchorfit: {names[0]} is in {first} and once more in {second}, and 1 more; "
        "the first counts: give the one that is meant"
    )
    pose = found.estimate.body_pose
    torch.testing.assert_close(pose[:2], scene.params[:2, 3:72], atol=1e-5, rtol=0)
    torch.testing.assert_close(pose[2:], scene.params[2:, 3:72] + 0.05, atol=1e-5, rtol=0)
    turned = starts(scene, second, first)  # in the order in which they are given
    torch.testing.assert_close(turned.estimate.body_pose, scene.params[:, 3:72] + 0.05, atol=1e-5, rtol=0)


def test_one_number_at_two_places_is_two_people(scene, tmp_path):
    """Each run numbers people anew: both files have a person 0 of each image, one on the left, one on the right."""
    save_own(scene, tmp_path / "a.npz", [0, 2], [f"{scene.images[row]}#0" for row in (0, 2)])
    save_own(scene, tmp_path / "b.npz", [1, 3], [f"{scene.images[row]}#0" for row in (1, 3)])
    found = starts(scene, tmp_path)
    assert len(found.estimate) == 4
    assert not [line for line in found.remarks if "once more" in line]


def test_other_programs_files_by_number_and_by_box(scene, tmp_path):
    rotations = off(scene).numpy()
    boxes = np.tile([120.0, 240.0, 200.0, 200.0], (2, 1))
    track = {"pred_cam": np.tile([0.9, 0.0, 0.0], (2, 1)), "betas": np.zeros((2, 10)), "frame_ids": np.arange(2)}
    track |= {"bboxes": boxes, "pose": rotations[[0, 2]]}
    for folder, number in (("x", 1), ("y", 1), ("z", 9)):  # the last by its box alone
        (tmp_path / folder).mkdir()
        joblib.dump({number: track | {"smpl_joints2d": None}}, tmp_path / folder / "pare_output.pkl")
    found = starts(scene, tmp_path)
    (said,) = [line for line in found.remarks if "once more" in line]
    assert "PARE: person 1 is in" in said
    assert "x/pare_output.pkl and once more in" in said
    assert "and 3 more; the first counts" in said


def test_a_file_that_nobody_needs_is_named(scene, tmp_path):
    names = [f"{scene.images[row]}#{row + 1}" for row in range(4)]
    save_own(scene, tmp_path / "a.npz", [0, 1, 2, 3], names)
    (tmp_path / "b").mkdir()
    rotations = off(scene).numpy()
    np.savez(tmp_path / "b" / "spin.npz", pose=rotations, betas=np.zeros((4, 10)), camera=np.tile([0.9, 0, 0], (4, 1)))
    found = starts(scene, tmp_path / "a.npz", tmp_path / "b")
    assert "SPIN: everyone has a body of the results before: these are not used" in found.remarks


def test_exports_reports_and_measurements_take_the_first(scene, tmp_path):
    names = [f"{scene.images[row]}#{row + 1}" for row in range(2)]
    (tmp_path / "r").mkdir()
    save_own(scene, tmp_path / "r" / "a.npz", [0, 1], names)
    save_own(scene, tmp_path / "r" / "b.npz", [0, 1], names, poses_off=0.05)
    told = f"{names[0]}, {names[1]}: in {tmp_path / 'r' / 'a.npz'} and once more in {tmp_path / 'r' / 'b.npz'}"
    for words in (
        ["export", tmp_path / "r", "-o", tmp_path / "out", "--save", "pkl"],
        ["report", tmp_path / "r", "-o", tmp_path / "page.html"],
        ["body", "measure", tmp_path / "r"],
    ):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, done.output
        assert told in done.output.replace("\n", ""), words
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000001_1.pkl", "000001_2.pkl"]
    assert done.output.count("000001.jpg#1 ") == 1  # measured once
