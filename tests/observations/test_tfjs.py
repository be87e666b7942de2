"""TensorFlow.js' poses; and the proof that a format is one new file and its test: nothing else names it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import anchorfit
from anchorfit.body.joint_sets import CANONICAL_JOINTS
from anchorfit.observations import read_people

PARTS = ("Eye", "Ear", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")
CAMELS = ["nose", *(f"{side}{part}" for part in PARTS for side in ("left", "right"))]
SNAKES = ["nose", *(f"{side}_{part.lower()}" for part in PARTS for side in ("left", "right"))]
AT = [(40.0 + 11 * place, 30.0 + 7 * place) for place in range(17)]


def movenet():
    points = [{"x": x, "y": y, "score": 0.7, "name": name} for name, (x, y) in zip(SNAKES, AT, strict=True)]
    return [{"score": 0.6, "keypoints": points}]


def posenet():
    points = zip(CAMELS, AT, strict=True)
    return {
        "score": 0.6,
        "keypoints": [{"score": 0.7, "part": name, "position": {"x": x, "y": y}} for name, (x, y) in points],
    }


def ml5():
    points = [{"x": x, "y": y, "confidence": 0.7, "name": name} for name, (x, y) in zip(SNAKES, AT, strict=True)]
    return [{"keypoints": points, "id": 4, "nose": points[0], "box": {"xMin": 1}}]


@pytest.mark.parametrize("write", [movenet, posenet, ml5])
def test_names_say_where_joints_are(write, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(write()))
    (person,) = read_people(path)
    assert not read_people(path).problems
    for name, at in zip(SNAKES, AT, strict=True):
        place = CANONICAL_JOINTS.index(name)
        np.testing.assert_allclose(person.keypoints[place], at)
        assert person.confidence[place] == 0.7
    assert (person.confidence > 0).sum() == 17
    assert person.image == Path("a")
    assert "expected 75 numbers" in read_people(path, convention="body25").problems[0]


def test_what_cannot_be_read_costs_one_person_and_is_said(tmp_path):
    content = [*movenet(), {"keypoints": []}, {"keypoints": [{"name": "nose", "position": 3}]}, 7]
    path = tmp_path / "a.json"
    for place in range(9):
        content.insert(0, movenet()[0] | {"id": f"p{place}"})
    content[0]["keypoints"] = [one | {"visibilty": 0.2} for one in content[0]["keypoints"]]
    path.write_text(json.dumps(content))
    people = read_people(path)
    assert len(people) == 10
    assert any("visibilty: a key of keypoints, of 1 people" in line for line in people.problems)
    assert sum("left out" in line for line in people.problems) == 2


def test_nothing_else_in_the_package_names_the_format():
    """A new format is one new file: the reader finds it, and neither a list nor an import mentions it."""
    package = Path(anchorfit.__file__).parent
    naming = [path.name for path in package.rglob("*.py") if "tfjs" in path.read_text(encoding="utf-8")]
    assert naming == ["tfjs.py"]
