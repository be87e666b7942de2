"""The usable people of a data set, found before the first step, so that no training ends at a later one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...observations.checks import sanitise
from ...observations.people import PeopleFile, Person

SHOWN = 3
"""Lines of one kind that are shown; the others are counted."""


def usable_people(people: Sequence[Person]) -> PeopleFile:
    """Those whose image is there and who have a joint that can be believed; a line for each other, and each change.

    Masks that cannot be decoded, or are not of the size that the file says, are dropped: joints still teach. Images are
    looked for and not opened: a large data set would take minutes.
    """
    there: dict[Path | None, bool] = {None: False}
    usable: list[Person] = []
    lacking: list[str] = []
    empty: list[str] = []
    changed: list[str] = []
    for person in people:
        if person.image not in there:
            there[person.image] = person.image is not None and person.image.is_file()
        if not there[person.image]:
            lacking.append(f"{person.name}: no such image ({person.image}); left out")
            continue
        clean = sanitise(person)
        changed += [f"{person.name}: {change}" for change in clean.changes]
        if (clean.person.confidence > 0).any():
            usable.append(clean.person)
        else:
            empty.append(f"{person.name}: no annotated joint; left out")
    return PeopleFile(tuple(usable), tuple(line for lines in (lacking, empty, changed) for line in shortened(lines)))


def shortened(lines: Sequence[str], shown: int = SHOWN) -> list[str]:
    """The first few, and how many more there are."""
    more = len(lines) - shown
    return [*lines[:shown], f"... and {more} more lines of this kind"] if more > 1 else list(lines)


def image_folder(path: str | Path) -> Path:
    """A folder of images that is there.

    Raises:
        FileNotFoundError: it is not.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such folder; give the folder that the images are in")
    return path
