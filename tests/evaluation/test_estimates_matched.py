"""Results find their people by what both call the image."""

from pathlib import Path

import pytest

from anchorfit.evaluation.estimates import Entry, EstimateError
from anchorfit.evaluation.matching import Matcher, match_results

STREET = [
    ("walk/image_00001#0", "walk/image_00001"),  # alone
    ("talk/image_00001#0",),
    ("talk/image_00001#1",),
    ("talk/image_00007#1",),
]


@pytest.mark.parametrize(
    ("label", "mark", "person"),
    [
        ("walk/image_00001.jpg", "", 0),
        ("imageFiles/walk/image_00001.jpg", "0", 0),
        ("./walk\\image_00001.PNG", "anybody", 0),  # who is alone need not be named
        ("talk/image_00001.jpg", "1", 2),
        ("talk/image_00001#1", "", 2),
        ("talk/image_00001.jpg#1", "row7", 2),
        ("image_00007#1.pkl", "", 3),  # the folder need not be said where there is one of this name
        ("talk/image_00001.jpg", "", None),  # of whom of the two is not said
        ("talk/image_00001.jpg", "2", None),
        ("jump/image_00007.jpg", "1", None),  # another folder is another image
    ],
)
def test_whose_a_result_is(label, mark, person):
    assert Matcher(STREET).person(label, mark) == person


def test_what_may_be_of_several_is_said():
    with pytest.raises(EstimateError, match=r"image_00001#0: several people are called so"):
        Matcher(STREET).person("image_00001#0")


def entry(label: str, mark: str = "", row: int = 0) -> Entry:
    return Entry(label, Path("results.npz"), row, mark)


def test_missing_superfluous_and_double_results():
    found = match_results(STREET, [entry("walk/image_00001.jpg"), entry("elsewhere.jpg")], "3dpw")
    assert [one is not None for one in found.entries] == [True, False, False, False]
    assert found.problems == (
        "1 results are of nobody who is scored (elsewhere.jpg ...): left out",
        "3 people have no result and count as failed: talk/image_00001#0, talk/image_00001#1, talk/image_00007#1",
    )
    twice = [entry("walk/image_00001.jpg"), entry("walk/image_00001.png", row=3)]
    with pytest.raises(
        EstimateError, match=r"walk/image_00001#0: two results \(results.npz row 0, results.npz row 3\)"
    ):
        match_results(STREET, twice, "3dpw")
    with pytest.raises(EstimateError, match=r"not one result is of a person of 3dpw, .* they are of a.jpg \.\.\."):
        match_results(STREET, [entry("a.jpg")], "3dpw")
