"""Readers of data sets with known bodies, on small files in their layouts, and a benchmark over each."""

import math
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from anchorfit.body import CANONICAL_JOINTS, axis_angle_to_matrix, load_body, matrix_to_axis_angle
from anchorfit.camera import project
from anchorfit.cli.main import app
from anchorfit.evaluation import methods
from anchorfit.evaluation.answers import Answer
from anchorfit.evaluation.datasets.human36m import open_human36m
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.evaluation.datasets.samples import Sample, moved
from anchorfit.evaluation.datasets.spin import SpinFile
from anchorfit.evaluation.datasets.surreal import open_surreal
from anchorfit.evaluation.datasets.threedpw import open_threedpw
from anchorfit.evaluation.datasets.up3d import open_up3d
from anchorfit.evaluation.protocols.bodies import BodyBenchmark
from anchorfit.evaluation.protocols.runner import run_benchmark
from anchorfit.evaluation.records import RecordFile
from anchorfit.interchange.spin import SPIN24


@pytest.fixture(scope="module")
def body():
    return load_body(dtype=torch.float64)


def some_params(seed: int = 0) -> torch.Tensor:
    """(85,) an upright person 4 m away."""
    noise = torch.randn(85, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    params = 0.2 * noise
    params[0] += math.pi
    params[82:] = torch.tensor([0.1, 0.2, 4.0])
    return params


def pixels_of(body, params, focal=900.0, middle=(500.0, 500.0)) -> np.ndarray:
    """(K, 2) canonical joints in an image."""
    camera = torch.tensor([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]], dtype=torch.float64)
    return project(body.canonical_joints(body.from_params(params[None])), camera)[0].numpy()


def true_params(sample: Sample) -> torch.Tensor:
    """(1, 85) of a sample that has a body."""
    assert sample.params is not None
    return sample.params[None]


def of_joints(table: np.ndarray, names) -> np.ndarray:
    """Rows of canonical joints in another order; zeros where a convention's joint has none."""
    return np.stack([table[CANONICAL_JOINTS.index(n)] if n else np.zeros(table.shape[1]) for n in names])


class Remembers:
    """Answers with bodies that a test knows."""

    def __init__(self, params: torch.Tensor, mesh: bool = True):
        self.params, self.mesh = params, mesh

    def estimate(self, observations, body):
        params = self.params[: len(observations)].to(body.v_template)
        return Answer(params if self.mesh else None, body.from_params(params).joints)


def errors_of_truth(dataset, params, tmp_path, monkeypatch, *, mesh=True):
    """Records of a method that knows the answer."""
    variant = methods.Variant(make=lambda body, store: Remembers(params, mesh), about="")
    monkeypatch.setattr(methods, "VARIANTS", {"oracle": variant})
    with RecordFile(tmp_path / "records.jsonl", {}) as file:
        return run_benchmark(BodyBenchmark(dataset=dataset), ["oracle"], file, body=("open", "neutral"))


def test_moving_parameters_moves_the_body(body):
    params, rotation = some_params(), torch.as_tensor(Rotation.random(random_state=0).as_matrix())
    shift = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    expected = body.from_params(params[None]).vertices @ rotation.mT + shift
    torch.testing.assert_close(body.from_params(moved(body, params, rotation, shift)[None]).vertices, expected)


@pytest.fixture
def up3d(tmp_path, body):
    """Two people, the cameras turned by rt."""
    turn, shift = np.array([0.1, 0.2, -0.1]), np.array([0.0, 0.1, 3.0])
    truth = []
    for number, seed in (("00001", 1), ("00002", 2)):
        params = some_params(seed)
        record = {"pose": params[:72].numpy(), "betas": params[72:82].numpy(), "trans": np.zeros(3)}
        record |= {"rt": turn, "t": shift, "f": np.array(900.0), "j2d": np.zeros((14, 2))}
        (tmp_path / f"{number}_body.pkl").write_bytes(pickle.dumps(record, protocol=2))
        world = torch.cat([params[:82], torch.zeros(3, dtype=torch.float64)])
        rotation = axis_angle_to_matrix(torch.from_numpy(turn))
        truth.append(body.from_params(world[None]).vertices[0] @ rotation.mT + torch.from_numpy(shift))
        joints = np.ones((3, 14))
        joints[:2] = of_joints(pixels_of(body, params), SPIN24[:14]).T
        np.save(tmp_path / f"{number}_joints.npy", joints)
        Image.new("RGB", (1000, 1000)).save(tmp_path / f"{number}_image.png")
    (tmp_path / "test.txt").write_text("/00001_image.png\n/00002_image.png\n")
    return tmp_path, truth


