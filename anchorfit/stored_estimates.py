"""Arrays of a stored estimate, checked once as they are read: after this its rows can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .array_files import ArrayFile, ArrayFileError
from .body.joint_sets import CANONICAL_JOINTS, SMPL_JOINTS
from .plain_text import short_name
from .status import Status

FORMAT_VERSION = 1
ENERGY = "diagnostics.energy."
"""What the names of arrays of energy begin with; a term's name follows."""
FLOORS = "floors."
"""What the names of arrays of floors begin with."""

_REAL, _WHOLE, _FLAG, _TEXT = "f", "iu", "b", "U"
_KINDS = {_REAL: "floating-point numbers", _WHOLE: "whole numbers", _FLAG: "flags", _TEXT: "texts"}
_JOINTS = len(CANONICAL_JOINTS)

_ROWS: dict[str, tuple[str, tuple[int, ...]]] = {
    "global_orient": (_REAL, (3,)),
    "body_pose": (_REAL, (69,)),
    "transl": (_REAL, (3,)),
    "time_s": (_REAL, ()),
    "pitch_deg": (_REAL, ()),
    "intrinsics": (_REAL, (3, 3)),
    "image_size": (_WHOLE, (2,)),
    "crop_from_image": (_REAL, (3, 3)),
    "keypoints": (_REAL, (_JOINTS, 2)),
    "confidence": (_REAL, (_JOINTS,)),
    "images": (_TEXT, ()),
    "diagnostics.reprojection_px": (_REAL, (_JOINTS,)),
    "diagnostics.steps": (_WHOLE, ()),
    "diagnostics.status": (_WHOLE, ()),
    "diagnostics.score": (_REAL, ()),
    "diagnostics.trusted": (_FLAG, ()),
    "diagnostics.reasons": (_TEXT, ()),
}
"""Kind of each array of B rows, and its shape behind the B; ``names`` says B, and ``betas`` may be of any number."""

_OPTIONAL: dict[str, tuple[str, tuple[int, ...]]] = {
    "diagnostics.joint_covariance_mm2": (_REAL, (len(SMPL_JOINTS), 3, 3)),
    "diagnostics.joint_std_mm": (_REAL, (len(SMPL_JOINTS), 2)),
    f"{FLOORS}planes": (_REAL, (4,)),
    f"{FLOORS}sigma": (_REAL, (2,)),
    f"{FLOORS}said": (_TEXT, ()),
    "world_from_camera": (_REAL, (4, 4)),
}
"""Likewise, of arrays that are not in every file."""

_TEXTS = ("body", "gender", "method")  # one for all rows


