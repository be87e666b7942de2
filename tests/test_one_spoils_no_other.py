"""What one broken person, name or file would cost the others: one line, and no neighbour."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib import format as npy

from anchorfit import array_files
from anchorfit.array_files import ArrayFile, ArrayFileError, read_npy
from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.evaluation.estimates import what_is_wrong
from anchorfit.meshes import export_mesh
from anchorfit.observations import KeypointFileError, Person, StoredMask, match_people, read_people, write_people
from anchorfit.observations.apart import work_apart
from anchorfit.observations.matching import image_labels, own_images
from anchorfit.pipeline import FitOptions, fit_people, predict_people
from anchorfit.plain_text import from_cell, printable, to_cell
from anchorfit.results import BodyEstimate, split_name

DEMO = ASSETS / "demo"
SKIER = read_people(DEMO / "person_keypoints.json")[-1]


def skier(person_id="skier", **changes):
    return replace(SKIER, person_id=person_id, image=None, mask=None, **changes)


class Rogue(Person):
    """A person whose name cannot be told and whose numbers cannot be read."""

    def __getattribute__(self, name):
        if name == "mask":
            raise RuntimeError("boom")
        return super().__getattribute__(name)


ROGUE = Rogue(person_id="rogue", keypoints=SKIER.keypoints, confidence=SKIER.confidence, image_size=(640, 425))

SPOILERS = {
    "a name of 5,000 letters": (skier("long", image_label=None), {"image": Path("a" * 5000 + ".jpg")}, None),
    "an unpaired surrogate": (skier("pair"), {"image": Path("\ud800.jpg")}, None),
    "an image as a text": (skier("text"), {"image": "gone.jpg"}, None),
    "a mask of another type": (skier("mask"), {"mask": "all of it"}, None),
    "a mask of texts": (skier("texts"), {"mask": np.full((425, 640), "x")}, None),
    "a size of 2**70": (skier("size"), {"image_size": (2**70, 425)}, "image_size: expected width and height"),
    "a size of texts": (skier("sizes"), {"image_size": ("640", "425")}, "image_size: expected width and height"),
    "a size of one number": (skier("one"), {"image_size": 640}, "image_size: expected width and height"),
    "what raises when it is looked at": (ROGUE, {}, "RuntimeError: boom"),
    "what is no person": ({"keypoints": []}, {}, "AttributeError"),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_one_person_costs_no_neighbour(name):
    person, changes, reason = SPOILERS[name]
    person = replace(person, **changes) if changes else person  # type: ignore[arg-type]
    people = [skier("before"), person, skier("after")]
    for masks in (False, True):
        estimate, problems = predict_people(people, options=FitOptions(masks=masks))
        assert estimate is not None
        assert {"?#before", "?#after"} <= set(estimate.names)
        assert len(estimate) == (2 if reason else 3)
        lines = [str(problem) for problem in problems]
        assert all(line.isprintable() for line in lines)
        if reason:
            assert len(lines) == 1
            assert reason in lines[0]


def test_a_mask_that_breaks_only_when_it_is_decoded_costs_its_person_alone():
    class Late(StoredMask):
        def __array__(self, dtype=None, copy=None):
            raise MemoryError("no room for the mask")

    late = Late(segmentation=[[0, 0, 9, 0, 9, 9]], width=640, height=425)
    people = [skier("before"), replace(skier("late"), mask=late), skier("after")]
    estimate, (problem,) = fit_people(people, options=FitOptions(masks=True))
    assert estimate is not None
    assert estimate.names == ("?#before", "?#after")
    assert str(problem) == "?#late: skipped: MemoryError: no room for the mask"


def test_what_fails_for_all_together_alone_is_raised():
    def work(items):
        if len(items) > 1:
            raise MemoryError("too many at once")
        return items

    with pytest.raises(MemoryError, match="too many at once"):
        work_apart(work, [1, 2, 3])
    assert work_apart(list, [1, 2]) == ([1, 2], ([0, 1], {}))


class TestOwnImages:
    def file(self, tmp_path, *names):
        people = [{"image": name, "person": str(n), "keypoints": {"nose": [1, 2]}} for n, name in enumerate(names)]
        (tmp_path / "people.json").write_text(json.dumps({"people": people}))
        matched = own_images(read_people(tmp_path / "people.json").people, tmp_path / "people.json")
        return {person.person_id: person.image for person in matched.people}, matched.problems

    def picture(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    def test_namesakes_of_two_folders_are_both_found(self, tmp_path):
        here, below = self.picture(tmp_path / "a.jpg"), self.picture(tmp_path / "sub" / "a.jpg")
        assert self.file(tmp_path, "a.jpg", "sub/a.jpg") == ({"0": here, "1": below}, [])

    def test_nothing_outside_the_folder_is_opened(self, tmp_path):
        secret = self.picture(tmp_path / "secret.jpg")
        here = tmp_path / "here"
        here.mkdir()
        images, (line,) = self.file(here, str(secret), "../secret.jpg", "x/../../secret.jpg")
        assert set(images.values()) == {None}
        assert "images outside its folder are not opened" in line
        assert "anchorfit fit IMAGES -k people.json" in line

    def test_absolute_names_of_another_machine_are_found_by_their_ends(self, tmp_path):
        image = self.picture(tmp_path / "images" / "a.jpg")
        assert self.file(tmp_path, "/data/train/images/a.jpg") == ({"0": image}, [])
        assert self.file(tmp_path, "C:\\train\\images\\a.jpg") == ({"0": image}, [])
        assert self.file(tmp_path, "images\\a.jpg") == ({"0": image}, [])

    def test_a_name_without_an_ending_and_one_that_no_file_can_have(self, tmp_path):
        image = self.picture(tmp_path / "a.png")
        images, (line,) = self.file(tmp_path, "a", "b" * 5000, "c\ud800.jpg")
        assert images == {"0": image, "1": None, "2": None}
        assert line.isprintable()
        assert len(line) < 600


class TestManyNamesakes:
    def test_folders_decide_among_thousands(self):
        people = [skier(str(n)) for n in range(5_000)]
        people = [replace(p, image=Path(f"/theirs/{n}/frames/a.jpg")) for n, p in enumerate(people)]
        images = [Path(f"ours/{n}/frames/a.jpg") for n in range(5_000)]
        matched = match_people(people, images)  # minutes, if namesakes were compared with each other
        assert all(p.image == Path(f"ours/{p.person_id}/frames/a.jpg") for p in matched.people)
        assert len(matched.people) == 5_000
        assert len(set(image_labels(images).values())) == 5_000

    def test_thousands_of_one_id_in_an_image(self):
        people = [replace(skier("0"), image=Path("a.jpg"))] * 5_000
        names = [p.person_id for p in match_people(people, [Path("a.jpg")]).people]
        assert names[:3] == ["0", "0-2", "0-3"]
        assert len(set(names)) == 5_000

    def test_other_folders_are_no_match_where_names_are_shared(self):
        people = [replace(skier("1"), image=Path("a/x.jpg")), replace(skier("2"), image=Path("b/x.jpg"))]
        matched = match_people(people, [Path("q/a/x.jpg"), Path("q/c/x.jpg")])
        assert [(p.person_id, str(p.image)) for p in matched.people] == [("1", "q/a/x.jpg")]


def packed(path, header, *, rows=0):
    """An .npz of one array that says it is of that shape and packs well."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("keypoints.npy", "w") as entry:
        npy.write_array_header_1_0(entry, header)
        entry.write(bytes(rows))
    return path


