"""Large JSON, read piece by piece, says what the standard library says; numbers that are packed are the same bits."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from anchorfit.observations import large_json, read_people, reading
from anchorfit.observations.large_json import load_large_json
from anchorfit.observations.masks import StoredMask
from anchorfit.observations.packed_numbers import PackedNumbers, pack_numbers

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


@given(VALUES, some.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]), some.integers(1, 40), some.booleans())
def test_a_file_in_pieces_says_what_it_says_whole(tmp_path_factory, value, encoding, piece, spaced):
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps(value, indent=1 if spaced else None, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    before, large_json.PIECE = large_json.PIECE, piece
    try:
        assert load_large_json(path, lambda entry: entry) == value
    finally:
        large_json.PIECE = before


@pytest.mark.parametrize(
    "text", ['{"a": [1, 2', "[1,]", '{"a" 1}', "[1] 2", '{"a": 1,}', "", "{1: 2}", '{"a": nul}', "[1 2]"]
)
def test_what_is_no_json_is_said_as_of_a_small_file(tmp_path, monkeypatch, text):
    path = tmp_path / "a.json"
    path.write_text(text + " ")
    with pytest.raises(json.JSONDecodeError):
        load_large_json(path, lambda entry: entry)
    with pytest.raises(reading.KeypointFileError) as small:
        reading.load_json(path)
    monkeypatch.setattr(reading, "LARGE", 0)
    with pytest.raises(reading.KeypointFileError) as large:
        reading.load_json(path)
    assert str(large.value) == str(small.value)


def test_a_large_coco_file_is_read_as_a_small_one(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 640, "height": 480} for n in range(9)]
    people = [
        {
            "id": n,
            "image_id": n % 9,
            "category_id": 1,
            "keypoints": generator.integers(0, 3, 51).tolist() if n % 2 else generator.uniform(0, 3, 51).tolist(),
            "segmentation": [generator.uniform(0, 600, 40).round(2).tolist()],
        }
        for n in range(40)
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": images, "annotations": people, "categories": [{"id": 1, "name": "person"}]}))
    small = read_people(path)
    monkeypatch.setattr(reading, "LARGE", 0)
    monkeypatch.setattr(large_json, "PIECE", 100)
    large = read_people(path)
    assert (len(small), small.problems) == (len(large), large.problems)
    for ours, theirs in zip(small, large, strict=True):
        assert ours.name == theirs.name
        np.testing.assert_array_equal(ours.keypoints, theirs.keypoints)
        np.testing.assert_array_equal(ours.confidence, theirs.confidence)
        np.testing.assert_array_equal(np.asarray(ours.mask), np.asarray(theirs.mask))
        # Polygons are packed without loss.
        written = people[int(ours.person_id)]["segmentation"][0]
        assert isinstance(ours.mask, StoredMask)
        np.testing.assert_array_equal(np.asarray(ours.mask.segmentation[0]), written)


@given(some.lists(some.decimals(-(2**20), 2**20, places=2, allow_nan=False), min_size=16, max_size=40))
def test_two_decimals_are_packed_to_the_bit(decimals):
    values = [float(decimal) for decimal in decimals]
    packed = pack_numbers(values)
    assert isinstance(packed, PackedNumbers)
    np.testing.assert_array_equal(np.asarray(packed), values)


@given(some.lists(some.floats() | some.none() | some.integers(-(2**70), 2**70), min_size=16, max_size=30))
def test_whatever_is_packed_is_the_same(values):
    np.testing.assert_array_equal(np.asarray(pack_numbers(values)), np.array(values, dtype=np.float64))


def test_a_third_decimal_is_not_packed():
    assert not isinstance(pack_numbers([float(Decimal("0.125"))] * 16), PackedNumbers)
