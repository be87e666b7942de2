"""Keypoint conventions by name, and their maps into and out of the canonical skeleton.

A convention is a tuple: for each of its keypoints, in its own order, the canonical joint it is, or None where the body
has no counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ..body.joint_sets import CANONICAL_JOINTS, SMPL_JOINTS

Convention = tuple[str | None, ...]

LSP14: Convention = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    *("neck", "head_top"),
)
"""Leeds Sports Pose (Johnson & Everingham 2010); left and right are the person's own."""

MPII16: Convention = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("pelvis", "thorax", "neck", "head_top"),  # MPII's "upper neck" is LSP's neck
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
)
"""MPII Human Pose (Andriluka et al. 2014)."""

COCO17: Convention = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""COCO keypoints (Lin et al. 2014)."""

BODY25: Convention = (
    *("nose", "thorax"),  # OpenPose's neck is the middle of the shoulders
    *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)
"""OpenPose BODY_25 (Cao et al. 2019)."""

OPENPOSE18: Convention = (
    *("nose", "thorax"),
    *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
"""OpenPose's older model, which it calls COCO: 18 keypoints, in another order than COCO's own 17."""

H36M17: Convention = (
    *("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *(
        "spine",
        "neck",
        "jaw",
        "head_top",
    ),  # its "thorax" is the base of the neck, which SPIN too equates with LSP's neck
    *("left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
)
"""Human3.6M's usual 17 of 32 joints (Ionescu et al. 2014; the order of Martinez et al. 2017 and VideoPose3D)."""

MPI15: Convention = (
    *("head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", None),  # the last: the chest
)
"""OpenPose's MPI model."""

CROWDPOSE14: Convention = (
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "head_top", "neck"),
)
"""CrowdPose (Li et al. 2019)."""