class TestArrayFiles:
    def test_an_array_too_large_is_refused_before_it_is_read(self, tmp_path):
        header = {"descr": "<f8", "fortran_order": False, "shape": (45_000_000, 17, 2)}
        path = packed(tmp_path / "bomb.npz", header)
        with pytest.raises(KeypointFileError, match=r"keypoints: .* are 11.4 GB, more than the 4 GB that"):
            read_people(path)

    def test_the_limit_can_be_set(self, tmp_path, monkeypatch):
        np.savez(tmp_path / "a.npz", a=np.zeros(1000))
        monkeypatch.setenv(array_files.LIMIT_VARIABLE, "0.000001")
        with pytest.raises(ArrayFileError, match="more than the 1e-06 GB"):
            ArrayFile(tmp_path / "a.npz")["a"]
        monkeypatch.setenv(array_files.LIMIT_VARIABLE, "much")
        with pytest.raises(ArrayFileError, match="expected a number of GB, got 'much'"):
            ArrayFile(tmp_path / "a.npz")["a"]

    def test_what_nobody_asked_for_is_not_read(self, tmp_path, monkeypatch):
        read = []
        whole = array_files._read_values
        monkeypatch.setattr(array_files, "_read_values", lambda *a: read.append(a[2]) or whole(*a))  # type: ignore[func-returns-value]
        np.savez(tmp_path / "a.npz", keypoints=np.ones((1, 14, 3)), other=np.zeros(10), odd=np.array([{}], object))
        (person,) = read_people(tmp_path / "a.npz")
        assert person.confidence.sum() == 14
        assert read == [f"{tmp_path / 'a.npz'}: keypoints"]
        file = ArrayFile(tmp_path / "a.npz")
        assert file.header("odd").dtype.hasobject
        assert file.keys() == {"keypoints", "other", "odd"}

    def test_objects_and_cuts_are_named(self, tmp_path):
        np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object), b=np.arange(100_000))
        with pytest.raises(ArrayFileError, match=r"a\.npz: a: holds Python objects, which are not opened"):
            ArrayFile(tmp_path / "a.npz")["a"]
        whole = (tmp_path / "a.npz").read_bytes()
        (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ArrayFileError, match="damaged or cut short"):
            ArrayFile(tmp_path / "cut.npz")
        header = {"descr": "<f8", "fortran_order": False, "shape": (100,)}
        with pytest.raises(ArrayFileError, match="damaged or cut short"):
            ArrayFile(packed(tmp_path / "short.npz", header, rows=80))["keypoints"]
        buffer = io.BytesIO()
        np.save(buffer, np.arange(5))
        (tmp_path / "a.npy").write_bytes(buffer.getvalue())
        assert read_npy(tmp_path / "a.npy").tolist() == [0, 1, 2, 3, 4]
        with pytest.raises(ArrayFileError, match="got a single array"):
            ArrayFile(tmp_path / "a.npy")


