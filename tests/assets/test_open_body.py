"""The open body files as shipped, judged with numpy and trimesh alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import trimesh

from anchorfit.body.joint_sets import LANDMARKS, SMPL_JOINTS, SMPL_PARENTS, mirrored_name

BODIES = Path(__file__).parents[2] / "anchorfit" / "assets" / "bodies"
ADULTS = ("neutral", "male", "female")
NAMES = (*ADULTS, "child")
FLIP = np.array([-1.0, 1.0, 1.0])


@cache
def body(name: str) -> dict[str, np.ndarray]:
    with np.load(BODIES / f"open_{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    arrays["v_template"] = arrays["v_template"].astype(float)
    arrays["joints"] = arrays["J_regressor"].astype(float) @ arrays["v_template"]
    return arrays


@pytest.fixture(params=NAMES)
def shipped(request) -> dict[str, np.ndarray]:
    return body(request.param)


@pytest.fixture(params=ADULTS)
def adult(request) -> dict[str, np.ndarray]:
    return body(request.param)


def landmark(shipped, name: str) -> np.ndarray:
    row = list(shipped["landmark_names"]).index(name)
    return shipped["landmark_weights"][row] @ shipped["v_template"][shipped["landmark_vertices"][row]]


def rotation(degrees) -> np.ndarray:
    return trimesh.transformations.rotation_matrix(np.deg2rad(np.linalg.norm(degrees)), degrees)[:3, :3]


def posed(shipped, turns: dict[str, tuple[float, float, float]], betas=None) -> np.ndarray:
    """SMPL's skinning, joint by joint, as a plain loop. ``turns``: joint name -> axis-angle in degrees."""
    rotations = np.stack([rotation(turns[name]) if name in turns else np.eye(3) for name in SMPL_JOINTS])
    shape = shipped["v_template"] + (0 if betas is None else shipped["shapedirs"] @ betas)
    joints = shipped["J_regressor"].astype(float) @ shape
    posedirs = shipped["posedirs_q"] * shipped["posedirs_scale"].astype(float)
    rest = shape + posedirs @ (rotations[1:] - np.eye(3)).ravel()
    turn, place = [rotations[0]], [joints[0]]
    for joint in range(1, 24):
        parent = SMPL_PARENTS[joint]
        turn.append(turn[parent] @ rotations[joint])
        place.append(place[parent] + turn[parent] @ (joints[joint] - joints[parent]))
    moved = np.stack([(rest - joints[j]) @ turn[j].T + place[j] for j in range(24)], axis=1)  # (V, 24, 3)
    return np.einsum("vj,vjc->vc", shipped["weights"].astype(float), moved)


