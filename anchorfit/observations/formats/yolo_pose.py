"""YOLO's labels of poses: a text file an image, or a folder of them (``labels`` beside ``images``).

A line a person: class, box (centre, width and height as shares of the image), and for each keypoint x, y as shares of
the image, most often with a visibility or confidence. ``yolo predict save_txt save_conf`` adds the person's confidence.
The image, whose size is needed, lies beside the file, or in ``images`` where the file lies in ``labels``.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..conventions import CONVENTIONS
from ..gathering import Gathering, PersonEntry
from ..people import PeopleFile
from ..reading import existing_file
from .beside import Beside, image_beside, share_to_pixels
from .format import Content, Format

_BEFORE = 5  # numbers of a line before its keypoints: class and box
_LONGEST = _BEFORE + 3 * max(map(len, CONVENTIONS.values())) + 2


class _Line(NamedTuple):
    """box: (4,) shares; triples: (J, 3), of shares; score: or None."""

    box: np.ndarray
    triples: np.ndarray
    score: float | None


def is_yolo_pose(text: str) -> bool:
    """Whether the first lines of a text are a class, a box and keypoints as shares of the image."""
    lines = [line for line in text.splitlines()[:3] if line.strip()]
    try:
        return bool(lines) and all(_is_line([float(word) for word in line.split()]) for line in lines[:1])
    except ValueError:
        return False


def _is_line(numbers: list[float]) -> bool:
    if not _BEFORE + 2 * 10 <= len(numbers) <= _LONGEST or not numbers[0].is_integer():
        return False
    return all(0 <= number <= 1 for number in numbers[1:_BEFORE])


def _read(file: Content, convention: str | None) -> PeopleFile:
    gathering = Gathering(file.path, convention)
    if file.path.is_dir():
        for path in sorted(file.path.glob("*.txt")):
            _gather(path, image_beside(path, size=file.image_size), gathering)
    else:
        _gather(existing_file(file.path), image_beside(file.path, size=file.image_size), gathering)
    return gathering.people_file(flags=True)


def _gather(path: Path, beside: Beside, gathering: Gathering) -> None:
    gathering.add_image(beside.image)
    for place, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        if not text.strip():
            continue
        try:
            line = _parsed(text, gathering)
            triples = share_to_pixels(line.triples, beside.size)
            joints = gathering.joints_of(len(triples), usual="coco17")
        except ValueError as error:
            gathering.leave_out(f"{beside.image}#{place}", error)
            continue
        width, height = beside.size or (0, 0)
        x, y, wide, high = line.box * (width, height, width, height)
        gathering.add(
            PersonEntry(
                identity=str(place),
                triples=triples,
                joints=joints,
                image=beside.image,
                size=beside.size,
                box=(float(x - wide / 2), float(y - high / 2), float(wide), float(high)),
                score=line.score,
            )
        )


def _parsed(text: str, gathering: Gathering) -> _Line:
    try:
        numbers = np.array(text.split(), dtype=np.float64)
    except ValueError:
        raise ValueError("expected numbers separated by spaces") from None
    count = len(numbers) - _BEFORE
    known = {len(joints) for joints in CONVENTIONS.values()} if gathering.chosen is None else {len(gathering.chosen)}
    for wide in (3, 2):  # numbers of a keypoint
        for more in (0, 1, 2):  # the person's confidence, and the number of its track
            if (count - more) % wide == 0 and (count - more) // wide in known:
                keypoints = numbers[_BEFORE : len(numbers) - more].reshape(-1, wide)
                triples = keypoints if wide == 3 else np.column_stack([keypoints, np.ones(len(keypoints))])
                score = float(numbers[len(numbers) - more]) if more else None
                return _Line(numbers[1:_BEFORE], triples, score)
    raise ValueError(f"expected a class, a box and keypoints, got {len(numbers)} numbers")


def _recognises(file: Content) -> bool:
    if file.path.is_dir():
        first = next(iter(sorted(file.path.glob("*.txt"))), None)
        return first is not None and first.stat().st_size > 0 and is_yolo_pose(Content(first).text)
    return not file.is_json and not file.is_arrays and is_yolo_pose(file.text)


FORMAT = Format(name="yolo-pose", recognises=_recognises, read=_read)
