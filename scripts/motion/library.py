"""From takes to the shipped pose library: calibrated, converted, thinned, packed."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy
from scipy.spatial.transform import Rotation

from .archive import Take, split_of
from .retarget import hands_at_rest, smpl_poses, wrist_twist

NOTICE = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217. "
    "Open Motion Project by ACCAD/The Ohio State University is licensed under a Creative Commons Attribution 3.0 "
    "Unported License; its recordings were converted to SMPL poses and thinned."
)
TERMS = (
    "CMU Graphics Lab Motion Capture Database: free for all uses; may be included in products, may not be resold as "
    "data, even converted. Not public domain. ACCAD: CC BY 3.0. ReActIdle and AnimatedDrawings: MIT. Quaternius: CC0 "
    "1.0. holosoma: Apache 2.0. The fencer of assimp's test models: free for any purpose. NOTICE has their notices."
)
SOURCES = (
    "cyun9601/CMU-MOCAP-Data, KseniiaCheloshkina/amc, michaelchughes/mocap6dataset, gsimchoni/mocap, "
    "jingtaoh/Mocap-Interpolation, facebookresearch/fairmotion, limaosen0/DMGNN (B. Hahne's BVH conversion), "
    "terryum/Athletic_Movement_Detection, petrfrantal/Body, facebookresearch/AnimatedDrawings, "
    "Enekoassets/ReActIdle, Quaternius through Mesh2Motion, amazon-far/holosoma, assimp/assimp (test/models/CSM)"
)
SPLITS = ("train", "heldout", "aside")
QUANTUM = np.pi / 32767  # radians in one step of the stored int16: 0.0055 degrees

LIMITS_DEG = {
    (1, 2): 130,
    (3,): 80,
    (4, 5): 160,
    (7, 8): 65,
    (10, 11): 60,
    (16, 17): 150,
    (18, 19): 155,
    (20, 21): 85,
}
"""SMPL joints and the angle against the parent beyond which a frame is taken for a tracking failure and dropped: about
the range of a trained body. Whole stretches of a few takes have a foot, forearm or hand turned by half a circle."""


@dataclass(frozen=True, kw_only=True)
class LibrarySettings:
    """How takes become a library."""

    stride: int = 4  # of 120 frames a second: candidates come at 30 a second
    novelty_deg: float = 7.0  # a pose is kept if one joint differs by this much from each kept pose of its subject
    max_twist_deg: float = 120.0  # of the wrist against the elbow; beyond it a tracking failure as well
    min_hanging_frames: int = 15  # fewer hanging-arm candidates than this: the median of all subjects is used


@dataclass(frozen=True, kw_only=True)
class Library:
    """Poses (N, 24, 3) axis-angle in radians with, for each, its subject, take and place in the take's file."""

    poses: np.ndarray
    subjects: np.ndarray
    takes: np.ndarray
    frames: np.ndarray
    candidates: int
    failures: int


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A take as poses (T, 24, 3), axis-angle in radians, at places (T,) of the file; which of them are sound (T,), and
    how many may be kept, evenly spaced (None: all)."""

    subject: str
    name: str
    frames: np.ndarray
    poses: np.ndarray
    sound: np.ndarray
    most: int | None = None


def convert_takes(takes: Iterable[Take], settings: LibrarySettings) -> list[Motion]:
    """CMU's takes as poses, hands calibrated over all of them."""
    recorded = list(takes)
    rest = calibrate_hands(recorded, settings.min_hanging_frames)
    motions = []
    for take in recorded:
        poses = smpl_poses(take.bones, rest[_person(take)])
        sound = plausible(poses)
        for letter in "lr":
            sound &= np.abs(wrist_twist(take.bones, letter)) <= np.deg2rad(settings.max_twist_deg)
        motions.append(Motion(subject=take.subject, name=take.name, frames=take.frames, poses=poses, sound=sound))
    return motions


def make_library(motions: Iterable[Motion], settings: LibrarySettings) -> Library:
    """Thin motions subject by subject; their order and that of their frames is kept."""
    kept: dict[str, Novelty] = {}
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    candidates = failures = 0
    for motion in motions:
        sound = motion.sound
        novelty = kept.setdefault(motion.subject, Novelty(np.deg2rad(settings.novelty_deg)))
        new = novelty.select(motion.poses[sound])
        if motion.most is not None and len(new) > motion.most:
            new = new[np.linspace(0, len(new) - 1, motion.most).round().astype(int)]
        count = len(new)
        rows.append(
            (
                motion.poses[sound][new],
                np.repeat(motion.subject, count),
                np.repeat(motion.name, count),
                motion.frames[sound][new],
            )
        )
        candidates += len(motion.poses)
        failures += int((~sound).sum())
    poses, subjects, names, frames = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Library(poses=poses, subjects=subjects, takes=names, frames=frames, candidates=candidates, failures=failures)


