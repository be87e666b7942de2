"""Names that come from files, made safe to be printed, listed, and to be cells of a table."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from hashlib import sha256

LONGEST_NAME = 200
"""Characters of a name in messages; no file system takes one of more than 255 bytes."""

FEW = 3
"""So many are named in a message; of more the first, and how many more there are."""

_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}  # controls, halves of surrogate pairs, ends of lines and paragraphs
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def told_by(error: BaseException, *, whole: bool = True) -> str:
    """What an error of other code says, as one line without Python's name of its kind, which tells users nothing.

    Args:
        error: whatever was raised.
        whole: all lines of its message; else the first alone.
    """
    text = str(error).strip()
    return printable(" ".join((text if whole else text.partition("\n")[0]).split())) or "no reason given"


def printable(text: str) -> str:
    r"""Text without what a terminal, a page or UTF-8 would not take as a letter: each such character is written out.

    Controls, ends of lines, signs that turn the direction of writing, and halves of surrogate pairs become ``\xNN`` or
    ``\uNNNN``; what Python makes of bytes that are no UTF-8 becomes the bytes.

    >>> print(printable("a\x1b[2Jb.jpg"), printable("caf\udce9"), printable("Müller 日本.png"))
    a\x1b[2Jb.jpg caf\xe9 Müller 日本.png
    """
    if text.isprintable():
        return text
    return "".join(_written_out(letter) if _is_unsafe(letter) else letter for letter in text)


def short_name(text: str) -> str:
    """A name as `printable`; of one longer than `LONGEST_NAME` the two ends, and a checksum that keeps it distinct."""
    text = printable(text)
    if len(text) <= LONGEST_NAME:
        return text
    return f"{text[:80]}...{sha256(text.encode()).hexdigest()[:8]}...{text[-40:]}"


def list_few(names: Iterable[str], *, long: bool = False) -> str:
    """The first few names, or texts that may be ``long``, and how many more there are.

    >>> list_few("abcde")
    'a, b, c and 2 more'
    """
    names = list(names)
    shown = ", ".join(str(name) if long else short_name(str(name)) for name in names[:FEW])
    return shown if len(names) <= FEW else f"{shown} and {len(names) - FEW} more"


def to_cell(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula: one that looks like one gets an apostrophe in front."""
    return f"'{text}" if _looks_like_formula(text) else text


def from_cell(cell: str) -> str:
    """The text of which `to_cell` made the cell."""
    return cell[1:] if cell.startswith("'") and _looks_like_formula(cell) else cell


def _looks_like_formula(text: str) -> bool:
    return text.lstrip("'").startswith(_FORMULA)


def _is_unsafe(letter: str) -> bool:
    return letter in _DIRECTIONS or unicodedata.category(letter) in _UNSAFE


def _written_out(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
