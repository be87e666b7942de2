"""Which people of a keypoint file belong to which of the images that were asked for."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from ..plain_text import FEW, list_few, short_name
from .images import is_image_path, looks_like_image
from .people import Person

_KEYPOINT_SUFFIXES = {".json", ".npz", ".csv", ".txt", ".mat"}


class Matched(NamedTuple):
    """People with the path of their image, and one line for each image without people."""

    people: list[Person]
    problems: list[str]


def list_images(arguments: Iterable[Path]) -> list[Path]:
    """Files as they are named; folders as the images in them, sorted. A path given twice counts once.

    In a folder the first bytes tell an image. What only its name calls one is kept, and so are links that lead nowhere
    or round in circles, so that a reader reports them.

    Raises:
        FileNotFoundError: a folder holds no image.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        if not argument.is_dir():
            found[argument] = None
            continue
        inside = sorted(p for p in argument.iterdir() if _is_image_of_folder(p))
        if not inside:
            raise FileNotFoundError(f"{argument}: no image in this folder{_hint_of_folder(argument)}")
        found |= dict.fromkeys(inside)
    return list(found)


def _hint_of_folder(folder: Path) -> str:
    """What to do with a folder that has keypoint files, by their names, in place of images."""
    if any(path.suffix.lower() in _KEYPOINT_SUFFIXES for path in folder.iterdir()):
        return ", but maybe keypoints: name the photographs, too (fit PHOTOS -k FOLDER, refine --images PHOTOS)"
    return ""


def _is_image_of_folder(path: Path) -> bool:
    if path.is_file():
        return looks_like_image(path)
    return path.is_symlink() and not path.exists() and is_image_path(path)


def match_people(people: Sequence[Person], images: Sequence[Path], source: str | Path = "the keypoint file") -> Matched:
    """Give each image its people, in the order of the images; each then carries the path of its image.

    A person belongs to the image of that name; else to the one of that name with an ending (OpenPose's files do not
    say it); else to the one whose name differs in capitals or in its ending, which is said. Where several images, or
    several folders of the keypoint file, share a name, the folders must agree: those that agree in most folders belong
    together. People of a file that names one image, or none, belong to the one image there is. Afterwards names are
    unique: a second person of one id in one image is renamed, with a line in ``problems``.

    Args:
        people: as a reader gave them.
        images: paths that were asked for.
        source: the keypoint file, for messages.
    """
    named = list(dict.fromkeys(person.image for person in people if person.image is not None))
    owners, problems = image_of_each_name(named, images, source)
    homeless = sum(person.image is None for person in people)
    if homeless and len(images) > 1:
        problems.append(f"{source}: {homeless} people name no image; give one image at a time")
    only = images[0] if len(images) == 1 else None
    homes = [owners.get(person.image) if person.image is not None else only for person in people]
    placed = place_people(people, homes, images)
    with_people = {person.image for person in placed.people}
    without = [image for image in dict.fromkeys(images) if image not in with_people]
    return Matched(placed.people, [*problems, *_left_alone(without, named, owners, images, source), *placed.problems])


def place_people(
    people: Sequence[Person],
    homes: Sequence[Path | None],
    images: Sequence[Path],
    *,
    there: Collection[Path] | None = None,
) -> Matched:
    """People with the paths of their images, in the order of the images; who has none is left out.

    Args:
        people: N of them.
        homes: for each the path of its image, one of ``images``, or None.
        images: in the order in which their people are wanted.
        there: those that can be opened; people of others carry no path. None: all.
    """
    owned: dict[Path, list[Person]] = {image: [] for image in images}
    for person, home in zip(people, homes, strict=True):
        if home is not None:
            owned[home].append(person)
    labels = image_labels(images)
    placed, renamed = list[Person](), list[str]()
    for image, theirs in owned.items():
        path = image if there is None or image in there else None
        for person, person_id in zip(theirs, _unique([p.person_id for p in theirs]), strict=True):
            if person_id != person.person_id:
                who = short_name(f"{labels[image]}#{person.person_id}")
                renamed.append(f"{who}: there is another of this id; named {short_name(person_id)}")
            placed.append(replace(person, image=path, person_id=person_id, image_label=labels[image]))
    problems = renamed if len(renamed) <= FEW else [f"{renamed[0]}; so are {len(renamed) - 1} more, with numbers"]
    return Matched(placed, problems)


