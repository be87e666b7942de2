"""`detect` and the registry, with a stand-in for the networks."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.observations import read_image, write_image
from anchorfit.observations.detectors import DETECTORS, load_detector, registry

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


def test_auto_takes_the_first_that_is_installed(monkeypatch, stand_in):
    models = []

    def make(model, search, device):
        models.append(model)
        return stand_in()

    others = {name: kind for name, kind in DETECTORS.items() if name != "human2d"}
    monkeypatch.setattr(registry, "DETECTORS", {**others, "another": registry.Kind("package", make)})
    monkeypatch.setattr(registry, "find_spec", lambda name: object() if name == "package" else None)
    assert load_detector().name == "stand-in 1.0"
    assert load_detector("another", model="some.file").name == "stand-in 1.0"
    assert models == [None, Path("some.file")]
    with pytest.raises(ImportError, match=r"mediapipe is not installed: pip install 'anchorfit\[detect\]'"):
        load_detector("mediapipe")


def test_our_own_network_is_always_there_and_an_unknown_name_is_told(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert load_detector().name == "human2d"
    with pytest.raises(ValueError, match="expected auto, mediapipe, human2d; got 'yolo'"):
        load_detector("yolo")


def test_a_release_without_networks_asks_for_a_file(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: type("Spec", (), {"submodule_search_locations": []})())
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.10.99")
    with pytest.raises(ValueError, match=r"mediapipe 0.10.99 carries no networks: give a .task file"):
        load_detector("mediapipe")


def test_no_detector_is_imported_before_it_is_asked_for():
    code = "import anchorfit.observations.detectors, sys; assert 'mediapipe' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