class TestNames:
    def test_no_name_reaches_a_terminal_raw(self):
        person = replace(skier("\x1b]0;owned\x07"), image=Path("a\x1b[2J\n\u202egpj.jpg"))
        assert person.name == "a\\x1b[2J\\x0a\\u202egpj.jpg#\\x1b]0;owned\\x07"
        assert split_name(person.name, str(person.image)) == ("a\\x1b[2J\\x0a\\u202egpj.jpg", "\\x1b]0;owned\\x07")
        assert printable("Müller 日本 \U0001f469\u200d\U0001f680.png") == "Müller 日本 \U0001f469\u200d\U0001f680.png"

    def test_long_names_stay_apart(self):
        names = {replace(skier(), image=Path("a" * 5000 + end)).name for end in ("b.jpg", "c.jpg")}
        assert len(names) == 2
        assert max(map(len, names)) < 250

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "'=1", "''=1", "'a", "a", "", "\tx"])
    def test_no_cell_is_a_formula_and_every_name_comes_back(self, tmp_path, name):
        assert not to_cell(name).startswith(("=", "+", "-", "@", "\t"))
        assert from_cell(to_cell(name)) == name
        write_people(tmp_path / "a.csv", [replace(skier(name or "0"), image=Path(f"{name}a.jpg"))])
        (person,) = read_people(tmp_path / "a.csv")
        assert (person.person_id, person.image) == (name or "0", Path(f"{name}a.jpg"))


