"""Body files: the open body that ships with the package, and anything else in SMPL's format (.npz, .pkl)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..array_files import ArrayFile
from ..assets import ASSETS
from ..options import AGES, GENDERS
from .joint_sets import SMPL_JOINTS, SMPL_PARENTS
from .landmarks import SMPL_NUM_VERTICES, smpl_landmarks
from .model import BodyModel
from .parts import SEGMENT_PART
from .unpickling import is_pickle, load_pickle_safely

OPEN_CHILD = "open_child"

WHERE_TO_GET_SMPL = (
    "licensed SMPL files come from https://smpl.is.tue.mpg.de (free registration): put SMPL_NEUTRAL.pkl, SMPL_MALE.pkl "
    "or SMPL_FEMALE.pkl anywhere and give its path, or use the open body, load_body('open')"
)

_NUM_JOINTS = len(SMPL_JOINTS)
_NUM_FEATURES = 9 * (_NUM_JOINTS - 1)
_REQUIRED = ("v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f")
_OTHER_MODELS = {  # by number of joints: what a file most likely is
    55: "SMPL-X",
    52: "SMPL+H",
    16: "MANO",
    5: "FLAME",
    33: "SMAL",
    35: "SMAL",
}


class FewerBetas(ValueError):
    """More betas are asked for than the body's file has: ``there`` so many."""

    def __init__(self, message: str, there: int) -> None:
        super().__init__(message)
        self.there = there


