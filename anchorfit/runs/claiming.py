"""Folders of results: made, held by one process, and taken by a run that overwrites no other files than its own."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .folder import RunFolder, names_within
from .journal import RunConflict, locked


def make_folder(folder: Path) -> None:
    """Make the folder for results, and make sure before any work that it can be written to.

    Raises:
        OSError: one line that names the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (FileExistsError, NotADirectoryError) as error:
        raise OSError(errno.ENOTDIR, "not a folder: give another --output", str(folder)) from error
    except OSError as error:
        raise OSError(error.errno, f"cannot write there: {error.strerror}", str(folder)) from error


@contextmanager
def held(output: Path) -> Iterator[None]:
    """The folder, made if missing, for this process alone; one that is new and still empty at the end goes."""
    new = not output.exists()
    make_folder(output)
    try:
        with locked(output):
            yield
    finally:
        if new:
            with suppress(OSError):
                output.rmdir()


@contextmanager
def claimed(
    output: Path,
    settings: Mapping[str, Any],
    inputs: Iterable[Path],
    planned: Iterable[str],
) -> Iterator[RunFolder]:
    """The folder of a run that is done in one go: whoever writes a file there `RunFolder.intend`s it before.

    Nothing is touched before the first of them; then the run takes the place of the one before, as ever.

    Args:
        output: made if missing; one that is new and still empty at the end goes.
        settings: what the run is: plain JSON.
        inputs: files that it reads.
        planned: names, in the folder, of the files that it may write.
    Raises:
        ValueError: one line: a file would be overwritten that is read or is no run's; an unfinished run of another kind
            is there; or another process writes there.
        OSError: the folder cannot be written to.
    """
    with held(output):
        try:
            folder = RunFolder.open(output, settings)
            if folder.resumed:  # killed after its last file: it is done anew
                folder = RunFolder.open(output, settings, restart=True)
        except RunConflict as error:
            raise RunConflict(f"{output}: holds an unfinished run of photographs; give another --output") from error
        folder.check(inputs, planned)
        yield folder
        if folder.begun:
            folder.finish()


def files_of(paths: Iterable[Path]) -> list[Path]:
    """These files, and those in these folders."""
    return [file for path in paths for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file()]


def refuse_inputs(inputs: Iterable[Path], output: Path, names: Iterable[str]) -> None:
    """Refuse to write files where what is read lies.

    Args:
        inputs: files that are read.
        output: folder that is written to.
        names: of the files there.
    Raises:
        ValueError: one line that names the file.
    """
    written = set(names)
    for path, name in names_within(output, inputs):
        if name in written:
            raise ValueError(f"{path}: is read, and would be overwritten; give another --output")
