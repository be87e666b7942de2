"""Polygons, run lengths, mask images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from anchorfit.observations.masks import (
    StoredMask,
    check_mask,
    decode_segmentation,
    decompress_counts,
    find_mask,
    mask_box,
    mask_to_run_lengths,
    polygons_to_mask,
    read_mask,
    run_lengths_to_mask,
)


def compress(counts):
    """COCO's compressed string by plain loops, written from the format's description."""
    text = ""
    for place, count in enumerate(counts):
        number = count - (counts[place - 2] if place > 2 else 0)
        while True:
            low = number & 31
            number >>= 5
            done = number == (-1 if low & 16 else 0)
            text += chr(48 + low + (0 if done else 32))
            if done:
                break
    return text


def inside(polygon, x, y):
    """Even-odd by the plain crossing test."""
    result = False
    points = list(zip(polygon[::2], polygon[1::2], strict=True))
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            result = not result
    return result


def test_a_hand_made_known_answer():
    # 5 x 4 (width x height): the second column's middle two and the whole fourth column.
    mask = np.zeros((4, 5), dtype=bool)
    mask[1:3, 1] = True
    mask[:, 3] = True
    counts = [5, 2, 5, 4, 4]
    np.testing.assert_array_equal(run_lengths_to_mask(counts, 5, 4), mask)
    # Differences from the fourth number on: 5, 2, 5, 4 - 2 = 2, 4 - 5 = -1 = 0b11111, which is chr(48 + 31) = "O".
    assert compress(counts) == "5252O"
    np.testing.assert_array_equal(run_lengths_to_mask("5252O", 5, 4), mask)
    np.testing.assert_array_equal(run_lengths_to_mask(b"5252O", 5, 4), mask)


def test_numbers_of_several_characters():
    # 100 = 4 + 3 * 32: chr(48 + 4 + 32) "T", chr(48 + 3) "3". 16 needs a second character to stay positive: "`0".
    assert decompress_counts("T3") == [100]
    assert decompress_counts("`0") == [16]


@settings(max_examples=100, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_round_trip_of_run_lengths(mask):
    height, width = mask.shape
    runs = mask_to_run_lengths(mask)
    np.testing.assert_array_equal(decode_segmentation(runs, width, height), mask)
    squeezed = {"size": runs["size"], "counts": compress(runs["counts"])}
    np.testing.assert_array_equal(decode_segmentation(squeezed, width, height), mask)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10**6), max_size=30))
def test_round_trip_of_compression(counts):
    assert decompress_counts(compress(counts)) == counts


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [4, 5], "counts": [5, 2]}, "sum to 5 x 4 = 20, got 7"),
        ({"size": [4, 5], "counts": [30, -10]}, "sum to"),
        ({"size": [4, 5], "counts": [1.5]}, "whole numbers"),
        ({"size": [4, 5], "counts": "5252\x7f"}, "is not a character"),
        ({"size": [4, 5], "counts": "525T"}, "end inside a number"),
        ({"size": [5, 4], "counts": [20]}, r"expected size \[4, 5\] as the image"),
        ({"size": 3, "counts": [20]}, r"expected size \[4, 5\] as the image, got 3"),
        ({"size": [4, 5], "counts": "P" * 50}, "does not end"),
        ({"counts": [20]}, "expected a list of polygons or a dictionary"),
        ("abc", "got str"),
        ([[1, 2, 3, 4]], "at least 3 finite x, y pairs, got one of 4"),
        ([[1, 2, 3, 4, 5, float("nan")]], "finite"),
        ([["a"] * 6], "polygons of numbers"),
    ],
)
def test_inconsistent_segmentations(segmentation, message):
    with pytest.raises(ValueError, match=message):
        decode_segmentation(segmentation, 5, 4)


def test_a_hostile_size_fills_no_memory():
    with pytest.raises(ValueError, match="expected an image size"):
        decode_segmentation([[0, 0, 1, 0, 1, 1]], 10**7, 10**7)


coordinates = st.lists(st.floats(-5, 20).map(lambda value: round(value, 2)), min_size=6, max_size=16)


@settings(max_examples=60, deadline=None)
@given(coordinates.filter(lambda values: len(values) % 2 == 0))
def test_polygons_against_a_plain_loop(polygon):
    mask = polygons_to_mask([polygon], 15, 12)
    for row in range(12):
        for column in range(15):
            wanted = inside(polygon, column + 0.5, row + 0.5)
            # On the outline itself rounding decides: both answers are right there.
            near = [inside(polygon, column + 0.5 + shift, row + 0.5) for shift in (-1e-9, 1e-9)]
            assert mask[row, column] == wanted or mask[row, column] in near


def test_pixel_squares_are_exact_and_parts_unite():
    square = [2, 1, 5, 1, 5, 4, 2, 4]
    other = [4, 3, 7, 3, 7, 6, 4, 6]
    expected = np.zeros((8, 10), dtype=bool)
    expected[1:4, 2:5] = True
    np.testing.assert_array_equal(polygons_to_mask([square], 10, 8), expected)
    expected[3:6, 4:7] = True
    np.testing.assert_array_equal(polygons_to_mask([square, other], 10, 8), expected)
    np.testing.assert_array_equal(polygons_to_mask([square, other, square], 10, 8), expected)


def test_polygons_beyond_the_image():
    assert polygons_to_mask([[-100, -100, 100, -100, 100, 100, -100, 100]], 10, 8).all()
    assert not polygons_to_mask([[20, 20, 30, 20, 30, 30]], 10, 8).any()
    assert polygons_to_mask([], 10, 8).shape == (8, 10)


def test_stored_mask_is_an_array_when_asked():
    stored = StoredMask(segmentation=[[2, 1, 5, 1, 5, 4, 2, 4]], width=10, height=8)
    assert stored.shape == np.asarray(stored).shape == (8, 10)
    assert np.asarray(stored, dtype=np.uint8).sum() == 9
    assert check_mask(stored, (10, 8), "a#1").sum() == 9
    with pytest.raises(ValueError, match=r"a#1: expected a mask of 8 x 10 pixels as the image, got shape \(8, 10\)"):
        check_mask(stored, (8, 10), "a#1")


def test_mask_images(tmp_path):
    expected = np.array([[False, True, True]])
    path = tmp_path / "a.png"
    grey = np.array([[0, 1, 255]], dtype=np.uint8)
    Image.fromarray(grey).save(path)
    np.testing.assert_array_equal(read_mask(path, (3, 1)), expected)
    Image.fromarray(grey.astype(np.uint16)).save(path)
    np.testing.assert_array_equal(read_mask(path), expected)
    Image.fromarray(np.stack([grey * 0, grey, grey * 0], axis=-1)).save(path)
    np.testing.assert_array_equal(read_mask(path), expected)
    indexed = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), mode="L")
    indexed.putpalette([255, 255, 255, 0, 0, 0, 9, 9, 9] + [0] * 759)
    indexed.save(path)
    np.testing.assert_array_equal(read_mask(path), expected)
    Image.fromarray(expected).save(path)
    np.testing.assert_array_equal(read_mask(path), expected)


def test_alpha_of_mask_images(tmp_path):
    alpha = np.array([[0, 9, 255]], dtype=np.uint8)
    for colour in (0, 255):  # a mask in the alpha channel alone
        Image.fromarray(np.stack([np.full_like(alpha, colour)] * 3 + [alpha], axis=-1)).save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), [[False, True, True]])
    grey = np.array([[0, 255, 0]], dtype=np.uint8)  # a usual mask that happens to be RGBA
    Image.fromarray(np.stack([grey] * 3 + [np.full_like(grey, 255)], axis=-1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), [[False, True, False]])


def test_mask_of_another_size_or_no_image(tmp_path):
    Image.new("L", (3, 2)).save(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"a.png: the mask is 3 x 2 pixels, the image 2 x 3; make the mask for this image"
    ):
        read_mask(tmp_path / "a.png", (2, 3))
    with pytest.raises(FileNotFoundError, match=r"b.png: no such image"):
        read_mask(tmp_path / "b.png")


def test_finding_masks(tmp_path):
    image = tmp_path / "im0001.png"
    Image.new("L", (1, 1)).save(image)
    assert find_mask(image) is None  # the photograph is not its own mask
    Image.new("L", (1, 1)).save(tmp_path / "im0001_segmentation.png")
    assert find_mask(image) == tmp_path / "im0001_segmentation.png"
    folder = tmp_path / "masks"
    folder.mkdir()
    assert find_mask(image, folder) is None
    Image.new("L", (1, 1)).save(folder / "im0001.png")
    assert find_mask(image, folder) == folder / "im0001.png"


def test_the_box_of_a_mask_is_the_smallest():
    mask = np.zeros((6, 9), bool)
    assert mask_box(mask) is None
    mask[2, 3] = mask[4, 7] = True
    assert mask_box(mask) == (3.0, 2.0, 5.0, 3.0)
    assert mask_box(np.ones((6, 9), bool)) == (0.0, 0.0, 9.0, 6.0)
