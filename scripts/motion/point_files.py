"""Files of points over time: NumPy arrays of joints, and Vicon's CSM files of markers."""

from __future__ import annotations

import io

import numpy as np

from .bvh import CANDIDATE_RATE
from .places import KNEE_DEG, leg_left, recording_of_places, unit
from .recording import Recording

HOLOSOMA_RATE = 120  # frames a second; the files do not say, people walk at 1.1 m/s then
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
HOLOSOMA_JOINTS = (
    *("Hips", "Spine", "Spine1", "Neck", "Head"),
    *(
        side + part
        for side in ("Left", "Right")
        for part in (
            *("Shoulder", "Arm", "ForeArm", "Hand"),
            *(f"Hand{finger}{number}" for finger in _FINGERS for number in (1, 2, 3)),
        )
    ),
    *(side + part for side in ("Left", "Right") for part in ("UpLeg", "Leg", "Foot", "ToeBase")),
    *("LeftFootMod", "RightFootMod"),
)
"""The order of the joints in holosoma's ``mocap`` arrays."""

MARKERS = (
    *("LFHD", "RFHD", "LBHD", "RBHD", "C7", "T10", "CLAV", "STRN", "LFWT", "RFWT", "LBWT", "RBWT"),
    *(side + name for side in "LR" for name in ("SHO", "ELB", "WRA", "WRB", "KNE", "ANK", "TOE", "MT5")),
)
# Half the width, in metres, of the joint below a marker at its outside: nominal sizes of an adult.
HALF_KNEE, HALF_ANKLE, HALF_ELBOW, BELOW_SHOULDER = 0.055, 0.04, 0.04, 0.05
STEPS = 10  # axes of knees and elbows depend on where the joints are


def parse_joint_array(content: bytes, name: str) -> Recording:
    """Read an array (T, 53, 3) of joints in metres, z up, in the order of `HOLOSOMA_JOINTS`; 30 frames of a second.

    Raises:
        ValueError: no such array, or one that `recording_of_places` refuses.
    """
    try:
        table = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{name}: expected a NumPy array of numbers; the file is cut or another") from error
    if getattr(table, "shape", ())[1:] != (len(HOLOSOMA_JOINTS), 3):
        raise ValueError(f"{name}: expected an array (T, {len(HOLOSOMA_JOINTS)}, 3), got {getattr(table, 'shape', '')}")
    frames = np.arange(0, len(table), HOLOSOMA_RATE // CANDIDATE_RATE)
    points = y_up(table[frames].astype(np.float64))
    return recording_of_places(name, {joint: points[:, at] for at, joint in enumerate(HOLOSOMA_JOINTS)}, frames)


def y_up(points: np.ndarray) -> np.ndarray:
    """Points (..., 3) of a world with z up in one with y up."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def parse_csm(text: str, name: str) -> Recording:
    """Read markers in millimetres, z up, of a Vicon CSM file; frames in which one was not seen are left out.

    Raises:
        ValueError: no CSM file, or one that is cut, markers are missing, or `recording_of_places` refuses the joints.
    """
    head, _, body = text.partition("$Points")
    words = head.split()
    try:
        rate = float(words[words.index("$Rate") + 1])
        order = head.partition("$Order")[2].split()
        table = np.array([float(word) if word != "DROPOUT" else np.nan for word in body.split()])
        table = table.reshape(-1, 1 + 3 * len(order))
    except (IndexError, ValueError) as error:
        raise ValueError(f"{name}: expected a CSM file with $Rate, $Order and whole rows of $Points") from error
    missing = [marker for marker in MARKERS if marker not in order]
    if missing:
        raise ValueError(f"{name}: unknown markers: no {', '.join(missing)}")
    points = y_up(table[:, 1:].reshape(len(table), -1, 3)) / 1000
    markers = {marker: points[:, order.index(marker)] for marker in MARKERS}
    frames = np.arange(0, len(table), max(1, round(rate / CANDIDATE_RATE)))
    seen = np.all([np.isfinite(place).all(-1) for place in markers.values()], axis=0)
    frames = frames[seen[frames]]
    return recording_of_places(name, joints_of_markers({key: place[frames] for key, place in markers.items()}), frames)


def joints_of_markers(markers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Places (T, 3) of joints from markers (T, 3) on the skin, in metres.

    Hips: Bell, Pedersen and Brand 1990, from the width of the pelvis. Knees, ankles and elbows lie half a joint's width
    inside of their markers (an elbow that is nearly straight shows no axis and is left nearly alone), shoulders below
    theirs, wrists between both.
    """
    front, back = ((markers["L" + end] + markers["R" + end]) / 2 for end in ("FWT", "BWT"))
    left = unit(markers["LFWT"] - markers["RFWT"])
    up = unit(np.cross(unit(front - back), left))
    ahead = np.cross(left, up)
    width = float(np.median(np.linalg.norm(markers["LFWT"] - markers["RFWT"], axis=-1)))
    neck, middle = ((markers[one] + markers[two]) / 2 for one, two in (("C7", "CLAV"), ("T10", "STRN")))
    pelvis = front - width * (0.19 * ahead + 0.30 * up)
    joints = {
        "Hips": pelvis,
        "Spine": pelvis + 0.1 * up,
        "Spine1": middle,
        "Neck": neck,
        "Head": (markers["LFHD"] + markers["RFHD"] + markers["LBHD"] + markers["RBHD"]) / 4,
        "LeftHead": (markers["LFHD"] + markers["LBHD"]) / 2,
        "RightHead": (markers["RFHD"] + markers["RBHD"]) / 2,
    }
    front_of_head = (markers["LFHD"] + markers["RFHD"]) / 2
    joints["HeadTop"] = joints["Head"] + np.cross(front_of_head - joints["Head"], joints["LeftHead"] - joints["Head"])
    for letter, side, sign in (("L", "Left", 1.0), ("R", "Right", -1.0)):
        hip = pelvis + sign * 0.36 * width * left
        toe = (markers[letter + "TOE"] + markers[letter + "MT5"]) / 2
        knee, ankle = markers[letter + "KNE"], markers[letter + "ANK"]
        for _ in range(STEPS):
            across = sign * leg_left(unit(knee - hip), unit(ankle - knee), unit(toe - ankle))
            knee = markers[letter + "KNE"] - HALF_KNEE * across
            ankle = markers[letter + "ANK"] - HALF_ANKLE * across
        shoulder = markers[letter + "SHO"] - BELOW_SHOULDER * unit(neck - middle)
        wrist = (markers[letter + "WRA"] + markers[letter + "WRB"]) / 2
        elbow = markers[letter + "ELB"]
        for _ in range(STEPS):
            axis = np.cross(unit(elbow - shoulder), unit(wrist - elbow))  # of the left elbow to its inside
            shown = np.clip(np.linalg.norm(axis, axis=-1, keepdims=True) / np.sin(np.deg2rad(KNEE_DEG)), 0, 1)
            elbow = markers[letter + "ELB"] + sign * HALF_ELBOW * shown * unit(axis)
        joints.update(
            {
                side + "UpLeg": hip,
                side + "Leg": knee,
                side + "Foot": ankle,
                side + "ToeBase": toe,
                side + "Arm": shoulder,
                side + "ForeArm": elbow,
                side + "Hand": wrist,
            }
        )
    return joints