def own_images(people: Sequence[Person], file: Path) -> Matched:
    """People of a keypoint file that came alone, with the images that it names, where those lie beneath its folder.

    Of a path that begins elsewhere (absolute, or by ``..``) the end counts: a keypoint file does not choose what is
    opened outside its own folder. Who has no image goes on without, for the file may state its size.
    """
    named = list(dict.fromkeys(person.image for person in people if person.image is not None))
    listed = _Listed()
    found = {path: _beneath(path, file.parent, listed) for path in named}
    homes = {path: found[path] or file.parent.joinpath(*parts_of(path)) for path in named}
    where = [homes[person.image] if person.image is not None else file for person in people]
    there = {home for home in found.values() if home is not None}
    placed = place_people(people, where, [*homes.values(), file], there=there)
    lost = [path for path, home in homes.items() if home not in there]
    outside = [str(path) for path in lost if _begins_elsewhere(path)]
    problems = []
    if outside:
        problems.append(
            f"{file}: images outside its folder are not opened ({list_few(outside)}); give them by name: "
            f"anchorfit fit IMAGES -k {file.name}"
        )
    missing = [str(path) for path in lost if str(path) not in outside]
    if missing:
        problems.append(f"{file}: images that are not beside it: {list_few(missing)}; keypoints alone are fitted")
    return Matched(placed.people, [*problems, *placed.problems])


class _Listed:
    """Names in folders, each folder listed once: asking the disk for each name takes as long as reading the file."""

    def __init__(self) -> None:
        self._names: dict[Path, frozenset[str]] = {}

    def may_hold(self, folder: Path, name: str) -> bool:
        """Whether a folder has the name, or one that a file system may take for it."""
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(map(_folded, os.listdir(folder)))
            except (OSError, ValueError):
                self._names[folder] = frozenset()
        return _folded(name) in self._names[folder]


def _folded(name: str) -> str:
    return name if name.isascii() and name.islower() else unicodedata.normalize("NFC", name).casefold()


def _beneath(path: Path, folder: Path, listed: _Listed) -> Path | None:
    """The file beneath a folder that a path names; of a path that begins elsewhere the longest end that is there."""
    parts = parts_of(path)
    starts = range(len(parts) if _begins_elsewhere(path) else min(1, len(parts)))
    for place in (folder.joinpath(*parts[start:]) for start in starts):
        for name in (place.name, *(place.name + ending for ending in _ENDINGS)):
            if listed.may_hold(place.parent, name) and os.path.isfile(place.with_name(name)):
                return place.with_name(name)
    return None


def _begins_elsewhere(path: Path) -> bool:
    """Whether a path is absolute, or leaves its folder, by POSIX's rules or by those of Windows."""
    parts = PureWindowsPath(str(path))
    return bool(parts.drive or parts.root or ".." in parts.parts)


_ENDINGS = (".jpg", ".png", ".jpeg", ".JPG", ".PNG")  # of images whose names a file gives without: OpenPose's


def parts_of(path: Path) -> tuple[str, ...]:
    """Folders and name of a path that a keypoint file names, written with either kind of separator; no root."""
    text = str(path)
    parts = PureWindowsPath(text).parts if "\\" in text or text[1:2] == ":" else path.parts
    return tuple(part for part in parts if part not in (".", "..") and part.strip("/\\") and part[1:2] != ":")


_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")


def stem_of(image: Path) -> str:
    """The name of an image without its ending, which names in keypoint files lack as often as not.

    >>> [stem_of(Path(name)) for name in ("clip_0012.jpg", "my.clip_0012", "cam.0012", "0012")]
    ['clip_0012', 'my.clip_0012', 'cam.0012', '0012']
    """
    return _ENDING.sub("", image.name)


def image_of_each_name(
    named: Sequence[Path], images: Sequence[Path], source: str | Path
) -> tuple[dict[Path, Path], list[str]]:
    """The image that each path of a file means, of those that mean one, and what is worth saying of it.

    Args:
        named: paths as the file writes them.
        images: those that are there.
        source: the file, for messages.
    """
    parts = {path: names for path in named if (names := parts_of(path))}
    owners: dict[Path, Path] = {}
    problems = []
    for said, of_named, of_image in _RULES:
        found = _same_names(parts, images, owners, of_named, of_image)
        owners |= found
        if said and found:
            pairs = [f"{path.name} is taken for {image.name}" for path, image in found.items()]
            problems.append(f"{source}: {said}: {list_few(pairs)}")
    if not owners and len(named) == 1 and len(images) == 1:
        owners[named[0]] = images[0]
        problems.append(f"{source}: one image each: {short_name(named[0].name)} is taken for {images[0].name}")
    return owners, problems


_Key = Callable[[str], str]


def _stem(name: str) -> str:
    return stem_of(Path(name))


def _letters(name: str) -> str:
    """A name in small letters; accents as macOS and others write them are the same."""
    return unicodedata.normalize("NFC", name).casefold().strip()


def _letters_of_stem(name: str) -> str:
    return _letters(_stem(name))


_RULES: tuple[tuple[str, _Key, _Key], ...] = (
    ("", str, str),
    ("", str, _stem),
    ("other capital letters", _letters, _letters),
    ("another ending", _letters_of_stem, _letters_of_stem),
)
"""In which order names are compared: what is said of it, and what is compared of a file's name and of an image's."""


