"""BVH and GLB files of any rig: one motion gives the same poses, whatever the axes, units, channels and zero pose."""

import json
import struct
import tarfile
from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anchorfit.body.joint_sets import SMPL_PARENTS
from scripts.motion.bvh import parse_bvh
from scripts.motion.glb import parse_glb
from scripts.motion.humanoid import bent_backwards, hinge_elbows, level_heads, smpl_poses, stop_knees
from scripts.motion.library import LibrarySettings
from scripts.motion.recording import Recording
from scripts.motion.retarget import REST_DIRECTIONS
from scripts.motion.sources import read_motions

JOINTS: dict[str, tuple[str | None, tuple[float, float, float]]] = {
    "Hips": (None, (0, 0.9, 0)),
    "Spine": ("Hips", (0, 0.1, 0)),
    "Spine1": ("Spine", (0, 0.2, 0)),
    "Neck": ("Spine1", (0, 0.25, 0)),
    "Head": ("Neck", (0, 0.1, 0)),
    **{
        f"{side}{part}": (parent if parent in ("Hips", "Spine1") else f"{side}{parent}", (sign * x, y, z))
        for side, sign in (("Left", 1), ("Right", -1))
        for part, parent, (x, y, z) in (
            ("Shoulder", "Spine1", (0.05, 0.2, 0)),
            ("Arm", "Shoulder", (0.12, 0, 0)),
            ("ForeArm", "Arm", (0.28, 0, 0)),
            ("Hand", "ForeArm", (0.25, 0, 0)),
            ("UpLeg", "Hips", (0.1, -0.05, 0)),
            ("Leg", "UpLeg", (0, -0.4, 0)),
            ("Foot", "Leg", (0, -0.4, 0)),
            ("ToeBase", "Foot", (0, -0.05, 0.12)),
        )
    },
}
NAMES = tuple(JOINTS)
PARENTS = [-1 if parent is None else NAMES.index(parent) for parent, _ in JOINTS.values()]
TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def _motion(count: int = 6, scale: float = 0.4) -> np.ndarray:
    """(T, J, 3, 3) rotations against the parents; the first frame is the T pose."""
    rng = np.random.default_rng(5)
    turns = rng.normal(scale=scale, size=(count, len(NAMES), 3))
    turns[0] = 0
    return Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(count, len(NAMES), 3, 3)


def _bvh(
    local: np.ndarray,
    *,
    order: str = "ZXY",
    unit: float = 1.0,
    z_up: bool = False,
    places: bool = False,
    zero: np.ndarray | None = None,
    rate: float = 30.0,
) -> str:
    """The motion as a BVH file; ``zero``: (J, 3, 3) turns of the bones' own frames in the T pose."""
    frames = np.tile(np.eye(3), (len(NAMES), 1, 1)) if zero is None else zero
    lines = ["HIERARCHY"]

    def write(joint: int, indent: str) -> None:
        parent = PARENTS[joint]
        offset = unit * np.array(JOINTS[NAMES[joint]][1])
        if z_up:
            offset = TO_Z_UP @ offset
        if parent >= 0:
            offset = frames[parent].T @ offset
        place = "Xposition Yposition Zposition " if places or parent < 0 else ""
        turn = " ".join(f"{axis}rotation" for axis in order)
        lines.append(f"{indent}{'ROOT' if parent < 0 else 'JOINT'} {NAMES[joint]}\n{indent}{{")
        lines.append(f"{indent} OFFSET {' '.join(f'{number:.9f}' for number in offset)}")
        lines.append(f"{indent} CHANNELS {6 if place else 3} {place}{turn}")
        children = [index for index, other in enumerate(PARENTS) if other == joint]
        for child in children:
            write(child, indent + " ")
        if not children:
            lines.append(f"{indent} End Site\n{indent} {{\n{indent}  OFFSET 0 0 0.1\n{indent} }}")
        lines.append(indent + "}")

    write(0, "")
    rows = []
    for pose in local:
        numbers: list[float] = []

        def fill(joint: int, pose: np.ndarray = pose, numbers: list[float] = numbers) -> None:
            matrix = TO_Z_UP @ pose[joint] @ TO_Z_UP.T if z_up else pose[joint]
            parent = np.eye(3) if PARENTS[joint] < 0 else frames[PARENTS[joint]]
            numbers += [0.1, 0.2, 0.3] if places or PARENTS[joint] < 0 else []
            numbers += Rotation.from_matrix(parent.T @ matrix @ frames[joint]).as_euler(order, degrees=True).tolist()
            for child in (index for index, other in enumerate(PARENTS) if other == joint):
                fill(child)

        fill(0)
        rows.append(" ".join(f"{number:.9f}" for number in numbers))
    return "\n".join([*lines, "MOTION", f"Frames: {len(local)}", f"Frame Time: {1 / rate:.6f}", *rows])


