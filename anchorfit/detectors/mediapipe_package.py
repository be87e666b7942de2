"""The MediaPipe that is installed: which it is, whether it can be used, and what to do where not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from ..options import install_command
from ..plain_text import told_by

PACKAGE = "mediapipe"
INSTALL = install_command("detect", "mediapipe==0.10.21")


def release() -> str:
    """MediaPipe and its version, for messages."""
    try:
        return f"{PACKAGE} {version(PACKAGE)}"
    except PackageNotFoundError:  # a folder of that name, perhaps
        return PACKAGE


def carries_networks() -> bool:
    """Whether the installed wheel is one of those with networks inside (up to 0.10.21); nothing is imported."""
    spec = find_spec(PACKAGE)
    folders = [] if spec is None else spec.submodule_search_locations or []
    return any((Path(f) / "modules/pose_landmark/pose_landmark_full.tflite").is_file() for f in folders)


def check_carries_networks() -> None:
    """
    Raises:
        ImportError: it carries none.
    """
    if not carries_networks():
        raise ImportError(
            f"{release()} carries no networks: give a .task file of its pose landmarker with --detector-model, or take "
            f"the release that does: {INSTALL}"
        )


@contextmanager
def loading() -> Iterator[None]:
    """Whatever goes wrong inside means that MediaPipe cannot be used as it is installed.

    A missing system library is an ImportError or OSError, a protobuf of another time a TypeError, a numpy of another
    time a ValueError or AttributeError.

    Raises:
        ImportError: one line with the reason and what to do.
    """
    try:
        yield
    except Exception as error:
        reason = told_by(error, whole=False)
        raise ImportError(f"{release()} cannot be loaded ({reason}): install it again: {INSTALL}") from error
