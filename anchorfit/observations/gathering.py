"""People gathered from a file, whatever its format: keypoints made canonical all at once, problems said once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..plain_text import list_few, short_name
from .conventions import CONVENTIONS, Convention, KeypointSet, convention_by_count, convention_name, joints_to_canonical
from .joint_names import joints_of_names
from .masks import StoredMask
from .people import CocoIds, PeopleFile, Person
from .reading import LISTS, OCCLUDED_CONFIDENCE, numbers

_NOT_OF_JOINTS = frozenset({"keypoints", "segmentation", "bbox", "box"})

_KIND = re.compile(r" \(line \d+, column \d+\)")  # what differs in messages of one kind

AT_ONCE = 4096
"""People that become canonical in one go."""

SCORES = (
    *("keypoint_scores", "keypoints_scores", "keypoint_score", "keypoints_score"),
    *("scores", "confidences", "confidence"),
)
"""Keys under which programs store confidences beside the keypoints, one a joint."""

LEAST_KNOWN = 0.5
"""Share of a category's names that must be joints of people; an animal's paws and tail are not."""


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """A person as a file has it.

    Attributes:
        identity: as `Person.person_id`; None: the place among the people of its image.
        triples: (J, 3) x, y, and a confidence or a flag.
        joints: their convention.
        image, size, box, score, mask, coco: as `Person` has them.
    """

    identity: str | None
    triples: np.ndarray
    joints: Convention
    image: Path | None = None
    size: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None
    score: float | None = None
    mask: StoredMask | None = None
    coco: CocoIds | None = None


class Gathering:
    """People and problems of one file, in the order in which they are found.

    Args:
        path: of the file, for messages.
        convention: what the caller says the keypoints are, or None.
    Raises:
        ValueError: no such convention.
    """

    def __init__(self, path: str | Path, convention: str | None = None) -> None:
        self.path = Path(path)
        self.chosen: Convention | None = None if convention is None else CONVENTIONS[convention_name(convention)]
        self.entries: list[PersonEntry] = []
        self._images: dict[Path, None] = {}
        self._left_out: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._notes: dict[str, list[str]] = {}
        self._files: dict[str, list[tuple[Path, object]]] = {}
        self._unused: Counter[tuple[str, str]] = Counter()

    def add(self, entry: PersonEntry) -> None:
        """Add a person."""
        self.entries.append(entry)
        if entry.image is not None:
            self._images[entry.image] = None

    def add_image(self, image: Path) -> None:
        """Add an image that the file names, whether it has people or not."""
        self._images[image] = None

    @property
    def images(self) -> tuple[Path, ...]:
        """Images that the file names, with people or without, in the order in which they were found."""
        return tuple(self._images)

    def leave_out(self, who: str, reason: object, *, kind: str = "", what: str = "person") -> None:
        """Note why a person cannot be read; many of one reason make one line.

        Args:
            who: the person, or the part of one that is left out.
            reason: said of it.
            kind: what makes reasons one; "": their text.
            what: is left out.
        """
        self._left_out.setdefault((what, kind or str(reason)), []).append((who, str(reason)))

    def note(self, what: str, who: str = "") -> None:
        """Note what is worth knowing; many of one note make one line."""
        self._notes.setdefault(what, []).append(who)

    def note_file(self, file: Path, error: object) -> None:
        """Note why a file of a folder cannot be read; many of one reason make one line."""
        self._files.setdefault(_KIND.sub("", str(error).removeprefix(f"{file}: ")), []).append((file, error))

    def note_unused(self, keys: Iterable[str], where: str = "a key") -> None:
        """Note keys of a file that are not used, each with the number of times it is met."""
        self._unused.update((where, key) for key in keys)

    def scored(self, entry: Mapping[str, Any], triples: np.ndarray, *used: str) -> np.ndarray:
        """(J, 3) keypoints with the confidences that their entry has under one of `SCORES`, where it has such.

        Other lists that are as long as the keypoints are noted, for they may be confidences by another name; and so
        are confidences of another number.

        Args:
            entry: what the file says of the person.
            triples: (J, 3) its keypoints.
            used: keys that are used otherwise.
        Raises:
            ValueError: a list that can be of nothing else than the keypoints is not as long.
        """
        for key, value in entry.items():
            if key in used or key in _NOT_OF_JOINTS or not isinstance(value, LISTS):
                continue
            if len(value) != len(triples):
                if key.startswith("keypoint") and key in SCORES:
                    raise ValueError(f"{key}: expected {len(triples)}, one a keypoint, got {len(value)}")
                if key in SCORES:
                    self.note_unused([key], "a list of another length than the keypoints")
            elif key in SCORES:
                triples = np.column_stack([triples[:, :2], numbers(value, key, len(triples))])
            else:
                self.note_unused([key], "a list as long as the keypoints")
        return triples

    def joints_of(self, count: int, named: Convention | None = None, usual: str | None = None) -> Convention:
        """What ``count`` keypoints are: what the caller says, else what their names say, else what only can have so
        many.

        Args:
            named: the joints that their names mean, where the file has names.
            usual: the convention of this kind of file among those of this number.
        Raises:
            ValueError: another number than the convention has, or a number that fits none or several.
        """
        joints = self.chosen or named
        if joints is None:
            known = {count: usual} if usual is not None and len(CONVENTIONS[usual]) == count else {}
            joints = CONVENTIONS[convention_by_count(count, known)]
        if len(joints) != count:
            raise ValueError(f"keypoints: expected {3 * len(joints)} numbers, got {3 * count}")
        return joints

    def people_file(self, *, shift: float = 0.0, flags: bool = False) -> PeopleFile:
        """Everything that was gathered, which is then gone from here.

        Joints at (0, 0) count as not seen, whatever their confidence: that is how files say that there is none.

        Args:
            shift: pixels to add to every position.
            flags: whether third numbers are COCO's flags 0, 1 and 2.
        """
        hidden_counts = not flags or _hidden_are_told(self.entries)
        names = _identities(self.entries)
        people: list[Person] = []
        for first in range(0, len(names), AT_ONCE):
            entries = list(used_up(self.entries, first, first + AT_ONCE))
            seen = _canonical(entries, shift=shift, flags=flags, hidden_counts=hidden_counts)
            people += map(_person, entries, names[first : first + AT_ONCE], seen)
        self.entries = []
        return PeopleFile(tuple(people), self.problems(), self.images)

    def problems(self) -> tuple[str, ...]:
        """A line for each kind of problem."""
        lines = []
        for files in self._files.values():
            others = [file.name for file, _ in files[1:]]
            lines.append(f"{files[0][1]}{f'; so are {list_few(others)}' if others else ''}")
        for (what, _), left_out in self._left_out.items():
            who, reasons = [name for name, _ in left_out], list(dict.fromkeys(reason for _, reason in left_out))
            if len(who) == 1:
                lines.append(f"{self.path}: {who[0]}: {reasons[0]}; this {what} is left out")
            else:
                many = f"{len(who)} {'people' if what == 'person' else f'{what}s'}"
                lines.append(
                    f"{self.path}: {many}: {list_few(reasons, long=True)}; they are left out ({list_few(who)})"
                )
        for note, who in self._notes.items():
            named = [one for one in who if one]
            lines.append(f"{self.path}: {note}{f' ({list_few(list(dict.fromkeys(named)))})' if named else ''}")
        for (where, key), count in self._unused.items():
            lines.append(f"{self.path}: {short_name(key)}: {where}, of {count} people, that is not used")
        return tuple(lines)


def joints_that_names_mean(names: Any, gathering: Gathering, *, of: str = "keypoints") -> Convention | None:
    """The joints of a list of names, or None where it is no list of joints' names; unknown names are said."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return None
    if len(set(names)) < len(names):
        return None  # one name several times names nothing
    found = joints_of_names(names)
    if not found.known:
        return None
    if found.unknown:
        gathering.note(f"{of}: joints that the body does not have are not used: {list_few(found.unknown)}")
    return found.joints


