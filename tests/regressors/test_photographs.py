"""Batches from photographs of which some are missing, broken or of another size: told once, and stepped over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from anchorfit.assets import ASSETS
from anchorfit.body import load_body
from anchorfit.observations import Person, StoredMask, read_people, write_image
from anchorfit.regressors.datasets import AnnotatedPhotographs, usable_people
from anchorfit.regressors.human2d import Human2DConfig
from anchorfit.regressors.synthesis.images import ImageSynthesis
from anchorfit.regressors.training import Human2DTask

SKIER = read_people(ASSETS / "demo" / "person_keypoints.json")[-1]
SIZE = (640, 425)
assert SKIER.image_size == SIZE


def someone(folder: Path, number: int, **changes) -> Person:
    """The skier, in a picture of one shade."""
    path = folder / f"{number}.png"
    write_image(path, np.full((SIZE[1], SIZE[0], 3), 10 * number, np.uint8))
    return replace(SKIER, image=path, **changes)


def shades(crops) -> list[int]:
    """The numbers of the pictures."""
    return [round(25.5 * float(picture.max())) for picture in crops.picture]


@pytest.fixture
def four(tmp_path) -> list[Person]:
    return [someone(tmp_path, number) for number in range(1, 5)]


def test_the_next_person_takes_the_place_of_one_whose_photograph_cannot_be_used(four):
    whole = shades(AnnotatedPhotographs(four, size=64).batch(3, 12))
    assert set(whole) == {1, 2, 3, 4}
    (four[1].image or Path()).write_bytes(b"nonsense")
    (four[3].image or Path()).unlink()
    lines: list[str] = []
    data = AnnotatedPhotographs(four, size=64, tell=lines.append)
    expected = [{2: 3, 4: 1}.get(number, number) for number in whole]
    assert shades(data.batch(3, 12)) == expected
    assert shades(data.batch(3, 12)) == expected  # what is known to be broken by now changes nothing
    assert shades(data.batch(3, 12, slice(6, 12))) == expected[6:]
    assert len(lines) == 2
    assert any("2.png" in line for line in lines)
    assert any("4.png: no such image" in line for line in lines)


def test_photographs_of_another_size_are_not_taken(four):
    four[0] = replace(four[0], image_size=(320, 213), mask=None)
    four[1] = replace(four[1], image_size=None, mask=np.ones((50, 60), bool))
    lines: list[str] = []
    data = AnnotatedPhotographs(four, size=64, tell=lines.append)
    assert set(shades(data.batch(0, 12))) == {3, 4}
    stated, mask = sorted(lines)
    assert "the keypoint file is for an image of 320 x 213 pixels" in stated
    assert f"1.png#{SKIER.person_id}: " in stated
    assert f"2.png#{SKIER.person_id}: expected a mask of 640 x 425 pixels as the image" in mask


def test_chosen_people_are_without_those_and_nobody_left_is_one_line(four):
    (four[1].image or Path()).unlink()
    lines: list[str] = []
    data = AnnotatedPhotographs(four, size=64, tell=lines.append)
    assert shades(data.chosen([3, 1, 0])) == [4, 1]
    for person in four:
        (person.image or Path()).write_bytes(b"nonsense")
    data = AnnotatedPhotographs(four, size=64, tell=lines.append)
    for ask in (lambda: data.batch(0, 2), lambda: data.chosen([0])):
        with pytest.raises(ValueError, match=r"none of 4 photographed people can be used \(.*this is a text file"):
            ask()


def test_who_can_be_used_is_known_beforehand(tmp_path, four):
    broken = StoredMask(segmentation={"size": [425, 640], "counts": [3]}, width=640, height=425)
    lost = [replace(SKIER, person_id=str(number), image=tmp_path / f"lost{number}.jpg") for number in range(6)]
    blind = replace(four[3], confidence=np.zeros_like(SKIER.confidence))
    nan = replace(four[2], keypoints=np.full_like(SKIER.keypoints, np.nan))
    corner = replace(four[0], mask=StoredMask(segmentation=[[1, 2, 3, 4]], width=640, height=425))
    empty = replace(four[0], mask=StoredMask(segmentation=[[]], width=640, height=425))
    found = usable_people([four[0], replace(four[1], mask=broken), nan, blind, corner, empty, *lost])
    assert [person.image for person in found] == [four[n].image for n in (0, 1, 0, 0)]
    assert [person.mask is None for person in found] == [False, True, True, True]
    assert AnnotatedPhotographs(found, size=64).batch(0, 8).has_body.tolist().count(True) < 8
    text = "\n".join(found.problems)
    assert f"2.png#{SKIER.person_id}: mask: expected run lengths that sum to 640 x 425" in text
    assert f"lost0.jpg#0: no such image ({tmp_path / 'lost0.jpg'}); left out" in text
    assert text.count("lost") == 6  # three of the six, twice each
    assert "... and 3 more lines of this kind" in text
    assert f"4.png#{SKIER.person_id}: no annotated joint; left out" in text


def test_the_focal_length_is_that_of_the_photographs_exif_record(tmp_path):
    """A 50 mm lens on film of 43.27 mm diagonal: 50 / 43.27 diagonals of the photograph, in the crop's pixels."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 50
    Image.new("RGB", SIZE).save(tmp_path / "with.jpg", exif=exif)
    Image.new("RGB", SIZE).save(tmp_path / "without.jpg")
    people = [replace(SKIER, image=tmp_path / name) for name in ("with.jpg", "without.jpg")]
    stated, default = AnnotatedPhotographs(people).chosen([0, 1]).intrinsics[:, 0, 0].tolist()
    assert stated / default == pytest.approx(50 / 43.27, rel=1e-3)


class Source:
    """Notes the steps that it is asked for."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def batch(self, step: int, count: int, rows: slice) -> None:
        self.steps.append(step)


@pytest.mark.parametrize(("share", "photographed"), [(0.5, [1, 3, 5, 7]), (0.25, [3, 7]), (0, []), (1, list(range(8)))])
def test_photographs_take_turns_with_synthetic_pictures_by_their_share(task, share, photographed):
    photographs, data = Source(), Source()
    task.photographs, task.data, task.share = photographs, data, share
    for step in range(8):
        task._batch(step, slice(0, 2), 2)
    assert photographs.steps == photographed
    assert data.steps == [step for step in range(8) if step not in photographed]


@pytest.fixture(scope="module")
def task():
    torch.manual_seed(0)
    shape = Human2DConfig(features=8, depth=1)
    return Human2DTask(load_body(), network=shape, synthesis=ImageSynthesis(size=64), heldout=1)
