"""The worked examples of docs/points.md: files laid out as the programs write them, and the page's own commands."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from c3d_files import write_c3d  # type: ignore[import-not-found]
from typer.testing import CliRunner

from anchorfit.body import load_body
from anchorfit.body.kinematics import compiled_points
from anchorfit.body.pose_library import load_pose_library
from anchorfit.cli.main import app
from anchorfit.points.conventions import AZURE32, KINECT25, MEDIAPIPE33, SMPL24

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "points.md").read_text()
FRAMES = 6

HALPE = {  # Pose2Sim's names, in its order
    "Hip": "pelvis",
    "RHip": "right_hip",
    "RKnee": "right_knee",
    "RAnkle": "right_ankle",
    "RBigToe": "right_big_toe",
    "RSmallToe": "right_small_toe",
    "RHeel": "right_heel",
    "LHip": "left_hip",
    "LKnee": "left_knee",
    "LAnkle": "left_ankle",
    "LBigToe": "left_big_toe",
    "LSmallToe": "left_small_toe",
    "LHeel": "left_heel",
    "Neck": "neck",
    "Head": "head_top",
    "Nose": "nose",
    "RShoulder": "right_shoulder",
    "RElbow": "right_elbow",
    "RWrist": "right_wrist",
    "LShoulder": "left_shoulder",
    "LElbow": "left_elbow",
    "LWrist": "left_wrist",
}
MEDIAPIPE_NAMES = [
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
]
AZURE_NAMES = [
    "PELVIS",
    "SPINE_NAVEL",
    "SPINE_CHEST",
    "NECK",
    "CLAVICLE_LEFT",
    "SHOULDER_LEFT",
    "ELBOW_LEFT",
    "WRIST_LEFT",
    "HAND_LEFT",
    "HANDTIP_LEFT",
    "THUMB_LEFT",
    "CLAVICLE_RIGHT",
    "SHOULDER_RIGHT",
    "ELBOW_RIGHT",
    "WRIST_RIGHT",
    "HAND_RIGHT",
    "HANDTIP_RIGHT",
    "THUMB_RIGHT",
    "HIP_LEFT",
    "KNEE_LEFT",
    "ANKLE_LEFT",
    "FOOT_LEFT",
    "HIP_RIGHT",
    "KNEE_RIGHT",
    "ANKLE_RIGHT",
    "FOOT_RIGHT",
    "HEAD",
    "NOSE",
    "EYE_LEFT",
    "EAR_LEFT",
    "EYE_RIGHT",
    "EAR_RIGHT",
]


@pytest.fixture(scope="module")
def walk():
    """A body, and its parameters in six frames of somebody whom no prior has seen; metres, y up."""
    body, library = load_body(), load_pose_library(split="heldout", mirrored=False)
    take = next(name for name in dict.fromkeys(library.takes) if (library.takes == name).sum() >= FRAMES)
    params = body.layout.zeros(FRAMES, body.v_template)
    params[:, :72] = library.poses[torch.from_numpy(library.takes == take)][:FRAMES]
    params[:, body.layout.betas] = torch.randn(1, body.num_betas, generator=torch.Generator().manual_seed(4))
    params[:, body.layout.transl] = torch.tensor([0.3, 1.1, 3.0])
    return body, params


def points_of(walk, names):
    """(frames, points, 3) float64; points that the body has not are NaN."""
    body, params = walk
    known = [name for name in names if name]
    points = np.full((FRAMES, len(names), 3), np.nan)
    points[:, [place for place, name in enumerate(names) if name]] = compiled_points(body, tuple(known)).points(params)
    return points


def commands(name):
    """The commands of docs/points.md that read a file of that name."""
    found = [line.split("#")[0] for line in re.findall(r"^anchorfit fit .*$", PAGE, flags=re.MULTILINE)]
    found = [line for line in found if name in line]
    assert found, f"docs/points.md has no command for {name}"
    return found


def run(name, folder, monkeypatch):
    """Runs the page's command for a file in a folder; what it printed, and the body's parameters in the world."""
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, shlex.split(commands(name)[0])[1:])
    assert result.exit_code == 0, result.output
    (path,) = (folder / "out").glob("*_world.npz")
    return result.output, np.load(path)


def off_mm(walk, world, turn=None):
    """Mean distance of SMPL's joints from the truth, which ``turn`` takes to the file's axes."""
    body, params = walk
    parts = {name: torch.from_numpy(world[name]) for name in ("betas", "body_pose", "global_orient", "transl")}
    truth = compiled_points(body, SMPL24).points(params).double().numpy()
    truth = truth if turn is None else truth @ np.asarray(turn, dtype=float).T
    return 1000 * float(np.linalg.norm(body(**parts).joints.numpy() - truth, axis=-1).mean())


Z_UP = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
CAMERA = [[1, 0, 0], [0, -1, 0], [0, 0, -1]]  # x right, y down, z forward


def test_freemocap(walk, tmp_path, monkeypatch):
    points = 1000 * points_of(walk, MEDIAPIPE33) @ np.array(Z_UP).T
    header = ",".join(f"{name}_{axis}" for name in MEDIAPIPE_NAMES for axis in "xyz")
    lines = [",".join("" if np.isnan(v) else f"{v:.3f}" for v in row.ravel()) for row in points]
    (tmp_path / "mediapipe_body_3d_xyz.csv").write_text("\n".join([header, *lines]) + "\n")
    output, world = run("mediapipe_body_3d_xyz.csv", tmp_path, monkeypatch)
    assert "unit: mm" in output
    assert "up: z" in output
    assert off_mm(walk, world, Z_UP) < 25


def test_freemocap_with_hands_and_face(walk, tmp_path, monkeypatch):
    points = np.random.default_rng(0).normal(size=(FRAMES, 553, 3))
    points[:, :33] = 1000 * points_of(walk, MEDIAPIPE33)
    np.save(tmp_path / "mediaPipeSkel_3d_body_hands_face.npy", points)
    output, world = run("mediaPipeSkel_3d_body_hands_face.npy", tmp_path, monkeypatch)
    assert "hands and face are left out" in output
    assert off_mm(walk, world) < 25


def test_pose2sim(walk, tmp_path, monkeypatch):
    """As Pose2Sim's triangulation writes it: metres, y up, a gap left empty."""
    points = points_of(walk, tuple(HALPE.values()))
    names = "\t\t\t".join(HALPE)
    axes = "\t".join(f"{axis}{number}" for number in range(1, len(HALPE) + 1) for axis in "XYZ")
    head = [
        "PathFileType\t4\t(X/Y/Z)\tdemo.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"60\t60\t{FRAMES}\t{len(HALPE)}\tm\t60\t0\t{FRAMES}",
        f"Frame#\tTime\t{names}\t\t",
        f"\t\t{axes}",
    ]
    points[2, 3] = np.nan
    for frame, row in enumerate(points):
        numbers = ["" if np.isnan(value) else str(value) for value in row.ravel()]
        head.append("\t".join([str(frame), str(frame / 60), *numbers]))
    (tmp_path / "demo.trc").write_text("\n".join(head) + "\n")
    output, world = run("demo.trc", tmp_path, monkeypatch)
    assert "unit: m" in output
    assert "no body point" not in output
    assert float(world["rate"]) == pytest.approx(60, abs=0.01)
    assert off_mm(walk, world) < 25


