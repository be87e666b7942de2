"""Common parts of the readers of keypoint files: opening a file, and turning numbers into a person."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import numpy as np

from .large_json import load_large_json
from .packed_numbers import PackedNumbers, pack_numbers

KNOWN_FORMATS = (
    "COCO keypoints (.json), OpenPose (.json or a folder of them), AlphaPose, mmpose, Ultralytics, MediaPipe, LSP "
    "joints.mat, anchorfit's own .json, .csv or .npz, and others (docs/formats.md)"
)


LARGEST_SIDE = 1_000_000
"""Pixels: a stated width or height beyond it is no image's and counts as not stated."""

OCCLUDED_CONFIDENCE = 0.5
"""Given to joints that were annotated though hidden: the annotator's guess is worth less than a sight."""


class KeypointFileError(ValueError):
    """A keypoint file that cannot be used at all; the message is one line: the file, what is wrong, what to do."""


def existing_file(path: str | Path) -> Path:
    """The path of a file that exists and holds something.

    Raises:
        FileNotFoundError: there is none, or it is a folder.
        KeypointFileError: it is empty.
    """
    path = Path(path)
    if path.is_dir():
        raise FileNotFoundError(f"{path}: this is a folder, a keypoint file was expected")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such keypoint file; check the path")
    if path.stat().st_size == 0:
        raise KeypointFileError(f"{path}: the file is empty; write it again")
    return path


def load_json(path: str | Path) -> Any:
    """The content of a JSON file.

    Raises:
        FileNotFoundError: there is none.
        KeypointFileError: it is empty, cut short, or no JSON.
    """
    path = existing_file(path)
    try:
        return _content(path)
    except PermissionError as error:
        raise PermissionError(f"{path}: the file may not be read; check its permissions") from error
    except UnicodeDecodeError as error:
        raise KeypointFileError(f"{path}: this is not a text file; expected {KNOWN_FORMATS}") from error
    except json.JSONDecodeError as error:
        cut_short = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated")
        trouble = "the JSON is cut short" if cut_short else "this is not valid JSON"
        raise KeypointFileError(
            f"{path}: {trouble} (line {error.lineno}, column {error.colno}); write or copy the file again"
        ) from error
    except ValueError as error:  # for one, an integer of thousands of digits
        raise KeypointFileError(f"{path}: this is not usable JSON ({error}); expected {KNOWN_FORMATS}") from error
    except RecursionError as error:
        raise KeypointFileError(f"{path}: the JSON is nested too deeply; expected {KNOWN_FORMATS}") from error


LARGE = 1 << 26  # bytes: files beyond it are not held as a text


def _content(path: Path) -> Any:
    if path.stat().st_size > LARGE:
        try:
            return load_large_json(path, _lean)
        except json.JSONDecodeError:
            pass  # the whole text says where
    return json.loads(_text_of(path), object_hook=_lean)


def _text_of(path: Path) -> str:
    """The text of a JSON file in any of its encodings."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return str(memoryview(content), json.detect_encoding(content[:4]))


LEAN_KEYS = ("keypoints", "pose_keypoints_2d", "segmentation")
"""Lists of numbers under these keys are packed as soon as they are read: an eighth of the memory."""


def _lean(entry: dict[str, Any]) -> dict[str, Any]:
    for key in LEAN_KEYS:
        value = entry.get(key)
        if type(value) is list:
            entry[key] = _packed(value)
    return entry


def _packed(value: list[Any]) -> Any:
    """A list of numbers in little memory, so a list of such lists; whatever else as it is."""
    kinds = set(map(type, value))
    if kinds == {list}:
        return [_packed(item) for item in value]
    if not kinds or not kinds <= _PLAIN:
        return value
    try:
        return pack_numbers(value)
    except OverflowError:
        return value  # whose reader says what is wrong


LISTS = (list, np.ndarray, PackedNumbers)
"""What a list of numbers may be after `load_json`."""

_PLAIN = {int, float, type(None)}  # what a file's numbers are; of a caller's own content they may be numpy's


def _is_number(item: Any) -> bool:
    return item is None or (isinstance(item, (int, float)) and not isinstance(item, bool))


def numbers(value: Any, what: str, count: int | None = None) -> np.ndarray:
    """A flat list of JSON numbers as float64; null becomes NaN (it is for `checks.sanitise` to judge).

    Raises:
        ValueError: it is no list of numbers, or has not the expected length; ``what`` names it.
    """
    if isinstance(value, PackedNumbers):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype == np.float64:  # as `load_json` packs them
        if count is not None and len(value) != count:
            raise ValueError(f"{what}: expected {count} numbers, got {len(value)}")
        return value
    if not isinstance(value, list) or not (set(map(type, value)) <= _PLAIN or all(map(_is_number, value))):
        raise ValueError(f"{what}: expected a list of numbers")
    if count is not None and len(value) != count:
        raise ValueError(f"{what}: expected {count} numbers, got {len(value)}")
    try:
        return np.array(value, dtype=np.float64)
    except OverflowError as error:
        raise ValueError(f"{what}: a number is too large") from error


def optional_box(value: Any) -> tuple[float, float, float, float] | None:
    """x, y, width, height, or None where it is absent or makes no box: a person is not lost over a broken box."""
    if value is None:
        return None
    try:
        x, y, width, height = numbers(value, "bbox", 4).tolist()
    except ValueError:
        return None
    return (x, y, width, height) if np.isfinite([x, y]).all() and 0 < width < np.inf and 0 < height < np.inf else None


def optional_size(width: Any, height: Any) -> tuple[int, int] | None:
    """(width, height) where both are positive whole numbers that an image can have, 640.0 among them, else None."""
    sides = [int(side) for side in (width, height) if _is_side(side)]
    return (sides[0], sides[1]) if len(sides) == 2 else None


def _is_side(value: Any) -> bool:
    return value is not None and _is_number(value) and 0 < value <= LARGEST_SIDE and value % 1 == 0
