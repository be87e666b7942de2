"""Sets of points in space by name: which body point each of their points is.

A convention of points is a tuple: for each point, in its own order, a body point (a canonical joint, ``joint:NAME`` of
SMPL's 24, ``landmark:NAME``, ``vertex:INDEX``), or None where the body has no counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..body import CANONICAL_JOINTS, LANDMARKS, SMPL_JOINTS
from ..observations.conventions import CONVENTIONS, Convention, convention_name

_SIDES = ("left", "right")

SMPL24: Convention = tuple(f"joint:{name}" for name in SMPL_JOINTS)
"""SMPL's joints themselves (in images its root has no counterpart, in space it has)."""

SMPLH22: Convention = SMPL24[:22]
"""The body joints of SMPL-H and SMPL-X, as AMASS has them: SMPL's without the hands."""

MEDIAPIPE33: Convention = (
    *("nose", None, "left_eye", None, None, "right_eye", None, "left_ear", "right_ear", None, None),
    *(f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist") for side in _SIDES),
    *(f"landmark:{side}_{tip}_tip" for tip in ("pinky", "index", "thumb") for side in _SIDES),
    *(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "heel", "big_toe") for side in _SIDES),
)
"""BlazePose's landmarks in space (MediaPipe's world landmarks, FreeMoCap)."""

KINECT25: Convention = (
    *("pelvis", "spine", "neck", None),  # its head is the middle of the head: no point of the body
    *("left_shoulder", "left_elbow", "left_wrist", "left_hand"),
    *("right_shoulder", "right_elbow", "right_wrist", "right_hand"),
    *("left_hip", "left_knee", "left_ankle", "left_foot", "right_hip", "right_knee", "right_ankle", "right_foot"),
    *("neck_base", "landmark:left_middle_tip", "landmark:left_thumb_tip"),
    *("landmark:right_middle_tip", "landmark:right_thumb_tip"),
)
"""Kinect for Windows v2, in the order of JointType."""

AZURE32: Convention = (
    *("pelvis", "spine1", "spine", "neck_base"),
    *(None, "left_shoulder", "left_elbow", "left_wrist", "left_hand"),  # None: its clavicles lie at the neck
    *("landmark:left_middle_tip", "landmark:left_thumb_tip"),
    *(None, "right_shoulder", "right_elbow", "right_wrist", "right_hand"),
    *("landmark:right_middle_tip", "landmark:right_thumb_tip"),
    *("left_hip", "left_knee", "left_ankle", "left_foot", "right_hip", "right_knee", "right_ankle", "right_foot"),
    *(None, "nose", "left_eye", "left_ear", "right_eye", "right_ear"),
)
"""Azure Kinect's body tracking, in the order of k4abt_joint_id_t."""

MHR70: Convention = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
    *(f"{side}_{joint}" for joint in ("shoulder", "elbow", "hip", "knee", "ankle") for side in _SIDES),
    *(f"{side}_{joint}" for side in _SIDES for joint in ("big_toe", "small_toe", "heel")),
    *(*(None,) * 20, "right_wrist", *(None,) * 20, "left_wrist"),  # None: fingers
    *(None,) * 7,  # elbows' front and back, acromions; its neck lies lower than the body's
)
"""Keypoints of SAM 3D Body, the first 70 of MHR's, in the order of its metadata."""

_KINECT_NAMES = [
    "spinebase",
    "spinemid",
    "neck",
    "head",
    "shoulderleft",
    "elbowleft",
    "wristleft",
    "handleft",
    "shoulderright",
    "elbowright",
    "wristright",
    "handright",
    "hipleft",
    "kneeleft",
    "ankleleft",
    "footleft",
    "hipright",
    "kneeright",
    "ankleright",
    "footright",
    "spineshoulder",
    "handtipleft",
    "thumbleft",
    "handtipright",
    "thumbright",
]
_AZURE_NAMES = [
    "pelvis",
    "spinenavel",
    "spinechest",
    "neck",
    "clavicleleft",
    "shoulderleft",
    "elbowleft",
    "wristleft",
    "handleft",
    "handtipleft",
    "thumbleft",
    "clavicleright",
    "shoulderright",
    "elbowright",
    "wristright",
    "handright",
    "handtipright",
    "thumbright",
    "hipleft",
    "kneeleft",
    "ankleleft",
    "footleft",
    "hipright",
    "kneeright",
    "ankleright",
    "footright",
    "head",
    "nose",
    "eyeleft",
    "earleft",
    "eyeright",
    "earright",
]

_OWN_WORDS = {  # a label that only this program writes -> what it calls its points
    "spinebase": dict(zip(_KINECT_NAMES, KINECT25, strict=True)),
    "spinenavel": dict(zip(_AZURE_NAMES, AZURE32, strict=True)),
}

POINT_CONVENTIONS: dict[str, Convention] = {
    **CONVENTIONS,
    "smpl24": SMPL24,
    "smplh22": SMPLH22,
    "mediapipe33": MEDIAPIPE33,
    "kinect25": KINECT25,
    "azure32": AZURE32,
    "mhr70": MHR70,
}
"""Name -> body point of each of its points."""

