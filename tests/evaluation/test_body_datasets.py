"""Readers of data sets with known bodies, on small files in their layouts, and a benchmark over each."""

import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from body_sets import (  # type: ignore[import-not-found]
    some_params,
    write_spin,
    write_surreal,
    write_threedpw,
    write_up3d,
)
from scipy.io import loadmat, savemat
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.camera import project
from anchorfit.cli.main import app
from anchorfit.evaluation import methods
from anchorfit.evaluation.answers import Answer
from anchorfit.evaluation.blocks import DatasetBlocks
from anchorfit.evaluation.datasets.human36m import open_human36m
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.evaluation.datasets.samples import Sample, transformed_params
from anchorfit.evaluation.datasets.spin import SpinFile, open_spin
from anchorfit.evaluation.datasets.surreal import open_surreal
from anchorfit.evaluation.datasets.threedpw import open_threedpw
from anchorfit.evaluation.datasets.up3d import open_up3d
from anchorfit.evaluation.records import RecordFile
from anchorfit.evaluation.running import run_benchmark


@pytest.fixture(scope="module")
def body():
    return load_body(dtype=torch.float64)


def true_params(sample: Sample) -> torch.Tensor:
    """(1, 85) of a sample that has a body."""
    assert sample.params is not None
    return sample.params[None]


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
        return run_benchmark(DatasetBlocks(dataset=dataset), ["oracle"], file, body=("open", "neutral"))


def test_moving_parameters_moves_the_body(body):
    params, rotation = some_params(), torch.as_tensor(Rotation.random(random_state=0).as_matrix())
    shift = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    expected = body.from_params(params[None]).vertices @ rotation.mT + shift
    torch.testing.assert_close(
        body.from_params(transformed_params(body, params, rotation, shift)[None]).vertices, expected
    )


@pytest.fixture
def up3d(tmp_path, body):
    """Two people, the cameras turned by rt."""
    return tmp_path, write_up3d(tmp_path, body)


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
    record = pickle.loads((root / "00001_body.pkl").read_bytes())
    (root / "00001_body.pkl").write_bytes(pickle.dumps({**record, "betas": np.full(10, np.nan)}, protocol=2))
    (root / "test.txt").write_text("/00001_image.png\n")
    with pytest.raises(DatasetError, match=r"00001_image\.png#0: the data set's truth holds numbers"):
        DatasetBlocks(dataset=open_up3d(root)).block(0, load_body())
    np.save(root / "00001_joints.npy", np.zeros((2, 14)))
    with pytest.raises(DatasetError, match=r"00001_joints\.npy: expected \(3, 14\), got \(2, 14\)"):
        open_up3d(root).sample(0, load_body())
    (root / "00001_joints.npy").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"00001_joints\.npy: not a plain array"):
        open_up3d(root).sample(0, load_body())
    np.save(root / "00001_joints.npy", np.ones((3, 14)))
    (root / "00001_body.pkl").write_bytes(pickle.dumps({"pose": np.zeros(72)}, protocol=2))
    (root / "test.txt").write_text("/00001_image.png\n")
    with pytest.raises(DatasetError, match="no numbers betas"):
        open_up3d(root).sample(0, load_body())


def test_up3d_has_the_parts_of_the_papers_table(tmp_path, body):
    write_up3d(tmp_path, body, range(5), ("lsp", "lspext", "mpii", "fashionpose"))
    assert open_up3d(tmp_path).parts() == {
        "LSP": {"00001", "00002"}, "MPII": {"00003"}, "Fashion": {"00004"}, "Full": {f"{i:05d}" for i in range(1, 6)}
    }  # fmt: skip
    (tmp_path / "test.txt").write_text("/00003_image.png\n/00001_image.png\n")
    listed = tmp_path / "reduced.txt"
    listed.write_text("/home/somebody/data/dummy/00005_image.png\t\n/home/somebody/data/dummy/00001_image.png\t\n")
    dataset = open_up3d(tmp_path, reduced=listed)  # who is not of the test set joins it for the reduced set alone
    assert dataset.names == ["00003", "00001", "00005"]
    parts = dataset.parts()
    assert parts["Full"] == {"00003", "00001"}
    assert parts["Reduced"] == {"00001", "00005"}
    listed.write_text("['00001', '00005', '00001']")
    with pytest.raises(DatasetError, match=r"reduced\.txt: lists 00001 twice"):
        open_up3d(tmp_path, reduced=listed)
    listed.write_text("nobody")
    with pytest.raises(DatasetError, match=r"no line such as .*bodynet"):
        open_up3d(tmp_path, reduced=listed)
    with pytest.raises(DatasetError, match="no such file; the list of the reduced set comes from"):
        open_up3d(tmp_path, reduced=tmp_path / "nowhere.txt")
    (tmp_path / "00001_dataset_info.txt").write_text("coco 7")
    with pytest.raises(DatasetError, match="origin 'coco'; expected one of lsp, lspext, mpii, fashionpose"):
        open_up3d(tmp_path).parts()


@pytest.fixture
def surreal(tmp_path, body):
    """One video of six frames."""
    write_surreal(tmp_path, body)
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


