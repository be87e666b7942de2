"""`read_people`: any keypoint file, its format told by its content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .arrays import load_arrays, parse_npz, read_npz, write_npz
from .coco import is_coco, parse_coco, read_coco
from .lsp import read_lsp
from .openpose import is_openpose, parse_openpose, read_openpose
from .own_json import is_own_json, parse_json, read_json, write_json
from .people import PeopleFile, Person
from .reading import KNOWN_FORMATS, KeypointFileError, existing_file, load_json
from .smplify import parse_smplify, read_smplify
from .table import read_csv, write_csv

FORMATS = ("coco", "openpose", "lsp", "smplify", "json", "csv", "npz")
"""What ``format`` may be, besides "auto". The last three are anchorfit's own."""


def read_people(path: str | Path, *, format: str = "auto", convention: str | None = None) -> PeopleFile:
    """Read the people of a keypoint file, or of a folder of OpenPose's files.

    One person that cannot be read does not cost the others: the result is a sequence of those who could, in the file's
    order, and its ``problems`` holds a line for each of the rest.

    Args:
        path: a file of any format in docs/formats.md, or a folder of OpenPose's.
        format: one of `FORMATS`, or "auto": told by the content, not by the name.
        convention: what the keypoints are (see `conventions.CONVENTIONS`), where the file does not say; ignored where
            the format fixes it (lsp, smplify, csv).
    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: the file cannot be used at all; one line that names it, what is wrong, and what to do.
        ValueError: no such format or convention.

    >>> from anchorfit.assets import ASSETS
    >>> people = read_people(ASSETS / "demo" / "person_keypoints.json")
    >>> len(people), people.problems, people[-1].name
    (34, (), '000000000785.jpg#442619')
    """
    path = Path(path)
    if format == "auto":
        if path.is_dir():
            return read_openpose(path, convention=convention)
        return _read_by_content(path, convention)
    readers = {"coco": read_coco, "openpose": read_openpose, "json": read_json, "npz": read_npz}
    if format in readers:
        return readers[format](path, convention=convention)
    fixed = {"lsp": read_lsp, "smplify": read_smplify, "csv": read_csv}
    if format in fixed:
        return fixed[format](path)
    raise ValueError(f"format: expected auto, {', '.join(FORMATS)}; got {format!r}")


def write_people(path: str | Path, people: Sequence[Person]) -> None:
    """Write people in the own format that the suffix names: .json, .csv or .npz.

    The first is the only one with boxes, masks and joints in space.

    Raises:
        ValueError: another suffix.
        OSError: the folder is missing, read-only or full.
    """
    writers = {".json": write_json, ".csv": write_csv, ".npz": write_npz}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(writers)}")
    writers[suffix](path, people)


def _read_by_content(path: Path, convention: str | None) -> PeopleFile:
    with existing_file(path).open("rb") as stream:
        head = stream.read(4096)
    if head[:4] == b"PK\x03\x04" or head[:6] == b"\x93NUMPY":
        arrays = load_arrays(path)
        return parse_smplify(arrays, path) if "est_joints" in arrays else parse_npz(arrays, path, convention=convention)
    if head.startswith(b"MATLAB") or path.suffix.lower() == ".mat":
        return read_lsp(path)
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text[:1] in ("{", "["):
        return _read_json(path, convention)
    first_line = text.partition("\n")[0].lower()
    if path.suffix.lower() == ".csv" or ("joint" in first_line and "," in first_line):
        return read_csv(path)
    raise KeypointFileError(f"{path}: this is no keypoint file; expected {KNOWN_FORMATS}")


def _read_json(path: Path, convention: str | None) -> PeopleFile:
    content = load_json(path)
    if is_openpose(content):
        return parse_openpose(content, path, convention=convention)
    if is_own_json(content):
        return parse_json(content, path, convention=convention)
    if is_coco(content):
        return parse_coco(content, path, convention=convention)
    came = (
        f"the keys {', '.join(list(map(str, content))[:5])}" if isinstance(content, dict) else "a list of other things"
    )
    raise KeypointFileError(f"{path}: this JSON is of another format ({came}); expected {KNOWN_FORMATS}")
