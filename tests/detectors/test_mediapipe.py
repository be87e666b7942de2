"""The networks in MediaPipe's wheel, on the demo's photographs; the Tasks API with a file made of the same ones."""

import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import anchorfit
from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.detectors import Detector, Search, load_detector
from anchorfit.detectors.mediapipe_package import carries_networks
from anchorfit.evaluation.agreement import agreement
from anchorfit.evaluation.detection import compare_detections
from anchorfit.observations import PeopleFile, Person, match_people, read_image, read_people
from anchorfit.pipeline import fit_people

pytestmark = pytest.mark.skipif(not carries_networks(), reason="needs MediaPipe with networks in its wheel")

DEMO = ASSETS / "demo"
PHOTOS = sorted(DEMO.glob("*.jpg"))
WHOLE_ADULTS = {"442619", "1242217", "1202977", "185583", "200887"}


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector("mediapipe", search=Search(masks=True))


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> Path:
    """A .task file: a zip of two networks that say how their input is scaled."""
    import mediapipe
    from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

    modules = Path(mediapipe.__file__).parent / "modules"
    parts = {
        "pose_detector.tflite": ("pose_detection/pose_detection.tflite", 127.5, 127.5),
        "pose_landmarks_detector.tflite": ("pose_landmark/pose_landmark_full.tflite", 0.0, 255.0),
    }
    path = tmp_path_factory.mktemp("task") / "pose.task"
    with zipfile.ZipFile(path, "w") as bundle:
        for name, (source, mean, deviation) in parts.items():
            writer = metadata_writer.MetadataWriter.create(bytearray((modules / source).read_bytes()))
            writer.add_image_input([mean], [deviation])
            bundle.writestr(name, writer.populate()[0])
    return path


def annotated(photo: Path) -> list[Person]:
    people = match_people(read_people(DEMO / "person_keypoints.json").people, PHOTOS).people
    return [person for person in people if person.image == photo and person.person_id in WHOLE_ADULTS]


@pytest.fixture(scope="module")
def people(detector) -> PeopleFile:
    """Everybody in the photographs."""
    return anchorfit.detect(PHOTOS, detector)


def test_every_adult_who_is_fully_visible_is_found(people):
    assert not people.problems
    found = [
        row for photo in PHOTOS for row in compare_detections([p for p in people if p.image == photo], annotated(photo))
    ]
    assert len(found) == 5
    assert all(row.detection is not None for row in found)
    assert sum(row.correct for row in found) / sum(row.joints for row in found) > 0.9  # PCK@0.2: 0.947
    assert np.mean([row.mask_iou or 0 for row in found]) > 0.8  # 0.868
    assert len(people) == 9  # with the four at the table, and nobody who is not there


def test_fits_to_them_cover_the_annotated_outlines(people):
    """The mean IoU with COCO's polygons that is asked of photographs alone: 0.70; it is 0.72."""
    adults, references = [], []
    for photo in PHOTOS:
        here, known = [p for p in people if p.image == photo], annotated(photo)
        for person, row in zip(known, compare_detections(here, known), strict=True):
            adults.append(here[row.detection or 0])
            references.append(replace(person, person_id=adults[-1].person_id))
    body = load_body()
    estimate = fit_people(adults, body).estimate
    assert estimate is not None
    assert np.mean([figures.mask_iou or 0 for figures in agreement(estimate, body, references)]) >= 0.70


def test_a_detection_does_not_depend_on_what_came_before(detector):
    first, second = (read_image(photo) for photo in PHOTOS[:2])
    alone = detector.people(first)
    detector.people(second)
    again = detector.people(first)
    np.testing.assert_array_equal(alone[0].keypoints, again[0].keypoints)


def test_no_person_and_odd_sizes(detector, capfd):
    for shape in ((300, 400), (1, 1), (1, 3000), (3000, 2)):
        for value in (0, 255):
            assert not detector.people(np.full((*shape, 3), value, np.uint8))
    assert capfd.readouterr().err == ""  # what MediaPipe says of itself stays inside


def test_a_person_whom_the_frame_cuts_off_has_no_joints_beyond_it(detector):
    photo = read_image(PHOTOS[0])[:220]
    (person,) = detector.people(photo)
    seen = person.keypoints[person.confidence > 0]
    assert (seen >= 0).all()
    assert (seen <= (640, 220)).all()
    assert 5 <= len(seen) < 21


def test_a_huge_picture_is_searched_scaled_down(detector):
    photo = read_image(PHOTOS[0])
    (small,) = detector.people(photo)
    (large,) = detector.people(cv2.resize(photo, (3200, 2125)))
    assert np.asarray(large.mask).shape == (2125, 3200)
    seen = (small.confidence > 0) & (large.confidence > 0)
    np.testing.assert_allclose(large.keypoints[seen] / 5, small.keypoints[seen], atol=6)


def test_a_task_file_finds_the_same_people(detector, task):
    tasks = load_detector("mediapipe", model=task, search=Search(masks=True))
    assert tasks.name.endswith("(pose.task)")
    photo = read_image(PHOTOS[0])
    (ours,), (theirs,) = detector.people(photo), tasks.people(photo)
    seen = (ours.confidence > 0) & (theirs.confidence > 0)
    assert seen.sum() >= 17
    np.testing.assert_allclose(ours.keypoints[seen], theirs.keypoints[seen], atol=12)
    assert (np.asarray(ours.mask) != np.asarray(theirs.mask)).mean() < 0.02


def test_the_landmarker_is_closed_with_its_detector(task, monkeypatch):
    """MediaPipe 1.2 closes it too late by itself, and every run ends in a traceback."""
    from mediapipe.tasks.python import vision

    closed = []
    monkeypatch.setattr(vision.PoseLandmarker, "close", lambda landmarker: closed.append(landmarker))
    landmarker = getattr(load_detector("mediapipe", model=task), "_landmarker")  # noqa: B009  # the detector goes at once
    assert closed == [landmarker]


def test_a_file_that_is_no_task_is_one_line(tmp_path):
    path = tmp_path / "pose.task"
    with pytest.raises(FileNotFoundError, match="no such model"):
        load_detector("mediapipe", model=path)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="does not take this as a pose landmarker"):
        load_detector("mediapipe", model=path)


def test_a_task_file_whose_networks_do_not_say_how_their_input_is_scaled_is_one_line(tmp_path):
    import mediapipe

    modules = Path(mediapipe.__file__).parent / "modules"
    path = tmp_path / "bare.task"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.write(modules / "pose_detection/pose_detection.tflite", "pose_detector.tflite")
        bundle.write(modules / "pose_landmark/pose_landmark_full.tflite", "pose_landmarks_detector.tflite")
    with pytest.raises(ValueError, match=r"bare.task: MediaPipe does not take this .*[Mm]etadata") as error:
        load_detector("mediapipe", model=path)
    assert "\n" not in str(error.value)
