"""The people of a folder, and their split by image; bad input is a line each."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.adapting import gather, split_by_image
from anchorfit.assets import ASSETS
from anchorfit.observations import Person, read_people, write_image

SKIER = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]


def coco(folder: Path, images: int, each: int = 1, **changes) -> Path:
    """A folder of small photographs, and annotations of so many people in each."""
    folder.mkdir(exist_ok=True)
    keypoints = [value for joint in range(17) for value in (10 + joint, 12 + 2 * joint, 2)]
    person = {"category_id": 1, "iscrowd": 0, "bbox": [8, 10, 20, 40], "keypoints": keypoints} | changes
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 60, "height": 50} for i in range(images)],
        "annotations": [
            {key: value for key, value in {**person, "id": each * i + k, "image_id": i}.items() if value is not None}
            for i in range(images)
            for k in range(each)
        ],
    }
    for i in range(images):
        write_image(folder / f"{i}.png", np.full((50, 60, 3), i, np.uint8))
    path = folder / "coco.json"
    path.write_text(json.dumps(content))
    return path


def test_everybody_is_gathered_with_the_image(tmp_path):
    visited = []
    annotations = coco(tmp_path, 12, 2)
    found = gather(tmp_path, annotations, visit=lambda image, people: visited.append((image[0, 0, 0], len(people))))
    assert len(found.people) == 24
    assert not found.problems
    assert {person.image for person in found.people} == {tmp_path / f"{i}.png" for i in range(12)}
    assert sorted(visited) == [(i, 2) for i in range(12)]


def test_images_that_are_missing_or_broken_cost_only_their_own_people(tmp_path):
    annotations = coco(tmp_path, 14, 2)
    (tmp_path / "3.png").unlink()
    (tmp_path / "5.png").write_bytes(b"nonsense")
    data = (tmp_path / "7.png").read_bytes()
    (tmp_path / "7.png").write_bytes(data[: len(data) // 2])
    write_image(tmp_path / "unannotated.png", np.zeros((5, 5, 3), np.uint8))
    found = gather(tmp_path, annotations)
    assert len(found.people) == 22
    missing, text, short = found.problems
    assert f"1 images of {annotations} are not in it (3.png)" in missing
    assert "5.png" in text
    assert "7.png" in short
    assert short.endswith("its 2 people are left out")


@pytest.mark.parametrize(
    ("images", "changes", "message"),
    [
        (4, {}, "4 people in 4 images can be used, too few"),
        (12, {"keypoints": None}, "no person with keypoints in it"),
        (12, {"keypoints": [0] * 51}, "12 people with fewer than 6 annotated joints"),
        (0, {}, "no person with keypoints in it"),
    ],
)
def test_too_little_is_one_line(tmp_path, images, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        gather(tmp_path, coco(tmp_path, images, **changes))
    assert "coco.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.json: no such keypoint file"):
        gather(tmp_path, tmp_path / "none.json")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        gather(tmp_path / "none", tmp_path / "none.json")
    annotations = coco(tmp_path, 12)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="no image in this folder"):
        gather(empty, annotations)


def test_a_bad_mask_costs_the_mask_and_another_size_the_person(tmp_path):
    annotations = coco(tmp_path, 12, 2, segmentation=[[8, 10, 28, 10, 28, 50]])
    content = json.loads(annotations.read_text())
    content["annotations"][4]["segmentation"] = {"size": [50, 60], "counts": [7]}
    content["images"][5]["width"] = 61
    annotations.write_text(json.dumps(content))
    visited: list[Person] = []
    found = gather(tmp_path, annotations, visit=lambda image, people: visited.extend(people))
    assert len(found.people) == len(visited) == 22
    assert [person.name for person in found.people if person.mask is None] == ["2.png#4"]
    mask, first, second = found.problems
    assert mask.startswith(
        "2.png#4: mask: expected run lengths that sum to 60 x 50 = 3000, got 7; the mask is not used"
    )
    assert first.startswith("5.png#10: the keypoint file is for an image of 61 x 50 pixels")
    assert second.startswith("5.png#11: ")


def people(images: int, each: int):
    return [replace(SKIER, person_id=str(k), image=Path(f"{i}.jpg")) for i in range(images) for k in range(each)]


def test_the_split_is_by_image_and_by_the_seed():
    crowd = people(40, 3)
    split = split_by_image(crowd, 0.25, 3)
    assert len(split.heldout) == 30
    assert not {p.image for p in split.learned} & {p.image for p in split.heldout}
    assert len(split.learned) + len(split.heldout) == 120
    again, other = split_by_image(crowd, 0.25, 3), split_by_image(crowd, 0.25, 4)
    assert [p.name for p in again.heldout] == [p.name for p in split.heldout]
    assert {p.image for p in other.heldout} != {p.image for p in split.heldout}
    assert len(split_by_image(people(10, 1), 0.1, 0).heldout) == 6  # an interval of one image says nothing
    with pytest.raises(ValueError, match="heldout: expected a share"):
        split_by_image(crowd, 1.0, 0)
