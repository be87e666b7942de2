from pathlib import Path

import numpy as np
import pytest

from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import Person, list_images, match_people

SOURCE = Path("keypoints.json")


def person(person_id: str, image: str | None) -> Person:
    joints = len(CANONICAL_JOINTS)
    return Person(
        person_id=person_id,
        keypoints=np.zeros((joints, 2)),
        confidence=np.zeros(joints),
        image=Path(image) if image else None,
    )


def owners(people: list[Person], images: list[str]) -> dict[str, str]:
    matched = match_people(people, [Path(i) for i in images], SOURCE)
    return {p.person_id: str(p.image) for p in matched.people}


def test_names_decide_and_folders_break_ties():
    people = [person("1", "a/x.jpg"), person("2", "b/x.jpg"), person("3", "y.jpg")]
    assert owners(people, ["data/a/x.jpg", "data/b/x.jpg"]) == {"1": "data/a/x.jpg", "2": "data/b/x.jpg"}


def test_names_without_an_ending_find_their_image():
    assert owners([person("1", "frame_01")], ["f/frame_01.png", "f/frame_02.png"]) == {"1": "f/frame_01.png"}


def test_a_name_with_dots_and_no_ending_finds_its_image():
    assert owners([person("1", "a.1")], ["a.1.png", "a.png"]) == {"1": "a.1.png"}


def test_a_file_that_names_no_image_belongs_to_the_only_one():
    assert owners([person("1", None)], ["x.png"]) == {"1": "x.png"}
    assert owners([person("1", None)], ["x.png", "y.png"]) == {}


def test_an_image_without_people_is_said_and_loses_no_other(tmp_path):
    (tmp_path / "z.jpg").touch()
    images = [Path("x.jpg"), tmp_path / "z.jpg", Path("gone.jpg")]
    matched = match_people([person("1", "x.jpg")], images, SOURCE)
    assert [p.person_id for p in matched.people] == ["1"]
    assert matched.problems == [f"{tmp_path}/z.jpg: no person in keypoints.json", "gone.jpg: no such image"]


def test_people_that_name_no_image_are_counted():
    matched = match_people([person("1", None), person("2", None)], [Path("x.jpg"), Path("y.jpg")], SOURCE)
    assert "keypoints.json: 2 people name no image; give one image at a time" in matched.problems


def test_people_of_another_folder_stay_out():
    assert owners([person("1", "x/a.jpg"), person("2", "y/a.jpg")], ["x/a.jpg"]) == {"1": "x/a.jpg"}


def test_an_exact_name_goes_before_a_stem():
    assert owners([person("1", "q.jpg")], ["q.jpg.png", "q.jpg"]) == {"1": "q.jpg"}


def test_names_are_unique_and_tell_folders_apart():
    people = [person("1", "x/a.jpg"), person("1", "y/a.jpg"), person("1", "x/a.jpg"), person("1-2", "x/a.jpg")]
    matched = match_people(people, [Path("x/a.jpg"), Path("y/a.jpg")], SOURCE)
    assert [p.name for p in matched.people] == ["x/a.jpg#1", "x/a.jpg#1-3", "x/a.jpg#1-2", "y/a.jpg#1"]
    assert matched.problems == ["x/a.jpg#1: there is another of this id; named 1-3"]


def test_folders_are_listed_in_order_and_once(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    listed = list_images([tmp_path, tmp_path / "a.png", Path("elsewhere.jpg")])
    assert [p.name for p in listed] == ["a.png", "b.JPG", "elsewhere.jpg"]


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no image in this folder$"):
        list_images([tmp_path])
    (tmp_path / "a_keypoints.json").write_text("{}")
    with pytest.raises(
        FileNotFoundError, match="no image in this folder, but maybe keypoints: name the photographs, too"
    ):
        list_images([tmp_path])


def test_images_without_an_ending_and_broken_links_of_a_folder(tmp_path):
    (tmp_path / "a b é").write_bytes(b"\xff\xd8\xff\xe0 and so on")
    (tmp_path / "notes").write_text("no image")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    assert [path.name for path in list_images([tmp_path])] == ["a b é", "gone.png", "loop.jpg"]


def test_thousands_of_images_take_no_time():
    people = [person(str(i), f"{i % 7}/{i:05}.jpg") for i in range(20_000)]
    images = [Path(f"data/{i % 7}/{i:05}.jpg") for i in range(20_000)]
    assert len(match_people(people, images).people) == 20_000  # hours, if every person looked at every image


class TestSaidOfImages:
    """What is said of images without people never denies those of other images, and is one line."""

    def test_many_images_are_one_line_that_says_what_the_files_are_called(self, tmp_path):
        images = [tmp_path / f"x{number}.jpg" for number in range(60)]
        for image in images:
            image.write_bytes(b"")
        people = [person("0", f"{number}.jpg") for number in range(60)]
        lines = match_people(people, images, "k.json").problems
        assert len(lines) == 1
        assert "60 images" in lines[0]
        assert "its people are of 0.jpg, 1.jpg, 2.jpg and 57 more" in lines[0]
        (line,) = match_people([*people, person("0", "x3.jpg")], images, "k.json").problems
        assert "59 images" in line
        assert "it has people of other images, too: 0.jpg" in line

    def test_a_name_of_several_folders_is_said_to_be_of_several(self, tmp_path):
        images = [tmp_path / folder / "x.jpg" for folder in "ab"]
        for image in images:
            image.parent.mkdir()
            image.write_bytes(b"")
        (line,) = match_people([person("0", "x.jpg")], images, "k.json").problems
        assert "2 images are called x.jpg: give one of them" in line

    def test_accents_may_be_written_either_way(self, tmp_path):
        matched = match_people(
            [person("0", "o\u0308ne.jpg")], [tmp_path / "\u00f6ne.jpg", tmp_path / "b.jpg"], "k.json"
        )
        assert [one.image for one in matched.people] == [tmp_path / "\u00f6ne.jpg"]

    def test_many_of_one_id_are_one_line(self, tmp_path):
        lines = match_people([person("0", "a.jpg")] * 60, [tmp_path / "a.jpg"], "k.json").problems
        assert len(lines) == 1
        assert "so are 58 more" in lines[0]
