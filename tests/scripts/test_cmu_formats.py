"""Reading ASF, AMC and exponential-map files: small made-up ones."""

import tarfile

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scripts.motion.archive import read_takes
from scripts.motion.expmap import COLUMNS, JOINTS, parse_expmap
from scripts.motion.skeleton import METRES_PER_UNIT, global_rotations, parse_amc, parse_asf

ASF = """# a comment
:version 1.10
:units
  angle deg
:root
   order TX TY TZ RX RY RZ
   axis XYZ
:bonedata
  begin
     id 1
     name femur
     direction 0 -2 0
     length 4.5
     axis 10 20 30  XYZ
    dof rx rz
    limits (-160.0 20.0)
           (-70.0 70.0)
  end
  begin
     id 2
     name tibia
     direction 0 -1 0
     length 9
     axis 0 0 20 XYZ
  end
:hierarchy
  begin
    root femur
    femur tibia
  end
"""

AMC = """#!OML:ASF somewhere
:FULLY-SPECIFIED
:DEGREES
7
root 1 2 3 10 20 30
femur 40 50
8
root 1 2 3 0 0 0
femur 0 0
9
root 4 5 6 -10 -20 -30
femur -40 -50
"""


def _about(axis: int, angle_deg: float) -> np.ndarray:
    cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[second, first], matrix[first, second] = sine, -sine
    return matrix


def test_a_skeleton_is_read():
    skeleton = parse_asf(ASF)
    assert list(skeleton) == ["root", "femur", "tibia"]
    assert skeleton["femur"].dof == ("rx", "rz")
    assert skeleton["tibia"].parent == "femur"
    assert skeleton["tibia"].dof == ()
    np.testing.assert_allclose(skeleton["femur"].direction, [0, -1, 0])
    np.testing.assert_allclose(skeleton["femur"].length, 4.5 * METRES_PER_UNIT)
    np.testing.assert_allclose(skeleton["femur"].axis, _about(2, 30) @ _about(1, 20) @ _about(0, 10), atol=1e-12)


def test_a_motion_is_read_and_thinned_by_place_in_the_file():
    motion = parse_amc(AMC, parse_asf(ASF), stride=2)
    assert motion["frame"].tolist() == [0, 2]
    np.testing.assert_allclose(motion["root"], [[10, 20, 30], [-10, -20, -30]])
    np.testing.assert_allclose(motion["femur"], [[40, 0, 50], [-40, 0, -50]])
    np.testing.assert_allclose(motion["translation"], np.array([[1, 2, 3], [4, 5, 6]]) * METRES_PER_UNIT)


def test_rotations_are_conjugated_by_the_bones_axes():
    skeleton = parse_asf(ASF)
    rotations = global_rotations(skeleton, parse_amc(AMC, skeleton))
    root = _about(2, 30) @ _about(1, 20) @ _about(0, 10)
    axis = root  # this bone's axes happen to have the same angles
    expected = root @ axis @ _about(2, 50) @ _about(0, 40) @ axis.T
    np.testing.assert_allclose(rotations["root"][0], root, atol=1e-12)
    np.testing.assert_allclose(rotations["femur"][0], expected, atol=1e-12)
    np.testing.assert_allclose(rotations["tibia"][0], expected, atol=1e-12)
    np.testing.assert_allclose(rotations["femur"][1], np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ASF.replace("angle deg", "angle rad"), "degrees"),
        (ASF.replace("30  XYZ", "30  ZYX"), "axis order XYZ, got ZYX"),
        (ASF.replace("root femur", "root pelvis"), "root -> pelvis"),
        ("nothing", "no bones"),
    ],
)
def test_a_wrong_skeleton_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_asf(text, "my.asf")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (AMC.replace("femur 0 0", "femur 0"), "expected 2 numbers"),
        (AMC.replace("femur 0 0", "fibula 0 0"), "a bone of the skeleton"),
        (AMC.replace("femur 0 0\n", ""), "expected 3 frames, got 2"),
        (AMC.replace("femur 0 0", "femur nan 0"), "bone femur: expected finite numbers"),
        (AMC[: AMC.index("femur -40")], "expected 3 frames, got 2"),
    ],
)
def test_a_wrong_motion_is_named(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_amc(text, parse_asf(ASF), name="my.amc")
    assert "my.amc" in str(caught.value)


def test_exponential_maps_act_on_row_vectors_and_lose_the_added_frame():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3, COLUMNS))
    frames, rotations = parse_expmap("\n".join(",".join(map(repr, row.tolist())) for row in table))
    assert frames.tolist() == [1, 2]
    names = [name for name, _ in JOINTS]
    expected = np.eye(3)
    for name in ("root", "lhipjoint", "lfemur"):
        column = 3 + 3 * names.index(name)
        expected = expected @ Rotation.from_rotvec(table[1, column : column + 3]).as_matrix().T
    np.testing.assert_allclose(rotations["lfemur"][0], expected, atol=1e-12)


def test_a_table_of_another_width_is_named():
    with pytest.raises(ValueError, match=r"my.txt: expected 117 numbers a line, got \[2\]"):
        parse_expmap("1,2\n3,4", name="my.txt")


def test_numbers_that_are_none_are_named_in_tables():
    row = ",".join(["nan", *["0"] * (COLUMNS - 1)])
    with pytest.raises(ValueError, match=r"my.txt: expected finite numbers"):
        parse_expmap(f"{row}\n{row}", name="my.txt")


def test_a_take_that_cannot_be_used_is_a_line_and_the_others_are_read(tmp_path):
    files = {"a.asf": ASF, "good.amc": AMC, "cut.amc": AMC[: AMC.index("femur -40")]}
    files["seqlist.tsv"] = "cut.amc\ta.asf\t1\t1_01\ngood.amc\ta.asf\t1\t1_02\n"
    with tarfile.open(tmp_path / "takes.tar", "w") as tar:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
            tar.add(tmp_path / name, name)
    lines: list[str] = []
    takes = list(read_takes(tmp_path / "takes.tar", stride=1, report=lines.append))
    assert [take.name for take in takes] == ["1_02"]
    assert lines == ["cut.amc: bone femur: expected 3 frames, got 2; left out"]