def test_up3d_gives_the_body_in_the_camera_frame(up3d, body):
    root, truth = up3d
    dataset = open_up3d(root)
    assert dataset.names == ["00001", "00002"]
    sample = dataset.sample(1, body)
    torch.testing.assert_close(body.from_params(true_params(sample)).vertices[0], truth[1])
    assert (sample.person.confidence > 0).sum() == 14
    assert sample.person.image_size == (1000, 1000)


def test_up3d_is_scored_by_its_surface(up3d, body, monkeypatch):
    root, _ = up3d
    dataset = open_up3d(root)
    params = torch.cat([true_params(dataset.sample(row, body)) for row in range(2)])
    first, second = errors_of_truth(dataset, params, root, monkeypatch)
    assert max(first.surface_mm, second.surface_mm, second.joints_mm) < 1e-2  # float32


def test_up3d_says_what_is_missing(up3d, tmp_path):
    root, _ = up3d
    (root / "00002_joints.npy").unlink()
    with pytest.raises(DatasetError, match=r"found no 00002_joints\.npy.*research"):
        open_up3d(root)
    with pytest.raises(DatasetError, match="no such folder"):
        open_up3d(root / "nowhere")
    (root / "00001_body.pkl").write_bytes(pickle.dumps({"pose": np.zeros(72)}, protocol=2))
    (root / "test.txt").write_text("/00001_image.png\n")
    with pytest.raises(DatasetError, match="no numbers betas"):
        open_up3d(root).sample(0, load_body())


@pytest.fixture
def surreal(tmp_path, body):
    """One video of six frames, made by the published relations between pose, zrot, camera and image."""
    heading, camera = 0.7, np.array([[7.0], [-1.0], [0.2]])
    turn = axis_angle_to_matrix(torch.tensor([[0, 0, heading], [math.pi / 2, 0, 0]], dtype=torch.float64))
    poses, places, seen = [], [], []
    extrinsic = np.array([[0.0, 0, -1], [0, 1, 0], [-1, 0, 0]])
    for frame in range(6):
        params = some_params(frame)
        params[:3] = torch.tensor([0.3, 0.1 * frame, 0.2])
        poses.append(params[:72].numpy().copy())  # params are changed below
        params[:3] = matrix_to_axis_angle(turn[1] @ turn[0] @ axis_angle_to_matrix(params[:3]))
        params[72:82], params[82:] = 0, torch.tensor([0.0, 0.3, 0.1])
        joints = body.from_params(params[None]).joints[0].numpy()
        in_camera = (joints - camera.T) @ extrinsic.T
        places.append(joints.T)
        seen.append((in_camera[:, :2] / in_camera[:, 2:] * 600 + [160, 120]).T)
    folder = tmp_path / "h36m" / "test" / "run0" / "walk"
    folder.mkdir(parents=True)
    content = {"pose": np.stack(poses, 1), "shape": np.zeros((10, 6)), "joints2D": np.stack(seen, 2)}
    content |= {"joints3D": np.stack(places, 2), "camLoc": camera, "zrot": np.full((6, 1), heading)}
    savemat(folder / "walk_c0001_info.mat", {**content, "gender": np.ones((6, 1))})
    return tmp_path


def test_surreal_people_stand_where_their_joints_are(surreal, body):
    dataset = open_surreal(surreal, "male")
    assert dataset.names == [f"h36m/test/run0/walk/walk_c0001_info.mat#{frame}" for frame in (0, 5)]
    for index in range(2):
        sample = dataset.sample(index, body)
        assert sample.intrinsics is not None
        drawn = project(body.canonical_joints(body.from_params(true_params(sample))), sample.intrinsics.double())[0]
        knees = [CANONICAL_JOINTS.index(name) for name in ("left_knee", "right_knee", "left_wrist", "right_shoulder")]
        expected = torch.from_numpy(sample.person.keypoints[knees])
        torch.testing.assert_close(drawn[knees], expected, atol=1.0, rtol=0)  # the body is symmetric to a millimetre


