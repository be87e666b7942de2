"""What a format of keypoint files is: how it is told by a file's content, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...array_files import ArrayFile
from ..people import PeopleFile
from ..reading import existing_file, load_json

_HEAD = 4096  # bytes by which a file is told


class Content:
    """A keypoint file or folder, opened as far as it is asked for, and parsed once.

    Args:
        path: of the file or folder.
        image_size: (width, height) of its images, where the caller knows that all are of one size.
    """

    def __init__(self, path: Path, image_size: tuple[int, int] | None = None) -> None:
        self.path = path
        self.image_size = image_size

    @cached_property
    def head(self) -> bytes:
        """The first bytes; none of a folder.

        Raises:
            FileNotFoundError: no such file.
            KeypointFileError: it is empty.
        """
        if self.path.is_dir():
            return b""
        with existing_file(self.path).open("rb") as stream:
            return stream.read(_HEAD)

    @cached_property
    def text(self) -> str:
        """The first bytes as a text."""
        return self.head.decode("utf-8-sig", errors="replace").lstrip()

    @property
    def is_json(self) -> bool:
        """Whether it begins as JSON does."""
        return self.text[:1] in ("{", "[")

    @cached_property
    def json(self) -> Any:
        """What the JSON says; raises as `reading.load_json`."""
        return load_json(self.path)

    @property
    def is_arrays(self) -> bool:
        """Whether it begins as numpy's files do."""
        return self.head.startswith((b"PK\x03\x04", b"\x93NUMPY"))

    @cached_property
    def arrays(self) -> ArrayFile:
        """The arrays of an .npz file, each read when it is asked for; raises as `ArrayFile`."""
        return ArrayFile(existing_file(self.path))


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of keypoint files.

    Attributes:
        name: what ``read_people(format=...)`` calls it.
        recognises: whether a file is of it, by its content.
        read: the people of a file; the second argument is the convention that the caller named, or None.
        general: whether it is asked last, since others tell more closely what it takes, too.
        fixed: the convention that all files of the format have, or "by name"; then none can be said.
    """

    name: str
    recognises: Callable[[Content], bool]
    read: Callable[[Content, str | None], PeopleFile]
    general: bool = False
    fixed: str = ""