def volume(shipped, vertices: np.ndarray) -> float:
    a, b, c = (vertices[shipped["f"][:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


POSES: dict[str, dict[str, tuple[float, float, float]]] = {
    "sit": {"left_hip": (-90, 0, 0), "right_hip": (-90, 0, 0), "left_knee": (90, 0, 0), "right_knee": (90, 0, 0)},
    "squat": {
        "left_hip": (-110, 0, 15),
        "right_hip": (-110, 0, -15),
        "left_knee": (125, 0, 0),
        "right_knee": (125, 0, 0),
        "left_ankle": (-25, 0, 0),
        "right_ankle": (-25, 0, 0),
        "spine1": (25, 0, 0),
    },
    "raised arms": {
        "left_collar": (0, 0, 20),
        "right_collar": (0, 0, -20),
        "left_shoulder": (0, 0, 65),
        "right_shoulder": (0, 0, -65),
    },
    "wrists twisted": {"left_wrist": (80, 0, 0), "right_wrist": (80, 0, 0)},
    "elbows twisted": {"left_elbow": (80, 0, 0), "right_elbow": (-80, 0, 0)},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_small(name):
    assert (BODIES / f"open_{name}.npz").stat().st_size < 4_000_000


def test_the_arrays_have_the_agreed_shapes_and_types(shipped):
    v, f = len(shipped["v_template"]), len(shipped["f"])
    assert v != 6890  # SMPL's vertex numbers must not fit
    expected = {
        "shapedirs": ((v, 3, 10), "f"),
        "weights": ((v, 24), "f"),
        "J_regressor": ((24, v), "f"),
        "kintree_table": ((2, 24), "u"),
        "f": ((f, 3), "u"),
        "posedirs_q": ((v, 3, 207), "i"),
        "posedirs_scale": ((207,), "f"),
        "mirror": ((v,), "i"),
        "face_parts": ((f,), "u"),
        "face_segments": ((f,), "u"),
    }
    for name, (shape, kind) in expected.items():
        assert (shipped[name].shape, shipped[name].dtype.kind) == (shape, kind), name
    parents = shipped["kintree_table"][0].astype(np.int64)
    assert parents[0] == 4294967295
    assert tuple(parents[1:]) == SMPL_PARENTS[1:]
    assert all(np.isfinite(array).all() for array in shipped.values() if array.dtype.kind == "f")


def test_one_topology_for_all():
    for name in ("f", "mirror", "face_parts", "face_segments", "landmark_names", "landmark_vertices", "weights"):
        for other in NAMES[1:]:
            np.testing.assert_array_equal(body(other)[name], body("neutral")[name], err_msg=name)


def test_the_skin_is_closed_and_looks_outwards(shipped):
    mesh = trimesh.Trimesh(shipped["v_template"], shipped["f"], process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.body_count == 1
    assert mesh.euler_number == 2  # a sphere: no handles
    adult = shipped is not body("child")
    assert 0.045 < mesh.volume < 0.11 if adult else 0.015 < mesh.volume < 0.035  # cubic metres


def test_left_and_right_mirror_each_other(shipped):
    mirror = shipped["mirror"]
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    tolerance = 1e-4  # metres: the promise of the format
    np.testing.assert_allclose(shipped["v_template"][mirror] * FLIP, shipped["v_template"], atol=tolerance)
    np.testing.assert_allclose(shipped["shapedirs"][mirror] * FLIP[:, None], shipped["shapedirs"], atol=tolerance)
    swap = [SMPL_JOINTS.index(mirrored_name(name)) for name in SMPL_JOINTS]
    np.testing.assert_allclose(shipped["weights"][mirror][:, swap], shipped["weights"], atol=1e-6)
    np.testing.assert_allclose(shipped["joints"][swap] * FLIP, shipped["joints"], atol=tolerance)


def test_the_mirrored_pose_is_the_mirror_image(shipped):
    left = posed(shipped, {"left_hip": (-70, 10, 20), "left_elbow": (30, -80, 0), "spine2": (10, 20, -5)})
    right = posed(shipped, {"right_hip": (-70, -10, -20), "right_elbow": (30, 80, 0), "spine2": (10, -20, 5)})
    np.testing.assert_allclose(right[shipped["mirror"]] * FLIP, left, atol=2e-3)  # posedirs are rounded to 8 bits


def test_weights_and_regressor_are_convex_combinations(shipped):
    for name in ("weights", "J_regressor", "landmark_weights"):
        assert (shipped[name] >= 0).all(), name
        np.testing.assert_allclose(shipped[name].sum(1), 1, atol=1e-5, err_msg=name)
    assert ((shipped["J_regressor"] > 0).sum(1) < 400).all()  # sparse


def test_the_body_stands_in_smpls_frame(shipped):
    joint = dict(zip(SMPL_JOINTS, shipped["joints"], strict=True))
    np.testing.assert_allclose(joint["pelvis"], 0, atol=2e-3)
    for name in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
        assert joint[f"left_{name}"][0] > 0.05 > -0.05 > joint[f"right_{name}"][0]
    assert joint["head"][1] > joint["neck"][1] > joint["spine3"][1] > joint["spine2"][1] > joint["spine1"][1] > 0
    assert joint["left_foot"][2] > joint["left_ankle"][2] + 0.05  # facing +z
    arm = np.stack([joint[f"left_{name}"] for name in ("shoulder", "elbow", "wrist")])
    assert np.ptp(arm[:, 1:], axis=0).max() < 0.01  # arms straight along x


def test_hip_centres_lie_where_anatomy_has_them(shipped):
    separation = shipped["joints"][1, 0] - shipped["joints"][2, 0]
    if shipped is body("child"):
        assert 0.120 < separation < 0.135  # Harrington et al. 2007, for a pelvis of 17 cm
    else:
        assert 0.160 < separation < 0.185  # Harrington et al. 2007; Bell et al. 1990: 17.3 cm for the average adult
    height = np.ptp(shipped["v_template"][:, 1])
    floor = shipped["v_template"][:, 1].min()
    trochanter = (shipped["joints"][1, 1] - floor) / height
    assert 0.49 < trochanter < 0.54  # ANSUR II: trochanter height / stature = 0.513 (men), 0.519 (women)


def test_landmarks_are_where_their_names_say(shipped):
    assert tuple(shipped["landmark_names"]) == LANDMARKS
    points = {name: landmark(shipped, name) for name in LANDMARKS}
    for name, point in points.items():
        np.testing.assert_allclose(points[mirrored_name(name)] * FLIP, point, atol=1e-3, err_msg=name)
        assert not name.startswith("left_") or point[0] > 0.01
    order = ("head_top", "left_eye", "nose", "chin", "neck", "left_middle_tip", "left_heel")
    heights = [points[name][1] for name in order]
    assert heights == sorted(heights, reverse=True)
    vertices = shipped["v_template"]
    assert points["head_top"][1] == vertices[:, 1].max()
    assert points["left_middle_tip"][0] > vertices[:, 0].max() - 0.01
    assert points["left_heel"][1] < vertices[:, 1].min() + 0.04
    assert points["left_big_toe"][2] > points["left_small_toe"][2] > points["left_heel"][2] + 0.1
    assert points["left_big_toe"][0] < points["left_small_toe"][0]
    tips = [points[f"left_{name}_tip"][2] for name in ("thumb", "index", "middle", "ring", "pinky")]
    assert tips == sorted(tips, reverse=True)  # palms down: thumbs forward
    assert points["nose"][2] > points["left_eye"][2] > points["left_ear"][2]


def test_parts_and_segments_cover_the_body_and_mirror(shipped):
    parts, faces = shipped["face_parts"], shipped["f"].astype(int)
    assert set(parts) == {1, 2, 3, 4, 5, 6}
    assert set(shipped["face_segments"]) == set(range(24))
    index = {tuple(sorted(face)): i for i, face in enumerate(faces.tolist())}
    twin = np.array([index[tuple(sorted(face))] for face in shipped["mirror"][faces].tolist()])
    np.testing.assert_array_equal(np.array([0, 1, 2, 4, 3, 6, 5])[parts], parts[twin])
    centre = shipped["v_template"][faces].mean(1)
    assert (centre[parts == 4, 0] > 0).all()  # left arm
    assert (centre[parts == 6, 0] > 0).all()  # left leg
    assert centre[parts == 1, 1].min() > shipped["joints"][12, 1] - 0.02


@pytest.mark.parametrize("pose", POSES)
def test_volume_stays_within_three_percent(shipped, pose):
    change = volume(shipped, posed(shipped, POSES[pose])) / volume(shipped, shipped["v_template"]) - 1
    assert abs(change) < 0.03


@pytest.mark.parametrize("pose", ["wrists twisted", "elbows twisted"])
def test_a_twisted_forearm_keeps_its_thickness(shipped, pose):
    """Plain skinning would narrow it to cos(40 degrees) = 0.77 and less where the two bones share the skin."""
    elbow, wrist = shipped["joints"][18], shipped["joints"][20]
    forearm = np.flatnonzero(
        (shipped["v_template"][:, 0] > elbow[0] - 0.02) & (shipped["v_template"][:, 0] < wrist[0] + 0.01)
    )
    turned = posed(shipped, POSES[pose])
    radius = np.linalg.norm((turned - elbow)[forearm, 1:], axis=1)
    before = np.linalg.norm((shipped["v_template"] - elbow)[forearm, 1:], axis=1)
    assert np.percentile(radius / before, 2) > 0.8
    assert np.percentile(radius / before, 98) < 1.25


def population(shipped) -> tuple[np.ndarray, np.ndarray]:
    """Heights and body mass indices of 300 random shapes."""
    rng = np.random.default_rng(0)
    heights, bmis = [], []
    for betas in rng.standard_normal((300, 10)):
        shape = shipped["v_template"] + shipped["shapedirs"] @ betas
        heights.append(np.ptp(shape[:, 1]))
        bmis.append(1000 * volume(shipped, shape) / heights[-1] ** 2)
    return np.array(heights), np.array(bmis)


def test_betas_reach_light_and_heavy_short_and_tall(adult):
    heights, bmis = population(adult)
    assert np.percentile(bmis, 2) < 22
    assert np.percentile(bmis, 98) > 33
    assert np.std(heights) > 0.05


def test_betas_of_the_child_reach_ages_of_two_and_twelve():
    """Medians of the CDC's growth charts: 0.86 m at two, 1.50 m at twelve; the median body mass index is 15 to 18."""
    heights, bmis = population(body("child"))
    assert np.percentile(heights, 5) < 0.90
    assert np.percentile(heights, 95) > 1.48
    assert 15 < np.median(bmis) < 18
    smallest, tallest = (shape_of(body("child"), beta) for beta in (-1.7, 1.5))
    head = [np.ptp(shape[in_head(body("child")), 1]) / np.ptp(shape[:, 1]) for shape in (smallest, tallest)]
    assert head[0] > 1.2 * head[1]  # a toddler's head is large


def shape_of(shipped, beta: float) -> np.ndarray:
    return shipped["v_template"] + beta * shipped["shapedirs"][..., 0]


def in_head(shipped) -> np.ndarray:
    return shipped["weights"].argmax(1) == SMPL_JOINTS.index("head")


def test_the_joints_of_children_of_all_ages_lie_inside_the_skin():
    shipped = body("child")
    for beta in (-1.7, 0.0, 1.5):
        shape = shape_of(shipped, beta)
        mesh = trimesh.Trimesh(shape, shipped["f"], process=False)
        joints = shipped["J_regressor"].astype(float) @ shape
        assert (np.abs(winding_numbers(mesh, joints) - 1) < 1e-6).all(), beta


def winding_numbers(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """(P,) 1 inside of a closed mesh, 0 outside (Van Oosterom & Strackee 1983)."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] - points[:, None] for k in range(3))
    la, lb, lc = (np.linalg.norm(edge, axis=-1) for edge in (a, b, c))
    below = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.arctan2((a * np.cross(b, c)).sum(-1), below).sum(1) / (2 * np.pi)


def test_positive_betas_are_more_volume(shipped):
    for k in range(10):
        grown = volume(shipped, shipped["v_template"] + shipped["shapedirs"][..., k])
        assert grown > volume(shipped, shipped["v_template"] - shipped["shapedirs"][..., k])


def test_licence_and_provenance_are_inside(shipped):
    meta = json.loads(str(shipped["meta"]))
    assert meta["license"] == "CC0-1.0"
    assert "MakeHuman" in meta["provenance"]
    assert isinstance(meta["seed"], int)
    assert meta["name"] == ("open_child" if shipped is body("child") else f"open_{shipped['gender']}")