def read_estimate_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of a file that ``BodyEstimate.save`` wrote, of the kinds and shapes that an estimate has.

    Files that were written before there were scores or statuses get the arrays that they lack.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no estimate, of another version, or an array of it is missing, of another kind or shape,
            or says what cannot be; one line.
    """
    if not path.is_file():
        what = "this is a folder; many_estimates.load_estimates reads one" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {what}")
    try:
        stored = ArrayFile(path)
        version = _version(stored)
        if version != FORMAT_VERSION:
            raise ValueError(f"{path}: expected an estimate of format {FORMAT_VERSION}, got {version}")
        return _checked(stored)
    except ArrayFileError as error:
        raise ValueError(f"{path}: not a readable .npz file of an estimate ({error})") from error
    except _Wrong as error:
        raise ValueError(f"{path}: {error}; write the estimate again") from error


class _Wrong(ValueError):
    """What is wrong with an array; the file is named by who catches it."""


def _version(stored: ArrayFile) -> int | None:
    if "format_version" not in stored or (header := stored.header("format_version")).shape or header.dtype.kind != "i":
        return None
    return int(stored["format_version"])


def _checked(stored: ArrayFile) -> dict[str, np.ndarray]:
    names = _array(stored, "names", _TEXT, dimensions=1)
    twice = next((name for name, times in Counter(names.tolist()).items() if times > 1), None)
    if twice is not None:
        raise _Wrong(f"names: {short_name(twice)} stands for several rows")
    count = len(names)
    betas = _array(stored, "betas", _REAL, dimensions=2)
    if len(betas) != count or not betas.shape[1]:
        raise _Wrong(f"betas: expected ({count}, 1 or more), got {betas.shape}")
    arrays = {"names": names, "betas": betas} | {name: _array(stored, name, _TEXT, ()) for name in _TEXTS}
    arrays |= _diagnostics_of_old_files(stored, count)
    for name, (kind, shape) in _ROWS.items():
        if name not in arrays:
            arrays[name] = _array(stored, name, kind, (count, *shape))
    for name, (kind, shape) in _OPTIONAL.items():
        if name in stored:
            arrays[name] = _array(stored, name, kind, (count, *shape))
    for name in _OPTIONAL:
        if name.startswith(FLOORS) and f"{FLOORS}planes" in stored and name not in stored:
            raise _Wrong(f"the array {name!r} is missing")
    for name in stored:
        if name.startswith(ENERGY):
            arrays[name] = _array(stored, name, _REAL, (count,))
    _check_values(arrays)
    if "canonical_joints" in stored and _array(stored, "canonical_joints", _TEXT, dimensions=1).tolist() != [
        *CANONICAL_JOINTS
    ]:
        raise _Wrong("canonical_joints: other joints than this version's, or in another order")
    return arrays


def _array(
    stored: ArrayFile, name: str, kind: str, shape: tuple[int, ...] | None = None, *, dimensions: int = 0
) -> np.ndarray:
    """An array, of whose kind and shape, or number of dimensions, its header is asked before it is read."""
    if name not in stored:
        raise _Wrong(f"the array {name!r} is missing")
    header = stored.header(name)
    if header.dtype.kind not in kind:
        raise _Wrong(f"{name}: expected {_KINDS[kind]}, got {header.dtype}")
    if shape is not None and header.shape != shape:
        raise _Wrong(f"{name}: expected shape {shape}, got {header.shape}")
    if dimensions and len(header.shape) != dimensions:
        raise _Wrong(f"{name}: expected {dimensions} dimension{'s' * (dimensions > 1)}, got shape {header.shape}")
    return stored[name]


def _diagnostics_of_old_files(stored: ArrayFile, count: int) -> dict[str, np.ndarray]:
    arrays = {}
    for name in ("time_s", "pitch_deg"):
        if name not in stored:
            arrays[name] = np.full(count, np.nan, dtype=stored.header("transl").dtype)
    if "diagnostics.score" not in stored:
        arrays["diagnostics.score"] = np.full(count, np.nan, dtype=stored.header("transl").dtype)
    if "diagnostics.status" not in stored:
        converged = _array(stored, "diagnostics.converged", _FLAG, (count,))
        arrays["diagnostics.status"] = np.where(converged, Status.CONVERGED, Status.OUT_OF_STEPS).astype(np.int64)
    return arrays


def _check_values(arrays: Mapping[str, np.ndarray]) -> None:
    """What is not a matter of kind and shape. Bodies that are not finite stay: a method may have failed on a row."""
    real = {str(arrays[name].dtype) for name in ("global_orient", "body_pose", "betas", "transl")}
    if len(real) > 1:
        raise _Wrong(f"expected parameters of one floating-point type, got {', '.join(sorted(real))}")
    if (arrays["image_size"] < 0).any():
        raise _Wrong("image_size: expected widths and heights in pixels, got a negative one")
    if not np.isin(arrays["diagnostics.status"], [*Status]).all():
        raise _Wrong(f"diagnostics.status: expected one of {', '.join(str(int(one)) for one in Status)}")
    score = arrays["diagnostics.score"]
    if ((score < 0) | (score > 1)).any():
        raise _Wrong("diagnostics.score: expected numbers from 0 to 1, or NaN")
