"""What was detected is kept: the same people again, half a line cut off, other settings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorfit.assets import ASSETS
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.index import json_line
from anchorfit.observations import PeopleFile, read_people
from anchorfit.runs.sightings import SIGHTINGS, Sightings

WORLD = np.full((len(CANONICAL_JOINTS), 3), np.nan)
WORLD[3:9] = np.linspace(-1, 1, 18).reshape(6, 3) / 3
SKIER = replace(
    read_people(ASSETS / "demo" / "person_keypoints.json")[-1], image_size=(640, 425), score=0.1 + 0.2, world=WORLD
)


def test_people_come_back_as_they_were(tmp_path):
    first = Sightings.open(tmp_path, {"detector": "x"})
    first.add([("/a/é.jpg", PeopleFile((SKIER,), ("é.jpg: a crowd",))), ("/a/z\udcff.jpg", PeopleFile(()))])
    (tmp_path / SIGHTINGS).open("ab").write(b'{"picture": "/a/half')
    again = Sightings.open(tmp_path, {"detector": "x"})
    found = again.get("/a/é.jpg")
    assert found is not None
    (person,), (line,) = found.people, found.problems
    assert line == "é.jpg: a crowd"
    assert (person.score, person.box, person.person_id) == (SKIER.score, SKIER.box, SKIER.person_id)
    seen = SKIER.confidence > 0
    np.testing.assert_array_equal(person.keypoints[seen], SKIER.keypoints[seen])
    np.testing.assert_array_equal(person.confidence, SKIER.confidence)
    np.testing.assert_array_equal(np.asarray(person.mask), np.asarray(SKIER.mask))
    assert person.world is not None
    np.testing.assert_array_equal(person.world, WORLD)
    assert again.get("/a/z\udcff.jpg") == PeopleFile(())
    assert again.get("/a/half") is None
    again.add([("/a/half", PeopleFile(()))])  # over the half line
    assert Sightings.open(tmp_path, {"detector": "x"}).get("/a/half") is not None


def test_other_settings_begin_anew_and_the_end_leaves_nothing(tmp_path):
    Sightings.open(tmp_path, {"detector": "x"}).add([("a", PeopleFile(()))])
    other = Sightings.open(tmp_path, {"detector": "y"})
    assert other.get("a") is None
    other.add([("b", PeopleFile(()))])
    assert Sightings.open(tmp_path, {"detector": "y"}).get("b") is not None
    other.remove()
    other.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_one_line_with_the_name(tmp_path):
    Sightings.open(tmp_path, {}).add([])
    sightings = Sightings.open(tmp_path, {})
    sightings._journal.path = Path("/dev/full")
    with pytest.raises(OSError, match=r"^/dev/full: cannot be written \(.*\); free space or choose another folder$"):
        sightings.add([("a", PeopleFile((SKIER,)))])


def test_names_that_are_no_text_are_escaped():
    assert json_line({"name": "é"}) == '{"name": "é"}\n'.encode()
    assert json_line({"name": "z\udcff"}) == b'{"name": "z\\udcff"}\n'
