"""Human3.6M in its own files, written here by cdflib in the layout of the original download."""

import numpy as np
import pytest
import torch
from smpl_like import write_smpl_like  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.body import CANONICAL_JOINTS, load_body
from anchorfit.cli.main import app
from anchorfit.evaluation.datasets.human36m import open_human36m
from anchorfit.evaluation.datasets.human36m_raw import USUAL, Human36mRaw, read_poses
from anchorfit.evaluation.datasets.roots import DatasetError
from anchorfit.evaluation.datasets.spin import FOURTEEN, SpinFile
from anchorfit.evaluation.joint_regressor import ROWS, RegressorError, load_joint_regressor
from anchorfit.evaluation.records import Record
from anchorfit.observations.conventions import H36M17

cdfwrite = pytest.importorskip("cdflib.cdfwrite")


def write_cdf(path, values: np.ndarray) -> None:
    """One variable Pose of one record, as Human3.6M's files have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = cdfwrite.CDF(path, delete=True)
    spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(values.shape)}
    file.write_var(spec, var_data=values[None].astype(np.float32))
    file.close()


def write_video(root, subject, name, joints: np.ndarray, *, folder="MyPoseFeatures/{}") -> None:
    """joints (T, 17, 3) metres, by `H36M17`; 32 joints in the file, the others far away."""
    places = np.full((len(joints), 32, 3), 9e5)
    places[:, USUAL] = 1000 * joints
    pixels = np.full((len(joints), 32, 2), -9e5)
    pixels[:, USUAL] = 1145 * joints[..., :2] / joints[..., 2:] + (514, 502)
    write_cdf(root / subject / folder.format("D3_Positions_mono") / name, places.reshape(len(joints), 96))
    write_cdf(root / subject / folder.format("D2_Positions") / name, pixels.reshape(len(joints), 64))


def people(count: int, seed: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    """Bodies (T, 85) 5 m away, and their joints (T, 17, 3)."""
    body = load_body()
    params = 0.2 * torch.randn(count, 85, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    params[:, 0] += torch.pi
    params[:, 82:] = torch.tensor([0.1, 0.2, 5.0])
    joints = body.canonical_joints(body.from_params(params.float())).double().numpy()
    return params, joints[:, [CANONICAL_JOINTS.index(name) for name in H36M17 if name]]


@pytest.fixture
def root(tmp_path):
    """One video of each subject by the frontal camera, and files that are not of the protocol."""
    _, joints = people(7)
    write_video(tmp_path, "S9", "Directions 1.60457274.cdf", joints)
    write_video(tmp_path, "S11", "Posing.60457274.cdf", people(7, 1)[1])
    write_video(tmp_path, "S9", "Directions 1.54138969.cdf", joints)
    write_video(tmp_path, "S9", "_ALL 1.60457274.cdf", joints)
    write_video(tmp_path, "S1", "Directions.60457274.cdf", joints)
    return tmp_path


def test_every_fifth_frame_of_the_frontal_camera(root):
    dataset = open_human36m(root)
    assert isinstance(dataset, Human36mRaw)
    assert dataset.names == [
        "S9_Directions_1.60457274_000001", "S9_Directions_1.60457274_000006",
        "S11_Posing.60457274_000001", "S11_Posing.60457274_000006",
    ]  # fmt: skip
    _, joints = people(7, 1)
    sample = dataset.sample(3, load_body())
    for row, name in enumerate(H36M17):
        assert name is not None
        np.testing.assert_allclose(sample.joints[name].numpy(), joints[5, row], atol=1e-5)  # float32 millimetres
        seen = sample.person.keypoints[CANONICAL_JOINTS.index(name)]
        np.testing.assert_allclose(seen, 1145 * joints[5, row, :2] / joints[5, row, 2] + (514, 502), atol=1e-2)
    assert (sample.person.confidence > 0).sum() == 17
    assert sample.person.image_size == (1000, 1002)


def test_archives_unpacked_by_scripts_are_found(tmp_path):
    write_video(tmp_path, "S11", "Greeting.60457274.cdf", people(3)[1], folder="Poses_{}")
    assert open_human36m(tmp_path).names == ["S11_Greeting.60457274_000001"]


def test_files_that_cannot_be_used_are_named(root, tmp_path):
    broken = root / "S11" / "MyPoseFeatures" / "D2_Positions" / "Posing.60457274.cdf"
    write_cdf(broken, np.zeros((4, 64)))
    with pytest.raises(DatasetError, match=r"Posing\.60457274\.cdf: 7 frames, but .*D2_Positions.* has 4"):
        open_human36m(root)
    broken.write_bytes(b"<html>")
    with pytest.raises(DatasetError, match="not a CDF file"):
        open_human36m(root)
    write_cdf(broken, np.zeros((4, 96)))
    with pytest.raises(DatasetError, match=r"expected \(1, T, 64\) numbers, got \(1, 4, 96\)"):
        read_poses(broken, 2)
    broken.unlink()
    with pytest.raises(DatasetError, match=r"no S11/MyPoseFeatures/D2_Positions/Posing\.60457274\.cdf"):
        open_human36m(root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"found no h36m_valid.*academic use only"):
        open_human36m(tmp_path / "empty")


def test_spins_own_file_has_the_truth_and_no_keypoints(root, tmp_path):
    """What SPIN's preprocessing writes is enough for results; methods need the original files beside it."""
    stored = np.zeros((2, 24, 4))
    stored[:, [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6], :3] = 1
    stored[:, [14, 3, 4, 5, 2, 1, 0, 16, 12, 17, 18, 9, 10, 11, 8, 7, 6], 3] = 1
    names = np.array([f"images/S9_Directions_1.60457274_{number:06d}.jpg" for number in (1, 6)])
    arrays = {"imgname": names, "center": np.zeros((2, 2)), "scale": np.ones(2), "S": stored}
    np.savez(root / "h36m_valid_protocol2.npz", **arrays)
    truth = open_human36m(root, truth_alone=True)
    assert isinstance(truth, SpinFile)
    assert {"pelvis", *truth.judged} <= truth.sample(1, load_body()).joints.keys()
    assert isinstance(open_human36m(root), Human36mRaw)
    (tmp_path / "alone").mkdir()
    np.savez(tmp_path / "alone" / "h36m_valid_protocol2.npz", **arrays)
    with pytest.raises(DatasetError, match=r"has no keypoints .*put Human3\.6M's own files beside it"):
        open_human36m(tmp_path / "alone")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_table4_says_which_joints_it_compares(root, tmp_path):
    result = invoke("benchmark", "table4", "--root", root, "-o", tmp_path / "out", "--variants", "direct", "--no-cases")
    assert result.exit_code == 0, result.output
    assert "the 14 of Human3.6M that published numbers are over: --joint-regressor" in result.stderr
    (row,) = [line for line in (tmp_path / "out" / "table.md").read_text().splitlines() if line.startswith("| direct")]
    assert row.split("|")[-3].strip() == "0"  # nobody failed
    write_video(root, "S11", "Posing.60457274.cdf", people(7, 5)[1])
    again = invoke("benchmark", "table4", "--root", root, "-o", tmp_path / "out", "--variants", "direct", "--no-cases")
    assert "holds another run (sha256 of the data differ)" in str(again.exception)


