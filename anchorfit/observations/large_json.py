"""JSON read piece by piece: a file of a gigabyte is never in memory as a text, only as what it says.

The outermost object or list is taken apart here, and the lists that lie in the outermost object (COCO's annotations);
everything within is the standard library's to parse.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

PIECE = 1 << 22  # bytes of a file that are decoded at a time

_BLANK = re.compile(r"[ \t\n\r]*")


def load_large_json(path: Path, object_hook: Callable[[dict[str, Any]], Any]) -> Any:
    """The content of a JSON file, as ``json.load`` gives it.

    Args:
        path: of the file, in UTF-8, UTF-16 or UTF-32.
        object_hook: as of `json.loads`.
    Raises:
        json.JSONDecodeError: it is no JSON; the position is of no use: parse it whole to say where.
        UnicodeDecodeError, RecursionError, ValueError: as `json.loads`.
    """
    with path.open("rb") as stream:
        window = _Window(stream, json.JSONDecoder(object_pairs_hook=lambda pairs: object_hook(_shared_keys(pairs))))
        kind = window.peek()
        if kind == "{":
            content: Any = object_hook({key: window.members_or_value() for key in window.keys()})  # noqa: SIM118
        else:
            content = list(window.members()) if kind == "[" else window.value()
        window.expect_end()
    return content


def _shared_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are those of other objects: the parser makes them anew for each value that it is asked."""
    return {sys.intern(key): value for key, value in pairs}


class _Window:
    """A stretch of the file's text, from what is not parsed yet, made longer as far as one value needs it."""

    def __init__(self, stream: BinaryIO, decoder: json.JSONDecoder) -> None:
        self._stream, self._decode = stream, decoder.raw_decode
        head = stream.read(4)
        stream.seek(0)
        self._text, self._at = "", 0
        self._codec = codecs.getincrementaldecoder(json.detect_encoding(head))()
        self._ended = False

    def peek(self) -> str:
        """The next character that is not blank; "" at the end of the file."""
        while True:
            self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._longer():
                return self._text[self._at : self._at + 1]

    def take(self, *expected: str) -> str:
        """The next character, which must be one of those that are expected."""
        found = self.peek()
        if found not in expected or not found:
            raise self._error()
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value, of any kind."""
        self.peek()
        while True:
            try:
                found, end = self._decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._longer():
                    raise
                continue
            if end + 2 >= len(self._text) and self._longer():  # a number may go on: 1 before e+5
                continue
            self._at = end
            return found

    def members(self) -> Iterator[Any]:
        """The values of the list that comes next."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self.take(",", "]") == "]":
                return

    def keys(self) -> Iterator[str]:
        """The keys of the object that comes next; the caller takes each one's value."""
        self.take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._error()
            key = self.value()
            self.take(":")
            yield key
            if self.take(",", "}") == "}":
                return

    def members_or_value(self) -> Any:
        """The next value, a list piece by piece."""
        return list(self.members()) if self.peek() == "[" else self.value()

    def expect_end(self) -> None:
        """Raises json.JSONDecodeError where more than blanks follow."""
        if self.peek():
            raise self._error()

    def _longer(self) -> bool:
        """Whether there is more of the file; what is parsed goes, and at least as much comes as is left."""
        if self._ended:
            return False
        raw = self._stream.read(max(PIECE, len(self._text) - self._at))
        self._ended = not raw
        self._text = self._text[self._at :] + self._codec.decode(raw, final=self._ended)
        self._at = 0
        return True

    def _error(self) -> json.JSONDecodeError:
        return json.JSONDecodeError("unexpected text", self._text, self._at)