def test_kinect_v2(walk, tmp_path, monkeypatch):
    """As kinect_skeleton_dump writes it: a line for each joint, metres, y up; 0 is not tracked, 1 inferred."""
    points = points_of(walk, KINECT25)
    lines = ["Timestamp, JointID, Position.X, Position.Y, Position.Z, State"]
    for frame, row in enumerate(points):
        for joint, place in enumerate(np.nan_to_num(row, nan=0.5)):
            state = 0 if (frame, joint) == (1, 6) else 2
            place = place + 0.7 * (state == 0)
            lines.append(f"{33 * frame}, {joint}, {', '.join(map(str, place))}, {state}")
    (tmp_path / "walk_body.csv").write_text("\n".join(lines) + "\n")
    _, world = run("walk_body.csv", tmp_path, monkeypatch)
    assert off_mm(walk, world) < 25


def test_azure_kinect(walk, tmp_path, monkeypatch):
    """As Microsoft's offline_processor writes it: millimetres in the camera's axes; a second person in some frames."""
    points = 1000 * points_of(walk, AZURE32) @ np.array(CAMERA).T
    frames = []
    for number, row in enumerate(np.nan_to_num(points, nan=500.0)):
        bodies = [{"body_id": 1, "joint_positions": row.tolist(), "joint_orientations": []}]
        if number == 2:
            bodies.insert(0, {"body_id": 2, "joint_positions": (row + 900).tolist(), "joint_orientations": []})
        frames.append({"frame_id": number, "timestamp_usec": 33333 * number, "num_bodies": 1, "bodies": bodies})
    frames[4]["bodies"] = []
    held = {"bone_list": [], "joint_names": AZURE_NAMES, "k4abt_sdk_version": "1.1.2", "frames": frames}
    (tmp_path / "azure.json").write_text(json.dumps(held))
    output, world = run("azure.json", tmp_path, monkeypatch)
    assert "number 1 is taken, 2 are left out" in output
    assert "up: -y" in output
    assert off_mm(walk, world, CAMERA) < 40  # the fifth frame is seen by nobody


def test_motion_capture(walk, tmp_path, monkeypatch):
    """Joint centres that a C3D has beside its markers, with a mapping from their labels."""
    mapping = json.loads(re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)[0])
    labels = [*mapping, "SomeoneElse"]
    points = 1000 * np.nan_to_num(points_of(walk, (*mapping.values(), None))) @ np.array(Z_UP).T
    missing = np.zeros(points.shape[:2], bool)
    missing[3, 2] = True
    write_c3d(tmp_path / "take.c3d", points, labels, missing=missing, rate=120.0)
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    pytest.importorskip("ezc3d")
    output, world = run("take.c3d", tmp_path, monkeypatch)
    assert "no body point for SomeoneElse" in output
    assert float(world["rate"]) == 120
    assert off_mm(walk, world, Z_UP) < 12


def test_a_dump_with_two_people_says_so(tmp_path):
    line = "0, 3, 0.1, 0.2, 0.3, 2"
    (tmp_path / "two.csv").write_text(
        f"Timestamp, JointID, Position.X, Position.Y, Position.Z, State\n{line}\n{line}\n"
    )
    result = CliRunner().invoke(
        app, ["fit", str(tmp_path / "two.csv"), "--points", "kinect25", "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 1
    assert "stands twice in a frame" in result.output


def test_labels_of_depth_cameras_have_their_own_meaning():
    from anchorfit.points import body_points

    assert body_points("names", AZURE_NAMES) == AZURE32
    assert body_points("names", ["SpineBase", "Head", "HandTipLeft"]) == ("pelvis", None, "landmark:left_middle_tip")
    assert body_points("names", ["Head", "Hip", "KNEE_RIGHT"]) == ("head_top", "pelvis", "right_knee")
