"""`detect` and the registry, with a stand-in for the networks."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.detectors import DETECTORS, load_detector, registry
from anchorfit.observations import read_image, write_image
from anchorfit.regressors.weights import HUMAN2D

PHOTO = ASSETS / "demo" / "000000000785.jpg"


def test_people_carry_their_picture(stand_in):
    (person,) = anchorfit.detect(PHOTO, stand_in())
    assert person.image == PHOTO
    assert person.name == "000000000785.jpg#0"
    (same,) = anchorfit.detect([read_image(PHOTO)], stand_in())
    assert same.name == "image 0#0"
    np.testing.assert_array_equal(same.keypoints, person.keypoints)


def test_every_bad_picture_is_one_line_and_costs_no_other(tmp_path, stand_in):
    bad = {
        "black.png": "finds no person",
        "white.png": "finds no person",
        "clip.mp4": "this is a video",
        "cut.jpg": "damaged or cut short",
        "empty.jpg": "is empty",
        "missing.jpg": "no such image",
        "text.jpg": "this is a text file",
    }
    write_image(tmp_path / "black.png", np.zeros((40, 60, 3), np.uint8))
    write_image(tmp_path / "white.png", np.full((40, 60, 3), 255, np.uint8))
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    (tmp_path / "cut.jpg").write_bytes(PHOTO.read_bytes()[:5000])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("hello")
    found = anchorfit.detect([*(tmp_path / name for name in bad), PHOTO], stand_in())
    assert len(found) == 1
    assert len(found.problems) == len(bad)
    for (name, words), line in zip(bad.items(), found.problems, strict=True):
        assert str(tmp_path / name) in line
        assert words in line
        assert "\n" not in line


def test_a_crowd_is_said(stand_in):
    found = anchorfit.detect(PHOTO, stand_in(copies=5))
    assert len(found) == 5
    assert found.problems == (f"{PHOTO}: a crowd; the surest 5 people of it are taken",)


def test_an_array_that_is_no_picture_is_an_error(stand_in):
    with pytest.raises(ValueError, match="image 0: expected"):
        anchorfit.detect(np.zeros((4, 4), np.float32), stand_in())


def test_auto_is_the_packages_own_and_others_are_taken_by_name(monkeypatch, stand_in):
    models = []

    def make(wanted):
        models.append(wanted.model)
        return stand_in()

    monkeypatch.setitem(DETECTORS, "another", registry.Kind("package", ".file", make))
    monkeypatch.setattr(registry, "find_spec", lambda name: object() if name == "package" else None)
    assert load_detector().name == "anchorfit (MoveNet Thunder, BlazePose)"
    assert load_detector("another", model="some.file").name == "stand-in 1.0"
    assert load_detector(model="some.file").name == "stand-in 1.0"
    assert models == [Path("some.file")] * 2
    with pytest.raises(ImportError, match=r"mediapipe is not installed: pip install mediapipe=="):
        load_detector("mediapipe")


def test_an_unknown_name_is_told():
    with pytest.raises(ValueError, match="expected auto, anchorfit, mediapipe, human2d; got 'yolo'"):
        load_detector("yolo")


BROKEN = {
    "without networks": ("", False, "carries no networks: give a .task file"),
    "without a library": ("raise ImportError('libGL.so.1: not there')", True, r"cannot be loaded \(libGL.so.1: not"),
    "of another time": ("raise TypeError('Descriptors\\ncannot')", True, r"\(Descriptors\): install it again"),
}


@pytest.mark.parametrize(("code", "networks", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_mediapipe_that_cannot_be_used_is_one_line_where_it_is_named(broken_mediapipe, code, networks, reason):
    broken_mediapipe(code, networks=networks)
    with pytest.raises(ImportError, match=reason) as error:
        load_detector("mediapipe")
    assert "pip install mediapipe==" in str(error.value)
    assert "\n" not in str(error.value)
    assert load_detector("auto").name.startswith("anchorfit")


def test_the_ending_of_its_file_tells_the_detector(monkeypatch, stand_in):
    monkeypatch.setattr(registry, "find_spec", lambda name: object())
    monkeypatch.setitem(DETECTORS, "mediapipe", DETECTORS["mediapipe"]._replace(load=lambda wanted: stand_in()))
    assert load_detector("auto", model=HUMAN2D).name.startswith("human2d in boxes of anchorfit")
    assert load_detector("auto", model="pose.TASK").name == "stand-in 1.0"
    with pytest.raises(ValueError, match=r"a.safetensors: .safetensors files are networks of human2d; mediapipe takes"):
        load_detector("mediapipe", model="a.safetensors")
    with pytest.raises(ValueError, match=r"pose.task: .task files are networks of mediapipe; human2d takes"):
        load_detector("human2d", model="pose.task")
    with pytest.raises(ValueError, match=r"pose.task: anchorfit has its networks in the package and takes no file"):
        load_detector("anchorfit", model="pose.task")
    with pytest.raises(ValueError, match=r"a.onnx: the ending tells no detector; expected .task \(mediapipe\) or"):
        load_detector(model="a.onnx")


def test_looking_at_people_mirrored_is_human2ds(monkeypatch, stand_in):
    monkeypatch.setattr(registry, "find_spec", lambda name: object())
    with pytest.raises(ValueError, match="flip: mediapipe looks at nobody mirrored; only human2d does"):
        load_detector("mediapipe", flip=True)
    for name in ("auto", "human2d"):
        assert vars(load_detector(name, flip=True))["flip"] is True
    assert vars(load_detector("human2d"))["flip"] is False


def test_no_detector_is_imported_before_it_is_asked_for():
    code = "import anchorfit.detectors, sys; assert 'mediapipe' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