def test_a_video_of_one_frame_and_the_part_of_the_table(tmp_path, body):
    write_surreal(tmp_path, body, frames=1, part="cmu")  # MATLAB drops the frames of joints2D and joints3D
    (name,) = open_surreal(tmp_path, "male").names
    assert name == "cmu/test/run0/walk/walk_c0001_info.mat#0"
    sample = open_surreal(tmp_path, "male").sample(0, body)
    write_surreal(tmp_path, body)
    dataset = open_surreal(tmp_path, "male")
    assert dataset.names[0] == "h36m/test/run0/walk/walk_c0001_info.mat#0"
    assert len(dataset.names) == 2  # CMU's poses are not those of Table 3
    torch.testing.assert_close(true_params(sample), true_params(dataset.sample(0, body)))
    path = dataset.files[0]
    content = {name: value for name, value in loadmat(path).items() if not name.startswith("_")}
    savemat(path, {**content, "joints2D": np.zeros((2, 23, 6))})
    with pytest.raises(DatasetError, match=r"joints2D: expected \(2, 24, 6\), got \(2, 23, 6\)"):
        open_surreal(tmp_path, "male")


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


def test_human36m_has_its_own_head(tmp_path, body):
    """SPIN's files of Human3.6M have the top of the head in slot 18, and nothing in LSP's slot 13."""
    params = some_params()[None]
    write_spin(tmp_path / "s.npz", body, ["a.jpg"], params)
    arrays = dict(np.load(tmp_path / "s.npz"))
    for key in ("S", "part"):
        arrays[key][:, 18], arrays[key][:, 13] = arrays[key][:, 13], 0
    np.savez(tmp_path / "h36m.npz", **arrays)
    plain, own = (SpinFile(tmp_path / name, size=(1000, 1000)).sample(0, body) for name in ("s.npz", "h36m.npz"))
    torch.testing.assert_close(own.joints["head_top"], plain.joints["head_top"])
    np.testing.assert_array_equal(own.person.keypoints, plain.person.keypoints)
    arrays["S"][:, 5, 3] = 0
    np.savez(tmp_path / "gap.npz", **arrays)
    assert "left_ankle" not in SpinFile(tmp_path / "gap.npz", size=(1000, 1000)).sample(0, body).joints


def test_spin_files_of_gendered_bodies(tmp_path, body):
    params = torch.stack([some_params(1), some_params(2)])
    files = {"S": None, "part": None, "pose": params[:, :72].numpy(), "shape": params[:, 72:82].numpy()}
    write_spin(tmp_path / "s.npz", body, ["a.jpg", "a.jpg"], params, **files, gender=np.array(["m", "f"]))
    women = open_spin(tmp_path / "s.npz", "female")
    assert women.names == ["a.jpg#1"]
    torch.testing.assert_close(true_params(women.sample(0, body))[0, :82], params[1, :82])
    with pytest.raises(DatasetError, match="say whose rows"):
        open_spin(tmp_path / "s.npz")
    with pytest.raises(DatasetError, match="no such file; --root names a SPIN-style npz"):
        open_spin(tmp_path / "nowhere.npz")
    write_spin(tmp_path / "s.npz", body, ["a.jpg"], params[:1], S=np.ones((1, 17, 4)))
    with pytest.raises(DatasetError, match=r"S: expected \(1, 24, 4\), got \(1, 17, 4\)"):
        open_spin(tmp_path / "s.npz")


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
    params = some_params()
    rotation, shift = write_threedpw(tmp_path, params)
    path = tmp_path / "sequenceFiles" / "test" / "walk.pkl"
    dataset = open_threedpw(tmp_path, "female")
    assert dataset.names == ["walk#1@0"]  # frame 1: no camera; frame 2: no keypoints
    sample = dataset.sample(0, body)
    assert sample.person.image_size == (1080, 1920)
    world = torch.cat([params[:82], torch.zeros(3, dtype=torch.float64)])
    expected = body.from_params(world[None]).joints[0] @ rotation.mT + shift
    torch.testing.assert_close(body.from_params(true_params(sample)).joints[0], expected)
    with pytest.raises(DatasetError, match="nobody neutral"):
        open_threedpw(tmp_path, "neutral")
    path.write_bytes(pickle.dumps({"poses": []}, protocol=2))
    with pytest.raises(DatasetError, match=r"walk\.pkl: lacks poses2d"):
        open_threedpw(tmp_path, "female")


def invoke(*arguments):
    return CliRunner().invoke(app, ["benchmark", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize(
    ("number", "given"),
    [(2, ["--body", "a.pkl"]), (3, ["--female", "a.pkl", "--male", "b.pkl"]), (4, []), (5, [])],
)
def test_scripts_of_the_tables_run_to_their_data(number, given, tmp_path, monkeypatch):
    """Those of tables 2 to 4 named commands that were not there any more."""
    script = Path(__file__).parents[2] / "scripts" / f"reproduce_table{number}.py"
    monkeypatch.setattr(sys, "argv", [script.name, str(tmp_path), *given, "--output", str(tmp_path / "out")])
    with pytest.raises(DatasetError, match=r"expected .*, found no"):
        runpy.run_path(str(script), run_name="__main__")


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
