"""EMDB, BEDLAM and RICH from small files in their published layouts."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from body_sets import some_params  # type: ignore[import-not-found]
from scipy.spatial.transform import Rotation

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.camera import project
from anchorfit.evaluation.datasets.bedlam import open_bedlam
from anchorfit.evaluation.datasets.emdb import open_emdb
from anchorfit.evaluation.datasets.rich import JUDGED, open_rich, smplx_joints
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.observations.conventions import SMPL24

INTRINSICS = np.array([[900.0, 0, 480], [0, 900, 640], [0, 0, 1]])


@pytest.fixture(scope="module")
def body():
    return load_body(dtype=torch.float64)


def cameras(count):
    """(T, 4, 4) that move."""
    found = np.tile(np.eye(4), (count, 1, 1))
    for frame in range(count):
        found[frame, :3, :3] = Rotation.from_euler("xyz", [0.02 * frame, 0.3, 0.1]).as_matrix()
        found[frame, :3, 3] = [0.1, 0.2 * frame, 1.0]
    return found


def seen_by(body, params, camera):
    """(V, 3) vertices and (24, 3) joints in the camera frame, of a body in the world."""
    posed = body.from_params(params[None])
    return tuple(points[0].numpy() @ camera[:3, :3].T + camera[:3, 3] for points in (posed.vertices, posed.joints))


def pixels(points):
    return (points[:, :2] / points[:, 2:]) * [900, 900] + [480, 640]


def write_emdb(root, body, frames=4, gender="male", **changed):
    folder = root / "P1" / "14_outdoor_climb"
    (folder / "images").mkdir(parents=True)
    everyone = [some_params(frame) for frame in range(frames)]
    for params in everyone:
        params[72:82] = everyone[0][72:82]
    rows = torch.stack(everyone).numpy()
    moves = cameras(frames)
    betas = {"betas": rows[0, 72:82]}
    content = {
        "gender": gender,
        "name": "P1_14_outdoor_climb",
        "emdb1": True,
        "emdb2": False,
        "n_frames": frames,
        "good_frames_mask": np.array([True, False, True, True][:frames]),
        "camera": {"intrinsics": INTRINSICS, "extrinsics": moves, "width": 960, "height": 1280},
        "smpl": {
            **betas,
            "poses_root": rows[:, :3],
            "poses_body": rows[:, 3:72],
            "trans": rows[:, 82:],
        },
        "kp2d": np.stack([pixels(seen_by(body, p, m)[1]) for p, m in zip(everyone, moves, strict=True)]),
        "bboxes": {"bboxes": np.zeros((frames, 4)), "invalid_idxs": np.zeros(0)},
        **changed,
    }
    (folder / "P1_14_outdoor_climb_data.pkl").write_bytes(pickle.dumps(content))
    return everyone, moves


def agree(body, sample, params, camera):
    """The sample's body is the one in the world as its camera sees it, and its keypoints are its joints."""
    vertices, joints = seen_by(body, params, camera)
    ours = body.from_params(sample.params[None])
    np.testing.assert_allclose(ours.vertices[0].numpy(), vertices, atol=1e-9)
    for name, place in zip(SMPL24, joints, strict=True):
        at = CANONICAL_JOINTS.index(name) if name is not None else None
        if at is not None and sample.person.confidence[at] > 0:
            expected = project(torch.from_numpy(place), sample.intrinsics).numpy()
            np.testing.assert_allclose(sample.person.keypoints[at], expected, atol=1e-6)


def test_emdb(tmp_path, body):
    everyone, moves = write_emdb(tmp_path, body)
    found = open_emdb(tmp_path, "male")
    assert found.names == [f"P1_14_outdoor_climb@{frame:05d}" for frame in (0, 2, 3)]
    assert found.labels[1] == ("P1/14_outdoor_climb/images/00002", "P1_14_outdoor_climb@00002")
    assert found.sequences == {"14_outdoor_climb": [0, 1, 2]}
    for index, frame in enumerate((0, 2, 3)):
        sample = found.sample(index, body)
        assert sample.person.image_size == (960, 1280)
        agree(body, sample, everyone[frame], moves[frame])
        torch.testing.assert_close(found.world_params(index), everyone[frame])
        np.testing.assert_array_equal(found.camera_from_world(index), moves[frame])