def test_surreal_has_two_bodies_and_says_what_is_missing(surreal, tmp_path):
    with pytest.raises(DatasetError, match="none of 1 videos shows a female"):
        open_surreal(surreal, "female")
    with pytest.raises(ValueError, match="female or male"):
        open_surreal(surreal, "neutral")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="after registration"):
        open_surreal(tmp_path / "empty", "male")
    savemat(next(surreal.rglob("*_info.mat")), {"pose": np.zeros((72, 1))})
    with pytest.raises(DatasetError, match=r"walk_c0001_info\.mat: lacks shape"):
        open_surreal(surreal, "male")


def write_spin(path, body, names, params, **changed):
    joints = torch.stack([body.canonical_joints(body.from_params(p[None]))[0] for p in params]).numpy()
    stored = np.ones((len(names), 24, 4))
    stored[..., :3] = [of_joints(table, SPIN24) for table in joints]
    part = np.ones((len(names), 24, 3))
    part[..., :2] = [of_joints(pixels_of(body, p), SPIN24) for p in params]
    part[:, SPIN24.index(None), 2] = 0
    arrays = {"imgname": np.array(names), "center": np.full((len(names), 2), 500.0), "scale": np.ones(len(names))}
    arrays |= {"part": part, "S": stored, **changed}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})


def test_human36m_takes_the_frames_of_the_protocol(tmp_path, body, monkeypatch):
    frames = [("S9", "60457274", i) for i in range(1, 12)] + [("S11", "60457274", 6), ("S9", "54138969", 1)]
    frames += [("S1", "60457274", 1)]
    names = [f"images/{subject}_Directions_1.{camera}_{number:06d}.jpg" for subject, camera, number in frames]
    params = torch.stack([some_params(row) for row in range(len(names))])
    write_spin(tmp_path / "h36m_valid_protocol2.npz", body, names, params)
    dataset = open_human36m(tmp_path)
    assert isinstance(dataset, SpinFile)
    assert [frames[row][2] for row in dataset.rows or ()] == [1, 6, 11, 6]  # every fifth of 50 a second
    chosen = params[list(dataset.rows or ())]
    records = errors_of_truth(dataset, chosen, tmp_path, monkeypatch)
    assert max(record.reconstruction_mm for record in records) < 1e-2  # float32
    assert np.isnan(records[0].surface_mm)
    assert len(open_human36m(tmp_path, every=1).names) == 12


def test_methods_without_a_surface_are_scored_by_joints(tmp_path, body, monkeypatch):
    params = some_params()[None]
    write_spin(tmp_path / "set.npz", body, ["a.jpg"], params)
    dataset = SpinFile(tmp_path / "set.npz", size=(1000, 1000), judged=("left_knee", "right_knee", "left_wrist"))
    (record,) = errors_of_truth(dataset, params, tmp_path, monkeypatch, mesh=False)
    assert record.joints_mm < 1e-2
    assert record.params == ()


def test_spin_files_with_bodies(tmp_path, body):
    params = torch.stack([some_params(1), some_params(2)])
    pose, shape = params[:, :72].numpy(), params[:, 72:82].numpy()
    openpose = np.ones((2, 25, 3))
    files = {"S": None, "pose": pose, "shape": shape, "part": np.zeros((2, 24, 3)), "openpose": openpose}
    write_spin(tmp_path / "s.npz", body, ["a.jpg", "b.jpg"], params, **files, has_smpl=np.array([1, 0]))
    dataset = SpinFile(tmp_path / "s.npz", size=(640, 480))
    sample = dataset.sample(0, body)
    torch.testing.assert_close(true_params(sample)[0, :82], params[0, :82])
    assert sample.person.confidence[CANONICAL_JOINTS.index("nose")] == 1
    with pytest.raises(DatasetError, match="row 1 has neither joints nor a body"):
        dataset.sample(1, body)
    with pytest.raises(DatasetError, match="its size is not known"):
        SpinFile(tmp_path / "s.npz").sample(0, body)


