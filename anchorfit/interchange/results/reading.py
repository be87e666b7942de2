"""`read_results`: a file of any program to its bodies; the names in it decide whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ...plain_text import list_few
from ...plugins import load_plugins
from ...stored_objects import StoredObjectError
from .cameras import CropOfImage, Pinhole
from .format import ResultFormat, StoredResult
from .formats import shipped_result_formats
from .record import GivenBodies, ResultFile, ResultFileError

GROUP = "anchorfit.results"
"""Entry points of other packages' formats."""

ENDINGS = (".npz", ".pkl", ".pt", ".pth", ".npy")
_MESHES = (".obj", ".ply", ".glb", ".smpl")


def result_formats() -> tuple[ResultFormat, ...]:
    """The formats that are known, in the order in which they are asked: those of other packages first."""
    plugins = load_plugins(GROUP, ResultFormat).found.values()
    return (*plugins, *shipped_result_formats())


def read_results(path: str | Path) -> ResultFile:
    """The bodies of a file of another program's results.

    Bodies with numbers that are not finite, or that no body or camera can have, are left out, with a line; a focal
    length or principal point that is NaN counts as not stated, with a line.

    Raises:
        FileNotFoundError: no such file.
        ResultFileError: it is of no known format, damaged, or lacks something; one line.
    """
    bodies, remarks, problems = results_as_stored(path)
    name, prefix = bodies.program, f"{path}: "
    unknown = _unknown_cameras(bodies)
    bodies, lost = _usable(bodies)
    if not len(bodies):
        raise ResultFileError(
            f"{path} ({name}): no body of it is finite and possible{''.join(f'; {line}' for line in lost)}"
        )
    return ResultFile(bodies, remarks, (*problems, *(prefix + one for one in (*lost, *unknown))))


def results_as_stored(path: str | Path) -> ResultFile:
    """The same with all rows, in the file's order, whatever their numbers are.

    Raises:
        FileNotFoundError, ResultFileError: as `read_results`.
    """
    path = Path(path)
    if path.suffix.lower() in _MESHES:
        raise ResultFileError(
            f"{path}: a mesh has no pose to begin with; give the program's parameters (docs/other_programs.md says how)"
        )
    try:
        stored, found = _recognised(StoredResult(path))
    except StoredObjectError as error:
        raise ResultFileError(str(error)) from error
    if found is None:
        known = ", ".join(format.name for format in result_formats())
        raise ResultFileError(f"{path}: {_what_it_holds(stored)}; expected results of {known}")
    try:
        bodies, remarks, problems = found.read(stored)
    except ValueError as error:
        raise ResultFileError(f"{path} ({found.name}): {error}") from error
    except (TypeError, KeyError, IndexError, RuntimeError) as error:  # another shape than any that was seen
        said = " ".join(str(error).split())
        raise ResultFileError(f"{path} ({found.name}): not as that program writes it ({said:.120})") from error
    prefix = f"{path}: "
    bodies = replace(bodies, files=(str(path),) * len(bodies))
    return ResultFile(bodies, tuple(prefix + one for one in remarks), tuple(prefix + one for one in problems))


def _recognised(stored: StoredResult) -> tuple[StoredResult, ResultFormat | None]:
    """The file and its format; of one that holds nothing but ``results``, what that holds, where that is known."""
    held = stored.content
    inner = held.get("results") if isinstance(held, dict) and len(held) == 1 else None
    for one in (stored, *([StoredResult(stored.path, inner)] if inner is not None else [])):
        found = next((format for format in result_formats() if format.recognises(one)), None)
        if found is not None:
            return one, found
    return stored, None


def read_all_results(paths: Sequence[str | Path]) -> list[ResultFile]:
    """The bodies of files, and of the files in folders (of a folder in it, no more).

    A file of a folder that is no result is a line; one that is named is an error.

    Raises:
        FileNotFoundError, ResultFileError: as `read_results`; there is no body.
    """
    found: dict[Path, ResultFile] = {}
    unread: dict[Path, str] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            found[path] = read_results(path)
            continue
        inside = list(_files_of(path))
        for file in inside:
            try:
                found[file] = found.get(file) or read_results(file)
            except (OSError, ResultFileError) as error:
                unread[file] = str(error)
        if not any(file in found for file in inside):
            none = f"{path}: no result ({', '.join(ENDINGS)}) in this folder"
            raise ResultFileError(unread[inside[0]] if inside else none)
    remarks = _once((path, line) for path, result in found.items() for line in result.remarks)
    problems = _once((path, line) for path, result in found.items() for line in result.problems)
    problems += _once(unread.items())
    first, *others = (result._replace(remarks=(), problems=()) for result in found.values())
    return [first._replace(remarks=tuple(remarks), problems=tuple(problems)), *others]


def _once(lines: Iterable[tuple[Path, str]]) -> list[str]:
    """Lines of files, each beginning with its file's path; those that say the same of many files are one."""
    alike: dict[str, list[tuple[Path, str]]] = {}
    for path, line in lines:
        alike.setdefault(line.removeprefix(str(path)), []).append((path, line))
    others = ((same[0][1], [path.name for path, _ in same[1:]]) for same in alike.values())
    return [f"{line}{f' (so of {list_few(names)})' if names else ''}" for line, names in others]


def _files_of(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from (one for one in sorted(path.iterdir()) if one.suffix.lower() in ENDINGS and one.is_file())
        elif path.suffix.lower() in ENDINGS and path.name != "camera.npy":
            yield path


def _usable(bodies: GivenBodies) -> tuple[GivenBodies, tuple[str, ...]]:
    """Those that are finite and possible, and lines of the others."""
    finite, possible = bodies.finite, bodies.possible
    wrong = {
        "numbers that are not finite, or matrices that are no rotations": ~finite,
        "a shape, focal length or place before the camera that cannot be": finite & ~possible,
    }
    lines = [f"rows {_shown(flags)}: {text}; left out" for text, flags in wrong.items() if bool(flags.any())]
    return (bodies.rows(finite & possible) if lines else bodies), tuple(lines)


def _unknown_cameras(bodies: GivenBodies) -> list[str]:
    """Lines of bodies that can be used, but whose camera's numbers are none, and what is taken in place of these."""
    camera, lost = bodies.camera, dict[str, Tensor]()
    if isinstance(camera, Pinhole):
        focal, middle, nowhere = camera.lost.unbind(1)
        lost = {"principal point; the image's middle is taken": middle}
    else:
        focal = camera.lost if isinstance(camera, CropOfImage) else torch.zeros(len(camera), dtype=torch.bool)
        nowhere = ~torch.isfinite(camera.place(torch.full((len(camera), 2), 1000.0)).transl).all(1)
    lost |= {f"focal length; {getattr(camera, 'rule', '')} is taken": focal}
    lost |= {"place before the camera; where they are is not known": nowhere}
    usable = bodies.finite & bodies.possible
    flags = ((text, rows & usable) for text, rows in lost.items())
    return [f"rows {_shown(rows)}: no finite {text}" for text, rows in flags if bool(rows.any())]


def _shown(flags: Tensor) -> str:
    rows = torch.nonzero(flags)[:, 0].tolist()
    return ", ".join(map(str, rows[:3])) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")


def _what_it_holds(stored: StoredResult) -> str:
    held = stored.content
    if isinstance(held, dict):
        keys = ", ".join(map(str, list(held)[:6])) or "nothing"
        inner = next((one for one in held.values() if isinstance(one, dict)), None)
        return f"holds {keys}" + (f" (of {', '.join(map(str, list(inner)[:6]))})" if inner else "")
    return f"holds {type(held).__name__}"