def test_what_is_not_emdb_is_said(tmp_path, body):
    with pytest.raises(DatasetError, match=r"found no P\*/\*/\*_data.pkl; EMDB comes from"):
        open_emdb(tmp_path, "male")
    write_emdb(tmp_path, body)
    for gender, split in (("female", "emdb1"), ("male", "emdb2")):
        with pytest.raises(DatasetError, match=f"nobody {gender} in {split} of 1 sequences"):
            open_emdb(tmp_path, gender, split=split)
    path = next(tmp_path.glob("P1/*/*.pkl"))
    content = pickle.loads(path.read_bytes())
    for broken, message in (
        ({**content, "smpl": {}}, r"smpl poses_root: expected \(4, 3\), got \(\)"),
        ({"gender": "male"}, "lacks name, emdb1"),
        ({**content, "kp2d": np.zeros((3, 24, 2))}, "not of 4 frames"),
    ):
        path.write_bytes(pickle.dumps(broken))
        with pytest.raises(DatasetError, match=message):
            open_emdb(tmp_path, "male")


def write_bedlam(root, body, count=3, **changed):
    everyone, moves = [some_params(row) for row in range(count)], cameras(count)
    rows = torch.stack(everyone).numpy()
    arrays = {
        "imgname": np.array([f"seq_000000/seq_000000_{5 * row:04d}.png" for row in range(count)]),
        "pose_cam": rows[:, :72],
        "shape": np.pad(rows[:, 72:82], ((0, 0), (0, 1))),
        "trans_cam": rows[:, 82:] - moves[:, :3, 3],
        "cam_ext": moves,
        "cam_int": np.tile(INTRINSICS, (count, 1, 1)),
        "gtkps": np.stack([pixels(seen_by(body, params, np.eye(4))[1]) for params in everyone]),
        "center": np.zeros((count, 2)),
        "scale": np.ones(count),
        **changed,
    }
    np.savez(root / "20221010_3_1000_batch01hand_6fps.npz", **arrays)
    return everyone


def test_bedlam(tmp_path, body):
    (tmp_path / "processed_labels").mkdir()
    everyone = write_bedlam(tmp_path / "processed_labels", body)
    found = open_bedlam(tmp_path)
    assert found.names[1] == "20221010_3_1000_batch01hand_6fps/seq_000000/seq_000000_0005.png#1"
    assert found.labels[1][2] == "seq_000000/seq_000000_0005.png"
    for index, params in enumerate(everyone):
        sample = found.sample(index, body)
        assert sample.person.image_size == (960, 1280)
        agree(body, sample, params, np.eye(4))


def test_bedlams_labels_of_smplx_are_said(tmp_path, body):
    with pytest.raises(DatasetError, match="found no"):
        open_bedlam(tmp_path)
    write_bedlam(tmp_path, body, pose_cam=np.zeros((3, 165)))
    with pytest.raises(DatasetError, match=r"pose_cam has 165 numbers a person: labels of SMPL-X; .* SMPL's"):
        open_bedlam(tmp_path)


XML = """<?xml version="1.0"?>
<opencv_storage>
<CameraMatrix type_id="opencv-matrix"><rows>3</rows><cols>4</cols><dt>d</dt><data>
{}</data></CameraMatrix>
<Intrinsics type_id="opencv-matrix"><rows>3</rows><cols>3</cols><dt>d</dt><data>
{}</data></Intrinsics>
<Distortion type_id="opencv-matrix"><rows>5</rows><cols>1</cols><dt>d</dt><data>0 0 0 0 0</data></Distortion>
</opencv_storage>
"""