def rewritten(path, estimate, **changes):
    estimate.save(path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored}
    arrays = {**arrays, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transl": np.zeros((2, 3), np.float32)}, r"transl: expected shape \(3, 3\), got \(2, 3\)"),
        ({"body_pose": np.zeros((3, 63), np.float32)}, r"body_pose: expected shape \(3, 69\)"),
        ({"betas": np.zeros((3, 0), np.float32)}, r"betas: expected \(3, 1 or more\)"),
        ({"transl": np.zeros((3, 3), np.float64)}, "one floating-point type, got float32, float64"),
        ({"transl": np.zeros((3, 3), np.int64)}, "transl: expected floating-point numbers, got int64"),
        ({"transl": np.full((3, 3), "0")}, "transl: expected floating-point numbers"),
        ({"names": np.array(["a#0", "b#0", "a#0"])}, "names: a#0 stands for several rows"),
        ({"names": np.array("a#0")}, r"names: expected 1 dimension, got shape \(\)"),
        ({"images": np.array(["a", "b"])}, r"images: expected shape \(3,\)"),
        ({"body": np.array(["open", "open", "open"])}, r"body: expected shape \(\)"),
        ({"image_size": np.full((3, 2), -1)}, "image_size: expected widths"),
        ({"diagnostics.status": np.array([0, 1, 9])}, "status: expected one of 0, 1, 2, 3"),
        ({"diagnostics.score": np.array([0, 1, 2], np.float32)}, "score: expected numbers from 0 to 1"),
        ({"diagnostics.trusted": np.ones(3)}, "trusted: expected flags, got float64"),
        ({"diagnostics.energy.depth": np.zeros(2)}, r"energy.depth: expected shape \(3,\)"),
        ({"diagnostics.reasons": None}, "the array 'diagnostics.reasons' is missing"),
        ({"names": np.array([{}] * 3)}, "names: expected texts, got object"),
    ],
)
def test_estimates_are_checked_as_they_are_read(tmp_path, some_estimate, changes, message):
    path = rewritten(tmp_path / "a.npz", some_estimate(3), **changes)
    with pytest.raises(ValueError, match=message) as caught:
        BodyEstimate.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_rows_that_a_method_could_not_do_can_be_stored(tmp_path, some_estimate):
    estimate = replace(some_estimate(2), transl=torch.tensor([[torch.nan] * 3, [0, 0, 3.0]]))
    estimate.save(tmp_path / "a.npz")
    assert BodyEstimate.load(tmp_path / "a.npz").transl.isnan().tolist() == [[True] * 3, [False] * 3]


def test_absurd_bodies_are_failures():
    values = torch.tensor([[0.0, 3.0], [1e30, 0.0], [torch.nan, 0.0], [0.0, torch.inf]])
    assert what_is_wrong(values) == ["", "beyond all bodies", "not finite", "not finite"]


@pytest.mark.parametrize("faces", [[[0, 1, 3]], [[-1, 1, 2]], [[0.0, 1.0, 2.0]], [[0, 1]]])
def test_faces_of_another_body_are_refused(tmp_path, faces):
    with pytest.raises(ValueError, match=r"a\.obj: faces: expected"):
        export_mesh(tmp_path / "a.obj", torch.zeros(3, 3), torch.tensor(faces))
    assert not (tmp_path / "a.obj").exists()


def test_an_image_id_that_stands_for_two_images_moves_nobody(tmp_path):
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}, {"id": 2, "file_name": "c.jpg"}]
    people = [{"id": n, "image_id": 1 + n // 2, "keypoints": [1, 2, 2] * 17} for n in range(3)]
    (tmp_path / "a.json").write_text(json.dumps({"images": images, "annotations": people}))
    file = read_people(tmp_path / "a.json")
    assert [person.name for person in file] == ["c.jpg#2"]
    assert len(file.problems) == 1
    assert "id 1 stands for a.jpg and b.jpg; its 2 people are left out" in file.problems[0]


def test_joint_numbers_of_another_type_are_refused():
    count = len(CANONICAL_JOINTS)
    with pytest.raises(ValueError, match="keypoints: expected a numpy array of numbers, got NoneType"):
        Person(person_id="0", keypoints=None, confidence=np.zeros(count))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="keypoints: expected a numpy array of numbers, got list"):
        Person(person_id="0", keypoints=[[0, 0]] * count, confidence=np.zeros(count))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="confidence: expected a numpy array of numbers, got <U1"):
        Person(person_id="0", keypoints=np.zeros((count, 2)), confidence=np.full(count, "1"))