def triples_of(value: Any, what: str = "keypoints") -> np.ndarray:
    """(J, 3) of a flat list of numbers, or of a list of [x, y, confidence] or [x, y].

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, list) and value and isinstance(value[0], LISTS):
        rows = [numbers(row, what) for row in value]
        if any(len(row) not in (2, 3) for row in rows):
            raise ValueError(f"{what}: expected x, y and confidence for each, got {len(rows[0])} numbers")
        return np.stack([row if len(row) == 3 else np.append(row, 1.0) for row in rows])
    flat = numbers(value, what)
    if not len(flat) or len(flat) % 3:
        raise ValueError(f"{what}: expected x, y and visibility for each, got {len(flat)} numbers")
    return flat.reshape(-1, 3)


def seen_somewhere(positions: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The confidence (..., J), 0 where the position (..., J, 2) is (0, 0): so files say that there is none."""
    return np.where((positions == 0).all(-1), 0.0, confidence)


def in_pixels(triples: np.ndarray, what: str = "keypoints") -> np.ndarray:
    """The same, where they are pixels.

    Raises:
        ValueError: they are shares of the image.
    """
    seen = triples[(triples[:, 2] > 0) & (triples[:, :2] != 0).any(1), :2]
    if len(seen) > 1 and (np.abs(seen) <= 1).all():
        raise ValueError(f"{what}: the coordinates are shares of the image, not pixels")
    return triples