def write_rich(root, body):
    """A person in two frames, of a body in SMPL-X's arrays, whose joints are the open body's."""
    everyone = [some_params(row) for row in range(2)]
    for frame, params in enumerate(everyone):
        folder = root / "bodies" / "test" / "Gym_010_cooking1" / f"{frame:05d}"
        folder.mkdir(parents=True)
        content = {"transl": params[None, 82:], "global_orient": params[None, :3], "body_pose": params[None, 3:66]}
        content |= {"betas": params[None, 72:82], "expression": torch.zeros(1, 10)}
        (folder / "010.pkl").write_bytes(pickle.dumps({key: value.numpy() for key, value in content.items()}))
    (root / "scan_calibration" / "Gym" / "calibration").mkdir(parents=True)
    camera = cameras(3)[2]
    text = XML.format(*(" ".join(map(repr, part.ravel().tolist())) for part in (camera[:3], INTRINSICS)))
    (root / "scan_calibration" / "Gym" / "calibration" / "000.xml").write_text(text)
    np.savez(
        root / "SMPLX_MALE.npz",
        v_template=body.v_template.numpy(),
        shapedirs=body.shapedirs.numpy(),
        J_regressor=body.joint_regressor.to_dense().numpy(),
        kintree_table=np.array([body.parents, range(24)]),
    )
    return everyone, camera


def test_rich(tmp_path, body):
    everyone, camera = write_rich(tmp_path, body)
    found = open_rich(tmp_path, tmp_path / "SMPLX_MALE.npz")
    assert found.names == ["Gym_010_cooking1/00000#010", "Gym_010_cooking1/00001#010"]
    assert found.labels[1][1] == "images/test/Gym_010_cooking1/cam_00/00001_00"
    for index, params in enumerate(everyone):
        sample = found.sample(index, body)
        _, joints = seen_by(body, params, camera)
        for name, place in zip(SMPL24[:22], joints, strict=False):
            if name is not None:
                np.testing.assert_allclose(sample.joints[name], place, atol=1e-9)
        assert set(JUDGED) < sample.joints.keys()
        hips = (sample.joints["left_hip"] + sample.joints["right_hip"]) / 2
        torch.testing.assert_close(sample.joints["pelvis"], hips)
        at = CANONICAL_JOINTS.index("left_knee")
        assert sample.intrinsics is not None
        seen = project(sample.joints["left_knee"], sample.intrinsics).numpy()
        np.testing.assert_allclose(sample.person.keypoints[at], seen, atol=1e-6)


def test_joints_of_smplx_are_the_models(tmp_path, body):
    """Twin: the chain of rotations against the whole body model's."""
    write_rich(tmp_path, body)
    params = some_params(7)
    parts = {"global_orient": params[:3], "body_pose": params[3:66], "betas": params[72:82], "transl": params[82:]}
    ours = smplx_joints({key: value.numpy() for key, value in parts.items()}, tmp_path / "SMPLX_MALE.npz")
    torch.testing.assert_close(ours, body.from_params(params[None]).joints[0, :22])


def test_what_is_not_rich_is_said(tmp_path, body):
    with pytest.raises(DatasetError, match="found no bodies/test"):
        open_rich(tmp_path, tmp_path / "SMPLX_MALE.npz")
    write_rich(tmp_path, body)
    with pytest.raises(DatasetError, match=r"found no scan_calibration/SCENE/calibration/004.xml"):
        open_rich(tmp_path, tmp_path / "SMPLX_MALE.npz", camera=4)
    (tmp_path / "scan_calibration" / "Gym" / "calibration" / "000.xml").write_text("<a/>")
    with pytest.raises(DatasetError, match="CameraMatrix of 12"):
        open_rich(tmp_path, tmp_path / "SMPLX_MALE.npz").sample(0, body)