_ALIASES = {
    "amass": "smplh22",
    "amass22": "smplh22",
    "smplh": "smplh22",
    "smplx22": "smplh22",
    "mediapipe": "mediapipe33",
    "blazepose": "mediapipe33",
    "blazepose33": "mediapipe33",
    "freemocap": "mediapipe33",
    "kinect": "kinect25",
    "kinectv2": "kinect25",
    "kinectv225": "kinect25",
    "azure": "azure32",
    "azurekinect": "azure32",
    "k4a": "azure32",
}

_MIDDLE = {"chip": "pelvis", "midhip": "pelvis", "hip": "pelvis", "head": "head_top"}
"""What Pose2Sim (HALPE_26, COCO_17 and others) calls points without a side."""

_LABELS = {  # names of markers that the programs of the trade write, without their sides
    "thumb": "thumb_tip",
    "index": "index_tip",
    "pinky": "pinky_tip",
    "bigtoe": "big_toe",
    "smalltoe": "small_toe",
    "footindex": "big_toe",
    "hand": "hand",
    "foot": "foot",
}


def point_convention(name: str) -> Convention:
    """The convention of that name; capitals, spaces, hyphens and underscores do not matter.

    Raises:
        ValueError: no such convention; the message lists them.
    """
    plain = "".join(character for character in name.lower() if character.isalnum())
    plain = _ALIASES.get(plain, plain)
    if plain in POINT_CONVENTIONS:
        return POINT_CONVENTIONS[plain]
    try:
        return POINT_CONVENTIONS[convention_name(name)]
    except ValueError as error:
        known = ", ".join(POINT_CONVENTIONS)
        raise ValueError(f"convention: expected one of {known}, names, or a mapping of names; got {name!r}") from error


def body_points(convention: str | Sequence[str | None] | Mapping[str, str | None], labels: Sequence[str]) -> Convention:
    """The body point of each of a file's points.

    Args:
        convention: a name; ``"names"``: the labels say it themselves; a body point for each point; or a mapping from
            labels to body points, for markers.
        labels: of the points, where a file names them.
    Raises:
        ValueError: an unknown convention, or none of the labels is known.
    """
    if isinstance(convention, str):
        if convention != "names":
            return point_convention(convention)
        convention = _named(labels)
        if not any(convention.values()):
            raise ValueError(_nobody_known(labels, "is the name of a body point"))
    if isinstance(convention, Mapping):
        found = tuple(convention.get(label) for label in labels)
        if not any(found):
            raise ValueError(_nobody_known(labels, f"is in the mapping of {', '.join(list(convention)[:5])} ..."))
        return found
    return tuple(convention)


def _named(labels: Sequence[str]) -> dict[str, str | None]:
    """Body points by labels: those of depth cameras' own lists, whose head is no top of the head, or of each alone."""
    plain = {label: _plain(label) for label in labels}
    for word, points in _OWN_WORDS.items():
        if word in plain.values():
            return {label: points.get(text) for label, text in plain.items()}
    return {label: labelled(label) for label in labels}


def _plain(label: str) -> str:
    return "".join(character for character in label.rsplit(":", 1)[-1].lower() if character.isalnum())


def _nobody_known(labels: Sequence[str], what: str) -> str:
    shown = ", ".join(labels[:6]) or "none"
    more = " ..." if len(labels) > 6 else ""
    return f"points: no label {what}; there are {shown}{more}; say what they are with convention"


def labelled(label: str) -> str | None:
    """The body point that a label names: a canonical joint, SMPL's, a landmark, a vertex; ``LShoulder`` and such, too.

    >>> [labelled(label) for label in ("RBigToe", "left elbow", "Subject1:LKnee", "vertex:12", "LASI")]
    ['right_big_toe', 'left_elbow', 'left_knee', 'vertex:12', None]
    """
    if label.startswith(("vertex:", "joint:", "landmark:")):
        return label
    name = label.rsplit(":", 1)[-1].strip()
    plain = _plain(name)
    for side in _SIDES:
        if plain.startswith(side):
            return _known(plain.removeprefix(side), f"{side}_")
        if plain.endswith(side):  # SHOULDER_LEFT
            return _known(plain.removesuffix(side), f"{side}_")
    if name[:1] in "LR" and name[1:2].isupper():  # LShoulder, RBigToe
        return _known(plain[1:], {"L": "left_", "R": "right_"}[name[0]])
    return _known(plain, "")


def _known(plain: str, side: str) -> str | None:
    usual = (_LABELS if side else {**_LABELS, **_MIDDLE}).get(plain, plain).replace("_", "")
    for source, prefix in ((CANONICAL_JOINTS, ""), (SMPL_JOINTS, "joint:"), (LANDMARKS, "landmark:")):
        for name in source:
            if name.startswith(side) and name.removeprefix(side).replace("_", "") == usual:
                return prefix + name
    return None