def used_up(values: list[Any], first: int = 0, last: int | None = None) -> Iterator[Any]:
    """Each of some values, of which the list then holds None: of a million people there are not two copies."""
    for place in range(first, len(values) if last is None else min(last, len(values))):
        value, values[place] = values[place], None
        yield value


def _person(entry: PersonEntry, identity: str, seen: KeypointSet) -> Person:
    return Person(
        person_id=identity,
        keypoints=seen.positions,
        confidence=seen.confidence,
        image=entry.image,
        image_size=entry.size,
        box=entry.box,
        score=entry.score,
        mask=entry.mask,
        coco=entry.coco,
    )


def _canonical(
    entries: Sequence[PersonEntry], *, shift: float, flags: bool, hidden_counts: bool = True
) -> list[KeypointSet]:
    """Canonical positions (K, 2) and confidence (K,) of each person; all whose joints are the same at once."""
    groups: dict[Convention, list[int]] = {}
    for row, one in enumerate(entries):
        groups.setdefault(one.joints, []).append(row)
    found: dict[int, KeypointSet] = {}
    for joints, rows in groups.items():
        triples = np.stack([entries[row].triples for row in rows])
        confidence = triples[..., 2]
        if flags:
            given = triples[..., 2]
            visible, hidden = given == 2, given == 1
            flag = visible | hidden | (given == 0) | ~np.isfinite(given)
            meant = np.where(visible, 1.0, np.where(hidden, OCCLUDED_CONFIDENCE if hidden_counts else 1.0, 0.0))
            # Where a number of a person is none of the flags, the file stores confidences in their place.
            confidence = np.where(flag.all(-1, keepdims=True), meant, given)
        confidence = seen_somewhere(triples[..., :2], confidence)
        positions, confidence = joints_to_canonical(triples[..., :2] + shift, confidence, joints)
        positions[confidence == 0] = 0  # not half a pixel
        found.update((row, KeypointSet(positions[at], confidence[at])) for at, row in enumerate(rows))
    return [found[row] for row in range(len(entries))]


def _hidden_are_told(entries: Sequence[PersonEntry]) -> bool:
    """Whether a file tells hidden joints (1) from visible ones (2); one of 0 and 1 alone means visible by 1."""
    return any((entry.triples[:, 2] == 2).any() for entry in entries)


def _identities(entries: Sequence[PersonEntry]) -> list[str]:
    """Unique names within each image: as the file has them, with a number behind those that were there before."""
    places: Counter[Path | None] = Counter()
    used: Counter[tuple[Path | None, str]] = Counter()
    names = []
    for entry in entries:
        identity = str(places[entry.image]) if entry.identity is None else entry.identity
        places[entry.image] += 1
        used[entry.image, identity] += 1
        count = used[entry.image, identity]
        names.append(identity if count == 1 else f"{identity}-{count}")
    return names
