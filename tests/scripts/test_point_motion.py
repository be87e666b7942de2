"""Recordings of points: joints and markers give poses whose limbs point where theirs do."""

import io

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anchorfit.body.joint_sets import SMPL_PARENTS
from scripts.motion.humanoid import smpl_poses
from scripts.motion.library import LibrarySettings
from scripts.motion.places import NEEDED, recording_of_places
from scripts.motion.point_files import HOLOSOMA_JOINTS, HOLOSOMA_RATE, MARKERS, parse_csm, parse_joint_array
from scripts.motion.retarget import REST_DIRECTIONS
from scripts.motion.sources import read_motions

LIMBS = {
    "UpLeg": ("Leg", "thigh", 1, (0, -0.4, 0)),
    "Leg": ("Foot", "shin", 4, (0, -0.4, 0)),
    "Arm": ("ForeArm", "upper_arm", 16, (0.28, 0, 0)),
    "ForeArm": ("Hand", "forearm", 18, (0.25, 0, 0)),
}
STANDING = 6
MOVING = 30


def _places() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Joints of somebody who stands, arms out, and then moves, facing every way; turns (T, 3, 3) of the pelvis."""
    rng = np.random.default_rng(3)
    count = STANDING + MOVING

    def turns(scale: float) -> Rotation:
        vectors = rng.normal(scale=scale, size=(count, 3))
        vectors[:STANDING] = 0
        return Rotation.from_rotvec(vectors)

    def about(axis: str, angles: np.ndarray) -> Rotation:
        return Rotation.from_rotvec(angles[:, None] * np.eye(3)["xyz".index(axis)])

    heading = about("y", np.linspace(0, 5, count))
    pelvis = heading * turns(0.4)
    chest = pelvis * turns(0.3)
    places = {"Hips": np.zeros((count, 3))}

    def put(joint: str, start: str, turn: Rotation, offset: tuple[float, float, float]) -> None:
        places[joint] = places[start] + turn.apply(offset)

    put("Spine", "Hips", pelvis, (0, 0.1, 0))
    put("Spine1", "Spine", pelvis * turns(0.2), (0, 0.2, -0.02))
    put("Neck", "Spine1", chest, (0, 0.25, -0.02))
    put("Head", "Neck", chest * turns(0.2), (0, 0.1, 0.03))
    for side, sign in (("Left", 1), ("Right", -1)):
        put(side + "UpLeg", "Hips", pelvis, (sign * 0.1, -0.05, 0))
        put(side + "Shoulder", "Spine1", chest, (sign * 0.05, 0.2, 0))
        put(side + "Arm", side + "Shoulder", chest, (sign * 0.12, 0, 0))
        bend = np.abs(rng.normal(scale=0.9, size=count))
        bend[:STANDING] = 0
        hip, shoulder = pelvis * turns(0.5), chest * turns(0.7)
        knee = hip * about("x", bend)
        put(side + "Leg", side + "UpLeg", hip, LIMBS["UpLeg"][3])
        put(side + "Foot", side + "Leg", knee, LIMBS["Leg"][3])
        put(side + "ToeBase", side + "Foot", knee * turns(0.2), (0, -0.05, 0.12))
        put(side + "ForeArm", side + "Arm", shoulder, (sign * 0.28, 0, 0))
        put(side + "Hand", side + "ForeArm", shoulder * about("y", -sign * bend), (sign * 0.25, 0, 0))
    return places, pelvis.as_matrix()


def _globals(poses: np.ndarray) -> np.ndarray:
    world = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape[:2], 3, 3)
    for joint in range(1, 24):
        world[:, joint] = world[:, SMPL_PARENTS[joint]] @ world[:, joint]
    return world


def _angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    cosine = (first * second).sum(-1) / np.linalg.norm(first, axis=-1) / np.linalg.norm(second, axis=-1)
    return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))


def _check_limbs(places: dict[str, np.ndarray], poses: np.ndarray, most: float) -> None:
    world = _globals(poses)
    for side, sign in (("Left", 1), ("Right", -1)):
        for start, (end, part, joint, _) in LIMBS.items():
            found = world[:, joint + (sign < 0)] @ (np.array(REST_DIRECTIONS[part]) * (sign, 1, 1))
            assert _angle(found, places[side + end] - places[side + start]).max() < most, side + start


def test_limbs_point_where_the_points_do_and_trunks_turn_with_them():
    places, pelvis = _places()
    poses = smpl_poses(recording_of_places("x", places, np.arange(STANDING + MOVING)))
    _check_limbs(places, poses, 1e-3)
    turned = Rotation.from_matrix(np.swapaxes(_globals(poses)[:, 0], 1, 2) @ pelvis).magnitude()
    assert np.rad2deg(turned).max() < 1e-3


def test_knees_and_elbows_bend_about_smpls_axes():
    places, _ = _places()
    poses = smpl_poses(recording_of_places("x", places, np.arange(STANDING + MOVING)))
    bent = np.linalg.norm(poses, axis=2) > 0.7
    for joint, axis, sign in ((4, 0, 1), (5, 0, 1), (18, 1, -1), (19, 1, 1)):
        assert bent[:, joint].sum() > 5
        along = sign * poses[bent[:, joint], joint, axis] / np.linalg.norm(poses[bent[:, joint], joint], axis=1)
        assert along.min() > 0.95


def test_who_stands_has_no_bent_joint_whatever_the_trunk_and_feet_of_the_rig_point_at():
    places, _ = _places()
    poses = smpl_poses(recording_of_places("x", places, np.arange(STANDING + MOVING)))
    standing = np.rad2deg(np.linalg.norm(poses[:STANDING], axis=2))
    assert standing[:, [3, 6, 9, 12, 15, 7, 8, 13, 14]].max() < 6  # feet: SMPL's shins slope by as much
    assert standing[:, 4:6].max() < 9


def test_a_mirrored_person_gives_the_mirrored_poses():
    places, _ = _places()
    flipped = {
        joint.replace("Left", "?").replace("Right", "Left").replace("?", "Right"): place * (-1, 1, 1)
        for joint, place in places.items()
    }
    frames = np.arange(STANDING + MOVING)
    poses = smpl_poses(recording_of_places("x", places, frames))
    mirrored = smpl_poses(recording_of_places("x", flipped, frames))
    other = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
    turned = _globals(poses[:, other] * (1, -1, -1))
    np.testing.assert_allclose(_globals(mirrored), turned, atol=1e-6)


def test_what_is_missing_or_no_number_or_never_upright_is_said():
    places, _ = _places()
    frames = np.arange(STANDING + MOVING)
    with pytest.raises(ValueError, match="x: unknown joints: no LeftLeg, RightHand"):
        recording_of_places(
            "x", {joint: places[joint] for joint in NEEDED if joint not in ("LeftLeg", "RightHand")}, frames
        )
    with pytest.raises(ValueError, match="x: expected finite numbers"):
        recording_of_places("x", {**places, "Head": places["Head"] * np.nan}, frames)
    lying = {joint: place[..., [1, 2, 0]] for joint, place in places.items()}
    with pytest.raises(ValueError, match="x: expected 5 frames of upright standing, got"):
        recording_of_places("x", lying, frames)


def _joint_array(places: dict[str, np.ndarray]) -> bytes:
    """As a file with z up, at the rate of holosoma's files."""
    count = len(places["Hips"])
    table = np.zeros((count, len(HOLOSOMA_JOINTS), 3), dtype=np.float32)
    for joint, place in places.items():
        table[:, HOLOSOMA_JOINTS.index(joint)] = place[:, [0, 2, 1]] * (1, -1, 1)
    file = io.BytesIO()
    np.save(file, table.repeat(HOLOSOMA_RATE // 30, axis=0))
    return file.getvalue()


def test_arrays_of_joints_are_read_at_thirty_frames_a_second():
    places, _ = _places()
    recording = parse_joint_array(_joint_array(places), "x")
    assert recording.frames.tolist() == list(range(0, 4 * (STANDING + MOVING), 4))
    _check_limbs(places, smpl_poses(recording), 0.01)


def _csm(places: dict[str, np.ndarray], drop: str = "") -> str:
    """Markers on the skin of the joints' owner, as a file in millimetres with z up."""

    def unit(vectors: np.ndarray) -> np.ndarray:
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

    left = unit(places["LeftUpLeg"] - places["RightUpLeg"])
    up = unit(places["Spine"] - places["Hips"])
    up = unit(up - left * (left * up).sum(-1, keepdims=True))
    ahead = np.cross(left, up)
    width = 0.2 / 0.72  # of the pelvis whose hips lie 20 cm apart
    front = (places["LeftUpLeg"] + places["RightUpLeg"]) / 2 + width * (0.19 * ahead + 0.30 * up)
    neck, middle = places["Neck"], places["Spine1"]
    chest = unit(neck - middle)
    forward = np.cross(unit(places["LeftArm"] - places["RightArm"]), chest)
    markers = {
        "C7": neck - 0.06 * forward,
        "CLAV": neck + 0.06 * forward,
        "T10": middle - 0.1 * forward,
        "STRN": middle + 0.1 * forward,
    }
    for letter, side, sign in (("L", "Left", 1), ("R", "Right", -1)):
        markers[letter + "FWT"] = front + sign * width / 2 * left
        markers[letter + "BWT"] = front - 0.2 * ahead + sign * 0.05 * left
        markers[letter + "FHD"] = places["Head"] + 0.09 * ahead + sign * 0.07 * left
        markers[letter + "BHD"] = places["Head"] - 0.09 * ahead + sign * 0.07 * left
        thigh, shin = places[side + "Leg"] - places[side + "UpLeg"], places[side + "Foot"] - places[side + "Leg"]
        hinge = np.cross(thigh, shin)
        hinge = np.where(np.linalg.norm(hinge, axis=-1, keepdims=True) > 1e-6, hinge, left)
        markers[letter + "KNE"] = places[side + "Leg"] + sign * 0.055 * unit(hinge)
        markers[letter + "ANK"] = places[side + "Foot"] + sign * 0.04 * unit(hinge)
        markers[letter + "TOE"] = markers[letter + "MT5"] = places[side + "ToeBase"]
        markers[letter + "SHO"] = places[side + "Arm"] + 0.05 * chest
        upper, lower = places[side + "ForeArm"] - places[side + "Arm"], places[side + "Hand"] - places[side + "ForeArm"]
        inside = np.cross(upper, lower)
        length = np.linalg.norm(inside, axis=-1, keepdims=True)
        markers[letter + "ELB"] = places[side + "ForeArm"] - sign * 0.04 * inside / np.maximum(length, 1e-9)
        markers[letter + "WRA"] = markers[letter + "WRB"] = places[side + "Hand"]
    table = np.stack([markers[name] for name in MARKERS], axis=1)[..., [0, 2, 1]] * (1, -1, 1) * 1000
    rows = [
        f"{number + 1} " + " ".join("DROPOUT" if f"{number}" == drop else f"{value:.6f}" for value in row.ravel())
        for number, row in enumerate(table)
    ]
    return "\n".join(["$Filename x", "$Rate 30.000", "$Order", " ".join(MARKERS), "$Points", *rows])


def test_markers_give_the_joints_below_them():
    places, _ = _places()
    recording = parse_csm(_csm(places), "x")
    poses = smpl_poses(recording)
    assert len(poses) == STANDING + MOVING
    world = _globals(poses)
    for side, sign in (("Left", 1), ("Right", -1)):
        for start, (end, part, joint, _) in LIMBS.items():
            found = world[:, joint + (sign < 0)] @ (np.array(REST_DIRECTIONS[part]) * (sign, 1, 1))
            off = _angle(found, places[side + end] - places[side + start])
            assert np.median(off) < 1, side + start
            assert off.max() < 15, side + start  # where a joint is nearly straight its axis is a guess


def test_frames_with_a_marker_that_was_not_seen_are_left_out():
    places, _ = _places()
    frames = parse_csm(_csm(places, drop="9"), "x").frames.tolist()
    assert frames == [frame for frame in range(STANDING + MOVING) if frame != 9]


def test_files_that_cannot_be_used_are_a_line_each(tmp_path):
    places, _ = _places()
    climb, fencing = tmp_path / "holosoma_climb", tmp_path / "assimp_fencing"
    climb.mkdir()
    fencing.mkdir()
    whole, text = _joint_array(places), _csm(places)
    other = io.BytesIO()
    np.save(other, np.zeros((4, 22, 3)))
    objects = io.BytesIO()
    np.save(objects, np.array([{}], dtype=object))
    (climb / "a_good.npy").write_bytes(whole)
    (climb / "b_cut.npy").write_bytes(whole[:-100])
    (climb / "c_empty.npy").write_bytes(b"")
    (climb / "d_other.npy").write_bytes(other.getvalue())
    (climb / "e_objects.npy").write_bytes(objects.getvalue())
    (fencing / "f_good.csm").write_text(text)
    (fencing / "g_cut.csm").write_text(text[:-30])
    (fencing / "h_text.csm").write_text("hello")
    (fencing / "i_markers.csm").write_text(text.replace("LKNE", "LXXX"))
    lines: list[str] = []
    motions = list(read_motions([tmp_path], LibrarySettings(), lines.append))
    assert [motion.name for motion in motions] == ["holosoma-a_good", "fencing-f_good"]
    assert [motion.subject for motion in motions] == ["climb-1", "fencer"]
    expected = (
        "b_cut: expected a NumPy array",
        "c_empty: expected a NumPy array",
        "d_other: expected an array (T, 53, 3), got (4, 22, 3)",
        "e_objects: expected a NumPy array",
        "g_cut: expected a CSM file",
        "h_text: expected a CSM file",
        "i_markers: unknown markers: no LKNE",
    )
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line
        assert line.endswith("left out")