def plausible(poses: np.ndarray) -> np.ndarray:
    """(T,) True where no joint of the poses (T, 24, 3) is turned beyond its limit."""
    angles = np.linalg.norm(poses, axis=2)
    return np.all(
        [(angles[:, joints] <= np.deg2rad(limit)).all(axis=1) for joints, limit in LIMITS_DEG.items()], axis=0
    )


def _person(take: Take) -> str:
    """The subject, or the take where the subject is unknown."""
    return take.name if take.subject == "exp38" else take.subject


def calibrate_hands(takes: Iterable[Take], min_frames: int) -> dict[str, dict[str, np.ndarray]]:
    """For each person and side the hand's median turn over frames with a hanging arm: person -> letter -> (3,).

    A person without enough such frames gets the median of the others.
    """
    found: dict[str, dict[str, list[np.ndarray]]] = {}
    for take in takes:
        sides = found.setdefault(_person(take), {"l": [], "r": []})
        for letter, turned in hands_at_rest(take.bones).items():
            sides[letter].append(turned)
    rest: dict[str, dict[str, np.ndarray]] = {person: {} for person in found}
    for letter in "lr":
        turns = {person: np.concatenate(sides[letter]) for person, sides in found.items()}
        medians = {person: np.median(turn, axis=0) for person, turn in turns.items() if len(turn) >= min_frames}
        usual = np.median(list(medians.values()), axis=0) if medians else np.zeros(3)
        for person in turns:
            rest[person][letter] = medians.get(person, usual)
    return rest


class Novelty:
    """Remembers poses and says which of the next ones are new.

    The difference of two poses is the largest angle by which a body joint is turned (22 and 23 have no data), the tilt
    of the pelvis against the vertical counting as one more; the heading does not count.
    """

    def __init__(self, threshold: float) -> None:
        self._least_dot = 1 + 2 * np.cos(threshold)  # trace(A^T B) = 1 + 2 cos(angle)
        self._rows = np.zeros((0, 22, 9), dtype=np.float32)
        self._count = 0

    def select(self, poses: np.ndarray) -> np.ndarray:
        """Indices of the poses (T, 24, 3) that differ from all poses remembered; they are remembered from now on."""
        if len(poses) == 0:
            return np.zeros(0, dtype=np.int64)
        rows = self._features(poses)
        self._rows = np.concatenate([self._rows[: self._count], np.zeros_like(rows)])
        chosen = []
        for index, row in enumerate(rows):
            dots = np.einsum("njk,jk->nj", self._rows[: self._count], row)
            if not (dots.min(axis=1) > self._least_dot).any():
                self._rows[self._count] = row
                self._count += 1
                chosen.append(index)
        return np.array(chosen, dtype=np.int64)

    @staticmethod
    def _features(poses: np.ndarray) -> np.ndarray:
        """(T, 22, 9): rotation matrices of joints 1-21, and the vertical so scaled that its dot is 1 + 2 cos too."""
        matrices = Rotation.from_rotvec(poses[:, :22].reshape(-1, 3)).as_matrix().reshape(len(poses), 22, 9)
        vertical = np.zeros((len(poses), 9))
        vertical[:, :3] = np.sqrt(2) * matrices[:, 0, 3:6]  # the row R[1] = R^T y: world's up in the pelvis's frame
        vertical[:, 3] = 1
        matrices[:, 0] = vertical
        return matrices.astype(np.float32)


def save_library(path: Path, library: Library, settings: LibrarySettings) -> None:
    """Write the library as npz without pickles; the same library gives the same bytes."""
    subject_names = list(dict.fromkeys(library.subjects.tolist()))
    take_names = list(dict.fromkeys(library.takes.tolist()))
    split = [SPLITS.index(split_of(subject)) for subject in subject_names]
    meta = {
        "name": "pose library of anchorfit",
        "notice": NOTICE,
        "terms": TERMS,
        "sources": SOURCES,
        "builder": "scripts/build_pose_library.py",
        "settings": asdict(settings),
        "seed": None,
        "seed_note": "nothing is drawn at random",
        "candidates": library.candidates,
        "dropped_failures": library.failures,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        "frame": "SMPL: metres, y up in the world; row = 24 axis-angles; not mirrored (readers add mirror images)",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        poses_q=np.rint(library.poses.reshape(len(library.poses), -1) / QUANTUM).astype(np.int16),
        quantum=np.float64(QUANTUM),
        subject=np.array([subject_names.index(name) for name in library.subjects], dtype=np.uint8),
        take=np.array([take_names.index(name) for name in library.takes], dtype=np.int16),
        frame=library.frames.astype(np.int32),
        subject_names=np.array(subject_names),
        subject_split=np.array([SPLITS[index] for index in split]),
        take_names=np.array(take_names),
        meta=np.array(json.dumps(meta, sort_keys=True)),
    )
