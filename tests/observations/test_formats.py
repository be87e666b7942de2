"""OpenPose, LSP, SMPLify, our own formats, and telling them apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import Format, files, known_formats, read_people, register_format, write_people
from anchorfit.observations.conventions import BODY25, LSP14, OPENPOSE18
from anchorfit.observations.formats.lsp import read_lsp
from anchorfit.observations.formats.openpose import read_openpose
from anchorfit.observations.people import PeopleFile, Person
from anchorfit.observations.reading import KeypointFileError


def joint(person, name):
    index = CANONICAL_JOINTS.index(name)
    return (*person.keypoints[index].tolist(), float(person.confidence[index]))


def openpose_json(*people, version=1.3):
    return json.dumps({"version": version, "people": list(people)})


def openpose_person(count=25, confidence=0.8):
    numbers = [value for place in range(count) for value in (100 + place, 200 + place, confidence)]
    return {"person_id": [-1], "pose_keypoints_2d": numbers, "face_keypoints_2d": []}


class TestOpenPose:
    def test_body25(self, tmp_path):
        path = tmp_path / "frame_0001_keypoints.json"
        path.write_text(openpose_json(openpose_person(), openpose_person(confidence=0)))
        first, second = read_openpose(path)
        assert first.name == "frame_0001#0"
        assert first.belongs_to("images/frame_0001.png")
        for place in (0, 1, 8, 19, 24):
            assert joint(first, BODY25[place]) == (100 + place, 200 + place, 0.8)
        assert second.person_id == "1"
        assert not second.confidence.any()

    def test_the_older_eighteen(self, tmp_path):
        path = tmp_path / "a_keypoints.json"
        path.write_text(openpose_json({"pose_keypoints": openpose_person(18)["pose_keypoints_2d"]}))
        (person,) = read_openpose(path)
        assert joint(person, OPENPOSE18[8]) == (108, 208, 0.8)

    def test_a_folder_in_the_order_of_names(self, tmp_path):
        (tmp_path / "b_keypoints.json").write_text(openpose_json(openpose_person()))
        (tmp_path / "a.1_keypoints.json").write_text(openpose_json(openpose_person(), openpose_person()))
        (tmp_path / "empty_keypoints.json").write_text(openpose_json())
        (tmp_path / "notes.json").write_text("{}")
        file = read_people(tmp_path)
        assert [person.name for person in file] == ["a.1#0", "a.1#1", "b#0"]
        assert file.problems == ()
        assert file[0].belongs_to("a.1.jpg")

    def test_a_broken_file_or_person_loses_no_neighbour(self, tmp_path):
        (tmp_path / "a_keypoints.json").write_text(openpose_json(openpose_person())[:100])
        short = {"pose_keypoints_2d": [1, 2]}
        (tmp_path / "b_keypoints.json").write_text(openpose_json(short, 3, openpose_person(11), openpose_person()))
        file = read_people(tmp_path)
        assert [person.name for person in file] == ["b#3"]
        patterns = (
            r"a_keypoints.json: the JSON is cut short",
            r"b#0: .*got 2 numbers",
            r"b#1: expected an object",
            r"b#2: 11",
        )
        for pattern, problem in zip(patterns, file.problems, strict=True):
            assert re.search(pattern, problem)

    def test_normalised_coordinates_are_refused(self, tmp_path):
        person = {"pose_keypoints_2d": [0.5, 0.4, 0.9] * 25}
        (tmp_path / "a_keypoints.json").write_text(openpose_json(person))
        assert "--keypoint_scale 0" in read_people(tmp_path / "a_keypoints.json").problems[0]

    def test_no_people_and_no_files(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"holds no NAME_keypoints.json files"):
            read_people(tmp_path)
        (tmp_path / "a_keypoints.json").write_text(openpose_json())
        assert len(read_people(tmp_path / "a_keypoints.json")) == 0

    def test_another_json(self, tmp_path):
        (tmp_path / "a.json").write_text('{"people": [{"keypoints": []}]}')
        with pytest.raises(KeypointFileError, match="expected OpenPose's key people"):
            read_openpose(tmp_path / "a.json")


class TestLsp:
    def test_lsp_flags_mean_hidden(self, tmp_path):
        joints = np.arange(3 * 14 * 4, dtype=float).reshape(3, 14, 4)
        joints[2] = 0
        joints[2, 5, 1] = 1
        savemat(tmp_path / "joints.mat", {"joints": joints})
        people = read_people(tmp_path / "joints.mat")
        assert [person.name for person in people] == [f"im000{n}.jpg#0" for n in (1, 2, 3, 4)]
        assert joint(people[1], LSP14[5]) == (joints[0, 5, 1] - 0.5, joints[1, 5, 1] - 0.5, 0.5)
        assert joint(people[0], LSP14[5])[2] == 1
        assert joint(people[0], "nose") == (0, 0, 0)

    def test_lsp_extended_flags_mean_visible(self, tmp_path):
        joints = np.full((14, 3, 2), 30.0)
        joints[:, 2] = 1
        joints[3, :, 1] = [-40, 7, 0]
        savemat(tmp_path / "joints.mat", {"joints": joints})
        people = read_people(tmp_path / "joints.mat")
        assert [person.name for person in people] == ["im00001.jpg#0", "im00002.jpg#0"]
        assert joint(people[1], LSP14[3]) == (0, 0, 0)
        assert joint(people[1], LSP14[2]) == (29.5, 29.5, 1)

    def test_one_image(self, tmp_path):
        savemat(tmp_path / "joints.mat", {"joints": np.zeros((3, 14, 1))})
        assert len(read_lsp(tmp_path / "joints.mat")) == 1

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ({"points": np.zeros(3)}, "expected LSP's array joints; the file has none"),
            ({"joints": np.zeros((3, 16, 5))}, r"expected numbers of shape .* got float64 \(3, 16, 5\)"),
            ({"joints": np.array([["a", "b"]])}, "expected numbers of shape"),
        ],
    )
    def test_other_arrays(self, tmp_path, content, message):
        savemat(tmp_path / "joints.mat", content)
        with pytest.raises(KeypointFileError, match=message):
            read_lsp(tmp_path / "joints.mat")

    def test_not_matlab(self, tmp_path):
        (tmp_path / "joints.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
        with pytest.raises(KeypointFileError, match="not a MATLAB file"):
            read_people(tmp_path / "joints.mat")
        savemat(tmp_path / "joints.mat", {"joints": np.ones((3, 14, 20))})
        whole = (tmp_path / "joints.mat").read_bytes()
        (tmp_path / "joints.mat").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(KeypointFileError, match="cut short"):
            read_people(tmp_path / "joints.mat")


class TestSmplify:
    def test_rows_are_x_y_confidence(self, tmp_path):
        joints = np.random.default_rng(0).uniform(0, 1, (5, 14, 3))
        np.savez(tmp_path / "est_joints.npz", est_joints=joints)
        people = read_people(tmp_path / "est_joints.npz")
        assert [person.name for person in people] == ["im0001.jpg#0", "im0002.jpg#0", "im0003.jpg#0"]
        assert joint(people[2], LSP14[13]) == pytest.approx(tuple(joints[:3, 13, 2]))

    def test_other_arrays(self, tmp_path):
        np.savez(tmp_path / "a.npz", est_joints=np.zeros((2, 14, 3)))
        with pytest.raises(KeypointFileError, match=r"got float64 \(2, 14, 3\)"):
            read_people(tmp_path / "a.npz")
        np.savez(tmp_path / "a.npz", keypoints=np.zeros((2, 14, 3)))
        with pytest.raises(KeypointFileError, match=r"est_joints: .* got none"):
            read_people(tmp_path / "a.npz", format="smplify")


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


class TestNpz:
    def test_layouts(self, tmp_path):
        rows = np.random.default_rng(0).uniform(1, 9, (2, 25, 3))
        np.savez(tmp_path / "a.npz", keypoints=rows, image=np.array(["x.jpg", "y.jpg"]), person=np.array([3, 4]))
        people = read_people(tmp_path / "a.npz")
        assert [person.name for person in people] == ["x.jpg#3", "y.jpg#4"]
        assert joint(people[1], BODY25[24]) == pytest.approx(tuple(rows[1, 24]))
        np.savez(tmp_path / "b.npz", keypoints=rows[:, :17, :2], convention=np.array("coco17"))
        assert joint(read_people(tmp_path / "b.npz")[0], "nose") == (*rows[0, 0, :2], 1.0)

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"other": np.zeros(3)}, "keypoints: expected numbers .* got none"),
            ({"keypoints": np.zeros((2, 17, 3))}, "17 keypoints may be coco17 or h36m17"),
            ({"keypoints": np.zeros((2, 17, 3)), "convention": np.array("abc")}, "convention: expected one of"),
            ({"keypoints": np.zeros((2, 14, 2)), "confidence": np.zeros((2, 13))}, "confidence: expected numbers"),
            ({"keypoints": np.zeros((2, 14, 2)), "image": np.array(["a"])}, "image: expected 2 texts"),
            ({"keypoints": np.zeros((2, 14, 2)), "image_size": np.zeros(2)}, "image_size: expected whole numbers"),
            ({"keypoints": np.array([Bomb()], dtype=object)}, "holds Python objects, which are not opened"),
        ],
    )
    def test_what_cannot_be_used(self, tmp_path, arrays, message):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(KeypointFileError, match=message) as caught:
            read_people(tmp_path / "a.npz")
        assert str(caught.value).startswith(str(tmp_path / "a.npz"))

    def test_damaged(self, tmp_path):
        np.savez(tmp_path / "a.npz", keypoints=np.ones((2, 14, 3)))
        whole = (tmp_path / "a.npz").read_bytes()
        (tmp_path / "a.npz").write_bytes(whole[:-100])
        with pytest.raises(KeypointFileError, match="damaged or cut short"):
            read_people(tmp_path / "a.npz")
        np.save(tmp_path / "b.npy", np.ones(3))
        with pytest.raises(KeypointFileError, match="single array"):
            read_people(tmp_path / "b.npy")


class TestCsv:
    def test_order_columns_and_defaults(self, tmp_path):
        text = "\ufeffjoint, x, y, person, image\nnose,1,2,a,p.jpg\nneck,3,4.5,b,p.jpg\nleft_hip,5,6,a,p.jpg\n"
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        first, second = read_people(tmp_path / "a.csv")
        assert (first.name, second.name) == ("p.jpg#a", "p.jpg#b")
        assert joint(first, "left_hip") == (5, 6, 1)
        assert (first.confidence > 0).sum() == 2
        (tmp_path / "b.txt").write_text("x,y,joint\n1,2,nose\n")
        assert read_people(tmp_path / "b.txt")[0].name == "?#0"

    def test_a_broken_line_costs_one_joint(self, tmp_path):
        lines = ["a,0,nose,1,2,1", "a,0,knee,1,2,1", "a,0,neck,1,,1", "a,0,nose,1,2,1", "a,0", "b,0,nose,nan,1e9,.5"]
        (tmp_path / "a.csv").write_text("\n".join(["image,person,joint,x,y,confidence", *lines]))
        file = read_people(tmp_path / "a.csv")
        assert len(file) == 2
        patterns = (
            r"line 3: a#0: joint: 'knee'",
            r"line 4: .*y: expected a number, got ''",
            "line 5: .*nose was given",
            "line 6",
        )
        for pattern, problem in zip(patterns, file.problems, strict=True):
            assert re.search(pattern, problem)

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"a;b;c\n1;2;3\n", "lacks joint, x, y"), (b"joint,x\n", "lacks y"), (b"\xff\xfe\x00", "not a text file")],
    )
    def test_no_table(self, tmp_path, content, message):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(KeypointFileError, match=message):
            read_people(tmp_path / "a.csv")


class TestOwnJson:
    def test_by_convention_and_by_name(self, tmp_path):
        people = [
            {"image": "a.jpg", "person": 5, "keypoints": [[n, n + 1, 0.5] for n in range(17)], "image_size": [30, 20]},
            {"image": "a.jpg", "keypoints": {"neck": [1, 2], "left_heel": [3, 4, 0.25]}, "mask": [[0, 0, 9, 0, 9, 9]]},
        ]
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"convention": "coco17", "people": people}))
        first, second = read_people(path)
        assert (first.name, second.name, first.image_size) == ("a.jpg#5", "a.jpg#1", (30, 20))
        assert joint(first, "right_ankle") == (16, 17, 0.5)
        assert joint(second, "left_heel") == (3, 4, 0.25)
        assert joint(second, "neck") == (1, 2, 1)
        assert second.mask is None  # without the image's size it means nothing

    def test_broken_people_lose_no_neighbour(self, tmp_path):
        good = {"keypoints": {"nose": [1, 2]}}
        broken = [3, {}, {"keypoints": {"tail": [1, 2]}}, {"keypoints": [[1, 2]] * 17}, {"keypoints": [[1]] * 14}]
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"people": [good, *broken, good]}))
        file = read_people(path)
        assert [person.person_id for person in file] == ["0", "6"]
        patterns = (
            "expected an object",
            "expected a list of",
            "'tail' is no canonical",
            "may be coco17 or",
            "got 1 numbers",
        )
        for pattern, problem in zip(patterns, file.problems, strict=True):
            assert pattern in problem

    def test_unknown_convention(self, tmp_path):
        (tmp_path / "a.json").write_text('{"convention": "abc", "people": []}')
        with pytest.raises(KeypointFileError, match=r"a.json: convention: expected one of"):
            read_people(tmp_path / "a.json")


@pytest.mark.parametrize("suffix", [".json", ".csv", ".npz"])
def test_write_then_read(tmp_path, suffix):
    generator = np.random.default_rng(3)
    mask = generator.uniform(size=(20, 30)) > 0.5
    people = []
    for number in range(3):
        confidence = generator.uniform(0, 1, len(CANONICAL_JOINTS)).round(1)
        keypoints = generator.uniform(-50, 400, (len(CANONICAL_JOINTS), 2)) * (confidence > 0)[:, None]
        people.append(
            Person(
                person_id=str(number),
                keypoints=keypoints,
                confidence=confidence,
                image=None if number == 0 and suffix != ".csv" else tmp_path / "bild ä, b.jpg",
                image_size=(30, 20),
                box=(1.0, 2.0, 3.0, 4.5),
                mask=mask,
            )
        )
    write_people(tmp_path / f"people{suffix}", people)
    file = read_people(tmp_path / f"people{suffix}")
    assert file.problems == ()
    for read, written in zip(file, people, strict=True):
        np.testing.assert_array_equal(read.keypoints, written.keypoints)
        np.testing.assert_array_equal(read.confidence, written.confidence)
        assert (read.person_id, read.image) == (written.person_id, written.image)
        if suffix == ".json":
            assert read.box == written.box
            np.testing.assert_array_equal(np.asarray(read.mask), mask)


def test_write_no_people_and_elsewhere(tmp_path):
    for suffix in (".json", ".csv", ".npz"):
        write_people(tmp_path / f"a{suffix}", [])
        assert len(read_people(tmp_path / f"a{suffix}")) == 0
    with pytest.raises(ValueError, match="expected a name that ends in"):
        write_people(tmp_path / "a.xml", [])
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write_people(tmp_path / "no" / "a.json", [])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"", "the file is empty"),
        ("a.json", b'{"annotations": [{"id": 1, ', "cut short"),
        ("a.json", b'{"shapes": [], "version": "5"}', "another format .the keys shapes, version"),
        ("a.json", b"[[1, 2], [3, 4]]", "another format .a list of other things"),
        ("a.json", b"\x89PNG\r\n\x1a\n" + bytes(40), "this is no keypoint file"),
        ("a.pkl", b"\x80\x04\x95", "this is no keypoint file"),
        ("a.xml", b"<annotation/>", "this is no keypoint file"),
    ],
)
def test_files_of_another_kind(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(KeypointFileError, match=message) as caught:
        read_people(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_the_format_can_be_said(tmp_path):
    path = tmp_path / "a_keypoints.json"
    path.write_text(openpose_json(openpose_person()))
    assert len(read_people(path, format="openpose")) == 1
    with pytest.raises(KeypointFileError, match="expected COCO's keys"):
        read_people(path, format="coco")
    with pytest.raises(ValueError, match=r"format: expected auto, alphapose, coco, .*, csv, json, npz"):
        read_people(path, format="yolo")
    with pytest.raises(ValueError, match="convention: expected one of"):
        read_people(path, convention="hand21")


@pytest.mark.skipif(not (ASSETS / "demo" / "person_keypoints.json").exists(), reason="the demo photographs are absent")
def test_the_demo_photographs():
    from anchorfit.observations import image_size, sanitise, too_little

    file = read_people(ASSETS / "demo" / "person_keypoints.json")
    assert file.problems == ()
    assert len(file) == 34
    for person in file:
        assert person.image is not None
        assert image_size(ASSETS / "demo" / person.image.name) == person.image_size
        assert np.asarray(person.mask).any()
    usable = [person for person in file if too_little(sanitise(person).person) is None]
    assert len(usable) == 20  # of 34: 13 carry no labelled joint, one a single wrist


NOTHING = np.zeros((len(CANONICAL_JOINTS), 2))
SOMEBODY = Person(person_id="one", keypoints=NOTHING, confidence=NOTHING[:, 0])
ONE = Format(
    name="one",
    recognises=lambda file: file.text.startswith("[one]"),
    read=lambda file, convention: PeopleFile((SOMEBODY,), (str(convention),)),
)


def test_formats_of_other_packages_are_found_and_broken_ones_said(tmp_path, offer):
    def broken():
        raise ImportError("no such module")

    offer("anchorfit.formats", {"a": broken, "b": int, "one": lambda: ONE})
    (tmp_path / "a.txt").write_text("[one] keypoints")
    with pytest.warns(UserWarning, match="anchorfit.formats: ") as said:
        (found,) = read_people(tmp_path / "a.txt", convention="coco")
    assert [str(line.message).partition(": ")[2] for line in said] == [
        "a cannot be loaded (no such module); reinstall or uninstall other",
        "b is no Format; reinstall or uninstall other",
    ]
    assert found.name == "?#one"
    assert read_people(tmp_path / "a.txt", format="one").problems == ("None",)
    (tmp_path / "b.txt").write_text("[two]")
    with pytest.raises(KeypointFileError, match=r"not valid JSON"):
        read_people(tmp_path / "b.txt")
    (tmp_path / "b.txt").write_text("two")
    with pytest.raises(KeypointFileError, match=r"this is no keypoint file; expected COCO .*, or one$"):
        read_people(tmp_path / "b.txt")


def test_a_format_is_registered_once(monkeypatch):
    monkeypatch.setattr(files, "_registered", [])
    register_format(ONE)
    assert known_formats()[0] is ONE
    for name in ("one", "coco", "auto"):
        with pytest.raises(ValueError, match=f"{name}: there is a format of this name already"):
            register_format(replace(ONE, name=name))
