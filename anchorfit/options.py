"""Options that cannot be, and packages that are missing: what to say of them."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, requires
from shlex import quote

from .plain_text import printable

GENDERS = ("neutral", "male", "female")
AGES = ("adult", "child")


class OptionError(ValueError):
    """An option has a value that it cannot have, or contradicts another; the command line names it ``--option``."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


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
