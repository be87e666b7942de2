"""Where motion beyond CMU's main archive comes from, on which terms, and how it becomes poses."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .archive import Take, split_of
from .bvh import parse_bvh
from .glb import parse_glb
from .humanoid import bent_backwards, hinge_elbows, level_heads, smpl_poses, stop_knees
from .library import LibrarySettings, Motion, convert_takes, plausible
from .point_files import parse_csm, parse_joint_array
from .recording import Recording
from .skeleton import global_rotations, parse_amc, parse_asf

CMU_FOLDER = "cmu_terryum"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder of files of motion.

    Attributes:
        subject: who is recorded in the take of this name.
        prefix: of the takes' names in the library.
        terms: in short; NOTICE has them whole.
        left_out: takes that stay out, with the reason.
        directions_only: the files know where limbs point, but not how arms are twisted.
        level: nor where heads look: those of a take are turned until the median one looks ahead.
        most: poses of a take that may enter the library, evenly spaced; None for all.
    """

    subject: Callable[[str], str]
    prefix: str
    terms: str
    left_out: dict[str, str]
    directions_only: bool = False
    level: bool = False
    most: int | None = None


SOURCES: dict[str, Source] = {
    "accad_female1": Source(
        subject=lambda take: "accad-female1",
        prefix="accad-",
        terms="Open Motion Project by ACCAD/The Ohio State University, CC BY 3.0; converted to SMPL poses and thinned",
        left_out={},
    ),
    "animateddrawings_mit": Source(
        subject=lambda take: "drawings",
        prefix="drawings-",
        terms="AnimatedDrawings, Copyright (c) Meta Platforms, Inc. and affiliates, MIT licence",
        left_out={
            "jumping_jacks": "its skeleton is CMU's and its subject unknown, who may be a held-out one",
            "jesse_dance": "neither its zero pose nor its first frame shows where bones point",
        },
    ),
    "reactidle": Source(
        subject=lambda take: f"idle-{take.partition('_')[0]}",
        prefix="idle-",
        terms="ReActIdle, Copyright (c) 2025 RSAIT, MIT licence",
        left_out={},
        directions_only=True,
        level=True,
        most=60,  # of a minute or two in which somebody stands
    ),
    "mesh2motion_cc0": Source(
        subject=lambda take: "quaternius",
        prefix="quaternius-",
        terms="Quaternius, Universal Animation Library, CC0 1.0; an animator's work",
        left_out={"T-Pose": "nobody stands like that"},
    ),
    "holosoma_climb": Source(
        subject=lambda take: "climb-2" if take.startswith("mocap_climb_seq_4") else "climb-1",  # by the bones' lengths
        prefix="holosoma-",
        terms="holosoma by Amazon FAR, Apache License 2.0; converted to SMPL poses and thinned",
        left_out={},
    ),
    "assimp_fencing": Source(
        subject=lambda take: "fencer",
        prefix="fencing-",
        terms="Recorded with vicon IQ, july 2008. Free for any purpose; a test model of assimp, of Thomas Fechten's",
        left_out={},
    ),
}
"""By the name of the folder that their files lie in."""


def read_motions(paths: Iterable[Path], settings: LibrarySettings, report: Callable[[str], None]) -> Iterator[Motion]:
    """The motions of folders or tar archives that hold CMU's takes (``cmu_terryum``) and those of `SOURCES`.

    A file that cannot be used is one line to ``report``, and the others are read.

    Raises:
        FileNotFoundError: no such path.
        ValueError: a path holds no folder that is known.
    """
    files: dict[str, dict[str, bytes]] = {}
    for path in paths:
        found = dict(_files(path))
        known = 0
        for name, content in found.items():
            folder = PurePosixPath(name).parent.name
            if folder in SOURCES or folder == CMU_FOLDER:
                files.setdefault(folder, {})[PurePosixPath(name).name] = content
                known += 1
        if not known:
            raise ValueError(f"{path}: expected a folder {', '.join((CMU_FOLDER, *SOURCES))} in it, found none")
    yield from convert_takes(_takes(files.get(CMU_FOLDER, {}), settings, report), settings)
    for folder, source in SOURCES.items():
        for recording in _recordings(folder, files.get(folder, {}), report):
            if recording.name in source.left_out:
                report(f"{folder}: {recording.name}: left out: {source.left_out[recording.name]}")
                continue
            try:
                poses = smpl_poses(recording)
            except ValueError as error:
                report(_line(folder, recording.name, error))
                continue
            if source.directions_only:
                poses = hinge_elbows(poses)
            if source.level:
                poses = level_heads(poses)
            poses = stop_knees(poses)
            yield Motion(
                subject=source.subject(recording.name),
                name=source.prefix + recording.name.removeprefix("Female1_"),
                frames=recording.frames,
                poses=poses,
                sound=plausible(poses) & ~bent_backwards(poses),
                most=source.most,
            )


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files below a folder or in a tar archive, in the order of their names."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield str(PurePosixPath(path.name) / file.relative_to(path).as_posix()), file.read_bytes()
        return
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such folder or tar archive of motion files")
    with tarfile.open(path) as tar:
        for member in sorted(tar, key=lambda member: member.name):
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content.read()


def _takes(files: dict[str, bytes], settings: LibrarySettings, report: Callable[[str], None]) -> Iterator[Take]:
    """CMU's takes, named subject_take.amc beside subject.asf; none of a subject that is held out or set aside."""
    for name, content in files.items():
        if not name.endswith(".amc"):
            continue
        subject = name.partition("_")[0]
        try:
            if split_of(subject) != "train":
                raise ValueError(f"{name}: subject {subject} is held out or set aside")
            if f"{subject}.asf" not in files:
                raise ValueError(f"{name}: expected its skeleton {subject}.asf beside it")
            skeleton = parse_asf(files[f"{subject}.asf"].decode("latin1"), f"{subject}.asf")
            motion = parse_amc(content.decode("latin1"), skeleton, stride=settings.stride, name=name)
        except ValueError as error:
            report(f"{CMU_FOLDER}: {error}; left out")
            continue
        bones = global_rotations(skeleton, motion)
        yield Take(subject=subject, name=name.removesuffix(".amc"), frames=motion["frame"], bones=bones)


def _recordings(folder: str, files: dict[str, bytes], report: Callable[[str], None]) -> Iterator[Recording]:
    for name, content in files.items():
        try:
            if name.endswith(".bvh"):
                yield parse_bvh(content.decode("latin1"), name.removesuffix(".bvh"))
            elif name.endswith(".glb"):
                yield from parse_glb(content, name)
            elif name.endswith(".npy"):
                yield parse_joint_array(content, name.removesuffix(".npy"))
            elif name.endswith(".csm"):
                yield parse_csm(content.decode("latin1"), name.removesuffix(".csm"))
        except ValueError as error:
            report(_line(folder, name, error))


def _line(folder: str, name: str, error: ValueError) -> str:
    """What is said of a file that is left out; its name once."""
    said = str(error) if str(error).startswith(name.partition(".")[0]) else f"{name}: {error}"
    return f"{folder}: {said}; left out"