def _glb(local: np.ndarray) -> bytes:
    """The motion as the animation of a GLB file at 30 frames a second."""
    quaternions = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(len(local), len(NAMES), 4)
    blocks = [np.arange(len(local)) / 30.0, *(quaternions[:, joint] for joint in range(len(NAMES)))]
    views, accessors, data = [], [], b""
    for block in blocks:
        content = block.astype("<f4").tobytes()
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(content)})
        kind = "SCALAR" if block.ndim == 1 else "VEC4"
        accessors.append({"bufferView": len(views) - 1, "componentType": 5126, "count": len(local), "type": kind})
        data += content
    document = {
        "asset": {"version": "2.0"},
        "nodes": [
            {
                "name": name,
                "translation": list(JOINTS[name][1]),
                "children": [index for index, parent in enumerate(PARENTS) if parent == joint],
            }
            for joint, name in enumerate(NAMES)
        ],
        "animations": [
            {
                "name": "Dance",
                "samplers": [{"input": 0, "output": joint + 1} for joint in range(len(NAMES))],
                "channels": [
                    {"sampler": joint, "target": {"node": joint, "path": "rotation"}} for joint in range(len(NAMES))
                ],
            }
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def _globals(poses: np.ndarray) -> np.ndarray:
    local = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape[:2], 3, 3)
    world = local.copy()
    for joint in range(1, 24):
        world[:, joint] = world[:, SMPL_PARENTS[joint]] @ local[:, joint]
    return world


def test_limbs_point_where_the_recorded_ones_point():
    local = _motion()
    poses = smpl_poses(parse_bvh(_bvh(local)))
    world = np.tile(np.eye(3), (len(local), len(NAMES), 1, 1))
    for joint, parent in enumerate(PARENTS):
        world[:, joint] = local[:, joint] if parent < 0 else world[:, parent] @ local[:, joint]
    found = _globals(poses)
    for limb, joint, bone, zero in (
        ("thigh", 1, "UpLeg", (0, -1, 0)),
        ("shin", 4, "Leg", (0, -1, 0)),
        ("upper_arm", 16, "Arm", (1, 0, 0)),
        ("forearm", 18, "ForeArm", (1, 0, 0)),
    ):
        for side, (name, sign) in enumerate((("Left", 1), ("Right", -1))):
            flip = np.array([sign, 1, 1])
            rest = np.array(REST_DIRECTIONS[limb]) / np.linalg.norm(REST_DIRECTIONS[limb])
            recorded = world[:, NAMES.index(name + bone)] @ (np.array(zero) * flip)
            np.testing.assert_allclose(found[:, joint + side] @ (rest * flip), recorded, atol=1e-6)
    np.testing.assert_allclose(found[:, 0], world[:, 0], atol=1e-6)


def test_bent_knees_and_elbows_have_smpls_signs():
    local = np.tile(np.eye(3), (1, len(NAMES), 1, 1))
    for side, sign in (("Left", -1), ("Right", 1)):
        local[0, NAMES.index(f"{side}Leg")] = Rotation.from_euler("x", 80, degrees=True).as_matrix()
        local[0, NAMES.index(f"{side}ForeArm")] = Rotation.from_euler("y", sign * 80, degrees=True).as_matrix()
    pose = smpl_poses(parse_bvh(_bvh(local)))[0]
    assert (pose[[4, 5], 0] > 1).all()
    assert pose[18, 1] < -1.2
    assert pose[19, 1] > 1.2


@pytest.mark.parametrize(
    "form",
    [
        {"order": "XYZ"},
        {"order": "YXZ", "places": True},
        {"unit": 100.0},
        {"unit": 39.37},
        {"z_up": True},
        {"z_up": True, "order": "YZX", "unit": 39.37},
    ],
    ids=str,
)
def test_axes_units_and_channels_change_nothing(form):
    local = _motion()
    np.testing.assert_allclose(
        smpl_poses(parse_bvh(_bvh(local, **form))), smpl_poses(parse_bvh(_bvh(local))), atol=1e-6
    )


def test_a_zero_pose_that_is_no_t_is_replaced_by_the_first_frame():
    """Every bone along its own x axis in the zero pose, as some packages write it."""
    local = _motion()
    zero = np.tile(np.eye(3), (len(NAMES), 1, 1))
    for joint, name in enumerate(NAMES):
        if "Leg" in name or "Arm" in name:
            zero[joint] = Rotation.from_euler("z", 90 if "Left" in name else -70, degrees=True).as_matrix()
    text = _bvh(local, zero=zero)
    np.testing.assert_allclose(smpl_poses(parse_bvh(text)), smpl_poses(parse_bvh(_bvh(local))), atol=1e-6)
    with pytest.raises(ValueError, match="expected a zero pose or first frame that stands upright with the arms out"):
        smpl_poses(parse_bvh(_bvh(_motion(6, 1.5)[1:], zero=zero), "odd"))


def test_animations_of_glb_files_give_the_same_poses():
    local = _motion()
    (recording,) = parse_glb(_glb(local))
    assert recording.name == "Dance"
    np.testing.assert_allclose(smpl_poses(recording), smpl_poses(parse_bvh(_bvh(local))), atol=1e-5)


def test_files_of_many_frames_a_second_are_thinned_to_thirty():
    assert parse_bvh(_bvh(_motion(9), rate=120.0)).frames.tolist() == [0, 4, 8]


def test_elbows_without_twist_get_smpls_hinge_and_limbs_keep_their_directions():
    rng = np.random.default_rng(3)
    poses = np.zeros((40, 24, 3))
    poses[:, [16, 17]] = rng.normal(scale=0.8, size=(40, 2, 3))
    for side, sign in enumerate((1.0, -1.0)):
        angle = rng.uniform(-1.2, 1.2, 40)
        hinge = np.stack([0 * angle, -sign * np.cos(angle), np.sin(angle)], 1)
        poses[:, 18 + side] = rng.uniform(0.6, 2.0, (40, 1)) * hinge
    hinged = hinge_elbows(poses)
    before, after = _globals(poses), _globals(hinged)
    for side, sign in enumerate((1.0, -1.0)):
        for joint, bone in ((16 + side, "upper_arm"), (18 + side, "forearm")):
            along = np.array(REST_DIRECTIONS[bone]) * (sign, 1, 1)
            np.testing.assert_allclose(after[:, joint] @ along, before[:, joint] @ along, atol=1e-9)
        assert (-sign * hinged[:, 18 + side, 1] > 0.6 - np.deg2rad(6.5)).all()  # the rest arm is bent by 6.2 degrees
        assert np.abs(hinged[:, 18 + side, 2]).max() < 0.12  # the rest forearm is 2 degrees off the hinge's plane


def test_heads_look_ahead_and_knees_stop_where_they_are_straight():
    poses = np.zeros((5, 24, 3))
    poses[:, 15, 0] = np.deg2rad([10, 15, 20, 25, 60])
    poses[:, 4, 0] = -0.4
    levelled = _globals(level_heads(poses))[:, 15]
    assert np.rad2deg(np.arcsin(-levelled[2, 1, 2])) == pytest.approx(0, abs=1e-6)
    stopped = stop_knees(poses)
    assert stopped[0, 4, 0] == pytest.approx(-np.arctan(0.099))
    assert (stopped[:, 5] == 0).all()
    poses[1, 18, 1] = 1.3
    assert bent_backwards(poses).tolist() == [False, True, False, False, False]


def _binary(glb: bytes) -> bytes:
    return glb[20 + int.from_bytes(glb[12:16], "little") + 8 :]


def _with(glb: bytes, change: Callable[[dict], object]) -> bytes:
    """The GLB file with another document."""
    length = int.from_bytes(glb[12:16], "little")
    document = json.loads(glb[20 : 20 + length])
    change(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = len(text).to_bytes(4, "little") + b"JSON" + text + glb[20 + length :]
    return glb[:8] + (12 + len(chunks)).to_bytes(4, "little") + chunks


def test_files_that_cannot_be_used_are_a_line_each_and_the_others_are_read(tmp_path):
    good = _bvh(_motion())
    folder = tmp_path / "motion" / "accad_female1"
    folder.mkdir(parents=True)
    for name, text in {
        "a_good": good,
        "b_cut": good[: int(0.9 * len(good))],
        "c_cut_head": good[:300],
        "d_other": good.replace("LeftUpLeg", "Tentacle"),
        "e_nan": good.replace("0.300000000", "nan", 1),
        "f_words": good.replace("0.300000000", "three", 1),
        "g_text": "hello",
    }.items():
        (folder / f"{name}.bvh").write_text(text)
    whole = _glb(_motion())
    (folder / "h_cut.glb").write_bytes(whole[:-100])
    # The same length with other words: nodes that hang on each other, a node that is none, turns of no size.
    (folder / "i_circle.glb").write_bytes(_with(whole, lambda document: document["nodes"][3].update(children=[0, 3])))
    (folder / "j_node.glb").write_bytes(_with(whole, lambda document: document["nodes"].__setitem__(3, None)))
    (folder / "k_turn.glb").write_bytes(
        _with(whole, lambda document: document["nodes"][3].update(rotation=[0, 0, 0, 0]))
    )
    long = np.frombuffer(_binary(whole), "<f4").copy()
    long[len(_motion()) - 1] = 1e9  # the last time
    (folder / "l_long.glb").write_bytes(whole.replace(_binary(whole), long.tobytes()))
    lines: list[str] = []
    motions = list(read_motions([tmp_path / "motion"], LibrarySettings(), lines.append))
    assert [motion.name for motion in motions] == ["accad-a_good"]
    assert motions[0].subject == "accad-female1"
    expected = (
        "b_cut: expected 6 frames of",
        "c_cut_head",
        "d_other: unknown joints: no l_thigh",
        "e_nan: expected finite numbers",
        "f_words: could not convert",
        "g_text: expected MOTION",
        "h_cut.glb: expected a GLB file of the length that it states",
        "i_circle",
        "j_node",
        "k_turn",
        "l_long",
    )
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line
        assert line.endswith("left out")
        assert "\n" not in line


def test_archives_are_read_like_folders_and_unknown_ones_refused(tmp_path):
    (tmp_path / "reactidle").mkdir()
    (tmp_path / "reactidle" / "007_acted.bvh").write_text(_bvh(_motion()))
    with tarfile.open(tmp_path / "idle.tar.xz", "w:xz") as tar:
        tar.add(tmp_path / "reactidle", "reactidle")
    (motion,) = read_motions([tmp_path / "idle.tar.xz"], LibrarySettings(), pytest.fail)
    assert (motion.subject, motion.name, motion.most) == ("idle-007", "idle-007_acted", 60)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: expected a folder cmu_terryum, accad_female1"):
        list(read_motions([tmp_path / "empty"], LibrarySettings(), pytest.fail))
    with pytest.raises(FileNotFoundError, match="no such folder or tar archive"):
        list(read_motions([tmp_path / "missing"], LibrarySettings(), pytest.fail))


def test_nothing_of_a_held_out_person_enters(tmp_path):
    folder = tmp_path / "cmu_terryum"
    folder.mkdir()
    for name in ("13.asf", "13_01.amc", "99_01.amc"):
        (folder / name).write_text("")
    lines: list[str] = []
    assert list(read_motions([tmp_path], LibrarySettings(), lines.append)) == []
    assert "13_01.amc: subject 13 is held out" in lines[0]
    assert "99_01.amc: expected its skeleton 99.asf beside it" in lines[1]


def test_recordings_hold_finite_numbers_only():
    with pytest.raises(ValueError, match="x: offsets: expected finite numbers"):
        Recording(
            name="x", joints=("a",), parents=np.array([-1]), offsets=np.full((1, 3), np.nan), rest=np.eye(3)[None],
            rotations=np.eye(3)[None, None], frames=np.zeros(1, int),
        )  # fmt: skip
