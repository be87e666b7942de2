"""Options: how a dataclass declares them, and what to say of those that cannot be, or whose packages are missing."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import MISSING, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, requires
from shlex import quote
from typing import Any, Literal, TypeVar

from .plain_text import printable

GENDERS = ("neutral", "male", "female")
AGES = ("adult", "child")
Frame = Literal["world", "camera"]
FRAMES: tuple[Frame, ...] = ("world", "camera")
"""Frames that files may be in: ``world`` where there is a floor, the camera's elsewhere; or always the camera's."""
LONGEST_GAP_S = 1.0
"""Seconds for which a video's person may be out of sight, by default."""
OPACITY = 0.75
"""Of bodies on overlays, by default."""

Value = TypeVar("Value")
_DECLARED = "option"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What the command line says of a field.

    Attributes:
        field: the field's name.
        name: the option's, with underscores.
        short: a short form, ``-k``.
        help: what it is.
        takes: type of the value, or of each where there are several.
        several: whether it may be given several times.
        least, most: limits of a number.
        only: the modes that read it; none: all do.
        default: dataclasses.MISSING where a value must be given.
    """

    field: str
    name: str
    short: str | None
    help: str
    takes: type
    several: bool
    least: float | None
    most: float | None
    only: tuple[str, ...]
    default: Any


def option(
    default: Value = MISSING,  # type: ignore[assignment]
    *,
    help: str,
    name: str | None = None,
    short: str | None = None,
    takes: type | None = None,
    least: float | None = None,
    most: float | None = None,
    only: tuple[str, ...] = (),
) -> Value:
    """A field of a dataclass that is an option of the command line, too.

    Args:
        default: none where a value must be given; a tuple where it may be given several times.
        help: what it is.
        name: where it differs from the field's.
        short: a short form, ``-k``.
        takes: type of a value; the default's, where there is one that is no None and no tuple.
        least, most: limits of a number.
        only: the modes that read it; none: all do.
    """
    told = {"name": name, "short": short, "help": help, "takes": takes, "least": least, "most": most, "only": only}
    found: Value = field(default=default, metadata={_DECLARED: told})
    return found


def declared(options: type) -> list[Declared]:
    """The options that a dataclass declares, in the order of its fields."""
    found = []
    for one in fields(options):
        if _DECLARED in one.metadata:
            told: dict[str, Any] = dict(one.metadata[_DECLARED])
            told |= {"name": told["name"] or one.name, "takes": told["takes"] or type(one.default)}
            several = isinstance(one.default, tuple)
            found.append(Declared(field=one.name, several=several, default=one.default, **told))
    return found


def given(options: Any) -> list[Declared]:
    """The declared options of a dataclass whose values are not the defaults."""
    return [one for one in declared(type(options)) if getattr(options, one.field) != one.default]


def refuse_unread(options: Any, mode: str, *, by: str) -> None:
    """Look whether this mode reads all that is given.

    Args:
        options: a dataclass of declared options.
        mode: by which they are read.
        by: how a mode is chosen: ``--dataset``.
    Raises:
        OptionError: an option is given that only other modes read.
    """
    for one in given(options):
        if one.only and mode not in one.only:
            raise OptionError(one.name, f"only with {by} {' or '.join(one.only)}, got {mode}")


def refuse(options: Sequence[Declared], reason: str) -> None:
    """Raises OptionError, with the reason, where there is one; it names them all."""
    if options:
        names = [one.name.replace("_", "-") for one in options]
        rest = f" (and so --{', --'.join(names[1:])})" if names[1:] else ""
        raise OptionError(names[0], reason + rest)


def refuse_others(groups: Sequence[Any], read: Collection[str], reason: str) -> None:
    """Raises OptionError, with the reason, for options of these dataclasses whose fields are not in ``read``."""
    refuse([one for group in groups for one in given(group) if one.field not in read], reason)


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Raises OptionError where a value is none of these."""
    if value not in known:
        raise OptionError(name, f"expected one of {', '.join(known)}, got {value!r}")


def check_positive(name: str, value: float | None, unit: str = "") -> None:
    """Raises OptionError where a number is given that is not above 0 or not finite."""
    if value is not None and not 0 < value < float("inf"):
        raise OptionError(name, f"expected a positive number{unit}, got {value}")


class OptionError(ValueError):
    """An option has a value that it cannot have, or contradicts another; the command line names it ``--option``."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option.replace("_", "-")


def install_command(extra: str, *packages: str) -> str:
    """The command that installs what an extra of this package asks for, by name: it works wherever this package itself
    came from, which is on no index.

    Args:
        extra: as in ``anchorfit[extra]``.
        packages: what to name where this package is used without being installed.
    """
    try:
        asked = [line.partition(";") for line in requires("anchorfit") or ()]
    except PackageNotFoundError:
        asked = []
    needed = [name.strip() for name, _, marker in asked if marker.replace('"', "'").strip() == f"extra == '{extra}'"]
    return " ".join(["pip install", *(quote(name) for name in needed or packages)])


def without_package(package: str, needed: str, error: ImportError) -> str:
    """Why an optional package cannot be used: it is not there, or it is and fails, and then with what reason.

    Args:
        package: the module's name.
        needed: what to say where it is not installed.
        error: of its import.
    """
    if isinstance(error, ModuleNotFoundError) and error.name is not None and error.name.split(".")[0] == package:
        return needed
    return f"{package} is installed and cannot be imported: {one_line(error)}"


def warn_of_broken(package: str, error: ImportError, outcome: str) -> None:
    """Warn where an optional package is installed and fails; nothing is said of one that is not there."""
    why = without_package(package, "", error)
    if why:
        warnings.warn(f"{outcome}: {why}", RuntimeWarning, stacklevel=3)


def one_line(error: BaseException | str) -> str:
    """An error as one line: for a system's error, the file and what the system said."""
    if isinstance(error, OSError) and error.filename is not None:
        return printable(f"{error.filename}: {error.strerror}")
    return printable(" ".join(str(error).split()))