def test_spin_files_and_roots_that_cannot_be_used(tmp_path, body):
    params = some_params()[None]
    for changed, message in (
        ({"center": None}, "lacks center"),
        ({"S": None}, "no truth to compare with"),
        ({"part": None}, "no keypoints to start from"),
    ):
        write_spin(tmp_path / "s.npz", body, ["a.jpg"], params, **changed)
        with pytest.raises(DatasetError, match=message):
            SpinFile(tmp_path / "s.npz", size=(10, 20))
    with pytest.raises(DatasetError, match="academic use only"):
        open_human36m(tmp_path)
    write_spin(tmp_path / "h36m_valid_protocol2.npz", body, ["S1_x.60457274_000001.jpg"], params)
    with pytest.raises(DatasetError, match="no frame of S9 or S11 by camera 60457274 among 1 rows"):
        open_human36m(tmp_path)


def test_3dpw_gives_people_of_a_gender_in_the_camera_frame(tmp_path, body):
    (tmp_path / "sequenceFiles" / "test").mkdir(parents=True)
    rotation = Rotation.random(random_state=1).as_matrix()
    camera = np.eye(4)
    camera[:3, :3], camera[:3, 3] = rotation, [0.1, 0.2, 5.0]
    params = some_params()
    seen = np.ones((3, 3, 18))
    seen[2, 2] = 0  # nothing detected in the last frame
    content = {
        "poses2d": [seen, seen], "poses": [np.tile(params[:72].numpy(), (3, 1))] * 2, "trans": [np.zeros((3, 3))] * 2,
        "betas": [params[72:82].numpy()] * 2, "campose_valid": [np.array([1, 0, 1])] * 2, "genders": ["m", "f"],
        "cam_poses": np.tile(camera, (3, 1, 1)),
        "cam_intrinsics": np.array([[1900.0, 0, 540], [0, 1900, 960], [0, 0, 1]]),
    }  # fmt: skip
    path = tmp_path / "sequenceFiles" / "test" / "walk.pkl"
    path.write_bytes(pickle.dumps(content, protocol=2))
    dataset = open_threedpw(tmp_path, "female")
    assert dataset.names == ["walk#1@0"]  # frame 1: no camera; frame 2: no keypoints
    sample = dataset.sample(0, body)
    assert sample.person.image_size == (1080, 1920)
    world = torch.cat([params[:82], torch.zeros(3, dtype=torch.float64)])
    expected = body.from_params(world[None]).joints[0] @ torch.from_numpy(rotation).mT + torch.from_numpy(camera[:3, 3])
    torch.testing.assert_close(body.from_params(true_params(sample)).joints[0], expected)
    with pytest.raises(DatasetError, match="nobody neutral"):
        open_threedpw(tmp_path, "neutral")
    path.write_bytes(pickle.dumps({"poses": []}, protocol=2))
    with pytest.raises(DatasetError, match=r"walk\.pkl: lacks poses2d"):
        open_threedpw(tmp_path, "female")


def invoke(*arguments):
    return CliRunner().invoke(app, ["benchmark", *(str(argument) for argument in arguments)])


def test_table4_from_the_command_line(tmp_path, body):
    names = [f"images/S9_Posing.60457274_{number:06d}.jpg" for number in (1, 6)]
    write_spin(tmp_path / "h36m_valid_protocol2.npz", body, names, [some_params(1), some_params(2)])
    result = invoke("table4", "--root", tmp_path, "-o", tmp_path / "out", "--variants", "direct")
    assert result.exit_code == 0, result.output
    assert "Ramakrishna" in result.stdout
    assert (tmp_path / "out" / "cases.html").read_text().count("data:image") == 2


def test_bodies_in_smpl_need_smpl_and_roots_need_their_files(tmp_path):
    assert invoke("table2", "--root", tmp_path, "-o", tmp_path / "o", "--body", "open").exit_code == 2
    missing = invoke("table2", "--root", tmp_path, "-o", tmp_path / "o", "--body", "SMPL_NEUTRAL.pkl")
    assert "expected UP-3D, found no test.txt" in str(missing.exception)
    missing = invoke("3dpw", "--root", tmp_path, "-o", tmp_path / "o", "--body", "x.pkl", "--gender", "male")
    assert "expected 3DPW" in str(missing.exception)
