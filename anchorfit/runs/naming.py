"""Names of files, each its own on any file system; and the kinds that ``--save`` names."""

from __future__ import annotations

from collections.abc import Sequence

from ..options import OptionError


def distinct_names(names: Sequence[str], endings: Sequence[str] = ("",)) -> list[str]:
    """The names, with -2, -3 ... where a file of one, but for capital letters, was there before.

    Args:
        names: of which there may be several of one.
        endings: of the files that each has.
    """
    taken: set[str] = set()
    latest: dict[str, int] = {}  # number that was tried last for a name: thousands may share one
    result = []
    for name in names:
        candidate, number = name, latest.get(name.lower(), 1)
        if number > 1:
            candidate = f"{name}-{number}"
        while any(f"{candidate}{ending}".lower() in taken for ending in endings):
            number += 1
            candidate = f"{name}-{number}"
        taken.update(f"{candidate}{ending}".lower() for ending in endings)
        latest[name.lower()] = number
        result.append(candidate)
    return result


def split_kinds(text: str) -> tuple[str, ...]:
    """``"npz,overlay"`` as names, each once."""
    return tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))


def known_kinds(text: str, known: Sequence[str], where: str = "") -> tuple[str, ...]:
    """The same, of kinds that there are.

    Raises:
        OptionError: a name is unknown, or there is none.
    """
    kinds = split_kinds(text)
    if not kinds or not {*known} >= {*kinds}:
        raise OptionError("save", f"expected some of {', '.join(known)}{where}; got {text!r}")
    return kinds
