"""Numbers of images that an annotation file beside the results gives their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anchorfit.observations import read_people
from anchorfit.observations.image_names import lists_images, name_images
from anchorfit.observations.reading import KeypointFileError

KEYPOINTS = [value for place in range(17) for value in (20.0 + 9 * place, 30.0 + 7 * place, 0.9)]


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def results(folder, numbers):
    entries = [{"image_id": number, "category_id": 1, "keypoints": KEYPOINTS, "score": 0.9} for number in numbers]
    return read_people(write(folder / "results.json", entries))


def test_numbers_get_paths_and_sizes(tmp_path):
    images = [{"id": 7, "file_name": "train/a.jpg", "width": 640, "height": 480}, {"id": 12, "file_name": "b.png"}]
    names = write(tmp_path / "coco.json", {"images": images})
    found = name_images(results(tmp_path, [7, 12, "12", 7, 99]), names)
    assert [person.image for person in found] == [
        *map(Path, ("train/a.jpg", "b.png", "b.png", "train/a.jpg", "000000000099.jpg"))
    ]
    assert [person.image_size for person in found] == [(640, 480), None, None, (640, 480), None]
    assert [line.partition(": ")[2] for line in found.problems] == ["no image of 1 people, of 000000000099.jpg"]


def test_a_number_of_two_images_names_neither(tmp_path):
    names = write(tmp_path / "coco.json", {"images": [{"id": 7, "file_name": name} for name in ("a.jpg", "b.jpg")]})
    found = name_images(results(tmp_path, [7]), names)
    assert found[0].image == Path("000000000007.jpg")
    assert found.images == (Path("000000000007.jpg"),)  # was: none, and so nobody's
    assert "7 stands for a.jpg, b.jpg" in found.problems[0]


def test_a_file_without_images_is_one_line(tmp_path):
    people = results(tmp_path, [7])
    for content in ('{"images": []}', "[1, 2]", '{"people": []}'):
        path = tmp_path / "coco.json"
        path.write_text(content)
        assert not lists_images(path)
        with pytest.raises(KeypointFileError, match=r"coco.json: expected COCO's images"):
            name_images(people, path)


def test_numbers_are_the_same_with_zeros_in_front_on_either_side(tmp_path):
    names = write(tmp_path / "coco.json", {"images": [{"id": "000785", "file_name": "a.jpg"}]})
    found = name_images(results(tmp_path, [785, "000785", "0" * 5000]), names)
    assert [person.image for person in found][:2] == [Path("a.jpg"), Path("a.jpg")]
    assert len(found.problems) == 1