def test_a_regressor_says_where_joints_are(tmp_path):
    rng = np.random.default_rng(0)
    weights = rng.random((17, 50))
    weights /= weights.sum(1, keepdims=True)
    np.save(tmp_path / "r.npy", weights)
    vertices = torch.from_numpy(rng.random((2, 50, 3)))
    chosen = load_joint_regressor(tmp_path / "r.npy", 50).joints(vertices, ("head_top", "left_hip"))
    expected = np.einsum("jv,bvc->bjc", weights[[ROWS.index("head_top"), ROWS.index("left_hip")]], vertices.numpy())
    np.testing.assert_allclose(chosen.numpy(), expected)
    with pytest.raises(RegressorError, match=r"expected \(17, 51\), .*got \(17, 50\); one made for SMPL"):
        load_joint_regressor(tmp_path / "r.npy", 51)
    np.save(tmp_path / "r.npy", 2 * weights)
    with pytest.raises(RegressorError, match="rows that do not sum to 1"):
        load_joint_regressor(tmp_path / "r.npy", 50)
    np.save(tmp_path / "r.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RegressorError, match="not a plain"):
        load_joint_regressor(tmp_path / "r.npy", 50)
    with pytest.raises(FileNotFoundError, match=r"no such joint regressor.*SPIN"):
        load_joint_regressor(tmp_path / "nowhere.npy", 50)


def test_table4_by_a_regressor(root, tmp_path):
    """The regressor of another body's size is refused; one that fits moves the joints that are compared."""
    weights = np.zeros((17, 6890), dtype=np.float32)
    weights[:, 0] = 1  # every joint in one place: as far from the truth as can be
    np.save(tmp_path / "J_regressor_h36m.npy", weights)
    options = ["benchmark", "table4", "--root", root, "--variants", "direct", "--no-cases"]
    options += ["--joint-regressor", tmp_path / "J_regressor_h36m.npy"]
    refused = invoke(*options, "-o", tmp_path / "a")
    assert f"expected (17, {load_body().num_vertices})" in str(refused.exception)
    result = invoke(*options, "-o", tmp_path / "b", "--body", write_smpl_like(tmp_path / "smpl.npz"))
    assert result.exit_code == 0, result.output
    assert "--joint-regressor" not in result.stderr
    lines = (tmp_path / "b" / "records.jsonl").read_text().splitlines()
    assert "sha256 of the joint regressor" in lines[0]
    _, joints = people(7)
    fourteen = [H36M17.index(name) for name in FOURTEEN]
    expected = np.linalg.norm(joints[0, fourteen] - joints[0, :1], axis=1).mean()  # ours are all in the pelvis
    assert Record.from_line(lines[1]).joints_mm == pytest.approx(1000 * expected, abs=0.01)
