"""``fit``, ``predict`` and ``demo`` on photographs alone, with a stand-in for the detector's networks."""

import shutil
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from anchorfit.assets import ASSETS
from anchorfit.cli.main import app
from anchorfit.detectors import DETECTORS, registry
from anchorfit.observations import PeopleFile, write_image
from anchorfit.results import BodyEstimate
from anchorfit.runs import JOURNAL, detecting
from anchorfit.runs.detecting import Detection, detect_people
from anchorfit.runs.sightings import Sightings

PHOTO = ASSETS / "demo" / "000000000785.jpg"


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def installed(monkeypatch, stand_in):
    """A detector in place of the default one."""
    monkeypatch.setitem(DETECTORS, "anchorfit", registry.Kind(None, None, lambda wanted: stand_in()))


def test_photographs_are_enough(installed, tmp_path):
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    write_image(tmp_path / "black.png", np.zeros((40, 60, 3), np.uint8))
    result = invoke("fit", tmp_path, "-o", tmp_path / "out", "--save", "npz,overlay")
    assert result.exit_code == 0, result.output
    assert "People are looked for with stand-in 1.0." in words(result.output)
    assert "black.png: stand-in 1.0 finds no person in it" in words(result.output)
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name != JOURNAL) == [
        "index.jsonl",
        "photo_0.npz",
        "photo_overlay.png",
    ]
    estimate = BodyEstimate.load(tmp_path / "out" / "photo_0.npz")
    assert estimate.method == "anchored"
    assert (estimate.diagnostics.energy["silhouette"] == 0).all()  # masks are not asked for


def test_detected_masks_are_used_where_they_are_asked_for(installed, tmp_path):
    result = invoke("fit", PHOTO, "-o", tmp_path, "--save", "npz", "--mask", "detected")
    assert result.exit_code == 0, result.output
    assert "silhouette" in BodyEstimate.load(tmp_path / "000000000785_0.npz").diagnostics.energy
    result = invoke("predict", PHOTO, "-o", tmp_path / "direct", "--save", "npz", "--mask", "detected")
    assert result.exit_code == 0, result.output
    assert BodyEstimate.load(tmp_path / "direct" / "000000000785_0.npz").betas.abs().max() > 0


