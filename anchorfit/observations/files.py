"""`read_people`: any keypoint file, its format told by its content."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..array_files import ArrayFileError
from ..plugins import load_plugins
from .conventions import convention_name
from .formats import Content, Format, shipped_formats
from .formats.own_csv import write_csv
from .formats.own_json import write_json
from .formats.own_npz import write_npz
from .people import PeopleFile, Person
from .reading import KNOWN_FORMATS, KeypointFileError

ENTRY_POINTS = "anchorfit.formats"
"""Where packages that are installed beside this one name their own `Format`."""


FORMATS = tuple(format.name for format in shipped_formats())
"""What ``format`` may be, besides "auto" and what is registered; json, npz and csv are anchorfit's own."""
_registered: list[Format] = []


def register_format(format: Format) -> None:
    """Add a format, so that `read_people` knows it: by name, and by content before those of the package.

    A package that is installed needs no call: it names its `Format` under the entry point ``anchorfit.formats``.

    Raises:
        ValueError: there is one of this name.
    """
    if format.name in ("auto", *(one.name for one in known_formats())):
        raise ValueError(f"{format.name}: there is a format of this name already")
    _registered.append(format)


def known_formats() -> tuple[Format, ...]:
    """All formats, in the order in which they are asked whether a file is of theirs."""
    return (*_registered, *_installed(), *shipped_formats())


@lru_cache(maxsize=1)
def _installed() -> tuple[Format, ...]:
    """Of packages beside this one; one that cannot be used is said, and left out."""
    plugins = load_plugins(ENTRY_POINTS, Format)
    for problem in plugins.problems:
        warnings.warn(str(problem), stacklevel=2)
    return tuple(plugins.found.values())


def read_people(
    path: str | Path,
    *,
    format: str = "auto",
    convention: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> PeopleFile:
    """Read the people of a keypoint file, or of a folder of OpenPose's files.

    One person that cannot be read does not cost the others: the result is a sequence of those who could, in the file's
    order, and its ``problems`` holds a line for each of the rest.

    Args:
        path: a file of any format in docs/formats.md, or a folder of OpenPose's.
        format: one of `FORMATS` or a registered one, or "auto": told by the content, not by the name.
        convention: what the keypoints are (see `conventions.CONVENTIONS`); it goes before what the file says. Where
            the format fixes it (lsp, smplify, mpii-mat, csv, labelstudio) another is not used, and said.
        image_size: width and height of its images, as of a video's frames: some formats have positions as shares of
            it. What the file says goes before.
    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: the file cannot be used at all; one line that names it, what is wrong, and what to do.
        ValueError: no such format or convention.

    >>> from anchorfit.assets import ASSETS
    >>> people = read_people(ASSETS / "demo" / "person_keypoints.json")
    >>> len(people), people.problems, people[-1].name
    (34, (), '000000000785.jpg#442619')
    """
    file = Content(Path(path), image_size)
    try:
        return _read(file, format, convention)
    except ArrayFileError as error:
        raise KeypointFileError(str(error)) from error


def _read(file: Content, format: str, convention: str | None) -> PeopleFile:
    known = known_formats()
    if format == "auto":
        found = next((one for one in known if one.recognises(file)), None)
        if found is None and file.path.is_dir():
            raise FileNotFoundError(
                f"{file.path}: the folder holds no NAME_keypoints.json files, as OpenPose --write_json makes them, and "
                "none of another format that has a file an image (docs/formats.md)"
            )
        if found is None:
            raise KeypointFileError(_unknown(file))
    else:
        found = next((one for one in known if one.name == format), None)
        if found is None:
            raise ValueError(f"format: expected auto, {', '.join(one.name for one in known)}; got {format!r}")
    people = found.read(file, convention)
    if convention is None or not found.fixed or convention_name(convention) == found.fixed:
        return people
    joints = "name their joints" if found.fixed == "by name" else f"are {found.fixed}"
    return replace(
        people, problems=(f"{file.path}: {convention} is not used: {found.name} files {joints}", *people.problems)
    )


def write_people(path: str | Path, people: Sequence[Person]) -> None:
    """Write people in the own format that the suffix names: .json, .csv or .npz.

    Boxes, masks and joints in space are kept in .json alone.

    Raises:
        ValueError: another suffix.
        OSError: the folder is missing, read-only or full.
    """
    writers = {".json": write_json, ".csv": write_csv, ".npz": write_npz}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(writers)}")
    writers[suffix](path, people)


def _unknown(file: Content) -> str:
    others = [one.name for one in known_formats() if one not in shipped_formats()]
    expected = f"expected {KNOWN_FORMATS}{''.join(f', or {name}' for name in others)}"
    if not file.is_json:
        return f"{file.path}: this is no keypoint file; {expected}"
    keys = (
        f"the keys {', '.join([*map(str, file.json)][:5])}" if isinstance(file.json, dict) else "a list of other things"
    )
    return f"{file.path}: this JSON is of another format ({keys}); {expected}"
