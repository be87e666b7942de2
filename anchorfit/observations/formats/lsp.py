"""Leeds Sports Pose: the file ``joints.mat`` of the data set and of its extended training set.

Both hold one array ``joints`` of 14 joints by x, y and a flag, and mean opposite things by the flag:

* LSP (Johnson & Everingham 2010): (3, 14, images), flag 1 = *hidden*, 0 = visible; hidden joints were annotated too.
* LSP-extended (2011): (14, 3, images), flag 1 = *visible*, 0 = not; the others carry no position.

MATLAB counts pixels from 1, so half a pixel is taken away to reach the middle of the first pixel at 0.5.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..conventions import LSP14, joints_to_canonical
from ..people import PeopleFile, Person
from ..reading import OCCLUDED_CONFIDENCE, KeypointFileError, existing_file
from .format import Content, Format

FIRST_PIXEL = -0.5
MPII_STRUCT = "RELEASE"
ENDINGS = (".jpg", ".png")


def read_lsp(path: str | Path) -> PeopleFile:
    """Read LSP's or LSP-extended's joints.mat; which of the two is told by the array's shape.

    Images are im0001.jpg, ... (LSP) or im00001.jpg, ... (LSP-extended), one person each (person_id "0"); .png where
    such are found, as in the extended set's high resolution.

    Raises:
        FileNotFoundError: no such file.
        KeypointFileError: not a MATLAB file (up to version 7), or without such an array.
    """
    path = existing_file(path)
    joints = _load_joints(path)
    if joints.shape[:2] == (3, 14):
        positions, flags, digits = joints[:2].transpose(2, 1, 0), joints[2].T, 4
        confidence = np.where(flags == 0, 1.0, OCCLUDED_CONFIDENCE)
    else:
        positions, flags, digits = joints[:, :2].transpose(2, 0, 1), joints[:, 2].T, 5
        confidence = np.where(flags == 1, 1.0, 0.0)
    found = find_lsp_images(path.parent, digits)
    ending = ENDINGS[0] if found is None else found.ending
    keypoints = joints_to_canonical(positions + FIRST_PIXEL, confidence, LSP14)
    keypoints.positions[keypoints.confidence == 0] = 0
    return PeopleFile(
        tuple(
            Person(person_id="0", keypoints=position, confidence=sure, image=Path(f"im{number:0{digits}d}{ending}"))
            for number, (position, sure) in enumerate(zip(*keypoints, strict=True), start=1)
        )
    )


class LspImages(NamedTuple):
    """The folder that images lie in, and how their names end."""

    folder: Path
    ending: str


def find_lsp_images(folder: Path, digits: int) -> LspImages | None:
    """Where images with names of so many digits are: in images/ or beside joints.mat, .jpg or .png; None: nowhere."""
    for place in (folder / "images", folder):
        for ending in ENDINGS:
            if next(place.glob(f"im{'[0-9]' * digits}{ending}"), None) is not None:
                return LspImages(place, ending)
    return None


def _load_joints(path: Path) -> np.ndarray:
    """(3, 14, N) or (14, 3, N) float64."""
    from scipy.io import loadmat  # slow to import, and only needed here

    try:
        content = loadmat(path, variable_names=["joints"])
    except Exception as error:  # scipy raises many kinds on what is no MATLAB file
        reason = "version 7.3 is not read" if isinstance(error, NotImplementedError) else "or the file is cut short"
        raise KeypointFileError(
            f"{path}: this is not a MATLAB file of version 7 or below ({reason}); expected LSP's joints.mat"
        ) from error
    joints = content.get("joints")
    if joints is None:
        raise KeypointFileError(f"{path}: expected LSP's array joints; the file has none of this name")
    if joints.ndim == 2:
        joints = joints[..., None]
    if joints.ndim != 3 or joints.shape[:2] not in ((3, 14), (14, 3)) or joints.dtype.kind not in "fiub":
        raise KeypointFileError(
            f"{path}: joints: expected numbers of shape (3, 14, images) or (14, 3, images), "
            f"got {joints.dtype} {joints.shape}"
        )
    return joints.astype(np.float64)


def mat_variables(file: Content) -> tuple[str, ...]:
    """Names of the variables of a MATLAB file; none of what is no such file, or is cut short."""
    if not file.head.startswith(b"MATLAB"):
        return ()
    from scipy.io import whosmat

    try:
        return tuple(name for name, *_ in whosmat(file.path))
    except Exception:  # scipy raises many kinds
        return ()


def _recognises(file: Content) -> bool:
    is_mat = file.head.startswith(b"MATLAB") or file.path.suffix.lower() == ".mat"
    return is_mat and MPII_STRUCT not in mat_variables(file)


FORMAT = Format(
    name="lsp",
    recognises=_recognises,
    read=lambda file, convention: read_lsp(file.path),
    fixed="lsp14",
)