def test_nobody_anywhere_is_an_error(installed, tmp_path):
    write_image(tmp_path / "white.png", np.full((40, 60, 3), 255, np.uint8))
    result = invoke("fit", tmp_path / "white.png", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert f"no person found in {tmp_path / 'white.png'}" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_photograph_is_enough_where_nothing_else_is_installed(broken_mediapipe, monkeypatch, tmp_path):
    broken_mediapipe("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    result = invoke("fit", PHOTO, "-o", tmp_path, "--save", "npz")
    assert result.exit_code == 0, result.output
    assert "People are looked for with anchorfit (MoveNet Thunder, BlazePose)." in words(result.output)
    assert not result.stderr
    (joints,) = (BodyEstimate.load(tmp_path / "000000000785_0.npz").confidence > 0).sum(1).tolist()
    assert joints == 21


@pytest.mark.parametrize(("option", "way"), [((), "_detected"), (("--no-detect",), "_bundled")])
def test_the_demo_starts_from_the_pictures_unless_told(tmp_path, monkeypatch, option, way):
    for name in ("_detected", "_bundled"):
        monkeypatch.setattr(f"anchorfit.runs.demo.{name}", Mock(side_effect=ValueError(name)))
    assert str(invoke("demo", "-o", tmp_path, *option).exception) == way


def test_mirrored_looks_are_human2ds(tmp_path, monkeypatch):
    asked = []

    def take_down(weights, **options):
        asked.append(options["flip"])
        raise ValueError("seen")

    monkeypatch.setattr("anchorfit.detectors.human2d.load_human2d_detector", take_down)
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    flip, named = ["--human2d-flip"], ["--detector", "human2d"]
    for command, flag in (("fit", flip), ("predict", flip), ("fit", named)):
        assert str(invoke(command, PHOTO, "-o", tmp_path, *flag).exception) == "seen"
    assert asked == [True, True, False]
    assert Detection(flip=True).settings() != Detection().settings()  # what was seen otherwise is no use


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_a_missing_detector_is_one_line(monkeypatch, tmp_path, command):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    result = invoke(command, PHOTO, "-o", tmp_path, "--detector", "mediapipe")
    assert result.exit_code == 1
    assert "pip install mediapipe==" in str(result.exception)
    assert "\n" not in str(result.exception)


@pytest.mark.parametrize(
    "options",
    [
        ("--mask", "file"),
        ("-k", ASSETS / "demo" / "person_keypoints.json", "--mask", "detected"),
        ("-k", ASSETS / "demo" / "person_keypoints.json", "--thorough"),
        ("-k", ASSETS / "demo" / "person_keypoints.json", "--human2d-flip"),
        ("-k", ASSETS / "demo" / "person_keypoints.json", "--detector", "boxes", "--thorough"),
        ("--detector", "boxes"),
    ],
)
def test_options_that_contradict_each_other(installed, tmp_path, options):
    assert invoke("fit", PHOTO, "-o", tmp_path, *options).exit_code == 2


def test_the_demo_starts_from_the_pictures_alone(installed, tmp_path):
    result = invoke("demo", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert "stand-in 1.0" in result.output
    assert "000000000785.jpg#0" in result.output
    assert (tmp_path / "contact_sheet.jpg").stat().st_size > 10_000


def test_people_of_a_file_are_seen_anew_in_their_boxes(tmp_path):
    keypoints = ASSETS / "demo" / "person_keypoints.json"
    result = invoke("fit", PHOTO, "-k", keypoints, "--detector", "boxes", "-o", tmp_path, "--save", "npz")
    assert result.exit_code == 0, result.output
    assert "People are seen in their boxes with anchorfit" in words(result.output)
    (path,) = tmp_path.glob("*.npz")
    assert "442619" in path.name
    assert (BodyEstimate.load(path).confidence > 0).sum() == 21  # COCO's have no feet


@pytest.fixture
def mixed_folder(tmp_path):
    """Photographs of every sort, and what is none; the good ones show the skier at 320 x 212."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    photo = Image.open(PHOTO).convert("RGB").resize((320, 212))
    photo.save(folder / "good.jpg")
    photo.convert("RGBA").save(folder / "alpha.png")
    photo.convert("L").save(folder / "grey.png")
    Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257).save(folder / "sixteen.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by a quarter
    photo.rotate(90, expand=True).save(folder / "turned.jpg", exif=turned)
    Image.new("RGB", (320, 212)).save(folder / "black.jpg")
    Image.new("RGB", (320, 212), "white").save(folder / "white.jpg")
    Image.new("RGB", (1, 1), "grey").save(folder / "pixel.png")
    Image.new("1", (13_000, 12_000)).save(folder / "huge.png")
    data = (folder / "good.jpg").read_bytes()
    (folder / "short.jpg").write_bytes(data[: len(data) // 2])
    (folder / "noise.jpg").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "film.jpg").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(200))
    (folder / "nothing.jpg").touch()
    return folder


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_each_bad_picture_is_one_line_and_the_rest_goes_on(installed, mixed_folder, tmp_path, command):
    result = invoke(command, mixed_folder, "-o", tmp_path / "out", "--save", "npz")
    assert result.exit_code == 0, result.output
    for name, said in {
        "black.jpg": "finds no person in it",
        "white.jpg": "finds no person in it",
        "pixel.png": "finds no person in it",
        "huge.png": "13000 x 12000 pixels is too large; scale it down first",
        "short.jpg": "damaged or cut short",
        "noise.jpg": "not an image of a known format; convert it to JPEG or PNG",
        "film.jpg": "this is a video, not an image; name it film.mp4 and give it alone: anchorfit fit film.mp4",
        "nothing.jpg": "the image file is empty; copy it again",
    }.items():
        lines = [line for line in result.stderr.splitlines() if f"{mixed_folder / name}: " in line]
        assert len(lines) == 1, result.stderr
        assert said in lines[0]
    fitted = {path.name: BodyEstimate.load(path) for path in (tmp_path / "out").glob("*.npz")}
    assert sorted(fitted) == ["alpha_0.npz", "good_0.npz", "grey_0.npz", "sixteen_0.npz", "turned_0.npz"]
    for estimate in fitted.values():
        assert estimate.image_size[0].tolist() == [320, 212]


def test_weights_that_are_missing_and_an_unknown_detector_are_one_line(tmp_path):
    missing = ("--detector", "human2d", "--detector-model", tmp_path / "none.safetensors")
    result = invoke("fit", PHOTO, "-o", tmp_path / "out", *missing)
    assert "none.safetensors: no such weights" in str(result.exception)
    result = invoke("predict", PHOTO, "-o", tmp_path / "out", "--detector", "eyes")
    assert result.exit_code == 2
    assert "human2d" in result.output
    assert not (tmp_path / "out").exists()


def test_a_resumed_run_looks_again_where_another_detector_looked(monkeypatch, tmp_path):
    """As when MediaPipe was broken, and was mended between the two."""
    write_image(tmp_path / "black.png", np.zeros((40, 60, 3), np.uint8))
    detectors = [Mock(most_people=9) for _ in range(3)]
    for detector, name in zip(detectors, ("first", "first", "second"), strict=True):
        detector.name = name
        detector.people.return_value = PeopleFile((), (f"nobody for {name}",))
        monkeypatch.setattr(detecting, "_load", lambda *_, detector=detector: detector)
        sightings = Sightings.open(tmp_path, {})
        found = detect_people([tmp_path / "black.png"], Detection(), masks=False, sightings=sightings)
        assert found.problems[0].endswith(f"nobody for {name}")
    assert [detector.people.call_count for detector in detectors] == [1, 0, 1]