def _same_names(
    named: Mapping[Path, tuple[str, ...]],
    images: Sequence[Path],
    owners: Mapping[Path, Path],
    of_named: _Key,
    of_image: _Key,
) -> dict[Path, Path]:
    """Paths of a keypoint file and images whose names are the same; among namesakes, whose folders agree.

    Those that belong to each other by ``owners`` are namesakes still, but no longer to be had.
    """
    groups: dict[str, tuple[list[Path], list[Path]]] = {}
    for path, parts in named.items():
        groups.setdefault(of_named(parts[-1]), ([], []))[0].append(path)
    for image in images:
        if (group := groups.get(of_image(image.name))) is not None:
            group[1].append(image)
    found: dict[Path, Path] = {}
    taken = set(owners.values())
    for paths, namesakes in groups.values():
        left = {path: named[path][:-1] for path in paths if path not in owners}
        free = [image for image in namesakes if image not in taken]
        if left and len(paths) == 1 and len(namesakes) == 1:
            found |= dict.fromkeys(left, *free) if free else {}
        elif left and free:
            found |= _by_folders(left, free)
    return found


def _by_folders(named: Mapping[Path, tuple[str, ...]], images: Sequence[Path]) -> dict[Path, Path]:
    """Of namesakes those pairs whose folders agree, from the innermost on: most folders first, all that are named last.

    Each path and each image is looked at once for each of its folders, however many namesakes there are.
    """
    found: dict[Path, Path] = {}
    left = {path: folders[::-1] for path, folders in named.items()}
    free = {image: tuple(reversed(parts_of(image)[:-1])) for image in images}
    for depth in range(max(map(len, left.values())), -1, -1):
        theirs: dict[tuple[str, ...], list[Path]] = {}
        for path, folders in left.items():
            if len(folders) >= depth and (depth > 0 or not folders):
                theirs.setdefault(folders[:depth], []).append(path)
        ours: dict[tuple[str, ...], list[Path]] = {}
        for image, folders in free.items():
            if len(folders) >= depth:
                ours.setdefault(folders[:depth], []).append(image)
        for folders, paths in theirs.items():
            if len(paths) == 1 and len(ours.get(folders, ())) == 1:
                found[paths[0]] = ours[folders][0]
        left = {path: folders for path, folders in left.items() if path not in found}
        taken = set(found.values())
        free = {image: folders for image, folders in free.items() if image not in taken}
    return found


def _left_alone(
    without: Sequence[Path],
    named: Sequence[Path],
    owners: Mapping[Path, Path],
    images: Sequence[Path],
    source: str | Path,
) -> list[str]:
    """What is said of images that got no people: one line for all, with what the file's other images are called."""
    gone = [f"{image}: no such image" for image in without if not os.path.exists(image)]
    if len(gone) > FEW:
        gone = [f"{gone[0]}; nor are there {len(gone) - 1} more"]
    there = [str(image) for image in without if os.path.exists(image)]
    if not there:
        return gone
    where = there[0] if len(there) == 1 else f"{source}: {len(there)} images ({list_few(there)})"
    who = f"no person in {source}" if len(there) == 1 else "no person of theirs in it"
    others = [path.name for path in named if path not in owners]
    called = "it has people of other images, too:" if owners else "its people are of"
    said = f"; {called} {list_few(others)}{_how_to_tell(others, images)}" if others else ""
    return [f"{where}: {who}{said}", *gone]


def _how_to_tell(others: Sequence[str], images: Sequence[Path]) -> str:
    """What to do where several images have a name that the file has without its folders."""
    names = Counter(image.name for image in images)
    several = next((name for name in others if names[name] > 1), None)
    return f"; {names[several]} images are called {short_name(several)}: give one of them" if several else ""


def image_labels(images: Sequence[Path]) -> dict[Path, str]:
    """Labels of images in messages: each image's name, with as many of its folders as tell it from the others."""
    labels: dict[Path, str] = {}
    left, depth = list(dict.fromkeys(images)), 1
    while left:
        count = Counter(image.parts[-depth:] for image in left)
        longer = []
        for image in left:
            if count[image.parts[-depth:]] > 1 and depth < len(image.parts):
                longer.append(image)
            else:
                labels[image] = "/".join(image.parts[-depth:])
        left, depth = longer, depth + 1
    return {image: labels[image] for image in images}


def _unique(names: Sequence[str]) -> list[str]:
    """The names, with -2, -3 ... behind those that were there before."""
    taken: set[str] = set()
    given = set(names)
    latest: dict[str, int] = {}  # number that was tried last for a name: thousands may share one
    result = []
    for name in names:
        candidate, number = name, latest.get(name, 1)
        while candidate in taken or (number > 1 and candidate in given):
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate)
        latest[name] = number
        result.append(candidate)
    return result