def load_body(
    name_or_path: str | Path = "open",
    *,
    gender: str = "neutral",
    age: str = "adult",
    num_betas: int | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> BodyModel:
    """Load a body model.

    Args:
        name_or_path: "open" for the body that ships with the package, "open_child" for its children of 2 to 12 years,
            or the path of a SMPL-format file: ``.npz`` as ``scripts/build_open_body.py`` writes it, or SMPL v1.0/v1.1
            as ``.pkl`` or ``.npz``. Pickles are read
            without chumpy and nothing in them is run (see ``unpickling``).
        gender: "neutral", "male" or "female": which open body. For a file, the file decides; "male" or "female" is
            checked against what it says of itself.
        age: "adult", or "child": which open body; there is one for girls and boys, the same as "open_child".
        num_betas: components of shape to keep, at most as many as the file has.
        device: where the tensors go.
        dtype: their floating-point type.
    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a gender or an age that there is not, or a file that is no SMPL-format body; one line says what is
            wrong.
    """
    name_or_path = chosen_body(name_or_path, gender, age)
    open_bodies = {"open": f"open_{gender}.npz", OPEN_CHILD: f"{OPEN_CHILD}.npz"}
    shipped = open_bodies.get(str(name_or_path))
    path = ASSETS / "bodies" / shipped if shipped else Path(name_or_path).expanduser()
    content = read_body_file(path)
    body = body_from_arrays(content, path=path, gender=gender, num_betas=num_betas, device=device, dtype=dtype)
    return replace(body, source=str(name_or_path))


def chosen_body(name_or_path: str | Path, gender: str = "neutral", age: str = "adult") -> str | Path:
    """The body of an age: "open_child" for the open body's children, any other name or path as it is.

    Raises:
        ValueError: a gender or an age that there is not, a child of one gender, or of a file.
    """
    if gender not in GENDERS:
        raise ValueError(f"gender: expected one of {', '.join(GENDERS)}, got {gender!r}")
    if age not in AGES:
        raise ValueError(f"age: expected one of {', '.join(AGES)}, got {age!r}")
    if age == "child" and str(name_or_path) not in ("open", OPEN_CHILD):
        raise ValueError(
            f"{name_or_path}: age 'child' means the open body for children, and a file is the body that it holds; give "
            "one of the two (SMIL and SMPL's kid template are not supported)"
        )
    chosen = OPEN_CHILD if age == "child" else name_or_path
    if str(chosen) == OPEN_CHILD and gender != "neutral":
        raise ValueError(f"gender: there is one open body for children, of girls and boys; leave {gender!r} out")
    return chosen


def read_body_file(path: Path) -> Mapping[str, Any]:
    """The entries of a body file, by key; told apart by content, whatever the file is called.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is a folder, empty, truncated, or neither an ``.npz`` nor a pickle.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such body file; {WHERE_TO_GET_SMPL}")
    if path.is_dir():
        files = sorted(entry.name for entry in path.iterdir() if entry.suffix in (".npz", ".pkl"))
        inside = f"give one of its files ({', '.join(files[:6])})" if files else "and it holds no .npz or .pkl file"
        raise ValueError(f"{path}: is a folder, not a body file; {inside}; {WHERE_TO_GET_SMPL}")
    with path.open("rb") as stream:
        head = stream.read(512)
    if not head:
        raise ValueError(f"{path}: the file is empty; {WHERE_TO_GET_SMPL}")
    if head.startswith(b"version https://git-lfs"):
        raise ValueError(f"{path}: is a git-lfs pointer, not the file itself; fetch it with 'git lfs pull'")
    if head.lstrip()[:1] == b"<":
        raise ValueError(
            f"{path}: is a web page, not a body file (a download that ended at a login page?); {WHERE_TO_GET_SMPL}"
        )
    if head.startswith(b"PK"):
        content = _read_npz(path)
    elif is_pickle(path):
        content = load_pickle_safely(path)
    else:
        raise ValueError(f"{path}: neither an .npz archive nor a pickle; {WHERE_TO_GET_SMPL}")
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a dictionary of arrays, got {type(content).__name__}; {WHERE_TO_GET_SMPL}")
    return content


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        archive = ArrayFile(path)
        pickled = {key for key in archive if archive.header(key).dtype.hasobject}  # a place; it is not opened
        return {key: np.empty((), dtype=object) if key in pickled else archive[key] for key in archive}
    except (ValueError, OSError, MemoryError) as error:
        raise ValueError(f"{path}: a truncated or damaged .npz archive ({error}); fetch it again") from error


class _Entries:
    """Typed access to a body file's entries; every complaint names the file and the key."""

    def __init__(self, content: Mapping[str, Any], path: Path) -> None:
        self.content = content
        self.path = path

    def fail(self, problem: str) -> ValueError:
        return ValueError(f"{self.path}: {problem}; {WHERE_TO_GET_SMPL}")

    def raw(self, key: str) -> np.ndarray:
        """An array of any shape, of numbers or texts."""
        try:
            array = np.asarray(self.content[key])
        except ValueError:  # lists of different lengths
            array = np.empty((), dtype=object)
        if array.dtype.hasobject:
            raise self.fail(f"{key}: holds Python objects; save it as a plain array (a sparse matrix by .toarray())")
        return array

    def numbers(self, key: str, *shape: int | None) -> np.ndarray:
        """A finite float64 array; None in ``shape`` fits any size."""
        array = self._array(key, shape)
        if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
            raise self.fail(f"{key}: expected numbers, got dtype {array.dtype}")
        values = np.asarray(array, dtype=np.float64)
        if not np.isfinite(values).all():
            raise self.fail(f"{key}: holds NaN or infinite values")
        return values

    def indices(self, key: str, limit: int, *shape: int | None) -> np.ndarray:
        """An int64 array of values in 0..limit-1."""
        array = self._array(key, shape)
        if array.dtype.kind not in "iu" and not (array.dtype.kind == "f" and np.array_equal(array, np.round(array))):
            raise self.fail(f"{key}: expected whole numbers, got dtype {array.dtype}")
        values = np.asarray(array, dtype=np.int64)
        if values.size and (values.min() < 0 or values.max() >= limit):
            raise self.fail(f"{key}: expected values in 0..{limit - 1}, got {values.min()}..{values.max()}")
        return values

    def text(self, key: str) -> str | None:
        """A string, or None where the file has no such entry."""
        if key not in self.content:
            return None
        value = np.asarray(self.content[key])
        return str(value) if value.shape == () and value.dtype.kind == "U" else None

    def _array(self, key: str, shape: tuple[int | None, ...]) -> np.ndarray:
        array = self.raw(key)
        fits = len(shape) == array.ndim and all(n is None or n == m for n, m in zip(shape, array.shape, strict=True))
        if not fits:
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise self.fail(f"{key}: expected shape ({wanted}), got {array.shape}")
        return array


def body_from_arrays(
    content: Mapping[str, Any],
    *,
    path: Path = Path("(arrays)"),
    gender: str = "neutral",
    num_betas: int | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> BodyModel:
    """A body model from the entries of a body file (keys as in docs/body.md).

    Args:
        content: the entries; ``path`` is what messages call them.
        gender, num_betas, device, dtype: as in ``load_body``.
    Raises:
        ValueError: an entry is missing or does not fit.
    """
    entries = _Entries(content, path)
    _refuse_other_models(entries)
    v_template = entries.numbers("v_template", None, 3)
    count = len(v_template)
    shapedirs = entries.numbers("shapedirs", count, 3, None)
    num_betas = _betas_to_take(entries, shapedirs.shape[2], num_betas)
    weights = _skinning_weights(entries, count)
    regressor = entries.numbers("J_regressor", _NUM_JOINTS, count)
    faces = entries.indices("f", count, None, 3)
    names, landmark_vertices, landmark_weights = _landmarks(entries, v_template, weights, regressor)
    segments, parts = _face_labels(entries, faces, weights)
    mirror = next((entries.indices(key, count, count) for key in ("mirror", "vert_sym_idxs") if key in content), None)
    meta = _meta(entries)

    def real(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values).to(device=device, dtype=dtype).contiguous()

    def whole(values: np.ndarray) -> Tensor:
        return torch.as_tensor(values).to(device=device).contiguous()

    posedirs = _posedirs(entries, count)
    return BodyModel(
        v_template=real(v_template),
        shapedirs=real(shapedirs[:, :, :num_betas]),
        posedirs=None if posedirs is None else real(posedirs.reshape(-1, _NUM_FEATURES).T),
        weights=real(weights),
        joint_regressor=real(regressor),
        parents=SMPL_PARENTS,
        faces=whole(faces),
        landmark_names=names,
        landmark_vertices=whole(landmark_vertices),
        landmark_weights=real(landmark_weights),
        mirror=None if mirror is None else whole(mirror),
        face_parts=whole(parts),
        face_segments=whole(segments),
        gender=_gender(entries, gender),
        name=str(meta.get("name", path.stem)),
        meta=meta,
    )


def _betas_to_take(entries: _Entries, there: int, asked: int | None) -> int:
    """How many betas of a file the body gets: those that are asked for, by default ten or all.

    Raises:
        FewerBetas: the file does not have them.
    """
    count = min(10, there) if asked is None else asked
    if count < 1 or there < count:
        error = entries.fail(f"shapedirs: {count} betas were asked for, the file has {there}")
        raise FewerBetas(str(error), there)
    return count


def _skinning_weights(entries: _Entries, count: int) -> np.ndarray:
    """(V, 24) shares that sum to 1."""
    weights = entries.numbers("weights", count, _NUM_JOINTS)
    sums = weights.sum(1, keepdims=True)
    if weights.min() < -1e-3 or np.abs(sums - 1.0).max() > 0.05:
        raise entries.fail(
            f"weights: expected rows of shares that sum to 1, got sums {sums.min():.3f}..{sums.max():.3f}"
        )
    return weights / sums


def _face_labels(entries: _Entries, faces: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F,) segment and part of each face: as the file has them, else by the joint that moves the face most."""
    segments = weights[faces].sum(1).argmax(1)
    if "face_segments" in entries.content:
        segments = entries.indices("face_segments", _NUM_JOINTS, len(faces))
    parts = np.asarray(SEGMENT_PART)[segments]
    if "face_parts" in entries.content:
        parts = entries.indices("face_parts", 7, len(faces))
    return segments, parts


def _refuse_other_models(entries: _Entries) -> None:
    """Files of SMPL's relatives are named as such before any shape is complained about."""
    content = entries.content
    joints = entries.raw("weights").shape[-1:] if "weights" in content else ()
    for number, model in _OTHER_MODELS.items():
        if joints == (number,):
            raise entries.fail(
                f"weights: this looks like a {model} file ({number} joints); SMPL's 24 joints are needed"
            )
    if "posedirs" in content and entries.raw("posedirs").shape[-1:] == (93,):
        raise entries.fail("posedirs: this looks like a STAR file (93 corrective features); SMPL's 207 are needed")
    missing = [key for key in _REQUIRED if key not in content]
    if missing:
        found = ", ".join(sorted(str(key) for key in content)[:12]) or "nothing"
        raise entries.fail(f"missing {', '.join(missing)} (it has {found})")
    table = entries.numbers("kintree_table", 2, _NUM_JOINTS)[0]
    if tuple(int(parent) for parent in table[1:]) != SMPL_PARENTS[1:]:
        raise entries.fail("kintree_table: not SMPL's kinematic tree of 24 joints")


def _posedirs(entries: _Entries, count: int) -> np.ndarray | None:
    """(V, 3, 207), or None where the file's correctives are all zero."""
    content = entries.content
    if "posedirs" in content:
        posedirs = entries.numbers("posedirs", count, 3, _NUM_FEATURES)
    elif "posedirs_q" in content and "posedirs_scale" in content:
        scale = entries.numbers("posedirs_scale", _NUM_FEATURES)
        posedirs = entries.numbers("posedirs_q", count, 3, _NUM_FEATURES) * scale
    else:
        raise entries.fail("missing posedirs (or posedirs_q with posedirs_scale)")
    return posedirs if posedirs.any() else None


def _landmarks(
    entries: _Entries, v_template: np.ndarray, weights: np.ndarray, regressor: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    content, count = entries.content, len(v_template)
    if "landmark_names" in content:
        names = tuple(str(name) for name in entries.raw("landmark_names").ravel())
        for key in ("landmark_vertices", "landmark_weights"):
            if key not in content:
                raise entries.fail(f"missing {key} beside landmark_names")
        vertices = entries.indices("landmark_vertices", count, len(names), None)
        shares = entries.numbers("landmark_weights", *vertices.shape)
        sums = shares.sum(1, keepdims=True)
        if sums.size and np.abs(sums - 1.0).max() > 0.01:
            raise entries.fail("landmark_weights: expected rows that sum to 1")
        return names, vertices, shares / sums
    if count == SMPL_NUM_VERTICES:
        return smpl_landmarks(v_template, weights, regressor @ v_template)
    return (), np.zeros((0, 1), dtype=np.int64), np.zeros((0, 1))


def _meta(entries: _Entries) -> dict[str, Any]:
    text = entries.text("meta")
    if text is None:
        return {}
    try:
        meta = json.loads(text)
    except ValueError as error:
        raise entries.fail(f"meta: not JSON ({error})") from error
    return meta if isinstance(meta, dict) else {"meta": meta}


def _gender(entries: _Entries, wanted: str) -> str:
    """What the file says, else what its name says, else what was asked for."""
    said = entries.text("gender")
    if said not in GENDERS:
        stem = entries.path.stem.lower()
        marks = {"female": ("female", "_f_"), "male": ("male", "_m_"), "neutral": ("neutral",)}
        said = next((name for name, parts in marks.items() if any(part in stem for part in parts)), None)
    if said is None:
        return wanted
    if wanted not in ("neutral", said):
        raise ValueError(f"{entries.path}: gender {wanted!r} was asked for, the file is {said!r}")
    return said