AIC14: Convention = (
    *("right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "head_top", "neck"),
)
"""AI Challenger (Wu et al. 2017)."""

POSETRACK17: Convention = (
    *("nose", "neck", "head_top", "left_ear", "right_ear"),  # its "head bottom" is the neck
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""PoseTrack 2018 (Andriluka et al. 2018)."""

HALPE26: Convention = (
    *COCO17,
    *("head_top", "thorax", "pelvis"),  # its neck is the middle of the shoulders, its hip that of the hips
    *("left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel"),
)
"""Halpe Full-Body's body and feet (Fang et al. 2022; AlphaPose)."""

HALPE136: Convention = (*HALPE26, *(None,) * 110)
"""Halpe Full-Body with face and hands, which are not used."""

WHOLEBODY133: Convention = (
    *COCO17,
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
    *(None,) * 110,
)
"""COCO-WholeBody (Jin et al. 2020): body and feet; face and hands are not used."""

BLAZEPOSE33: Convention = (
    *("nose", None, "left_eye", None, None, "right_eye", None, "left_ear", "right_ear", None, None),
    *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    *(None, None, None, None, None, None),  # knuckles of little and index fingers, thumbs
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    *("left_heel", "right_heel", "left_big_toe", "right_big_toe"),  # "foot index": the tip of the foot
)
"""MediaPipe's pose landmarks (BlazePose, Bazarevsky et al. 2020)."""

_SMPL_TO_CANONICAL = {
    "pelvis": None,  # SMPL's root lies about 9 cm above the middle of the hips, which is the canonical pelvis
    "spine2": "spine",
    "neck": "neck_base",
    "head": "head_base",
}
SMPL24: Convention = tuple(_SMPL_TO_CANONICAL.get(name, name) for name in SMPL_JOINTS)
"""The joints of SMPL, projected; the root has no canonical counterpart."""

CONVENTIONS: dict[str, Convention] = {
    "lsp14": LSP14,
    "mpii16": MPII16,
    "coco17": COCO17,
    "body25": BODY25,
    "openpose18": OPENPOSE18,
    "h36m17": H36M17,
    "smpl24": SMPL24,
    "mpi15": MPI15,
    "crowdpose14": CROWDPOSE14,
    "aic14": AIC14,
    "posetrack17": POSETRACK17,
    "halpe26": HALPE26,
    "halpe136": HALPE136,
    "wholebody133": WHOLEBODY133,
    "blazepose33": BLAZEPOSE33,
    "canonical": CANONICAL_JOINTS,
}
"""Name -> canonical joint of each of its keypoints."""

_ALIASES = {
    "lsp": "lsp14",
    "mpii": "mpii16",
    "mpi": "mpii16",
    "coco": "coco17",
    "openpose": "body25",
    "openpose25": "body25",
    "openposebody25": "body25",
    "coco18": "openpose18",
    "h36m": "h36m17",
    "human36m": "h36m17",
    "human36m17": "h36m17",
    "smpl": "smpl24",
    "openpose15": "mpi15",
    "crowdpose": "crowdpose14",
    "exlpose": "crowdpose14",
    "exlpose14": "crowdpose14",
    "aic": "aic14",
    "posetrack": "posetrack17",
    "posetrack18": "posetrack17",
    "halpe": "halpe26",
    "bodywithfeet": "halpe26",
    "wholebody": "wholebody133",
    "cocowholebody": "wholebody133",
    "cocowholebody133": "wholebody133",
    "coco133": "wholebody133",
    "mediapipe": "blazepose33",
    "mediapipe33": "blazepose33",
    "blazepose": "blazepose33",
}

_CANONICAL_INDEX = {name: index for index, name in enumerate(CANONICAL_JOINTS)}


class KeypointSet(NamedTuple):
    """Keypoints (formerly ``Keypoints``).

    positions: (..., K, 2) float64 pixels.
    confidence: (..., K) float64, 0 = not seen.
    """

    positions: np.ndarray
    confidence: np.ndarray


def convention_name(name: str) -> str:
    """The name in `CONVENTIONS`; capitals, spaces, hyphens and underscores do not matter ("LSP-14", "BODY_25").

    Raises:
        ValueError: no such convention; the message lists them.
    """
    plain = "".join(character for character in name.lower() if character.isalnum())
    plain = _ALIASES.get(plain, plain)
    if plain not in CONVENTIONS:
        raise ValueError(f"convention: expected one of {', '.join(CONVENTIONS)}, got {name!r}")
    return plain


def convention_by_count(count: int, usual: Mapping[int, str] = MappingProxyType({14: "lsp14"})) -> str:
    """The convention with so many keypoints, where only one has them.

    Args:
        count: of keypoints.
        usual: which of several it is, where the kind of file tells; by default 14 keypoints are LSP's.
    Raises:
        ValueError: none or several have so many; the message says which and how to choose.
    """
    fitting = [name for name, joints in CONVENTIONS.items() if len(joints) == count]
    if len(fitting) == 1:
        return fitting[0]
    if count in usual:
        return usual[count]
    if fitting:
        raise ValueError(f"{count} keypoints may be {' or '.join(fitting)}; say which: --convention {fitting[0]}")
    known = ", ".join(f"{name} ({len(joints)})" for name, joints in CONVENTIONS.items())
    raise ValueError(f"{count} keypoints fit no known convention; known are {known}")


def to_canonical(keypoints: np.ndarray, confidence: np.ndarray, convention: str) -> KeypointSet:
    """Keypoints of a convention in the canonical order; joints it does not have are at (0, 0) with confidence 0.

    Args:
        keypoints: (..., J, 2) pixels, in the convention's order.
        confidence: (..., J).
        convention: a name (see `convention_name`).
    Returns:
        positions (..., K, 2) and confidence (..., K), K = len(CANONICAL_JOINTS).
    Raises:
        ValueError: unknown convention, or J is not its number of keypoints.
    """
    return joints_to_canonical(keypoints, confidence, CONVENTIONS[convention_name(convention)])


def joints_to_canonical(keypoints: np.ndarray, confidence: np.ndarray, joints: Convention) -> KeypointSet:
    """As `to_canonical`, for a tuple of joint names that need not be one of the named conventions."""
    keypoints, confidence = _checked(keypoints, confidence, len(joints))
    return _moved(keypoints, confidence, *_places(joints), len(CANONICAL_JOINTS))


def from_canonical(keypoints: np.ndarray, confidence: np.ndarray, convention: str) -> KeypointSet:
    """Canonical keypoints (..., K, 2), (..., K) in a convention's order; what has no counterpart gets confidence 0.

    Raises:
        ValueError: unknown convention, or K is not len(CANONICAL_JOINTS).
    """
    joints = CONVENTIONS[convention_name(convention)]
    keypoints, confidence = _checked(keypoints, confidence, len(CANONICAL_JOINTS))
    own, canonical = _places(joints)
    return _moved(keypoints, confidence, canonical, own, len(joints))


@lru_cache(maxsize=64)
def _places(joints: Convention) -> tuple[list[int], list[int]]:
    """Of the joints that the canonical skeleton has: their places in the convention, and there."""
    own = [index for index, name in enumerate(joints) if name is not None]
    return own, [_CANONICAL_INDEX[name] for name in joints if name is not None]


def _moved(
    keypoints: np.ndarray, confidence: np.ndarray, source: list[int], target: list[int], count: int
) -> KeypointSet:
    positions = np.zeros((*keypoints.shape[:-2], count, 2))
    sure = np.zeros(positions.shape[:-1])
    positions[..., target, :] = keypoints[..., source, :]
    sure[..., target] = confidence[..., source]
    return KeypointSet(positions, sure)


def _checked(keypoints: np.ndarray, confidence: np.ndarray, count: int) -> KeypointSet:
    keypoints = np.asarray(keypoints, dtype=np.float64)
    confidence = np.asarray(confidence, dtype=np.float64)
    if keypoints.shape[-2:] != (count, 2):
        raise ValueError(f"keypoints: expected (..., {count}, 2) in this convention, got {keypoints.shape}")
    if confidence.shape != keypoints.shape[:-1]:
        raise ValueError(f"confidence: expected {keypoints.shape[:-1]}, got {confidence.shape}")
    return KeypointSet(keypoints, confidence)
